"""The newest entry about each event and alert: an older one that comes later is no news. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

REMEMBERED = 2000  # events and alerts: those of several nights, of hundreds each
SAVED = 200  # of those, the latest outlive a restart


class Newest:
    """Numbers of the log by the id of what they are about."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def superseded(self, fields: Mapping[str, Any], number: int | None) -> bool:
        """Take an entry's number; return whether a later one about the same thing was received."""
        subject = fields.get("id")
        if number is None or not isinstance(subject, str):
            return False
        if number < self._numbers.get(subject, 0):
            return True
        self._numbers.pop(subject, None)
        self._numbers[subject] = number
        if len(self._numbers) > REMEMBERED:
            del self._numbers[next(iter(self._numbers))]
        return False

    def save(self) -> list[tuple[str, int]]:
        """Return what must outlive a restart, as plain data."""
        return list(self._numbers.items())[-SAVED:]

    def load(self, saved: Iterable[tuple[str, int]]) -> None:
        """Go on after `save`; raise TypeError or ValueError where it is something else."""
        self._numbers = {str(subject): int(n) for subject, n in saved}


@dataclass(frozen=True, slots=True)
class LeftLog:
    """The log of which entries came before this one's: a night that began in memory returns to it.

    since, upto : the numbers after which, and up to which, every entry of it was received
    """

    epoch: str
    since: int
    upto: int
    newest: Newest

    def goes_on(self, epoch: str, last: int) -> bool:
        """Whether a log is this one; where it is shorter, it was restored from a copy."""
        return epoch == self.epoch and last >= self.upto

    def save(self) -> list[Any]:
        """Return what must outlive a restart, as plain data."""
        return [self.epoch, self.since, self.upto, self.newest.save()]

    @classmethod
    def load(cls, saved: Any) -> Self | None:
        """Return what was saved; TypeError, ValueError or LookupError where it is something else.

        Receivers saved before there was such a log have none.
        """
        if saved is None:
            return None
        left = cls(str(saved[0]), int(saved[1]), int(saved[2]), Newest())
        left.newest.load(saved[3])
        return left
