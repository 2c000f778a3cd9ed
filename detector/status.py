"""The four states, and what a screen needs to show them: status, vitals, snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypedDict

from detector.alert import Alert
from detector.events import EventContext, Kind, format_utc
from detector.fields import Name, Time


class StateWord(StrEnum):
    """The four states that a screen or topic can show; there is no fifth."""

    WATCHING = "watching"
    SPASM = "spasm"
    NO_SIGNAL = "no_signal"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Status:
    """The present state; no signal has a reason, a pause an end."""

    watch: StateWord
    why: str | None = None
    until: datetime | None = None  # in the wearer's own time zone
    kind: Kind | None = None  # of the spasm that is going on

    def __post_init__(self) -> None:
        if self.watch is StateWord.NO_SIGNAL and not self.why:
            raise ValueError("no_signal must say why")
        if (self.watch is StateWord.PAUSED) != (self.until is not None):
            raise ValueError("a pause, and only a pause, must say until when")

    @property
    def words(self) -> str:
        """Words shown to a person."""
        if self.watch is StateWord.PAUSED and self.until is not None:
            return f"Paused until {self.until:%H:%M}"
        if self.watch is StateWord.SPASM and self.kind is Kind.CLONUS:
            return "Clonus"
        return WORDS[self.watch]


class StatusFields(TypedDict):
    """A status as JSON-able data."""

    state: StateWord
    words: Name
    why: str | None
    until: Time | None


def to_dict(status: Status) -> StatusFields:
    """Return the status as JSON-able data."""
    return {
        "state": status.watch,
        "words": status.words,
        "why": status.why,
        "until": None if status.until is None else format_utc(status.until.astimezone(UTC)),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """How the sensor's data arrives; None or an impossible value where it is not known."""

    data_age_s: float | None = None
    rate_hz: float | None = None
    battery_percent: float | None = None
    battery_lasts_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything a screen needs when it connects: status, open alerts, tonight's counts.

    `contexts` are likely spasms, twitches apart, by what the wearer did when they began.

    Two snapshots are equal when nothing worth announcing at once differs between them.
    """

    status: Status
    open_alerts: tuple[Alert, ...] = ()
    since: datetime | None = None
    counts: Mapping[Kind, int] = field(default_factory=dict)
    contexts: Mapping[EventContext | None, int] = field(default_factory=dict)
    monitored_s: float = field(default=0.0, compare=False)


WORDS: Mapping[StateWord, str] = {
    StateWord.WATCHING: "Watching",
    StateWord.SPASM: "Spasm",
    StateWord.NO_SIGNAL: "No signal – not watching",  # noqa: RUF001 - the contract's dash
    StateWord.PAUSED: "Paused",
}
"""The contract's words for the four states, where no more is known of one."""
