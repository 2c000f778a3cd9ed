"""A score of what happened and what was found, and how many examples of it a law gets."""

from __future__ import annotations

from hypothesis import settings

from detector.evaluation.matching import score_recording
from detector.evaluation.scoring import Score, summarise

END_S = 300.0
WHOLE = [(0.0, END_S)]
law = settings(max_examples=25)  # an example holds up to 22 stretches


def scored(happened, found, around=(), *, monitored=WHOLE, **how) -> Score:
    return summarise([score_recording(happened, found, around, monitored=monitored, **how)])
