"""How long a wearer was at rest, restless or up, by the events that were found. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from detector.evaluation.spans import Measure, Spans, in_order, without
from detector.events import Event, EventContext, Kind
from detector.recognition.events.context import KEEPS_REST, REST_S, UP_S

NOT_KNOWN = "not known"
"""Name of the time in which less than five minutes were seen, and nothing moved."""


class _Begun(Protocol):
    @property
    def onset_s(self) -> float: ...
    @property
    def end_s(self) -> float: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def began(self) -> EventContext | None: ...


def spent(found: Sequence[_Begun], monitored: Spans) -> dict[str, Spans]:
    """Return the monitored time in each context.

    By the final form of all events of a recording, a likely spasm or not. A wearer is up for as
    long as events say so, and from the one before, two minutes at most.
    """
    up: list[tuple[float, float]] = []
    since_s = 0.0
    for event in in_order(list(found)):
        if event.began is EventContext.UP:
            up.append((max(since_s, event.onset_s - UP_S), event.end_s))
        since_s = max(since_s, event.end_s)
    moved = [(e.onset_s, e.end_s + REST_S) for e in found if e.kind not in KEEPS_REST]
    begun = [(start_s, start_s + REST_S) for start_s, _ in monitored]
    down = without(monitored, up)
    calm = without(down, moved)
    return {
        EventContext.RESTING.value: without(calm, begun),
        EventContext.RESTLESS.value: without(down, calm),
        EventContext.UP.value: without(monitored, down),
        NOT_KNOWN: without(calm, without(calm, begun)),
    }


class _EventSpan(NamedTuple):
    onset_s: float
    end_s: float
    kind: Kind
    began: EventContext | None


def context_hours(events: Iterable[Event], monitored: Spans) -> dict[EventContext, float]:
    """Return the monitored hours in each context, by all final events of a recording.

    What is not known counts as rest, as the events that begin in it do.
    """
    told = [_EventSpan(event.onset_s, event.end_s, event.kind, event.context) for event in events]
    seconds = {name: Measure(spans).total for name, spans in spent(told, monitored).items()}
    seconds[EventContext.RESTING.value] += seconds.pop(NOT_KNOWN)
    return {context: seconds[context.value] / 3600 for context in EventContext}
