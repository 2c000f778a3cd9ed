"""A page with a bedroom behind it that tests furnish: everything but the night itself is real.

`python -m tests.web.stand FOLDER` serves one and prints its address, for tests that freeze it.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

from pydantic import SecretStr

from detector.alert import Alert, AlertClass, AlertState, Level
from detector.alerts.commands import (
    Acknowledge,
    CallForHelp,
    Command,
    CommandError,
    PauseAlerts,
    ResumeAlerts,
)
from detector.channels import Entry
from detector.config import ContactSettings, Settings, WebSettings
from detector.events import Event, Kind, Origin, Phase
from detector.people.people import Role
from detector.people.people_file import PeopleFile
from detector.push.drills import confirm_answer
from detector.push.links import answer_key
from detector.report.gather import NightPlace
from detector.service.presentation.history import NightHistory
from detector.service.presentation.page_notices import page_notices
from detector.service.presentation.report_maker import ReportMaker
from detector.service.presentation.reviewing import NightReviews
from detector.status import Snapshot, StateWord, Status, Vitals
from detector.store.diary import Diary
from detector.store.log import Draft, of_alert, of_command, of_status
from detector.store.state import State
from detector.web.access.pairing import new_code
from detector.web.app import CaregiversPage
from detector.web.health.facts import ServiceFacts
from detector.web.household.household_page import Others
from detector.web.phone_answers import PhoneAnswers
from detector.web.serving.server import Where, served
from detector.web.tonight.payload import PageView
from detector.web.tonight.view import Scene, view_of

T = TypeVar("T")


@dataclass
class Bedroom:
    """What a night would show, and what was said to it."""

    label: str = "bedroom"
    sensors: tuple[str, ...] = ("left-calf",)
    status: Status = field(default_factory=lambda: Status(StateWord.WATCHING))
    vitals: Vitals = field(default_factory=lambda: Vitals(data_age_s=0.4, battery_percent=86))
    counts: dict[Kind, int] = field(default_factory=dict)
    monitored_s: float = 15_000.0
    movement_g: tuple[float, ...] = (0.01, 0.02, 0.4, 0.1, 0.0)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    diary: Diary = field(default_factory=Diary)
    alerts: dict[str, Alert] = field(default_factory=dict)
    obeyed: list[Command] = field(default_factory=list)
    others: Others | None = None  # wearers who are followed
    told: tuple[str, ...] = ("anna",)  # by the page's own notifications
    push_hosts: tuple[str, ...] = ()
    state: State = field(default_factory=lambda: State.in_memory(wearer="k3vq7m2xta"))
    recordings: Path = Path("no-recordings")
    recording: bool = True
    place: NightPlace | None = None  # of nights on disk, for reports
    asked: threading.Lock = field(default_factory=threading.Lock)

    def show_on(self, page: CaregiversPage) -> None:
        page.stream.show(self.view())

    async def ask(self, question: Callable[[State], T]) -> T:
        """What the state's thread does for a real night."""
        with self.asked:
            return question(self.state)

    def past(self) -> NightHistory:
        return NightHistory(
            self,
            self.recordings,
            zone=UTC,
            now=self.now,
            recording=self.recording,
            reports=None if self.place is None else ReportMaker(self.place),
        )

    def view(self, others: str = "") -> PageView:
        open_alerts = tuple(a for a in self.alerts.values() if a.state is not AlertState.RESOLVED)
        snapshot = Snapshot(
            status=self.status,
            open_alerts=open_alerts,
            counts=self.counts,
            monitored_s=self.monitored_s,
        )
        scene = Scene(
            at=self.now(),
            made_ms=round(time.monotonic() * 1000),
            snapshot=snapshot,
            vitals=self.vitals,
            label=self.label,
            sensors=self.sensors,
            zone=UTC,
            others=others,
        )
        return view_of(scene, self.diary)

    def enter(self, draft: Draft, at: datetime | None = None) -> Entry:
        return self._commit(at or self.now(), entries=[draft])

    def _commit(self, at: datetime, **what: Any) -> Entry:
        with self.asked:
            (entry,) = self.state.commit(at=at, **what)
        self.diary.take([entry])
        return entry

    def show(self, status: Status, ago: timedelta = timedelta(0)) -> None:
        at = self.now() - ago
        self.status = status
        self.enter(of_status(status, wearer="k3vq7m2xta", source=Origin.LIVE, at=at), at)

    def move(self, kind: Kind, ago: timedelta, duration_s: float = 4.0, **more: Any) -> Event:
        onset = self.now() - ago
        event = Event(
            id=more.pop("id", secrets.token_hex(10)),
            kind=kind,
            phase=Phase.END,
            onset_s=0.0,
            duration_s=duration_s,
            onset=onset,
            end=onset + timedelta(seconds=duration_s),
            confidence=0.9,
            sensor=more.pop("sensor", self.sensors[0]),
            **more,
        )
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.keep(event)
        return event

    def keep(self, event: Event) -> None:
        """Take an event that was found."""
        assert event.onset is not None
        self._commit(event.onset, events=[event])

    def alarm(self, kind: str = "clonus", **more: Any) -> Alert:
        values: dict[str, Any] = {
            "id": secrets.token_hex(10),
            "state": AlertState.RAISED,
            "alert_class": AlertClass.CLINICAL,
            "level": Level.HIGH,
            "kind": kind,
            "reason": "clonus >= 60s: steady 5.8 beats a second for 65 s",
            "rule": "clonus >= 60s",
            "raised_at": self.now(),
            "at": self.now(),
        }
        alert = Alert(**values | more)
        self.alerts[alert.id] = alert
        self.enter(of_alert(alert))
        return alert

    def obey(self, command: Command) -> None:
        self.obeyed.append(command)
        match command:
            case Acknowledge(by=by, alert=alert):
                if alert is not None and alert not in self.alerts:
                    raise CommandError("this alert is over already")
                for each in list(self.alerts.values()):
                    if alert in (None, each.id):
                        told = replace(
                            each,
                            state=AlertState.ACKNOWLEDGED,
                            by=by,
                            at=self.now(),
                            reason="on it",
                        )
                        self.alerts[each.id] = told
                        self.enter(of_alert(told))
            case PauseAlerts(by=by, minutes=minutes):
                until = self.now() + timedelta(minutes=minutes)
                self.show(Status(StateWord.PAUSED, why=f"by {by}", until=until))
            case ResumeAlerts():
                self.show(Status(StateWord.WATCHING))
            case CallForHelp():
                self.alarm("button", rule="button", reason="the wearer calls for help")
        self.enter(of_command(command, at=self.now(), whose="k3vq7m2xta", source=Origin.LIVE))


