"""Answer what the page asks of earlier nights: one question at a time, and never in the way.

The state's thread reads small pages, so that a commit waits for one of them at most; all that is
made of them, and recordings, are the work of another thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Protocol, TypeVar

from detector import plain_json
from detector.alert import AlertState
from detector.alert import from_dict as alert_of
from detector.alerts.withdrawn import withdrawn
from detector.channels import Entry, EntryKind
from detector.errors import RecordingError, RecordingNotFoundError
from detector.events import Event
from detector.service.persistence.places import RECORDING
from detector.store import past
from detector.store.evenings import DAY, bounds, evening_of
from detector.store.formats.excerpt import excerpt
from detector.store.past import Page
from detector.store.said_labels import labels_of
from detector.store.state import State, StateError
from detector.web.history.asked import BusyError, LostError
from detector.web.history.nights import KnownNight, night_line, night_view
from detector.web.history.why import (
    EventEvidence,
    ExplainedEvent,
    event_view,
    evidence_of,
    needed_span,
)
from detector.words.phrases import one_line
from detector.words.screens import happened_words

T = TypeVar("T")

NIGHTS = 7  # of one list
MOST_PAGES = 20  # of one night: 4,000 entries and as many events
MOST_ASKING = 8  # at once, those who wait included
KEPT_DAYS = 30  # of the log: labels are no older
ALERTS_OF = timedelta(hours=2)  # after an event, in which alerts tell of it
MOST_TOLD = 20


class Asks(Protocol):
    """The state's thread."""

    async def ask(self, question: Callable[[State], T]) -> T:
        """Return what a call to the state returns."""


