"""A stretch of movement as it is known at one moment."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum

import numpy as np

from detector.block import AXES
from detector.dsp.frames import FRAME, FRAME_S, Floats
from detector.dsp.posture import angle_deg
from detector.recognition.bouts.frame_table import COLUMN, FrameTable, columns_of

_PEAK_G = COLUMN["peak_g"]
_MEAN_G = slice(COLUMN["mean_g"], COLUMN["mean_g"] + AXES)
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
    columns: Floats = field(init=False, repr=False)  # of the frames, as `columns_of` gives them
    numbers: list[list[float]] = field(init=False, repr=False)  # the same as lists
    moving: list[list[float]] = field(init=False, repr=False)  # ... of active frames alone
    _angles: tuple[list[float], list[float]] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        # Bouts are mostly short: what needs a few numbers is quicker with lists than with arrays.
        active, columns = self.frames["active"], columns_of(self.frames)
        numbers = columns.tolist()
        still = np.count_nonzero(active) < len(active)
        object.__setattr__(self, "columns", columns)
        object.__setattr__(self, "numbers", numbers)
        object.__setattr__(self, "moving", columns[:, active].tolist() if still else numbers)

    @property
    def angles_deg(self) -> tuple[list[float], list[float]]:
        """Return angles from the posture left behind, degrees: of each frame, and of postures.

        Postures are half-second means of gravity through the bout, in which a beat averages out;
        the one that was reached is among them once it is over. Measured once, when first asked for.
        """
        if self._angles is None:
            count = len(self.frames)
            means_g = self.columns[_MEAN_G]
            if self.after_g is not None:
                reached = self.after_g[:, np.newaxis]
                means_g = np.concatenate((means_g, reached, reached), axis=1)
            postures = (means_g[:, 1:] + means_g[:, :-1]) / 2
            both = np.concatenate((means_g[:, :count], postures), axis=1)
            angles = angle_deg(self.before_g, both.T).tolist()
            of_frames, of_postures = angles[:count], angles[count:]
            found = of_frames, of_postures if len(of_postures) else of_frames
            object.__setattr__(self, "_angles", found)
            return found
        return self._angles

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
        score: Floats = self.columns[COLUMN["score"]]
        return score

    @property
    def most_g(self) -> float:
        """Its largest deviation from the moving mean."""
        return max(self.numbers[_PEAK_G])

    @property
    def duration_s(self) -> float:
        """From the first to the end of the last active frame."""
        return len(self.frames) * FRAME_S

    @property
    def end_sample(self) -> int:
        """Grid index of the first sample after it."""
        return (self.first + len(self.frames)) * FRAME
