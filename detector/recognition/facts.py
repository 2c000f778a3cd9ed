"""The numbers of a bout that rules, models and explanations share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detector.dsp.frames import FRAME, Floats
from detector.dsp.grid import GRID_HZ
from detector.dsp.posture import angle_deg
from detector.recognition.bouts import LOOKS, Bout, Moment
from detector.recognition.frames import FrameTable

PULL_FRAMES = 9
"""2.2 s: the longest pull of a tonic spasm, and time for a limb to settle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a bout is known by at one of its moments."""

    over: bool
    duration_s: float  # from the onset to its last active frame
    peak_g: float  # of the first moments
    rise_s: float  # to most of that peak
    jerk_g_s: float  # largest derivative of the first moments
    slope_s: float  # peak over derivative: how long its steepest part would take to the peak
    rest_s: float  # stillness before it
    busy: float  # share of the last minute before it that was movement
    turned_deg: float  # largest angle from the posture left behind
    settled_deg: float | None  # angle between the postures before and after, once over
    early_share: float  # strongest of its first 0.7 s over its strongest
    striding: float  # share of frames in which a stride is the best rhythm
    trembling: float  # share of the frames behind the pull that tremble fast
    held_deg: float  # angle from the posture left behind to that of the trembling hold
    drift_deg: float  # how much that posture moves between the hold's halves


def facts_of(bout: Bout, *, stride: float, tremble_hz: float) -> Facts:
    """Measure a bout.

    Parameters
    ----------
    stride : from this on a frame strides
    tremble_hz : from this pace on it trembles
    """
    onset, frames = bout.onset, bout.frames
    active = frames["active"]
    postures = _postures(bout)
    hold = frames[PULL_FRAMES:]
    trembling = held_deg = drift_deg = 0.0
    if len(hold) >= PULL_FRAMES:
        fast = hold["active"] & (hold["pace_hz"] >= tremble_hz)
        trembling = float(fast.sum() / len(hold))
        early, late = _mean(hold[: len(hold) // 2]), _mean(hold[len(hold) // 2 :])
        held_deg = _angle_deg(bout.before_g, _mean(hold))
        drift_deg = _angle_deg(early, late)
    over = bout.moment is Moment.OVER
    before = np.broadcast_to(bout.before_g, postures.shape)
    return Facts(
        over=over,
        duration_s=(bout.end_sample - onset.sample) / GRID_HZ,
        peak_g=onset.peak_g,
        rise_s=onset.rise_s,
        jerk_g_s=onset.jerk_g_s,
        slope_s=onset.peak_g / max(onset.jerk_g_s, 1e-9),
        rest_s=bout.rest_s,
        busy=bout.busy,
        turned_deg=float(angle_deg(before, postures).max()),
        settled_deg=None if bout.after_g is None else _angle_deg(bout.before_g, bout.after_g),
        early_share=float(frames["rms_g"][: LOOKS[-1]].max() / frames["rms_g"].max()),
        striding=float((active & (frames["stride"] >= stride)).sum() / active.sum()),
        trembling=trembling,
        held_deg=held_deg,
        drift_deg=drift_deg,
    )


def strength(bout: Bout, onset: int, end: int) -> tuple[float, float]:
    """Peak and rms, in g, of the active frames between two grid samples."""
    first, stop = onset // FRAME - bout.first, -(-end // FRAME) - bout.first
    frames = bout.frames[max(first, 0) : max(stop, 1)]
    frames = frames[frames["active"]] if frames["active"].any() else bout.frames
    square = frames["rms_g"].astype(np.float64) ** 2
    return float(frames["peak_g"].max()), float(np.sqrt(square.sum() / len(square)))


def _postures(bout: Bout) -> Floats:
    """Half-second means of gravity through the bout, (n, 3): a beat averages out."""
    means = bout.frames["mean_g"].astype(np.float64)
    if bout.after_g is not None:
        means = np.concatenate((means, bout.after_g[np.newaxis], bout.after_g[np.newaxis]))
    return (means[1:] + means[:-1]) / 2 if len(means) > 1 else means


def _mean(frames: FrameTable) -> Floats:
    total: Floats = frames["mean_g"].astype(np.float64).sum(axis=0)
    return total / len(frames)


def _angle_deg(before: Floats, after: Floats) -> float:
    return float(angle_deg(before, after))
