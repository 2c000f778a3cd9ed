"""Our counts are those of `timescoring` (EPFL), given our tolerances instead of its own.

It works on a mask of 10 Hz, so all times here are multiples of half a second: exact in both.
"""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
from timescoring.annotations import Annotation
from timescoring.scoring import EventScoring

from detector.evaluation.matching import FoundEvent, Matching, Truth, score_recording
from detector.evaluation.scoring import summarise
from detector.events import Kind

RULE = Matching(shortest_clonus_s=0.0)
END_S = 2000.0
MASK_HZ = 10


@st.composite
def stretches(draw: st.DrawFn) -> list[tuple[float, float]]:
    """Stretches in order that do not touch, as an annotation holds them."""
    steps = draw(st.lists(st.tuples(st.integers(1, 20), st.integers(1, 16)), max_size=20))
    at, made = 0.0, []
    for gap, length in steps:
        start = at + gap / 2
        at = start + length / 2
        made.append((start, at))
    return made


@given(stretches(), stretches())
def test_sensitivity_precision_and_false_alarms_agree(happened, found):
    score = summarise(
        [
            score_recording(
                [Truth(onset_s=a, end_s=b, kind=Kind.CLONUS) for a, b in happened],
                [FoundEvent(onset_s=a, end_s=b, kind=Kind.CLONUS) for a, b in found],
                monitored=[(0.0, END_S)],
                matching=RULE,
            )
        ]
    )
    samples = int(END_S * MASK_HZ)
    theirs = EventScoring(
        Annotation(happened, MASK_HZ, samples),
        Annotation(found, MASK_HZ, samples),
        EventScoring.Parameters(
            toleranceStart=RULE.early_s,
            toleranceEnd=RULE.late_s,
            minOverlap=0,
            maxEventDuration=END_S,
            minDurationBetweenEvents=RULE.merge_s,
        ),
    )
    assert score.named.of == theirs.refTrue
    assert score.named.hits == theirs.tp
    assert score.false.count == theirs.fp
    assert same(score.named.value, theirs.sensitivity)
    assert same(score.precision.value, theirs.precision)
    assert same(score.false.per_24h, theirs.fpRate)


def same(ours: float | None, theirs: float) -> bool:
    return math.isnan(theirs) if ours is None else math.isclose(ours, theirs, rel_tol=1e-12)
