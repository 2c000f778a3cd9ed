"""Where a movement begins, to the sample, and how abruptly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detector.block import Samples
from detector.dsp.frames import FRAME, Floats
from detector.dsp.grid import GRID_HZ

QUIET = 4 * FRAME
"""Samples at the head of the window that are still: their mean is the posture left behind,
their spread the noise. Just under a second, because a series with less pause is one event."""

RISE_SHARE = 0.1  # of the early peak: where the walk back from the flank ends
NOISE_TIMES = 4.0  # ... but not down in the noise, which 4 sigma passes once in 50 windows
AIC_REACH = 15  # samples (0.3 s) about the walked-back moment in which the pick may move


@dataclass(frozen=True, slots=True, eq=False)
class Onset:
    """The first moments of a movement; each field (rows,)."""

    sample: Floats  # index of the onset in the window
    peak_g: Floats  # largest deviation from the posture left behind
    rise_s: Floats  # from the onset to 80 % of that peak
    jerk_g_s: Floats  # largest derivative of acceleration, g/s


def measure(windows: Samples) -> Onset:
    """Measure windows of (rows, samples, 3) g that start with `QUIET` still samples.

    The onset is walked back from the flank to where the deviation leaves the noise, then picked
    by the Akaike criterion for a change of variance (Maeda 1985), all axes together.
    """
    still = windows[:, :QUIET]
    rest = still.sum(axis=1, keepdims=True) / QUIET
    deviation = _norm(windows - rest)
    noise = np.sqrt((deviation[:, :QUIET] ** 2).sum(axis=1) / QUIET)
    peak = deviation.max(axis=1)
    level = np.minimum(np.maximum(RISE_SHARE * peak, NOISE_TIMES * noise), 0.5 * peak)
    flank = np.argmax(deviation >= 0.5 * peak[:, np.newaxis], axis=1)
    index = np.arange(windows.shape[1])
    below = (deviation < level[:, np.newaxis]) & (index < flank[:, np.newaxis])
    walked = np.where(below.any(axis=1), windows.shape[1] - np.argmax(below[:, ::-1], axis=1), 0)
    onset = _pick(windows, walked)
    high = (deviation >= 0.8 * peak[:, np.newaxis]) & (index >= onset[:, np.newaxis])
    rise = np.argmax(high, axis=1) - onset
    jerk = _norm(np.diff(windows, axis=1)).max(axis=1) * GRID_HZ
    return Onset(
        sample=onset.astype(np.float64),
        peak_g=peak,
        rise_s=np.maximum(rise, 0) / GRID_HZ,
        jerk_g_s=jerk,
    )


def _pick(windows: Samples, walked: Floats) -> Floats:
    """Sample at which splitting the neighbourhood of `walked` explains its variance best."""
    rows, count, _ = windows.shape
    span = 2 * AIC_REACH
    first = np.clip(walked - AIC_REACH, 0, count - span).astype(np.int64)
    near = windows[np.arange(rows)[:, np.newaxis], first[:, np.newaxis] + np.arange(span)]
    near = near - near[:, :1]
    sums = np.cumsum(near, axis=1)
    squares = np.cumsum(near * near, axis=1)
    head = np.arange(1, span + 1)[:, np.newaxis]
    # Samples quantised to 1 mg repeat: a variance floor keeps the logarithm finite.
    least = 1e-7
    before = np.log(np.maximum(squares / head - (sums / head) ** 2, least))
    tail = np.maximum(span - head, 1)
    after_sum, after_square = sums[:, -1:] - sums, squares[:, -1:] - squares
    after = np.log(np.maximum(after_square / tail - (after_sum / tail) ** 2, least))
    criterion = head * before + tail * after
    total = criterion[..., 0] + criterion[..., 1] + criterion[..., 2]
    inner = slice(3, span - 4)  # a variance of fewer samples is none
    picked: Floats = first + 3 + np.argmin(total[:, inner], axis=1) + 1
    return picked


def _norm(vectors: Samples) -> Floats:
    norm: Floats = np.sqrt(vectors[..., 0] ** 2 + vectors[..., 1] ** 2 + vectors[..., 2] ** 2)
    return norm
