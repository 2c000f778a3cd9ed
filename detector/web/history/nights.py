"""A night that is over, or under way, from what log and state still know of it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, tzinfo
from itertools import pairwise
from typing import Any

from detector import plain_json
from detector.alert import AlertClass, AlertState
from detector.alert import from_dict as alert_of
from detector.alerts.withdrawn import is_told
from detector.channels import Entry, EntryKind
from detector.evenings import DAY, bounds
from detector.events import Event, Kind
from detector.status import StateWord
from detector.store.diary import Span
from detector.store.known_night import (
    WATCHED,
    KnownNight,
    SpanState,
    WatchState,
    watch_states,
    watched_s,
)
from detector.web.tonight.payload import TimelineShown
from detector.web.tonight.timeline import mark_words, timeline
from detector.words.phrases import COUNTED, counted, length, one_line, summary
from detector.words.screens import happened_words, told_by_alert

MOST_LINES = 300  # of a night: what people said, and what alerts did
MOST_ROWS = 500
RATE_FROM_S = 3600.0  # of a shorter time a rate says nothing


def night_line(known: KnownNight) -> dict[str, Any]:
    """Return a night as one item of a list."""
    stretches = watch_states(known)
    seen_s = watched_s(stretches)
    counts = Counter(event.kind for event in known.events)
    return {
        "evening": known.evening.isoformat(),
        "title": title(known.evening),
        "now": bounds(known.evening, known.zone)[1] > known.now,
        "counts": summary(known.events) if known.events or stretches else "",
        "rate": _rate(counts, seen_s),
        "watched": _watched(known, stretches, seen_s),
        "gaps": _gaps(stretches),
        "alerts": _alerts(known.entries),
        "recorded": bool(known.recordings),
    }


def night_view(known: KnownNight) -> dict[str, Any]:
    """Return what the page shows of a night."""
    stretches = watch_states(known)
    shown = [event for event in known.events if event.kind.is_spasm_family]
    lines = _lines(known)
    people = {str(EntryKind.NOTE), str(EntryKind.LABEL)}
    return {
        **night_line(known),
        "timeline": _picture(known, stretches, shown) if stretches else None,
        "events": [_row(event, known) for event in known.events[:MOST_ROWS]],
        "more": max(0, len(known.events) - MOST_ROWS),
        "answers": [_line(line, known.zone) for line in lines if str(line[0]) not in people],
        "said": [_line(line, known.zone) for line in lines if str(line[0]) in people],
        "whole": known.whole and len(lines) < MOST_LINES,
        "earlier": (known.evening - DAY).isoformat(),
        "later": (known.evening + DAY).isoformat(),
    }


def title(evening: date) -> str:
    """Return a night's name: Friday 20 November 2026."""
    return f"{evening:%A} {evening.day} {evening:%B %Y}"


def _watched(known: KnownNight, stretches: Sequence[WatchState], seen_s: float) -> str:
    zone = known.zone
    if stretches:
        last = max(stop for state, _, stop in stretches if state in WATCHED)
        begin = f"{stretches[0][1].astimezone(zone):%H:%M}"
        going_on = last >= known.now
        end = "on" if going_on else f"to {last.astimezone(zone):%H:%M}"
        return f"Watched for {length(seen_s)}, from {begin} {end}."
    since = bounds(known.evening, zone)[0]
    if known.kept_since is None or since < known.kept_since:
        return "How long it was watched is no longer known: the log goes back 30 days at most."
    return "Not watched."


def _gaps(stretches: Sequence[WatchState]) -> str:
    gaps = [
        (stop - begin).total_seconds()
        for (state, begin, stop), _ in pairwise(stretches)
        if state not in WATCHED
    ]
    if not stretches:
        return ""
    return f"{counted(len(gaps), 'gap')}, {length(sum(gaps))} in all." if gaps else "No gaps."


def _rate(counts: Mapping[Kind, int], watched_s: float) -> str:
    likely = sum(counts.get(kind, 0) for kind in COUNTED)
    if not likely or watched_s < RATE_FROM_S:
        return ""
    return f"{likely * 3600 / watched_s:.1f} likely spasms an hour."


def _alerts(entries: Sequence[Entry]) -> str:
    raised: dict[str, AlertClass] = {}
    for entry in entries:
        if entry.kind is not EntryKind.ALERT:
            continue
        try:
            alert = alert_of(plain_json.parsed(entry.body))
        except (ValueError, TypeError):  # of another version
            continue
        if alert.state is not AlertState.REPEATED:
            raised[alert.id] = alert.alert_class
    if not raised:
        return ""
    own = sum(each is AlertClass.TECHNICAL for each in raised.values())
    about = f", {own} of them about the monitoring" if own else ""
    return f"{counted(len(raised), 'alert')}{about}."


def _picture(
    known: KnownNight, stretches: Sequence[WatchState], events: Sequence[Event]
) -> TimelineShown:
    end = max([stretches[-1][2], *(event.onset for event in events if event.onset)])
    spans = [
        Span(None if state is SpanState.UNKNOWN else StateWord(state), begin)
        for state, begin, _ in stretches
    ]
    return timeline(spans, events, end, known.zone)


def _row(event: Event, known: KnownNight) -> dict[str, Any]:
    label = known.labels.get(event.id)
    return {
        "id": event.id,
        "kind": str(event.kind),
        "likely": event.kind.is_spasm_family,
        **mark_words(event, known.zone),
        "label": "" if label is None else label.words,
    }


def _lines(known: KnownNight) -> list[tuple[EntryKind, datetime, str]]:
    """Return what alerts did and people said, in order of time."""
    found: list[tuple[EntryKind, datetime, str]] = []
    before: tuple[EntryKind, Mapping[str, Any]] | None = None
    for entry in known.entries:
        if entry.kind in {EntryKind.EVENT, EntryKind.STATUS}:
            continue
        try:
            body = plain_json.parsed(entry.body)
        except ValueError:
            continue
        if not isinstance(body, dict) or not is_told(body, known.withdrawn):
            continue
        if body.get("state") == AlertState.REPEATED:
            continue
        if before is None or not told_by_alert(*before, body):
            words = one_line(happened_words(entry.kind, body, known.zone))
            found.append((entry.kind, entry.at, words))
        before = entry.kind, body
    return found[:MOST_LINES]


def _line(line: tuple[EntryKind, datetime, str], zone: tzinfo | None) -> dict[str, str]:
    kind, at, words = line
    return {"kind": str(kind), "at": f"{at.astimezone(zone):%H:%M}", "words": words}