class NightHistory:
    """Looks up nights and events.

    Parameters
    ----------
    recordings : their folder
    recording : whether nights are recorded at all
    """

    def __init__(
        self,
        archive: Asks,
        recordings: Path,
        *,
        zone: tzinfo | None,
        now: Callable[[], datetime],
        recording: bool,
    ) -> None:
        self._archive, self._recordings, self._recording = archive, recordings, recording
        self._zone, self._now = zone, now
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="history")
        self._one = asyncio.Lock()
        self._asking = 0

    def close(self) -> None:
        """Let the thread end; what it does now it may finish."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def nights(self, until: date | None) -> dict[str, Any]:
        """Return a week of nights, newest first."""
        async with self._turn():
            now = self._now()
            last = min(until or date.max, evening_of(now, self._zone))
            evenings = [last - n * DAY for n in range(NIGHTS)]
            known = [await self._known(evening, now) for evening in evenings]
            lines = await self._work(
                lambda: [night_line(night) for night in known if night.is_known]
            )
            earlier = await self._earlier(bounds(evenings[-1], self._zone)[0])
            return {
                "nights": lines,
                "first": evenings[-1].isoformat(),
                "last": last.isoformat(),
                "earlier": None if earlier is None else earlier.isoformat(),
                "later": (last + NIGHTS * DAY).isoformat() if until and until <= last else None,
            }

    async def night(self, evening: date) -> dict[str, Any] | None:
        """Return one night; None where nothing is known of it."""
        async with self._turn():
            known = await self._known(evening, self._now())
            return await self._work(lambda: night_view(known) if known.is_known else None)

    async def event(self, name: str) -> dict[str, Any] | None:
        """Return why an event was found; None where there is none with a time."""
        async with self._turn():
            found = await self._page(past.event_called(name))
            if not found or found[0].onset is None:
                return None
            return await self._event(found[0], found[0].onset)

    async def _event(self, event: Event, onset: datetime) -> dict[str, Any]:
        end = onset + timedelta(seconds=event.duration_s) + ALERTS_OF
        entries, _ = await self._entries(onset, end)
        labels = await self._page(past.labels_in(onset, self._now() + DAY))

        def view() -> dict[str, Any]:
            told = _alerts_of(event, entries)
            label = labels_of([event], [*entries, *labels]).get(event.id)
            evidence, missing = self._evidence(event)
            words = tuple((entry.at, _words(entry, self._zone)) for entry in told[:MOST_TOLD])
            known = ExplainedEvent(
                event=event, label=label, evidence=evidence, missing=missing, told=words
            )
            return event_view(known, self._zone)

        return await self._work(view)

    def _evidence(self, event: Event) -> tuple[EventEvidence | None, str]:
        """Return what the recording says, or why it says nothing."""
        if event.recording is None:
            why = "this night was not recorded" if self._recording else "recording is switched off"
            return None, f"There are no pictures and limits: {why}."
        name = event.recording.name
        stem = name.removesuffix(".sqlite")
        path = self._recordings / f"{stem}.sqlite"
        if not RECORDING.fullmatch(path.name):
            return None, "There are no pictures and limits: the recording has an unknown name."
        try:
            part = excerpt(path, *needed_span(event))
        except RecordingNotFoundError:
            return None, "There are no pictures and limits: the recording was deleted."
        except RecordingError:
            return None, (
                "There are no pictures and limits: the recording of this time cannot be read."
            )
        return evidence_of(event, part.blocks, part.timebase, part.site, self._zone), ""

    async def _known(self, evening: date, now: datetime) -> KnownNight:
        """Return all that is kept of a night."""
        since, until = bounds(evening, self._zone)
        events, all_events = await self._all(lambda after: past.events_in(since, until, after))
        entries, all_entries = await self._entries(since, until)
        labels = await self._page(past.labels_in(since, now + DAY))
        before = [
            *await self._page(past.latest_before(since, EntryKind.STATUS)),
            *await self._page(past.latest_before(since)),
        ]
        after = await self._page(past.next_status(until))
        first = await self._page(past.first_entry())
        return KnownNight(
            evening=evening,
            now=now,
            zone=self._zone,
            events=tuple(events),
            entries=tuple(entries),
            before=tuple(before),
            after=after[0] if after else None,
            labels=labels_of(events, [*entries, *labels]),
            withdrawn=withdrawn(entry.body for entry in labels),
            recordings=await self._work(lambda: self._recordings_of(evening)),
            kept_since=first[0].at if first else None,
            whole=all_events and all_entries,
        )

    def _recordings_of(self, evening: date) -> tuple[str, ...]:
        names = sorted(path.name for path in self._recordings.glob(f"{evening}*.sqlite"))
        return tuple(name for name in names if RECORDING.fullmatch(name))

    async def _earlier(self, before: datetime) -> date | None:
        """Return the evening of the latest night before a moment that anything is known of."""
        events = await self._page(past.latest_event_before(before))
        entries = await self._page(past.latest_before(before))
        moments = [event.onset for event in events if event.onset] + [e.at for e in entries]
        return max((evening_of(moment, self._zone) for moment in moments), default=None)

    async def _entries(self, since: datetime, until: datetime) -> tuple[list[Entry], bool]:
        return await self._all(lambda after: past.entries_in(since, until, after))

    async def _all(self, page: Callable[[T | None], Page[T]]) -> tuple[list[T], bool]:
        """Return every row of a question, page by page, and whether that is all there is."""
        found: list[T] = []
        for _ in range(MOST_PAGES):
            more = await self._page(page(found[-1] if found else None))
            found += more
            if len(more) < past.MOST:
                return found, True
        return found, False

    async def _page(self, page: Page[T]) -> list[T]:
        try:
            return await self._archive.ask(lambda state: state.page(page))
        except StateError as error:
            raise LostError(f"earlier nights cannot be read now: {error}") from None

    def _work(self, work: Callable[[], T]) -> Awaitable[T]:
        return asyncio.get_running_loop().run_in_executor(self._thread, work)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Wait for one's turn; BusyError where too many wait."""
        if self._asking >= MOST_ASKING:
            raise BusyError
        self._asking += 1
        try:
            async with self._one:
                yield
        finally:
            self._asking -= 1


def _alerts_of(event: Event, entries: list[Entry]) -> list[Entry]:
    """Return what was told of alerts that stand for an event."""
    episode = event.episode or event.id
    found = []
    for entry in entries:
        if entry.kind is not EntryKind.ALERT:
            continue
        try:
            alert = alert_of(plain_json.parsed(entry.body))
        except (ValueError, TypeError):  # of another version
            continue
        if alert.episode == episode and alert.state is not AlertState.REPEATED:
            found.append(entry)
    return found


def _words(entry: Entry, zone: tzinfo | None) -> str:
    body = plain_json.parsed(entry.body)
    return one_line(happened_words(entry.kind, body, zone)) if isinstance(body, dict) else ""
