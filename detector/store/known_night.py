"""What is kept of one night, and what was watched of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum

from detector.alerts.withdrawn import Saying
from detector.channels import Entry
from detector.evenings import utc_bounds
from detector.events import Event
from detector.status import StateWord
from detector.store.diary import Diary, Span
from detector.store.said_labels import SaidLabel

TAIL = timedelta(minutes=15)  # shown of a time without a signal at the end
_SHOWN = {StateWord.SPASM: StateWord.WATCHING}  # a spasm is a mark, and was watched


class SpanState(StrEnum):
    """What a span of a night is; a spasm is a mark on time that was watched."""

    WATCHING = "watching"
    NO_SIGNAL = "no_signal"
    PAUSED = "paused"
    UNKNOWN = "unknown"


WATCHED = frozenset({SpanState.WATCHING, SpanState.PAUSED})
"""While alerts are paused, samples come and are analysed."""

WatchState = tuple[SpanState, datetime, datetime]
"""What a span of a night was, when it began and when it ended."""


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
        return bool(self.events or self.recordings or watch_states(self))


def watch_states(known: KnownNight) -> list[WatchState]:
    """Return states with begin and end, from when it was first watched to a little after."""
    since, until = utc_bounds(known.evening, known.zone)
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
    while found and found[0][0] not in WATCHED:
        found.pop(0)
    if found and found[-1][0] not in WATCHED:
        state, begin, stop = found.pop()
        found.append((state, begin, min(stop, begin + TAIL)))
    return found


def watched_s(states: Sequence[WatchState]) -> float:
    """Return how long somebody was watched, s."""
    watched = [stop - begin for state, begin, stop in states if state in WATCHED]
    return sum(watched, timedelta(0)).total_seconds()


def joined(spans: Sequence[Span], begin: datetime, now: datetime) -> list[WatchState]:
    """Return states with begin and end; neighbours of one kind are one, and nothing is left out."""
    if not spans:
        return [(SpanState.UNKNOWN, begin, now)]
    edges = [span.begin for span in spans[1:]] + [now]
    found: list[WatchState] = []
    if begin < spans[0].begin:
        found.append((SpanState.UNKNOWN, begin, spans[0].begin))
    for span, until in zip(spans, edges, strict=True):
        state = SpanState.UNKNOWN
        if span.state is not None:
            state = SpanState(_SHOWN.get(span.state, span.state))
        if found and found[-1][0] == state:
            found[-1] = (state, found[-1][1], until)
        elif until > span.begin:
            found.append((state, span.begin, until))
    return found


def _end(known: KnownNight, spans: Sequence[Span], until: datetime) -> datetime:
    """Return up to when the last state of a night is known to have lasted."""
    if known.after is None or known.now < until:
        return min(known.now, until)
    if str(known.after.subject) != (spans[-1].state.value if spans[-1].state else None):
        return until
    # The same state anew: the service ended without a word, some time after its last entry.
    return max([spans[-1].begin, *(entry.at for entry in known.entries)])
