"""Whether a bout strides: foot impacts that recur at a stride's period.

A walking leg is strong at every impact of its foot and weak between two of them; a held limb that
trembles has no such period. Usual walks take 0.9 to 1.3 s for a stride, stiff and slow ones up to
2.5 s (0.4 to 0.75 strides a second after a stroke, as `firmware_sim.motion` has them).
"""

from __future__ import annotations

import numpy as np

from detector.dsp.frames import Floats
from detector.dsp.rhythm import SUBFRAME_S
from detector.recognition.bouts.bout import Bout

PERIODS = (round(0.8 / SUBFRAME_S), round(2.5 / SUBFRAME_S))
"""Shortest and longest stride, in values of the envelope."""

STRIDES = 5
"""So many of the longest fit into a bout that is measured: fewer agree by chance."""

REACH = 18
"""Values to either side of the moving mean that is taken out, 3 s in all: more than a stride."""

FLOOR_G = 0.02
"""Added before the logarithm is taken: a sensor's noise and quantisation, of which ratios mean
nothing."""


def impacts(bout: Bout) -> float:
    """Return how alike a bout's strength is to itself one stride later, 0 to 1; 0 of a short one.

    The highest peak of the autocorrelation of the envelope's logarithm at a stride's period,
    normalised by the energy of the parts that overlap. The logarithm keeps a single heavy impact
    from outweighing all others.
    """
    square = bout.frames["envelope_g2"].astype(np.float64).ravel()
    if len(square) < STRIDES * PERIODS[1]:
        return 0.0
    level = np.log(np.sqrt(square) + FLOOR_G)
    level -= _moving_mean(level)
    heights = [_alike(level, lag) for lag in range(PERIODS[0] - 1, PERIODS[1] + 2)]
    peaks = (
        here
        for before, here, after in zip(heights, heights[1:], heights[2:], strict=False)
        if here >= before and here >= after
    )
    return max((0.0, *peaks))


def _alike(level: Floats, lag: int) -> float:
    early, late = level[:-lag], level[lag:]
    energy = float((early * early).sum()) * float((late * late).sum())
    return float((early * late).sum()) / energy**0.5 if energy > 0 else 0.0


def _moving_mean(level: Floats) -> Floats:
    """Return the mean of the values about each, (n,), fewer at the ends."""
    sums = np.concatenate((np.zeros(1), np.cumsum(level)))
    index = np.arange(len(level))
    first, stop = np.maximum(index - REACH, 0), np.minimum(index + REACH + 1, len(level))
    mean: Floats = (sums[stop] - sums[first]) / (stop - first)
    return mean
