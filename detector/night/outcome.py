"""`Outcome`: events and alerts of one step of a night."""

from __future__ import annotations

from dataclasses import dataclass

from detector.alert import Alert
from detector.events import Event


@dataclass(frozen=True, slots=True)
class Outcome:
    """Output of a night: commit it, then publish it."""

    events: tuple[Event, ...] = ()
    alerts: tuple[Alert, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.events or self.alerts)

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(self.events + other.events, self.alerts + other.alerts)