@dataclass
class Stand:
    """A page that is served."""

    address: str
    folder: Path
    room: Bedroom
    page: CaregiversPage
    loop: asyncio.AbstractEventLoop

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def people(self) -> PeopleFile:
        return PeopleFile(self.folder)

    def let_in(self, name: str = "anna", role: Role = Role.CAREGIVER) -> str:
        """Return the token of a new session."""
        return let_in(self.folder, name, role)

    def open_code(self, name: str = "anna", role: Role = Role.CAREGIVER) -> str:
        """Return a new one-time code, as `pair` makes it."""
        code, now = new_code(), datetime.now(UTC)
        self.people().change(lambda people: (people.with_code(code, name, role, now), None))
        return code

    def call(self, work: Callable[[], Any]) -> Any:
        """Do something in the page's loop, then show it."""

        async def done() -> Any:
            result = work()
            self.room.show_on(self.page)
            return result

        return asyncio.run_coroutine_threadsafe(done(), self.loop).result(10)


def let_in(folder: Path, name: str = "anna", role: Role = Role.CAREGIVER) -> str:
    token, now = secrets.token_urlsafe(32), datetime.now(UTC)
    file = PeopleFile(folder)
    file.change(lambda people: (people.with_code("K3V-Q7M-2XT", name, role, now), None))

    def admit(people: Any) -> Any:
        after = people.admit("K3V-Q7M-2XT", token, now)
        assert after is not None
        return after

    file.change(admit)
    return token


