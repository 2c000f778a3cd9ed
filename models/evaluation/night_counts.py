"""What a night's count is made of: true ones, those found of them, and all that was found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from detector.evaluation.matching import Matching
from detector.evaluation.spans import Spanned
from detector.events import Event, EventContext
from detector.recognition.counts.error_rates import Counted
from detector.recognition.counts.night_counts import counted_in
from firmware_sim.motion import Truth

Span: TypeAlias = tuple[float, float]
S = TypeVar("S", bound=Spanned)


@dataclass(frozen=True, slots=True)
class NightCount:
    """Counts of one night: `hits` of `truths` were found, and `found` events in all."""

    truths: int
    hits: int
    found: int


def night_counts(truths: Sequence[Truth], events: Sequence[Event]) -> dict[Counted, NightCount]:
    """Return the counts of a night's truths and final events.

    Tolerances are those of the scoring, and truths less than `merge_s` apart are one, as the
    contract has it. Each event stands for one truth at most, so that `found - hits` is what was
    counted too often, pieces of a movement that fell apart included.
    """
    counts = {}
    for counted in Counted:
        spans = _joined(truth for truth in truths if truth.kind in counted.kinds)
        found = [event for event in events if event.kind in counted.kinds]
        counts[counted] = NightCount(len(spans), len(found) - len(_free(spans, found)), len(found))
    return counts


def false_by_context(
    truths: Sequence[Truth], events: Sequence[Event]
) -> dict[Counted, dict[EventContext, int]]:
    """Return how many of a night's events are none, by their context."""
    false = {counted: dict.fromkeys(EventContext, 0) for counted in Counted}
    for counted in Counted:
        spans = _joined(truth for truth in truths if truth.kind in counted.kinds)
        for event in _free(spans, [each for each in events if each.kind in counted.kinds]):
            false[counted][counted_in(event.context)] += 1
    return false


def _joined(truths: Iterable[Spanned]) -> list[Span]:
    spans: list[Span] = []
    for onset_s, end_s in sorted((truth.onset_s, truth.end_s) for truth in truths):
        if spans and onset_s - spans[-1][1] < Matching().merge_s:
            spans[-1] = spans[-1][0], max(spans[-1][1], end_s)
        else:
            spans.append((onset_s, end_s))
    return spans


def _free(truths: Sequence[Span], found: Sequence[S]) -> list[S]:
    """Return the events that stand for no truth; each stands for one at most."""
    rule, free = Matching(), sorted(found, key=lambda event: (event.onset_s, event.end_s))
    for onset_s, end_s in truths:
        for event in free:
            if event.onset_s < end_s + rule.late_s and event.end_s > onset_s - rule.early_s:
                free.remove(event)
                break
    return free
