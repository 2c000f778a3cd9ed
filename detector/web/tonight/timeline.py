"""The picture of the last hours as numbers: where spans, marks and hours lie. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo

from detector.events import Event
from detector.store.diary import Span
from detector.store.known_night import SpanState, joined
from detector.web.tonight.payload import WIDTH, MarkWords, RowShown, TimelineShown
from detector.words.phrases import TITLES, length
from detector.words.screens import place_words

SHORTEST = timedelta(hours=1)  # a picture of two minutes would show each of them as a night
MOST_HOURS_NAMED = 6  # at 320 pixels more of them overlap


def timeline(
    spans: Sequence[Span], events: Sequence[Event], now: datetime, zone: tzinfo | None
) -> TimelineShown:
    """Return spans, marks and hours with their places from 0 to `WIDTH`, and the same in words."""
    begin = min(spans[0].begin if spans else now, now - SHORTEST)
    whole_s = (now - begin).total_seconds()

    def place(moment: datetime) -> float:
        share = (moment - begin).total_seconds() / whole_s
        return round(min(max(share, 0.0), 1.0) * WIDTH, 1)

    shown = joined(spans, begin, now)
    return {
        "begin": f"{begin.astimezone(zone):%H:%M}",
        "spans": [
            {"state": state, "x": place(since), "width": round(place(until) - place(since), 1)}
            for state, since, until in shown
        ],
        "marks": [
            {
                "id": event.id,
                "kind": event.kind,
                "x": place(event.onset),
                "words": mark_words(event, zone),
            }
            for event in events
            if event.onset is not None and event.onset >= begin
        ],
        "hours": [
            {"x": place(hour), "words": f"{hour:%H:%M}"} for hour in _hours(begin, now, zone)
        ],
        "rows": [_row(*each, zone) for each in shown if each[0] is not SpanState.WATCHING],
    }


def _hours(begin: datetime, now: datetime, zone: tzinfo | None) -> list[datetime]:
    """Return full hours to be named, in the wearer's time."""
    first = begin.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    count = int((now - begin) / timedelta(hours=1)) + 2
    each = max(1, -(-count // MOST_HOURS_NAMED))
    # In UTC: an hour that the clocks skip or repeat is as long as any other.
    hours = [(first + timedelta(hours=n)).astimezone(zone) for n in range(1, count)]
    edge = (now - begin) / 24  # a name that would be cut off at a side is left out
    return [h for h in hours if h.hour % each == 0 and begin + edge <= h <= now - edge]


def mark_words(event: Event, zone: tzinfo | None) -> MarkWords:
    """Return when an event began, what and where it was, and for how long."""
    assert event.onset is not None  # noqa: S101 - the caller has chosen those
    return {
        "time": f"{event.onset.astimezone(zone):%H:%M:%S}",
        "what": TITLES[event.kind],
        "length": length(event.duration_s),
        "where": place_words(event.sensor or ""),
    }


def _row(state: SpanState, since: datetime, until: datetime, zone: tzinfo | None) -> RowShown:
    words = {
        SpanState.NO_SIGNAL: "No signal",
        SpanState.PAUSED: "Alerts paused",
    }
    return {
        "begin": f"{since.astimezone(zone):%H:%M}",
        "end": f"{until.astimezone(zone):%H:%M}",
        "what": words.get(state, "Not watched"),
        "length": length((until - since).total_seconds()),
    }
