"""News of a running night, for screens and other observers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from detector.alerts.commands import Command
from detector.alerts.conditions import Condition
from detector.devices.profile import Note, Refused
from detector.devices.stream import LinkDown, LinkUp
from detector.night.outcome import Outcome
from detector.status import Status


@dataclass(frozen=True, slots=True)
class Trouble:
    """A part of the service does not work, or (`why` None) works again."""

    name: Condition
    why: str | None


@dataclass(frozen=True, slots=True)
class WatchedAgain:
    """A night that an earlier process began is watched again, after a time in which it was not."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class NightOver:
    """The night ends now: what is told after this is cut short by that, and by no gap."""


News = (
    Outcome
    | Status
    | LinkUp
    | LinkDown
    | Note
    | Refused
    | Trouble
    | WatchedAgain
    | NightOver
    | Command
)
"""News for an observer, in the order it happens."""
