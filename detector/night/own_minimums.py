"""A wearer's own minimums in a night: what was told of an event decides what is told next."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from detector.events import Event, Kind
from detector.night.count import REVISABLE
from detector.plain import from_plain, to_plain
from detector.recognition.personal.minimums import Personal, apply


class OwnMinimums:
    """Applies minimums to the forms of events, in order; bounded, saved and restored.

    Nothing is remembered of an event while there are no minimums: without any, each form is
    returned as it came, and a night is saved as ever.

    Attributes
    ----------
    personal : those that are applied from now on
    """

    def __init__(self, personal: Personal) -> None:
        self.personal = personal
        self._told: dict[str, tuple[Kind, int]] = {}  # kind and revision told last, by id

    def applied(self, event: Event) -> Event:
        """Return the next form of an event as this wearer's minimums have it."""
        known = self._told.pop(event.id, None)
        if known is None and not self.personal.minimums:
            return event
        told = None
        if known is not None:
            told = replace(event, kind=known[0], revision=known[1])
        said = apply(event, self.personal, told)
        self._told[event.id] = said.kind, said.revision
        if len(self._told) > REVISABLE:
            del self._told[next(iter(self._told))]
        return said

    def save(self) -> dict[str, Any]:
        """Return what was told, as plain data; the minimums are not in it."""
        return {name: [to_plain(kind), revision] for name, (kind, revision) in self._told.items()}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from what `save` returned."""
        self._told = from_plain(dict[str, tuple[Kind, int]], state)

    def reset(self) -> None:
        """Forget what was told: a new night begins."""
        self._told.clear()
