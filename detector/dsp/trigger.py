"""Evidence from a feature, and a trigger with two thresholds (hysteresis)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from detector.dsp.frames import Bools, Floats


def ramp(feature: ArrayLike, none: float, full: float) -> Floats:
    """Return evidence from 0 at `none` to 1 at `full`; falling where `full` lies below `none`."""
    share = (np.asarray(feature, np.float64) - none) / (full - none)
    evidence: Floats = np.minimum(np.maximum(share, 0.0), 1.0)
    return evidence


def hysteresis(feature: Floats, *, on: float, off: float) -> Bools:
    """Return, per value of (n,), whether the trigger is high: from `on` until below `off`.

    Starts low. Between the levels the last decided value counts, found by a running maximum of
    its index: no loop over the samples.
    """
    decided = (feature >= on) | (feature < off)
    latest = np.maximum.accumulate(np.where(decided, np.arange(1, len(feature) + 1), 0))
    above = np.concatenate(([False], feature >= on))
    high: Bools = above[latest]
    return high