async def _serve(
    stand: Callable[[str, CaregiversPage], None], folder: Path, room: Bedroom, where: Where
) -> None:
    def obey(command: Command) -> None:
        room.obey(command)
        room.show_on(page)

    phones = PhoneAnswers(
        answer_key(folder),
        obey=obey,
        confirm=partial(confirm_answer, folder),
        now=lambda: datetime.now(UTC),
    )
    settings = Settings(
        data_dir=folder,
        contact=tuple(
            ContactSettings(name=each, url=SecretStr(f"page://{each}")) for each in room.told
        ),
        web=WebSettings(public_url="https://house.example", push_hosts=room.push_hosts),
    )
    page = CaregiversPage(
        PeopleFile(folder),
        obey=obey,
        notices=page_notices(settings),
        secure=where.secure,
        others=room.others,
        phones=phones,
        past=room.past(),
        reviews=NightReviews(room, folder, zone=UTC, now=room.now, sensors=room.sensors),
        movement_g=lambda: room.movement_g,
    )
    async with served(page, where) as address:
        stand(address, page)
        while True:
            now_s = time.monotonic()
            page.show_facts(
                ServiceFacts(taken_s=now_s, at_s=now_s, status=room.status, vitals=room.vitals)
            )
            room.show_on(page)
            await asyncio.sleep(1.0)


@contextmanager
def standing(
    folder: Path, room: Bedroom | None = None, where: Where | None = None
) -> Iterator[Stand]:
    """Serve a page in a thread until the block ends."""
    room = room or Bedroom()
    made: list[Stand] = []
    ready, failed = threading.Event(), list[BaseException]()
    loop = asyncio.new_event_loop()

    def begun(address: str, page: CaregiversPage) -> None:
        made.append(Stand(address, folder, room, page, loop))
        ready.set()

    task = loop.create_task(_serve(begun, folder, room, where or Where("127.0.0.1", 23_377)))

    def run() -> None:
        try:
            loop.run_until_complete(task)
        except asyncio.CancelledError:
            pass
        except BaseException as error:
            failed.append(error)
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()
            ready.set()

    thread = threading.Thread(target=run, name="stand")
    thread.start()
    try:
        assert ready.wait(20)
        if failed:
            raise failed[0]
        yield made[0]
    finally:
        if not loop.is_closed():
            loop.call_soon_threadsafe(task.cancel)
        thread.join(20)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: str


def ask(
    port: int,
    path: str,
    *,
    method: str = "GET",
    token: str | None = None,
    form: dict[str, Any] | None = None,
    body: bytes | None = None,
    headers: dict[str, str | None] | None = None,
    from_here: bool = True,
    within_s: float = 10.0,
) -> Answer:
    """Ask the page as a browser on it would; None as a header's value leaves it out."""
    link = HTTPConnection("127.0.0.1", port, timeout=within_s)
    sent: dict[str, str | None] = {"Host": f"127.0.0.1:{port}"}
    if token is not None:
        sent["Cookie"] = f"spasmwatch={token}"
    if form is not None:
        body = urlencode(form).encode()
        sent["Content-Type"] = "application/x-www-form-urlencoded"
    if method != "GET" and from_here:
        sent["Origin"] = f"http://127.0.0.1:{port}"
    sent |= headers or {}
    try:
        link.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        if body is not None:
            link.putheader("Content-Length", str(len(body)))
        for name, value in sent.items():
            if value is not None:
                link.putheader(name, value)
        link.endheaders(body)
        found = link.getresponse()
        told = {name.lower(): value for name, value in found.getheaders()}
        return Answer(found.status, told, found.read().decode())
    finally:
        link.close()


def main() -> None:
    """Serve a bedroom with an open alert, and print where and by which token it is seen."""
    folder = Path(sys.argv[1])
    room = Bedroom()
    room.show(Status(StateWord.WATCHING), timedelta(hours=2))
    with standing(folder, room) as stand:
        stand.call(room.alarm)
        print(stand.address, stand.let_in(), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
