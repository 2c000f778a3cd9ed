"""Nights of a data folder, for commands that read them; nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import TypeVar

from detector.channels import Entry
from detector.errors import RecordingNotFoundError
from detector.evenings import bounds, evening_of
from detector.events import Event, Phase
from detector.service.persistence.places import RECORDING, DataFolder
from detector.store import log, past
from detector.store.look import StateReader, looking_at
from detector.store.past import Page
from detector.store.said_labels import SaidLabel, labels_of
from detector.store.state_file import StateError

T = TypeVar("T")

DAY = timedelta(days=1)
LATEST = datetime(9998, 1, 1, tzinfo=UTC)  # later than any night


@dataclass(frozen=True, slots=True)
class KeptNight:
    """What is kept of a night, from noon to noon.

    events : that are over, in their final form, by onset
    labels : what people said that they were, by id; what was taken back is none
    recordings : its files, by name
    damaged : rows of the state that could not be read
    """

    evening: date
    events: tuple[Event, ...]
    labels: Mapping[str, SaidLabel]
    recordings: tuple[Path, ...]
    damaged: int = 0


class KeptNights:
    """Looks up nights in a data folder."""

    def __init__(self, folder: DataFolder, zone: tzinfo | None) -> None:
        self._folder, self._zone = folder, zone

    @property
    def folder(self) -> Path:
        """The data folder."""
        return self._folder.folder

    @property
    def state(self) -> Path:
        """The file of its events."""
        return self._folder.state

    def evenings(self) -> list[date]:
        """Return the evenings of nights with events or recordings, oldest first.

        Raises
        ------
        StateError
            The state cannot be read.
        """
        found = set(self._recorded())
        with looking_at(self._folder.state) as state:
            until = LATEST
            while latest := state.page(past.onset_before(until)):
                evening = evening_of(latest[0], self._zone)
                found.add(evening)
                until = bounds(evening, self._zone)[0]
        return sorted(found)

    def night(self, evening: date) -> KeptNight:
        """Return a night.

        Raises
        ------
        RecordingNotFoundError
            Nothing is known of it.
        StateError
            The state cannot be read.
        """
        recordings = tuple(self._recorded().get(evening, ()))
        since, until = bounds(evening, self._zone)
        with looking_at(self._folder.state) as state:
            known = _every(state, lambda after: past.events_in(since, until, after))
            if not known and not recordings:
                raise self._unknown(evening)
            entries = _every(state, lambda after: past.entries_in(since, until, after))
            labels = self._labels(state, known, entries)
        over = tuple(event for event in known if event.phase is Phase.END)
        return KeptNight(evening, over, labels, recordings, state.left_out)

    def _labels(
        self, state: StateReader, events: Iterable[Event], entries: Iterable[Entry]
    ) -> Mapping[str, SaidLabel]:
        """Return what was said of events in the night and ever after, to this day."""
        listed = list(events)
        begin = min((event.onset for event in listed if event.onset), default=LATEST)
        said = state.page(past.labels_in(begin, LATEST, limit=log.CAP))
        return labels_of(listed, [*entries, *said])

    def _recorded(self) -> dict[date, list[Path]]:
        found: dict[date, list[Path]] = {}
        for path in sorted(self._folder.nights.glob("*.sqlite")):
            match = RECORDING.fullmatch(path.name)
            try:
                evening = date.fromisoformat(match[1]) if match else None
            except ValueError:
                evening = None
            if evening is not None:
                found.setdefault(evening, []).append(path)
        return found

    def _unknown(self, evening: date) -> RecordingNotFoundError:
        known = self.evenings()
        near = [str(each) for each in known if abs(each - evening) <= 7 * DAY][:3]
        hint = f" Near it: {', '.join(near)}." if near else ""
        last = f" The last night is {known[-1]}." if known and not near else ""
        return RecordingNotFoundError(
            f"Nothing is kept of the night of {evening}.{hint}{last}"
            if known
            else f"No night is kept in {self._folder.folder} yet: `spasmwatch run` makes one."
        )


def _every(state: StateReader, page: Callable[[T | None], Page[T]]) -> list[T]:
    """Return all rows of a question that is asked in pages, each behind the row before it.

    Raises
    ------
    StateError
        A page of nothing but damaged rows hides where to go on.
    """
    found: list[T] = []
    while True:
        left_out = state.left_out
        more = state.page(page(found[-1] if found else None))
        found += more
        if len(more) + state.left_out - left_out < past.MOST:
            return found
        if not more:
            raise StateError(
                "The state has more damaged rows than can be passed over. The next "
                "`spasmwatch run` sets them aside."
            )
