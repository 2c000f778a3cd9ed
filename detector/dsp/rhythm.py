"""The rhythm track: how regular a movement is, how fast it beats, and whether it is a gait.

Everything is a stateless function of windows (rows, samples, 3): a row may be a moment of one
night or one of many wearers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy import fft

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

HALF = WINDOW // 2
DROWNED = 4.0
"""Where the first half of a window is this many times stronger than the second, the second is
judged by itself: a clonus behind a spasm's jerk is ten times weaker than that in energy."""

SUBFRAME = 4
"""Samples per value of the envelope: 80 ms, half a beat of 6 Hz."""
SUBFRAME_S = SUBFRAME / GRID_HZ

_INDEX = np.arange(WINDOW)
_WITHIN_REACH = np.minimum(_INDEX + MEAN_REACH + 1, WINDOW) - np.maximum(_INDEX - MEAN_REACH, 0)
"""How many samples the moving mean is taken of."""


@dataclass(frozen=True, slots=True, eq=False)
class WindowRhythm:
    """Rhythm of every window; each field (rows,) but `envelope_g2`."""

    regularity: Floats  # correlation with itself one beat later, -1 to 1
    beats: Floats  # how many equal beats hold the window's energy; a ringing jerk has few
    frequency_hz: Floats  # of the beat; meaningless where regularity is low
    stride: Floats  # correlation at the best stride lag minus that at the beat
    line: Floats  # share of its energy along one line, 1/3 to 1: a hinge against an ellipse
    pace_hz: Floats  # Hjorth's mobility of the last half second: its mean frequency
    peak_g: Floats  # largest deviation in the last frame from the moving mean
    envelope_g2: Floats  # (rows, 3) mean square of each third of the last frame


def measure(windows: Samples) -> WindowRhythm:
    """Measure windows of (rows, 128, 3) g that end with the frame in question.

    The correlation is the trace over the three axes, so it does not depend on how the sensor
    is turned, and sees motion across gravity that the vector magnitude misses. It is normalised
    by the energy of the two overlapping parts instead of the whole: a burst that began within
    the window is judged by its own beats, not by the quiet before it.
    """
    by_axis = np.ascontiguousarray(windows.transpose(0, 2, 1))  # each axis runs along memory
    quick = by_axis - _moving_mean(by_axis)
    energy = _sum_axes(quick * quick)
    correlation, regularity, beats, lag = _beating(quick, energy)
    stride = correlation[:, slice(*STRIDE_LAGS)].max(axis=1) - regularity
    drowned = energy[:, :HALF].sum(axis=1) > DROWNED * energy[:, HALF:].sum(axis=1)
    if drowned.any():
        late = _beating(quick[drowned, :, HALF:], energy[drowned, HALF:])
        regularity[drowned], beats[drowned], lag[drowned] = late[1:]
    last = energy[:, -FRAME:]
    return WindowRhythm(
        regularity=regularity,
        beats=beats,
        frequency_hz=GRID_HZ / lag,
        stride=stride,
        line=_line(quick),
        pace_hz=_pace_hz(quick[..., -2 * FRAME :], energy[:, -2 * FRAME :]),
        peak_g=np.sqrt(last.max(axis=1)),
        envelope_g2=last.reshape(len(last), -1, SUBFRAME).sum(axis=2) / SUBFRAME,
    )


