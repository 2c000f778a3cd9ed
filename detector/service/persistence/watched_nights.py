"""The nights that were watched: their events, and what people said that these were."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from detector.alerts.commands import SaidKind
from detector.channels import Entry, EntryKind
from detector.events import Event
from detector.service.persistence.places import RECORDING
from detector.store.said_labels import labels_of
from detector.store.state import State


@dataclass(frozen=True, slots=True)
class WatchedNights:
    """events : of each night, by onset; labels : what an event was, by its id."""

    events: tuple[tuple[Event, ...], ...]
    labels: dict[str, SaidKind]


def watched_nights(state: State, recordings: Path) -> WatchedNights:
    """Return what the state still has of nights, and those that only a recording tells of.

    Labels go as far back as the log, 30 days.

    Parameters
    ----------
    recordings : folder of the recordings; a night without an event has one, too
    """
    nights: dict[str, list[Event]] = defaultdict(list)
    for path in recordings.glob("*.sqlite"):
        if match := RECORDING.fullmatch(path.name):
            nights[match[1]] = []
    events = [event for event in state.events() if event.onset is not None]
    for event in events:
        nights[evening_of(event)].append(event)
    ordered = tuple(tuple(nights[evening]) for evening in sorted(nights))
    told = [entry for entry in _entries(state) if entry.kind in {EntryKind.ALERT, EntryKind.LABEL}]
    labels = labels_of(events, told)
    return WatchedNights(ordered, {name: label.verdict for name, label in labels.items()})


def evening_of(event: Event) -> str:
    """Return the date that an event's night began on; the event has an onset or a recording."""
    if event.recording is not None:
        return event.recording.name[:10]
    assert event.onset is not None  # noqa: S101 - the caller has chosen those
    return f"{(event.onset - timedelta(hours=12)).date()}"


def _entries(state: State) -> Iterator[Entry]:
    n = 1
    while entries := state.replay_from(n):
        yield from entries
        n = entries[-1].n + 1
