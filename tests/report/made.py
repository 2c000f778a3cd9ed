"""Nights in a state file, as a service leaves them, with figures that are known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from detector.alert import Alert, AlertClass, AlertState, Level
from detector.alerts.commands import AddNote, Command, NoteKind
from detector.evaluation.wearing import context_hours
from detector.events import DetectorVersion, Event, EventContext, Kind, Origin, Phase, grade_of
from detector.release import VERSION
from detector.report.gather import NightPlace, Nights
from detector.status import StateWord, Status
from detector.store.log import of_command, of_status
from detector.store.state import State

WEARER = "k3vq7m2xta"
MIN, HOUR = timedelta(minutes=1), timedelta(hours=1)
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
FOUND_BY = DetectorVersion("spasmwatch", VERSION, "learned-v1")
WATCHING = Status(StateWord.WATCHING)
LOST = Status(StateWord.NO_SIGNAL, why="the sensor is not heard")


def event(kind: Kind, onset: datetime, duration_s: float = 4.0, **more: Any) -> Event:
    """An event that is over."""
    values: dict[str, Any] = {
        "id": f"{kind.value}-{onset:%Y%m%d%H%M%S%f}",
        "kind": kind,
        "phase": Phase.END,
        "onset_s": 0.0,
        "duration_s": duration_s,
        "onset": onset.astimezone(UTC),
        "end": onset.astimezone(UTC) + timedelta(seconds=duration_s),
        "confidence": 0.9,
        "grade": grade_of(duration_s) if kind in {Kind.CLONUS, Kind.SPASM} else None,
        "context": EventContext.RESTING,
        "reason": "a sudden jerk after rest",
        "sensor": "left-calf",
        "wearer": WEARER,
        "detector": FOUND_BY,
        "source": Origin.LIVE,
    }
    return Event(**values | more)


@dataclass
class MadeNight:
    """A night that is watched from `begin` for `hours`, but for its gaps.

    gaps : begin and length of each, after `begin`
    """

    begin: datetime
    hours: float = 8.0
    events: Sequence[Event] = ()
    gaps: Sequence[tuple[timedelta, timedelta]] = ()
    said: Sequence[tuple[datetime, Command]] = ()
    alerts: Sequence[Alert] = ()

    @property
    def end(self) -> datetime:
        return self.begin.astimezone(UTC) + timedelta(hours=self.hours)


@dataclass
class House:
    """A data folder."""

    folder: Path
    zone: ZoneInfo | None = AMSTERDAM
    nights: list[MadeNight] = field(default_factory=list)

    @property
    def state(self) -> Path:
        return self.folder / "state.sqlite"

    def keep(self, *nights: MadeNight) -> None:
        """Commit nights in the order of time."""
        self.nights += nights
        with State.open(self.state, wearer=WEARER) as state:
            for night in nights:
                for at, what in sorted(_moments(night), key=lambda each: each[0]):
                    state.commit(at=at, **what)
                state.commit(at=night.end, saved={"ended": True})

    def place(self, **more: Any) -> NightPlace:
        values: dict[str, Any] = {
            "state": self.state,
            "recordings": self.folder / "nights",
            "origin": Origin.LIVE,
            "zone": self.zone,
            "label": "bedroom",
            "site": "ankle",
            "model": "learned-v1",
        }
        return NightPlace(**values | more)

    def read(self, now: datetime | None = None) -> Nights:
        latest = max((night.end for night in self.nights), default=datetime.now(UTC))
        return Nights(self.place(), context_hours, now or latest + HOUR)


def _moments(night: MadeNight) -> Iterable[tuple[datetime, dict[str, Any]]]:
    begin = night.begin.astimezone(UTC)

    def status(at: datetime, what: Status) -> tuple[datetime, dict[str, Any]]:
        return at, {"entries": [of_status(what, wearer=WEARER, source=Origin.LIVE, at=at)]}

    yield status(begin, WATCHING)
    for after, lasted in night.gaps:
        yield status(begin + after, LOST)
        yield status(begin + after + lasted, WATCHING)
    for each in night.events:
        assert each.onset is not None
        yield each.onset, {"events": [each]}
    for each in night.alerts:
        assert each.at is not None
        yield each.at, {"alerts": [each]}
    for at, command in night.said:
        draft = of_command(command, at=at.astimezone(UTC), whose=WEARER, source=Origin.LIVE)
        yield at.astimezone(UTC), {"entries": [draft]}
    yield status(night.end, Status(StateWord.NO_SIGNAL, why="spasmwatch did not run"))


def note(text: str, kind: NoteKind = NoteKind.OTHER, by: str = "sam") -> AddNote:
    return AddNote(by=by, text=text, kind=kind)


def alert(state: AlertState, raised_at: datetime, at: datetime, **more: Any) -> Alert:
    """One state of an alert."""
    values: dict[str, Any] = {
        "id": "a1",
        "state": state,
        "alert_class": AlertClass.CLINICAL,
        "level": Level.HIGH,
        "kind": "clonus",
        "reason": "clonus >= 60s",
        "rule": "clonus >= 60s",
        "raised_at": raised_at.astimezone(UTC),
        "at": at.astimezone(UTC),
    }
    return Alert(**values | more)
