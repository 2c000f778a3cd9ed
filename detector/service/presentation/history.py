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
from detector.channels import Entry, EntryKind
from detector.errors import RecordingError, RecordingNotFoundError
from detector.evenings import DAY, bounds, evening_of
from detector.events import Event
from detector.service.persistence.places import RECORDING
from detector.service.presentation.report_maker import ReportMaker
from detector.store import past
from detector.store.formats.excerpt import excerpt
from detector.store.known_night import KnownNight
from detector.store.past import Page
from detector.store.questions import Questions, everything, known_night, latest_evening
from detector.store.said_labels import labels_of
from detector.store.state import State, StateError
from detector.web.history.asked import BusyError, LostError
from detector.web.history.nights import night_line, night_view
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
    reports : makes them from the file; None where there is none
    """

    def __init__(
        self,
        archive: Asks,
        recordings: Path,
        *,
        zone: tzinfo | None,
        now: Callable[[], datetime],
        recording: bool,
        reports: ReportMaker | None = None,
    ) -> None:
        self._archive, self._recordings, self._recording = archive, recordings, recording
        self._zone, self._now = zone, now
        self._reports = reports
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
            before = bounds(evenings[-1], self._zone)[0]
            earlier = await self._answered(latest_evening(before, self._zone))
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

    async def report(self, evening: date) -> str | None:
        """Return a night's report as a page; None where nothing is known of it."""
        try:
            on_disk = await self._archive.ask(lambda state: state.on_disk)
        except StateError as error:
            raise LostError(f"earlier nights cannot be read now: {error}") from None
        if self._reports is None or not on_disk:
            raise LostError("nights are kept in memory only: a report is read from the disk")
        return await self._reports.html(evening)

    async def event(self, name: str) -> dict[str, Any] | None:
        """Return why an event was found; None where there is none with a time."""
        async with self._turn():
            found = await self._page(past.event_called(name))
            if not found or found[0].onset is None:
                return None
            return await self._event(found[0], found[0].onset)

    async def _event(self, event: Event, onset: datetime) -> dict[str, Any]:
        end = onset + timedelta(seconds=event.duration_s) + ALERTS_OF
        entries, _ = await self._answered(
            everything(lambda last: past.entries_in(onset, end, last))
        )
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
        recordings = await self._work(lambda: self._recordings_of(evening))
        return await self._answered(known_night(evening, self._zone, now, recordings))

    def _recordings_of(self, evening: date) -> tuple[str, ...]:
        names = sorted(path.name for path in self._recordings.glob(f"{evening}*.sqlite"))
        return tuple(name for name in names if RECORDING.fullmatch(name))

    async def _answered(self, questions: Questions[T]) -> T:
        """Answer one question after the other; commits come between them."""
        rows: list[Any] | None = None
        while True:
            try:
                page = next(questions) if rows is None else questions.send(rows)
            except StopIteration as done:
                result: T = done.value
                return result
            rows = await self._page(page)

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
