"""Bouts written down number by number, for laws that no signal is needed to try."""

from __future__ import annotations

from typing import Any

import numpy as np

from detector.dsp.frames import FRAME, Floats
from detector.recognition.bouts.beat import rhythm_score
from detector.recognition.bouts.bout import Bout, Moment, OnsetFacts
from detector.recognition.bouts.frame_table import FRAME_DTYPE, FrameTable
from detector.recognition.rules.thresholds import load_rules

RULES = load_rules()
FIRST = 500  # absolute frame at which made bouts begin: two minutes into a recording
DOWN: Floats = np.array([0.0, 0.0, 1.0])


def tilted(degrees: float) -> Floats:
    """Gravity as it is felt when the limb has turned by so much: (3,) g."""
    angle = np.radians(degrees)
    return np.array([np.sin(angle), 0.0, np.cos(angle)])


def frames(count: int, **values: Any) -> FrameTable:
    """Make active frames at rest posture without a rhythm, but for these fields."""
    table = np.zeros(count, FRAME_DTYPE)
    table["active"], table["mean_g"] = True, DOWN
    table["rms_g"], table["peak_g"], table["envelope_g2"] = 0.1, 0.2, 0.01
    for name, value in values.items():
        table[name] = value
    table["score"] = rhythm_score(table, RULES)
    return table


def beating(count: int, rate_hz: float = 5.0, **values: Any) -> FrameTable:
    """Make frames of a clear rhythm."""
    clear = {"regularity": 0.9, "beats": 6.0, "frequency_hz": rate_hz, "stride": -0.5, "line": 0.9}
    return frames(count, **{**clear, **values})


def bout(
    table: FrameTable,
    *,
    moment: Moment = Moment.OVER,
    onset: OnsetFacts | None = None,
    before_g: Floats = DOWN,
    after_g: Floats | None = None,
    rest_s: float = 60.0,
    busy: float = 0.0,
    **marks: bool,
) -> Bout:
    """Make a bout out of rest that leaves and reaches these postures."""
    return Bout(
        moment=moment,
        first=FIRST,
        frames=table,
        before_g=before_g,
        after_g=after_g,
        onset=onset or OnsetFacts(FIRST * FRAME, peak_g=0.2, rise_s=0.1, jerk_g_s=5.0),
        rest_s=rest_s,
        busy=busy,
        joins=marks.get("joins", False),
        goes_on=marks.get("goes_on", False),
        cut_short=marks.get("cut_short", False),
        known=FIRST + len(table),
    )
