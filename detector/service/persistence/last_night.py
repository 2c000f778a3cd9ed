"""What the last night left, for a look while no service runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from detector import plain_json
from detector.alert import Alert
from detector.alerts.withdrawn import is_told, withdrawn
from detector.channels import Entry
from detector.events import Event
from detector.service.persistence.places import RECORDING, DataFolder
from detector.service.persistence.watched_nights import evening_of
from detector.store.glance import glance


@dataclass(frozen=True, slots=True)
class LastNight:
    """A night that is over.

    evening : the date it began on, as 2026-11-28
    events : its own, newest first; none where only a recording or the log tells of it
    open_alerts : that nobody and nothing ended, newest first
    last : what was logged last and not taken back, whenever that was
    """

    evening: str | None
    events: tuple[Event, ...]
    open_alerts: tuple[Alert, ...]
    last: Entry | None


def last_night(place: DataFolder) -> LastNight:
    """Return the last night of a data folder, which stays as it is.

    Raises
    ------
    StateError
        The state cannot be read.
    """
    seen = glance(place.state)
    names = [RECORDING.fullmatch(path.name) for path in place.nights.glob("*.sqlite")]
    evenings = [match[1] for match in names if match]
    evenings += [evening_of(event) for event in seen.events]
    evening = max(evenings, default=None)
    return LastNight(
        evening,
        tuple(event for event in seen.events if evening_of(event) == evening),
        seen.open_alerts,
        next(iter(told(seen.entries)), None),
    )


def told(entries: Sequence[Entry]) -> list[Entry]:
    """Return entries without what takes something back, and what was."""
    taken_back = withdrawn(entry.body for entry in entries)
    return [entry for entry in entries if is_told(body_of(entry), taken_back)]


def body_of(entry: Entry) -> dict[str, Any]:
    """Return an entry's body; empty where it cannot be read."""
    try:
        body = plain_json.parsed(entry.body)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
