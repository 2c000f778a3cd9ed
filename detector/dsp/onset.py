"""Where a movement begins, to the sample, and how abruptly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
COUNTS = np.stack((HEAD, SPAN - HEAD))[:, np.newaxis]  # samples before and behind each split
LEAST_G2 = 1e-7  # samples quantised to 1 mg repeat: a floor keeps the logarithm finite


@dataclass(frozen=True, slots=True, eq=False)
class Onset:
    """How a movement began."""

    sample: int  # index of the onset in the window
    before_g: Floats  # (3,) posture left behind
    peak_g: float  # largest deviation from the posture left behind
    rise_s: float  # from the onset to 80 % of that peak
    jerk_g_s: float  # largest derivative of acceleration, g/s


def measure(windows: Samples) -> list[Onset]:
    """Measure windows (rows, samples, 3) g that start with `QUIET` still samples.

    The onset is walked back from the flank to where the deviation leaves the noise, then picked
    by the Akaike criterion for a change of variance (Maeda 1985), all axes together.
    """
    before_g = windows[:, :QUIET].sum(axis=1) / QUIET
    deviation = np.sqrt(_square(windows - before_g[:, np.newaxis]))
    noise = np.sqrt((deviation[:, :QUIET] ** 2).sum(axis=1) / QUIET)
    peak = deviation.max(axis=1)
    level = np.minimum(np.maximum(RISE_SHARE * peak, NOISE_TIMES * noise), 0.5 * peak)
    flank = (deviation >= 0.5 * peak[:, np.newaxis]).argmax(axis=1)
    index = np.arange(windows.shape[1])
    below = (deviation < level[:, np.newaxis]) & (index < flank[:, np.newaxis])
    onset = _pick(windows, (below * (index + 1)).max(axis=1))
    high = (deviation >= 0.8 * peak[:, np.newaxis]) & (index >= onset[:, np.newaxis])
    rise = np.maximum(high.argmax(axis=1) - onset, 0)
    jerk = np.sqrt(_square(windows[:, 1:] - windows[:, :-1]).max(axis=1)) * GRID_HZ
    numbers = (onset.tolist(), before_g, peak.tolist(), (rise / GRID_HZ).tolist(), jerk.tolist())
    return [Onset(*row) for row in zip(*numbers, strict=True)]


def _pick(windows: Samples, walked: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the sample near `walked` at which a change of variance fits best."""
    rows, count, _ = windows.shape
    first = np.minimum(np.maximum(walked - AIC_REACH, 0), count - SPAN)
    near = windows[np.arange(rows)[:, np.newaxis], first[:, np.newaxis] + np.arange(SPAN)]
    near = near - near[:, :1]
    sums = np.concatenate((near, near * near), axis=2).cumsum(axis=1)
    parts = np.stack((sums[:, INNER], sums[:, -1:] - sums[:, INNER])) / COUNTS
    variance = parts[..., AXES:] - parts[..., :AXES] ** 2
    head, tail = COUNTS * np.log(np.maximum(variance, LEAST_G2))
    picked: NDArray[np.int64] = _sum_axes(head + tail).argmin(axis=1) + first + INNER.start + 1
    return picked


def _square(vectors: Samples) -> Floats:
    return _sum_axes(vectors * vectors)


def _sum_axes(values: Samples) -> Floats:
    """Sum over the axes in a fixed order: a batch equals its rows to the bit."""
    total: Floats = values[..., 0] + values[..., 1] + values[..., 2]
    return total
