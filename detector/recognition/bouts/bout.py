"""A stretch of movement as it is known at one moment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from detector.dsp.frames import FRAME, FRAME_S, Floats
from detector.recognition.bouts.frame_table import FrameTable

MINUTE_FRAMES = 250  # a minute
MINUTE_S = MINUTE_FRAMES * FRAME_S


class Moment(Enum):
    """Why a bout is looked at."""

    FIRST_LOOK = "first look"
    PULL_LOOK = "pull look"
    RHYTHM = "rhythm"
    UPDATE = "update"
    OVER = "over"


EARLY = frozenset({Moment.FIRST_LOOK, Moment.PULL_LOOK})
"""Moments at which a spasm is announced."""


@dataclass(frozen=True, slots=True)
class OnsetFacts:
    """How the bout began, on the grid."""

    sample: int
    peak_g: float
    rise_s: float
    jerk_g_s: float

    @property
    def slope_s(self) -> float:
        """Peak over derivative: how long its steepest part would take to the peak."""
        return self.peak_g / max(self.jerk_g_s, 1e-9)

    @property
    def was_seen(self) -> bool:
        """Whether it began out of a pause; a part of a bout did not."""
        return self.jerk_g_s > 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Bout:
    """A stretch of movement as known at one moment. `frames` ends with its last active one."""

    moment: Moment
    first: int  # absolute index of the first frame
    frames: FrameTable
    before_g: Floats  # (3,) posture left behind
    after_g: Floats | None  # (3,) posture reached, once over
    onset: OnsetFacts
    rest_s: float  # stillness seen before it
    busy: float  # share of the minute before it that was movement
    joins: bool  # it is the continuation of a bout that was cut at `LONGEST_FRAMES`
    goes_on: bool  # over only because it was cut so
    cut_short: bool  # over only because the recording has a gap or ends
    known: int  # absolute index of the frame after the last that had to be seen to know this

    def part(self, first: int, stop: int) -> Bout | None:
        """Return frames `first` to `stop` of a bout that is over, as one without an abrupt start.

        None where nothing moves in them.
        """
        frames = self.frames[max(first, 0) : stop]
        active = np.flatnonzero(frames["active"])
        if not len(active):
            return None
        begin = self.first + max(first, 0) + int(active[0])
        onset = OnsetFacts(sample=begin * FRAME, peak_g=0.0, rise_s=np.inf, jerk_g_s=0.0)
        return replace(
            self,
            first=begin,
            frames=frames[active[0] : active[-1] + 1],
            onset=onset,
            rest_s=0.0,
            busy=max(self.busy, min(self.duration_s / MINUTE_S, 1.0)),
            joins=False,
            goes_on=False,
        )

    @property
    def score(self) -> Floats:
        """Evidence for a beat, per frame."""
        score: Floats = self.frames["score"].astype(np.float64)
        return score

    @property
    def duration_s(self) -> float:
        """From the first to the end of the last active frame."""
        return len(self.frames) * FRAME_S

    @property
    def end_sample(self) -> int:
        """Grid index of the first sample after it."""
        return (self.first + len(self.frames)) * FRAME
