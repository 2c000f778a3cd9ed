"""The rhythm track: how regular a movement is, how fast it beats, and whether it is a gait.

Everything is a stateless function of windows (rows, samples, 3): a row may be a moment of one
night or one of many wearers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft

from detector.block import Samples
from detector.dsp.frames import FRAME, Floats
from detector.dsp.grid import GRID_HZ

WINDOW = 128
"""2.56 s: eight beats of a 3 Hz clonus, and two strides of a slow walk for the gait veto."""

BEAT_LAGS = (5, 19)
"""Lags in samples searched for the beat, 10 Hz to 2.6 Hz: clonus is 3-8 Hz (Wallace 2005
4.7-7.0, Hidler & Rymer 3.8-5.8), and a peak must have neighbours to be one."""

STRIDE_LAGS = (30, 65)
"""0.6-1.3 s: the stride of walking, and one turn of the pedals."""

MEAN_REACH = 12
"""Samples to either side of the moving mean that is taken out: half a second, which passes 3 Hz
and above (gain 0.8 to 1.2) and makes a change of posture a short bump instead of a step."""

FIRST_PEAK_SHARE = 0.85
"""The shortest lag with this share of the best correlation is the beat: twice the period of a
steady rhythm correlates just as well, half of it does not."""


@dataclass(frozen=True, slots=True, eq=False)
class Rhythm:
    """Rhythm of every window; each field (rows,)."""

    regularity: Floats  # correlation with itself one beat later, -1 to 1
    beats: Floats  # how many equal beats hold the window's energy; a ringing jerk has few
    frequency_hz: Floats  # of the beat; meaningless where regularity is low
    stride: Floats  # correlation at the best stride lag minus that at the beat
    slowness: Floats  # share of the energy below about 2 Hz, 0 to 1
    peak_g: Floats  # largest deviation in the last frame from the moving mean


def measure(windows: Samples) -> Rhythm:
    """Measure windows of (rows, 128, 3) g that end with the frame in question.

    The correlation is the trace over the three axes, so it does not depend on how the sensor
    is turned, and sees motion across gravity that the vector magnitude misses. It is normalised
    by the energy of the two overlapping parts instead of the whole: a burst that began within
    the window is judged by its own beats, not by the quiet before it.
    """
    quick = windows - _moving_mean(windows)
    energy = _sum_axes(quick * quick)
    products, correlation = _autocorrelation(quick, energy)
    regularity, lag = _beat(correlation)
    stride = correlation[:, slice(*STRIDE_LAGS)].max(axis=1) - regularity
    row, beat = np.arange(len(windows)), np.rint(lag).astype(np.int64)
    partnered = _share(products[row, beat], products[:, 0])
    return Rhythm(
        regularity=regularity,
        # n equal beats have n - 1 partners one beat later, so the share is (n - 1) / n.
        beats=1.0 / (1.0 - np.clip(partnered, 0.0, 0.99)),
        frequency_hz=GRID_HZ / lag,
        stride=stride,
        slowness=_slowness(windows),
        peak_g=np.sqrt(energy[:, -FRAME:].max(axis=1)),
    )


def _moving_mean(windows: Samples) -> Samples:
    """Mean of the half second about each sample, of what there is of it at the ends."""
    rows, count, axes = windows.shape
    cumulative = np.zeros((rows, count + 1, axes))
    # Relative to the first sample, so that a running sum of gravity costs no precision.
    np.cumsum(windows - windows[:, :1], axis=1, out=cumulative[:, 1:])
    index = np.arange(count)
    first, stop = np.maximum(index - MEAN_REACH, 0), np.minimum(index + MEAN_REACH + 1, count)
    total = cumulative[:, stop] - cumulative[:, first]
    mean: Samples = windows[:, :1] + total / (stop - first)[:, np.newaxis]
    return mean


def _sum_axes(values: Samples) -> Floats:
    """Sum over the three axes in a fixed order, so that a batch equals its rows to the bit."""
    total: Floats = values[..., 0] + values[..., 1] + values[..., 2]
    return total


def _share(part: Floats, whole: Floats) -> Floats:
    """Quotient that is 0 where there is nothing: a dead-still window has no rhythm."""
    quotient: Floats = np.divide(part, whole, out=np.zeros_like(part), where=whole > 1e-12)
    return quotient


def _autocorrelation(quick: Samples, energy: Floats) -> tuple[Floats, Floats]:
    """Products of each window with itself at lags 0 to 64, raw and normalised: (rows, 65)."""
    rows, count, _ = quick.shape
    lags = count // 2 + 1
    by_axis = np.ascontiguousarray(quick.transpose(0, 2, 1))  # (rows, 3, samples)
    spectrum = fft.rfft(by_axis, 2 * count, axis=-1)
    power = spectrum.real**2 + spectrum.imag**2
    total = power[:, 0] + power[:, 1] + power[:, 2]
    products = fft.irfft(total, 2 * count, axis=-1)[:, :lags]
    cumulative = np.zeros((rows, count + 1))
    np.cumsum(energy, axis=1, out=cumulative[:, 1:])
    lag = np.arange(lags)
    early = cumulative[:, count - lag]  # energy of what is compared with a later copy
    late = cumulative[:, [count]] - cumulative[:, lag]
    return products, _share(products, np.sqrt(early * late))


def _beat(correlation: Floats) -> tuple[Floats, Floats]:
    """Height and lag in samples (refined by a parabola) of the beat's correlation peak."""
    low, high = BEAT_LAGS
    centre = correlation[:, low : high + 1]
    before, after = correlation[:, low - 1 : high], correlation[:, low + 1 : high + 2]
    is_peak = (centre >= before) & (centre > after)
    heights = np.where(is_peak, centre, -1.0)
    good = heights >= FIRST_PEAK_SHARE * np.maximum(heights.max(axis=1, keepdims=True), 0.0)
    index = np.where(is_peak.any(axis=1), np.argmax(good & is_peak, axis=1), 0)
    row = np.arange(len(correlation))
    left, peak, right = before[row, index], centre[row, index], after[row, index]
    bend = left - 2 * peak + right
    shift = np.where(bend < 0, 0.5 * (left - right) / np.where(bend < 0, bend, -1.0), 0.0)
    found = heights[row, index] > 0
    height = np.where(found, np.minimum(peak - 0.25 * (left - right) * shift, 1.0), 0.0)
    return height, low + index + np.where(found, shift, 0.0)


def _slowness(windows: Samples) -> Floats:
    """Share of a window's variance in its quarter-second means, which is what lies below 2 Hz."""
    rows, count, axes = windows.shape
    whole = count // FRAME
    recent = windows[:, count - whole * FRAME :]
    recent = recent - recent.sum(axis=1, keepdims=True) / (whole * FRAME)
    means = recent.reshape(rows, whole, FRAME, axes).sum(axis=2) / FRAME
    slow = FRAME * _sum_axes(means * means).sum(axis=1)
    return _share(slow, _sum_axes(recent * recent).sum(axis=1))