def _beating(quick: Samples, energy: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return correlation (rows, lags), and of its beat: height, equal beats, lag in samples."""
    products, correlation = _autocorrelation(quick, energy)
    regularity, lag = _beat(correlation)
    row, beat = np.arange(len(quick)), np.rint(lag).astype(np.int64)
    # n equal beats have n - 1 partners one beat later, so the share is (n - 1) / n.
    partnered = _share(products[row, beat], products[:, 0])
    return correlation, regularity, 1.0 / (1.0 - np.minimum(np.maximum(partnered, 0.0), 0.99)), lag


def _pace_hz(quick: Samples, energy: Floats) -> Floats:
    """Return mean frequency of (rows, 3, samples): Hjorth's mobility (1970), rms slope over rms."""
    step = quick[..., 1:] - quick[..., :-1]
    slope = _sum_axes(step * step).sum(axis=1)
    pace: Floats = np.sqrt(_share(slope, energy.sum(axis=1))) * (GRID_HZ / (2 * np.pi))
    return pace


def _line(quick: Samples) -> Floats:
    """Return the share of the energy of (rows, 3, samples) that lies along its strongest direction.

    Largest eigenvalue of the 3x3 second moments over their trace, in closed form (Smith 1961,
    Comm. ACM 4:168), so that a batch equals its rows to the bit.
    """
    x, y, z = quick[:, 0], quick[:, 1], quick[:, 2]
    products = ((x, x), (y, y), (z, z), (x, y), (x, z), (y, z))
    moments = [(a * b).sum(axis=1) for a, b in products]
    energy = moments[0] + moments[1] + moments[2]
    xx, yy, zz, xy, xz, yz = (_share(moment, energy) for moment in moments)
    xx, yy, zz = xx - 1 / 3, yy - 1 / 3, zz - 1 / 3
    spread = np.sqrt((xx * xx + yy * yy + zz * zz + 2 * (xy * xy + xz * xz + yz * yz)) / 6)
    determinant = xx * (yy * zz - yz * yz) - xy * (xy * zz - yz * xz) + xz * (xy * yz - yy * xz)
    angle = np.arccos(np.clip(_share(determinant, 2 * spread**3), -1.0, 1.0)) / 3
    line: Floats = np.where(energy > 0, 1 / 3 + 2 * spread * np.cos(angle), 0.0)
    return line


def _moving_mean(windows: Samples) -> Samples:
    """Return the mean of the half second about each sample, cut off at the ends.

    (rows, 3, 128): a difference of two running sums, which stand still beyond the ends.
    """
    sums = np.zeros((*windows.shape[:2], MEAN_REACH + 1 + WINDOW + MEAN_REACH))
    within = sums[..., MEAN_REACH + 1 : -MEAN_REACH]
    # Relative to the first sample, so that a running sum of gravity costs no precision.
    np.cumsum(windows - windows[..., :1], axis=-1, out=within)
    sums[..., -MEAN_REACH:] = within[..., -1:]
    mean: Samples = sums[..., 2 * MEAN_REACH + 1 :] - sums[..., :WINDOW]
    mean /= _WITHIN_REACH
    mean += windows[..., :1]
    return mean


def _sum_axes(values: Samples) -> Floats:
    """Sum (rows, 3, samples) over the axes in a fixed order: a batch equals its rows to the bit."""
    total: Floats = values[:, 0] + values[:, 1] + values[:, 2]
    return total


def _share(part: Floats, whole: Floats) -> Floats:
    """Return the quotient, 0 where there is no energy: a held window has no rhythm."""
    quotient: Floats = np.divide(part, whole, out=np.zeros(part.shape), where=whole > 1e-12)
    return quotient


def _autocorrelation(quick: Samples, energy: Floats) -> tuple[Floats, Floats]:
    """Return products of each window with itself at lags up to half of it, raw and normalised."""
    rows, _, count = quick.shape
    lags = count // 2 + 1
    padded = count + count // 2  # as many zeros as there are lags: nothing wraps round
    spectrum = fft.rfft(quick, padded, axis=-1)
    products = fft.irfft(_sum_axes(spectrum.real**2 + spectrum.imag**2), padded, axis=-1)[:, :lags]
    cumulative = np.zeros((rows, count + 1))
    np.cumsum(energy, axis=1, out=cumulative[:, 1:])
    early = cumulative[:, count : count - lags : -1]  # energy of what meets a later copy
    late = cumulative[:, count:] - cumulative[:, :lags]
    return products, _share(products, np.sqrt(early * late))


def _beat(correlation: Floats) -> tuple[Floats, Floats]:
    """Return height and lag in samples (refined by a parabola) of the beat's correlation peak."""
    low, high = BEAT_LAGS
    centre = correlation[:, low : high + 1]
    before, after = correlation[:, low - 1 : high], correlation[:, low + 1 : high + 2]
    is_peak = (centre >= before) & (centre > after)
    heights = np.where(is_peak, centre, -1.0)
    good = heights >= FIRST_PEAK_SHARE * np.maximum(heights.max(axis=1, keepdims=True), 0.0)
    index = good.argmax(axis=1)  # 0 where nothing is: only a peak reaches 0
    row = np.arange(len(correlation))
    left, peak, right = before[row, index], centre[row, index], after[row, index]
    bend = left - 2 * peak + right
    shift = np.where(bend < 0, 0.5 * (left - right) / np.where(bend < 0, bend, -1.0), 0.0)
    found = heights[row, index] > 0
    height = np.where(found, np.minimum(peak - 0.25 * (left - right) * shift, 1.0), 0.0)
    return height, low + index + np.where(found, shift, 0.0)
