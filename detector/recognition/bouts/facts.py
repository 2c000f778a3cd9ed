"""The numbers of a bout that rules, models and explanations share."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import compress
from math import sqrt

import numpy as np

from detector.dsp.frames import FRAME, FRAME_S
from detector.dsp.grid import GRID_HZ
from detector.dsp.posture import mean_posture, one_angle_deg
from detector.dsp.ranks import total
from detector.recognition.bouts.bout import Bout, Moment
from detector.recognition.bouts.frame_table import COLUMN
from detector.recognition.bouts.strides import impacts
from detector.recognition.bouts.tracker import LOOKS

_RMS_G, _PEAK_G, _STRIDE = COLUMN["rms_g"], COLUMN["peak_g"], COLUMN["stride"]

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
    slope_s: float  # how long its steepest part would take to the peak
    rest_s: float  # stillness before it
    busy: float  # share of the last minute before it that was movement
    turned_deg: float  # largest angle from the posture left behind
    settled_deg: float | None  # angle between the postures before and after, once over
    early_share: float  # strongest of its first 0.7 s over its strongest
    striding: float  # share of frames in which a stride is the best rhythm
    strided_s: float  # ... and for how long
    impacts: float  # how alike its strength is one stride later, once over
    trembling: float  # share of the frames behind the pull that tremble fast, once over
    held_deg: float  # angle from the posture left behind to that of the trembling hold, once over
    drift_deg: float  # how much that posture moves between the hold's halves, once over


@dataclass(frozen=True, slots=True)
class FirstLook:
    """The numbers of a bout that has only begun: `Facts`, each measured when it is asked for."""

    bout: Bout

    @property
    def rest_s(self) -> float:
        """Stillness before it."""
        return self.bout.rest_s

    @property
    def busy(self) -> float:
        """Share of the minute before it that was movement."""
        return self.bout.busy

    @property
    def jerk_g_s(self) -> float:
        """Largest derivative."""
        return self.bout.onset.jerk_g_s

    @property
    def rise_s(self) -> float:
        """Time to most of its peak."""
        return self.bout.onset.rise_s

    @property
    def slope_s(self) -> float:
        """How long its steepest part would take to the peak."""
        return self.bout.onset.slope_s

    @property
    def peak_g(self) -> float:
        """Its peak."""
        return self.bout.onset.peak_g

    @property
    def early_share(self) -> float:
        """One: nothing later is known."""
        return 1.0

    @property
    def settled_deg(self) -> None:
        """Not known before it is over."""
        return None

    @property
    def turned_deg(self) -> float:
        """Largest angle from the posture left behind."""
        return turned_deg(self.bout)

    @property
    def duration_s(self) -> float:
        """From the onset to its last active frame."""
        return _duration_s(self.bout)


def facts_of(bout: Bout, *, stride: float, tremble_hz: float) -> Facts:
    """Measure a bout.

    Parameters
    ----------
    stride : from this on a frame strides
    tremble_hz : from this pace on it trembles
    """
    onset, frames = bout.onset, bout.frames
    over = bout.moment is Moment.OVER
    trembling = held_deg = drift_deg = recurring = 0.0
    if over and len(frames) >= 2 * PULL_FRAMES:
        fast = frames["active"][PULL_FRAMES:] & (frames["pace_hz"][PULL_FRAMES:] >= tremble_hz)
        trembling = float(np.count_nonzero(fast) / len(fast))
        hold_g, half = frames["mean_g"][PULL_FRAMES:], len(fast) // 2
        held_deg = one_angle_deg(bout.before_g, mean_posture(hold_g))
        drift_deg = one_angle_deg(mean_posture(hold_g[:half]), mean_posture(hold_g[half:]))
        recurring = impacts(bout)
    strides, least = bout.moving[_STRIDE], float(np.float32(stride))  # both in single precision
    striding = sum([shown >= least for shown in strides])
    rms_g = bout.numbers[_RMS_G]
    return Facts(
        over=over,
        duration_s=_duration_s(bout),
        peak_g=onset.peak_g,
        rise_s=onset.rise_s,
        jerk_g_s=onset.jerk_g_s,
        slope_s=onset.slope_s,
        rest_s=bout.rest_s,
        busy=bout.busy,
        turned_deg=turned_deg(bout),
        settled_deg=None if bout.after_g is None else one_angle_deg(bout.before_g, bout.after_g),
        # In single precision, as both were measured.
        early_share=float(np.float32(max(rms_g[: LOOKS[-1]])) / np.float32(max(rms_g))),
        striding=striding / len(strides),
        strided_s=striding * FRAME_S,
        impacts=recurring,
        trembling=trembling,
        held_deg=held_deg,
        drift_deg=drift_deg,
    )


def _duration_s(bout: Bout) -> float:
    return (bout.end_sample - bout.onset.sample) / GRID_HZ


def turned_deg(bout: Bout) -> float:
    """Return the largest angle of a posture from the one left behind."""
    _, of_postures = bout.angles_deg
    return max(of_postures)


def strength(bout: Bout, onset: int, end: int) -> tuple[float, float]:
    """Peak and rms, in g, of the active frames between two grid samples."""
    first, stop = onset // FRAME - bout.first, -(-end // FRAME) - bout.first
    within = slice(max(first, 0), max(stop, 1))
    active = bout.frames["active"][within].tolist()
    rms_g, peak_g = bout.numbers[_RMS_G], bout.numbers[_PEAK_G]
    if any(active):
        rms_g = list(compress(rms_g[within], active))
        peak_g = list(compress(peak_g[within], active))
    return max(peak_g), sqrt(total([rms * rms for rms in rms_g]) / len(rms_g))
