"""Counts of a night's events: those going on, and those over, by their latest kind."""

from __future__ import annotations

from collections import Counter
from typing import Any

from detector.events import Event, EventContext, Kind, Phase, from_dict, to_dict
from detector.plain import from_plain, to_plain
from detector.words.phrases import COUNTED

REVISABLE = 256
"""Ended events whose kind may still change: a revision reaches back 280 s, or 64 events of a
sensor."""


class EventCount:
    """Events of a night by kind, each in its latest form; bounded, saved and restored."""

    def __init__(self) -> None:
        self._open: dict[str, Event] = {}  # announced and not yet over
        self._ended: dict[str, Kind] = {}  # the latest, by id
        self._older: Counter[Kind] = Counter()  # ended before those
        self._contexts: dict[str, EventContext] = {}  # of ended likely spasms, where known
        self._older_contexts: Counter[EventContext] = Counter()

    @property
    def counts(self) -> Counter[Kind]:
        """Ended events by kind."""
        return self._older + Counter(self._ended.values())

    @property
    def contexts(self) -> Counter[EventContext | None]:
        """Ended likely spasms, twitches apart, by what the wearer did when they began."""
        known = self._older_contexts + Counter(
            self._contexts[key]
            for key, kind in self._ended.items()
            if kind in COUNTED and key in self._contexts
        )
        likely = sum(self.counts[kind] for kind in COUNTED)
        contexts: Counter[EventContext | None] = Counter({None: likely - known.total()})
        contexts.update(known)
        return contexts

    @property
    def open(self) -> tuple[Event, ...]:
        """Events announced and not yet over."""
        return tuple(self._open.values())

    @property
    def spasm(self) -> Event | None:
        """The likely spasm that is going on, the latest if there are several."""
        going_on = [event for event in self._open.values() if event.kind.is_spasm_family]
        return going_on[-1] if going_on else None

    def add(self, event: Event) -> None:
        """Take the next form of an event."""
        if event.phase is Phase.END:
            self._open.pop(event.id, None)
            self._ended[event.id] = event.kind
            if event.context is not None and event.kind in COUNTED:
                self._contexts[event.id] = event.context
            if len(self._ended) > REVISABLE:
                self._settle(next(iter(self._ended)))
        elif event.kind is Kind.MOVEMENT and event.held_back is None:
            for known in (self._open, self._ended):
                known.pop(event.id, None)  # taken back: another event reports it now
            self._contexts.pop(event.id, None)
        else:
            self._open[event.id] = event

    def _settle(self, key: str) -> None:
        """Count an event whose kind cannot change any more."""
        kind, context = self._ended.pop(key), self._contexts.pop(key, None)
        self._older[kind] += 1
        if context is not None and kind in COUNTED:
            self._older_contexts[context] += 1

    def save(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return {
            "open": [to_dict(event) for event in self._open.values()],
            "ended": to_plain(self._ended),
            "older": to_plain(self._older),
            "contexts": to_plain(self._contexts),
            "older_contexts": to_plain(self._older_contexts),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self._open = {event.id: event for event in map(from_dict, state["open"])}
        self._ended = from_plain(dict[str, Kind], state["ended"])
        self._older = Counter({Kind(kind): n for kind, n in state["older"].items()})
        # Younger than the first saved nights.
        self._contexts = from_plain(dict[str, EventContext], state.get("contexts", {}))
        older = state.get("older_contexts", {})
        self._older_contexts = Counter({EventContext(name): n for name, n in older.items()})
