"""The newest entry about each event and alert: an older one that comes later is no news. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

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
