"""What is asked of the state to know a night, one small page at a time. Pure.

A service answers them between two commits; a command that is none, from a file that it only reads.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from datetime import date, datetime, tzinfo
from typing import Any, TypeAlias, TypeVar

from detector.alerts.withdrawn import withdrawn
from detector.channels import Entry, EntryKind
from detector.evenings import DAY, bounds, evening_of
from detector.events import Event
from detector.store import past
from detector.store.known_night import KnownNight
from detector.store.past import Page
from detector.store.said_labels import labels_of

T = TypeVar("T")

MOST_PAGES = 20  # of one night: 4,000 entries and as many events

Questions: TypeAlias = Generator[Page[Any], list[Any], T]
"""Yields pages, is sent the rows of each, and returns what came of them."""


def answered(questions: Questions[T], page: Callable[[Page[Any]], list[Any]]) -> T:
    """Return what comes of questions, each page answered in turn."""
    try:
        asked = next(questions)
        while True:
            asked = questions.send(page(asked))
    except StopIteration as done:
        result: T = done.value
        return result


def known_night(
    evening: date, zone: tzinfo | None, now: datetime, recordings: Sequence[str] = ()
) -> Questions[KnownNight]:
    """Ask for all that is kept of a night.

    Parameters
    ----------
    recordings : names of its recordings that are there
    """
    since, until = bounds(evening, zone)
    events: list[Event]
    entries: list[Entry]
    events, all_events = yield from everything(lambda last: past.events_in(since, until, last))
    entries, all_entries = yield from everything(lambda last: past.entries_in(since, until, last))
    labels: list[Entry] = yield past.labels_in(since, now + DAY)
    status: list[Entry] = yield past.latest_before(since, EntryKind.STATUS)
    latest: list[Entry] = yield past.latest_before(since)
    after: list[Entry] = yield past.next_status(until)
    first: list[Entry] = yield past.first_entry()
    return KnownNight(
        evening=evening,
        now=now,
        zone=zone,
        events=tuple(events),
        entries=tuple(entries),
        before=(*status, *latest),
        after=after[0] if after else None,
        labels=labels_of(events, [*entries, *labels]),
        withdrawn=withdrawn(entry.body for entry in labels),
        recordings=tuple(recordings),
        kept_since=first[0].at if first else None,
        whole=all_events and all_entries,
    )


def latest_evening(before: datetime, zone: tzinfo | None) -> Questions[date | None]:
    """Ask for the evening of the latest night before a moment that anything is known of."""
    events: list[Event] = yield past.latest_event_before(before)
    entries: list[Entry] = yield past.latest_before(before)
    moments = [event.onset for event in events if event.onset] + [each.at for each in entries]
    return max((evening_of(moment, zone) for moment in moments), default=None)


def everything(page: Callable[[T | None], Page[T]]) -> Questions[tuple[list[T], bool]]:
    """Ask for every row of a question, page by page; return also whether that is all there is."""
    found: list[T] = []
    for _ in range(MOST_PAGES):
        more: list[T] = yield page(found[-1] if found else None)
        found += more
        if len(more) < past.MOST:
            return found, True
    return found, False
