"""What a night's count is made of: true ones, those found of them, and all that was found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from detector.evaluation.matching import Matching
from detector.evaluation.spans import Spanned
from detector.events import Event
from detector.recognition.counts.error_rates import Counted
from firmware_sim.motion import Truth

Span: TypeAlias = tuple[float, float]


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
    return {
        counted: _count(
            _joined(truth for truth in truths if truth.kind in counted.kinds),
            sorted((e.onset_s, e.end_s) for e in events if e.kind in counted.kinds),
        )
        for counted in Counted
    }


def _joined(truths: Iterable[Spanned]) -> list[Span]:
    spans: list[Span] = []
    for onset_s, end_s in sorted((truth.onset_s, truth.end_s) for truth in truths):
        if spans and onset_s - spans[-1][1] < Matching().merge_s:
            spans[-1] = spans[-1][0], max(spans[-1][1], end_s)
        else:
            spans.append((onset_s, end_s))
    return spans


def _count(truths: Sequence[Span], found: Sequence[Span]) -> NightCount:
    rule, free, hits = Matching(), list(found), 0
    for onset_s, end_s in truths:
        for event in free:
            if event[0] < end_s + rule.late_s and event[1] > onset_s - rule.early_s:
                free.remove(event)
                hits += 1
                break
    return NightCount(len(truths), hits, len(found))
