"""What a review needs of the state, as questions that whoever has it answers one by one.

A service answers each between two commits; a command that is no service looks at the file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from detector.alert import Alert
from detector.alerts.commands import CommandError, LabelEvent, from_dict
from detector.channels import Entry
from detector.evenings import DAY, bounds, evening_of
from detector.events import Event
from detector.plain_json import parsed
from detector.review.episodes import NightReview, is_asked, review_of
from detector.store import past
from detector.store.log import KEPT
from detector.store.past import MOST
from detector.store.questions import Questions, everything
from detector.store.said_labels import SaidLabel, labels_of

MOST_NIGHTS = 60  # looked back on for one with anything to review


@dataclass(frozen=True)
class KnownReview:
    """A night's review, and what was logged that an undo goes by.

    entries : labels, and what takes them back
    """

    night: NightReview
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class ReviewedNights:
    """The nights of the last 30 days, from the first to the last.

    events : of each night, those that may be reviewed, by its evening
    labels : what people said of them, by id
    """

    events: dict[date, tuple[Event, ...]]
    labels: dict[str, SaidLabel]


def night_review(
    evening: date, zone: tzinfo | None, now: datetime, wearer: str | None
) -> Questions[KnownReview]:
    """Gather what there is to say of one night."""
    since, until = bounds(evening, zone)
    events = yield from _events(since, until)
    entries, alerts = yield from _labels(since, now)
    labels = labels_of(events, entries, alerts)
    return KnownReview(review_of(evening, events, labels, wearer), tuple(entries))


def latest_review(zone: tzinfo | None, now: datetime, wearer: str | None) -> Questions[date | None]:
    """Find the latest night on which there was anything to review; None where there was none."""
    moment = now + DAY
    for _ in range(MOST_NIGHTS):
        found = yield past.latest_event_before(moment)
        if not found or found[0].onset is None:
            return None
        evening = evening_of(found[0].onset, zone)
        since, until = bounds(evening, zone)
        events = yield from _events(since, until)
        if any(is_asked(event, wearer) for event in events):
            return evening
        moment = since
    return None


def reviewed_nights(
    zone: tzinfo | None, now: datetime, wearer: str | None
) -> Questions[ReviewedNights]:
    """Gather the nights that labels may be of: a label is no older than the log."""
    evening = evening_of(now - KEPT, zone)
    entries, alerts = yield from _labels(bounds(evening, zone)[0], now)
    nights: dict[date, list[Event]] = {}
    while evening <= evening_of(now, zone):  # night by night: each is bounded
        events = yield from _events(*bounds(evening, zone))
        found = [event for event in events if is_asked(event, wearer)]
        nights |= {evening: found} if found else {}
        evening += DAY
    ours = [event for night in nights.values() for event in night]
    return ReviewedNights(
        {evening: tuple(found) for evening, found in nights.items()},
        labels_of(ours, entries, alerts),
    )


def event_evening(name: str, zone: tzinfo | None, wearer: str | None) -> Questions[date | None]:
    """Find the night of an event by its id; None where there is none to review."""
    found = yield past.event_called(name)
    if not found or found[0].onset is None or not is_asked(found[0], wearer):
        return None
    return evening_of(found[0].onset, zone)


def all_labels(now: datetime) -> Questions[list[Entry]]:
    """Gather every label that the log still has, and what takes them back."""
    entries, _ = yield from _labels(now - KEPT - DAY, now)
    return entries


def _events(since: datetime, until: datetime) -> Questions[list[Event]]:
    found, _ = yield from everything(lambda after: past.events_in(since, until, after))
    return found


def _labels(since: datetime, now: datetime) -> Questions[tuple[list[Entry], list[Alert]]]:
    """Gather all labels since a moment, and the alerts that some of them are of."""
    until = now + timedelta(days=1)  # a clock may have been set
    entries, _ = yield from everything(lambda before: past.labels_in(since, until, before))
    names = _alerts_named(entries)
    alerts: list[Alert] = []
    for first in range(0, len(names), MOST):
        alerts += yield past.alerts_called(names[first : first + MOST])
    return entries, alerts


def _alerts_named(entries: Iterable[Entry]) -> list[str]:
    names: set[str] = set()
    for entry in entries:
        try:
            said = from_dict(parsed(entry.body))
        except (CommandError, ValueError):  # of another version
            continue
        if isinstance(said, LabelEvent) and said.alert is not None:
            names.add(said.alert)
    return sorted(names)
