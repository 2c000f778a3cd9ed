"""Where a movement begins, to the sample, and how abruptly."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from detector.block import AXES, Samples
from detector.dsp.frames import FRAME, Floats
from detector.dsp.grid import GRID_HZ

QUIET = 4 * FRAME
"""Samples at the head of the window that are still: their mean is the posture left behind,
their spread the noise. Just under a second, because a series with less pause is one event."""

RISE_SHARE = 0.1  # of the early peak: where the walk back from the flank ends
NOISE_TIMES = 4.0  # ... but not down in the noise, which 4 sigma passes once in 50 windows
AIC_REACH = 15  # samples (0.3 s) about the walked-back moment in which the pick may move
SPAN = 2 * AIC_REACH
INNER = slice(3, SPAN - 4)  # a variance of fewer samples is none
HEAD = np.arange(1, SPAN + 1)[INNER, np.newaxis]
COUNTS = np.stack((HEAD, SPAN - HEAD))  # samples before and behind each split
LEAST_G2 = 1e-7  # samples quantised to 1 mg repeat: a floor keeps the logarithm finite


@dataclass(frozen=True, slots=True, eq=False)
class Onset:
    """The first moments of a movement."""

    sample: int  # index of the onset in the window
    before_g: Floats  # (3,) posture left behind
    peak_g: float  # largest deviation from the posture left behind
    rise_s: float  # from the onset to 80 % of that peak
    jerk_g_s: float  # largest derivative of acceleration, g/s


def measure(window: Samples) -> Onset:
    """Measure a window (samples, 3) g that starts with `QUIET` still samples.

    The onset is walked back from the flank to where the deviation leaves the noise, then picked
    by the Akaike criterion for a change of variance (Maeda 1985), all axes together.
    """
    before_g = window[:QUIET].sum(axis=0) / QUIET
    deviation = np.sqrt(_square(window - before_g))
    noise = sqrt((deviation[:QUIET] ** 2).sum() / QUIET)
    peak = float(deviation.max())
    level = min(max(RISE_SHARE * peak, NOISE_TIMES * noise), 0.5 * peak)
    flank = int((deviation >= 0.5 * peak).argmax())
    below = np.flatnonzero(deviation[:flank] < level)
    onset = _pick(window, int(below[-1]) + 1 if len(below) else 0)
    rise = int((deviation[onset:] >= 0.8 * peak).argmax())
    jerk = sqrt(_square(window[1:] - window[:-1]).max()) * GRID_HZ
    return Onset(onset, before_g, peak_g=peak, rise_s=rise / GRID_HZ, jerk_g_s=jerk)


def _pick(window: Samples, walked: int) -> int:
    """Sample at which splitting the neighbourhood of `walked` explains its variance best."""
    first = min(max(walked - AIC_REACH, 0), len(window) - SPAN)
    near = window[first : first + SPAN] - window[first]
    sums = np.concatenate((near, near * near), axis=1).cumsum(axis=0)
    parts = np.stack((sums[INNER], sums[-1] - sums[INNER])) / COUNTS
    variance = parts[..., AXES:] - parts[..., :AXES] ** 2
    criterion = (COUNTS * np.log(np.maximum(variance, LEAST_G2))).sum(axis=0)
    total = criterion[:, 0] + criterion[:, 1] + criterion[:, 2]
    return first + INNER.start + int(total.argmin()) + 1


def _square(vectors: Samples) -> Floats:
    x, y, z = (vectors * vectors).T
    square: Floats = x + y + z
    return square
