"""A page that follows two other wearers, for tests and pictures."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from detector.alert import Alert, AlertClass, AlertState, Level
from detector.alerts.commands import Acknowledge, Command, CommandError
from detector.events import Kind
from detector.receiver.follower import Followed
from detector.receiver.news import UNHEARD, Absence, ServiceState
from detector.status import StateWord
from detector.web.app import CaregiversPage
from detector.web.household.neighbours import Neighbour, card_of, household_view, others_words

from .stand import Bedroom

BEN, CHRIS = "k3vq7m2xta", "aaaaaaaaaa"


def followed(word: StateWord | Absence = StateWord.WATCHING, **more: object) -> Followed:
    values: dict[str, object] = {
        "state": ServiceState(word),
        "clonus": False,
        "data_age_s": 0.6,
        "battery_percent": 64.0,
        "alerts": (),
        "more_alerts": False,
        "counts": {Kind.SPASM: 2},
        "monitored_s": 9000.0,
    }
    return Followed(**values | more)  # type: ignore[arg-type]


def an_alert(now: datetime, **more: object) -> Alert:
    values: dict[str, object] = {
        "id": "a1b2c3",
        "state": AlertState.RAISED,
        "alert_class": AlertClass.CLINICAL,
        "level": Level.HIGH,
        "kind": "clonus",
        "reason": "clonus >= 60s: steady 5.8 beats a second for 65 s",
        "rule": "clonus >= 60s",
        "raised_at": now - timedelta(minutes=2),
        "at": now,
    }
    return Alert(**values | more)  # type: ignore[arg-type]


@dataclass
class Corridor(Bedroom):
    """A bedroom, and the two beside it."""

    neighbours: dict[str, Neighbour] = field(default_factory=dict)
    said: list[tuple[str, Command]] = field(default_factory=list)
    answers: Callable[[], str | None] = lambda: None  # why a command is not obeyed

    def __post_init__(self) -> None:
        self.others = self

    def show_on(self, page: CaregiversPage) -> None:
        assert page.household is not None
        others = [card_of(each, self.now(), UTC) for each in self.neighbours.values()]
        own = self.view(others_words(others))
        page.stream.show(own)
        page.household.stream.show(household_view(own, others))

    async def say(self, wearer: str, command: Command) -> None:
        await asyncio.sleep(0)
        other = self.neighbours.get(wearer)
        if other is None:
            raise CommandError("this page follows no such wearer")
        if other.by is None:
            raise CommandError(other.why_mute)
        if (why := self.answers()) is not None:
            raise CommandError(why)
        self.said.append((wearer, command))
        assert isinstance(command, Acknowledge)
        told = tuple(
            replace(each, state=AlertState.ACKNOWLEDGED, by=other.by)
            if each.id == command.alert
            else each
            for each in other.followed.alerts
        )
        self.neighbours[wearer] = replace(other, followed=replace(other.followed, alerts=told))


def corridor(now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Corridor:
    """Return three rooms: a quiet one, an alert that this page can answer, and a silent one."""
    room = Corridor(label="Anna's room", now=now, sensors=("left-calf",))
    spasm = followed(
        StateWord.SPASM, clonus=True, alerts=(an_alert(now()),), counts={Kind.CLONUS: 1}
    )
    silent = ServiceState(Absence.SILENT, UNHEARD)
    room.neighbours = {
        BEN: Neighbour(BEN, "Ben's room", spasm, by="corridor"),
        CHRIS: Neighbour(
            CHRIS, "Chris' room", followed(state=silent, data_age_s=312.0, battery_percent=None)
        ),
    }
    return room
