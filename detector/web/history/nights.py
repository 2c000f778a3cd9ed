"""A night that is over, or under way, from what log and state still know of it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Any

from detector import plain_json
from detector.alert import AlertClass, AlertState
from detector.alert import from_dict as alert_of
from detector.alerts.withdrawn import Saying, is_told
from detector.channels import Entry, EntryKind
from detector.events import Event, Kind
from detector.status import StateWord
from detector.store.evenings import DAY, bounds, title
from detector.store.said_labels import SaidLabel
from detector.web.tonight.diary import Diary, Span
from detector.web.tonight.payload import SpanState, TimelineShown
from detector.web.tonight.timeline import joined, mark_words, timeline
from detector.words.phrases import COUNTED, counted, length, one_line, summary
from detector.words.screens import happened_words, told_by_alert

TAIL = timedelta(minutes=15)  # shown of a time without a signal at the end
MOST_LINES = 300  # of a night: what people said, and what alerts did
MOST_ROWS = 500
RATE_FROM_S = 3600.0  # of a shorter time a rate says nothing
_WATCHED = {SpanState.WATCHING, SpanState.PAUSED}


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownNight:
    """What is kept of a night.

    evening : the date on which it began
    now : the moment at which this is looked up
    entries : of the log, from noon to noon
    before : the state it began in, and the last entry before it
    after : the first state that followed it
    labels : of its events, by id
    withdrawn : what people took back since of what they said
    recordings : names of its recordings that are there
    kept_since : how far back the log goes; None where it is empty
    whole : whether there is no more than this
    """

    evening: date
    now: datetime
    zone: tzinfo | None
    events: tuple[Event, ...]
    entries: tuple[Entry, ...] = ()
    before: tuple[Entry, ...] = ()
    after: Entry | None = None
    labels: Mapping[str, SaidLabel] = field(default_factory=dict)
    withdrawn: frozenset[Saying] = frozenset()
    recordings: tuple[str, ...] = ()
    kept_since: datetime | None = None
    whole: bool = True

    @property
    def is_known(self) -> bool:
        """Whether anything is known of it."""
        return bool(self.events or self.recordings or _stretches(self))


def night_line(known: KnownNight) -> dict[str, Any]:
    """Return a night as one item of a list."""
    stretches = _stretches(known)
    watched_s = _watched_s(stretches)
    counts = Counter(event.kind for event in known.events)
    return {
        "evening": known.evening.isoformat(),
        "title": title(known.evening),
        "now": bounds(known.evening, known.zone)[1] > known.now,
        "counts": summary(known.events) if known.events or stretches else "",
        "rate": _rate(counts, watched_s),
        "watched": _watched(known, stretches, watched_s),
        "gaps": _gaps(stretches),
        "alerts": _alerts(known.entries),
        "recorded": bool(known.recordings),
    }


def night_view(known: KnownNight) -> dict[str, Any]:
    """Return what the page shows of a night."""
    stretches = _stretches(known)
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


Stretch = tuple[SpanState, datetime, datetime]


def _stretches(known: KnownNight) -> list[Stretch]:
    """Return states with begin and end, from when it was first watched to a little after."""
    since, until = bounds(known.evening, known.zone)
    diary = Diary(back=until - since)
    diary.take(sorted({*known.before, *known.entries}, key=lambda entry: entry.n))
    spans = diary.spans(until)
    if not spans:
        return []
    end = _end(known, spans, until)
    spans = [replace(span, begin=max(span.begin, since)) for span in spans if span.begin < end]
    if not spans:
        return []
    found = joined(spans, spans[0].begin, end)
    while found and found[0][0] not in _WATCHED:
        found.pop(0)
    if found and found[-1][0] not in _WATCHED:
        state, begin, stop = found.pop()
        found.append((state, begin, min(stop, begin + TAIL)))
    return found


def _end(known: KnownNight, spans: Sequence[Span], until: datetime) -> datetime:
    """Return up to when the last state of a night is known to have lasted."""
    if known.after is None or known.now < until:
        return min(known.now, until)
    if str(known.after.subject) != (spans[-1].state.value if spans[-1].state else None):
        return until
    # The same state anew: the service ended without a word, some time after its last entry.
    return max([spans[-1].begin, *(entry.at for entry in known.entries)])


def _watched_s(stretches: Sequence[Stretch]) -> float:
    watched = [stop - begin for state, begin, stop in stretches if state in _WATCHED]
    return sum(watched, timedelta(0)).total_seconds()


def _watched(known: KnownNight, stretches: Sequence[Stretch], watched_s: float) -> str:
    zone = known.zone
    if stretches:
        last = max(stop for state, _, stop in stretches if state in _WATCHED)
        begin = f"{stretches[0][1].astimezone(zone):%H:%M}"
        going_on = last >= known.now
        end = "on" if going_on else f"to {last.astimezone(zone):%H:%M}"
        return f"Watched for {length(watched_s)}, from {begin} {end}."
    since = bounds(known.evening, zone)[0]
    if known.kept_since is None or since < known.kept_since:
        return "How long it was watched is no longer known: the log goes back 30 days at most."
    return "Not watched."


def _gaps(stretches: Sequence[Stretch]) -> str:
    gaps = [
        (stop - begin).total_seconds()
        for (state, begin, stop), _ in pairwise(stretches)
        if state not in _WATCHED
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
    known: KnownNight, stretches: Sequence[Stretch], events: Sequence[Event]
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
