"""`Outcome`: events and alerts of one step of a night, in the order in which they were known."""

from __future__ import annotations

from dataclasses import dataclass

from detector.alert import Alert
from detector.events import Event


@dataclass(frozen=True, slots=True)
class Outcome:
    """Output of a night: commit it, then publish it.

    news : in the order in which a person is to be told, an alert behind what raised it
    """

    news: tuple[Event | Alert, ...] = ()

    @property
    def events(self) -> tuple[Event, ...]:
        """The events alone, in the same order."""
        return tuple(each for each in self.news if isinstance(each, Event))

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """The states of alerts alone, in the same order."""
        return tuple(each for each in self.news if isinstance(each, Alert))

    def __bool__(self) -> bool:
        return bool(self.news)

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(self.news + other.news)
