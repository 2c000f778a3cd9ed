"""Puts simulated movements into a real recording, at a chosen ratio to its background.

What a movement adds to gravity, d = s - g, is turned from the limb's posture to the local gravity
and added; what comes after is turned by as much as the movement turned the sensor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from detector.block import AXES, Samples
from firmware_sim.motion.act import Act, Played, play, truth_of
from firmware_sim.motion.kinematics import FINE_HZ, Vector, rotated
from firmware_sim.motion.limb import Limb
from firmware_sim.motion.truth import Truth

POSTURE_S = 2.0
"""Local gravity is the mean over this time before the movement: longer than a stride."""
ROUNDS = 20 * [(1.0, 0.01)] + 20 * [(0.5, 0.04)] + 20 * [(0.2, 0.04)]
"""Power of each correction, and how close is close enough: what counts as the movement changes
with its size, so that a full correction may overshoot for ever."""


class UnfitError(ValueError):
    """A movement does not fit at a place in a recording; choose another place."""


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A movement that fits a place in a recording.

    Parameters
    ----------
    first : index of the first sample it changes
    added : (n, 3), g, in the sensor's frame as recorded
    turn : (3, 3), what it turns all that follows by
    truth : its `background_ratio` is the one reached
    """

    first: int
    added: Samples
    turn: Samples
    truth: Truth

    @property
    def stop(self) -> int:
        """Index of the first sample after it."""
        return self.first + len(self.added)


def inject(
    samples: Samples, fs: float, act: Act, limb: Limb, *, at_s: float, ratio: float
) -> tuple[Samples, Truth]:
    """Return a copy of a real recording in which the limb also does this, and its truth.

    Parameters and errors as `fit`.
    """
    fitted = fit(samples, fs, act, limb, at_s=at_s, ratio=ratio)
    return mix(samples, [fitted]), fitted.truth


def fit(
    samples: Samples,
    fs: float,
    act: Act,
    limb: Limb,
    *,
    at_s: float,
    ratio: float,
    least_peak_g: float = 0.0,
) -> Fitted:
    """Make a movement as large as a place in a recording asks for.

    Parameters
    ----------
    samples : (n, 3), g
    at_s : where the movement's own time begins
    ratio : rms of d over rms of the recording, each about its mean between onset and end
    least_peak_g : no smaller than this, however still the place is

    Raises
    ------
    UnfitError
        It does not fit into the recording, nothing is recorded there, or no size reaches `ratio`.
    """
    first = round(at_s * fs)
    before = samples[max(0, first - round(POSTURE_S * fs)) : first]
    if first < 1 or len(before) == 0 or not np.isfinite(before).all():
        raise UnfitError(f"no posture is recorded before {at_s} s; begin later")
    to_local = _shortest_turn(limb.up, before.mean(axis=0))
    for damping, close in ROUNDS:
        played = play(act, limb)
        added = _sampled(played, limb, fs) @ to_local.T
        there = samples[first : first + len(added)]
        if len(there) < len(added):
            raise UnfitError(
                f"the movement at {at_s} s lasts {played.duration_s:.1f} s, the recording ends at "
                f"{len(samples) / fs:.1f} s"
            )
        if not np.isfinite(there).all():
            raise UnfitError(f"the recording has a gap within {played.duration_s:.1f} s of {at_s}")
        span = slice(int(np.floor(played.onset_s * fs)), int(np.ceil(played.end_s * fs)) + 1)
        background, movement = spread(there[span]), spread(added[span])
        if not (background > 0 or least_peak_g > 0):
            raise UnfitError(f"the recording at {at_s} s is constant; a ratio to it has no meaning")
        factor = max(ratio * background / movement, least_peak_g / played.peak_g)
        if abs(factor - 1) < close:
            break
        act = replace(act, motion=act.motion.scaled(factor**damping))
    else:
        raise UnfitError(f"no size of this movement reaches {ratio} times the recording")
    truth = truth_of(act, played, first / fs)
    return Fitted(
        first=first,
        added=added,
        turn=to_local @ act.motion.turned(np.eye(AXES)).T @ to_local.T,
        truth=replace(truth, background_ratio=background / movement),
    )


def mix(samples: Samples, fitted: Sequence[Fitted]) -> Samples:
    """Return a copy of a recording with movements that were fitted to it, in order of time.

    Raises
    ------
    ValueError
        Two of them overlap.
    """
    if any(b.first < a.stop for a, b in pairwise(fitted)):
        raise ValueError("movements in a recording must follow one another without overlap")
    mixed = np.array(samples, dtype=np.float64)
    turned, done = np.eye(AXES), 0
    for each in fitted:
        mixed[each.first : each.stop] += each.added
        if done:
            mixed[done : each.stop] @= turned.T
        turned, done = turned @ each.turn, each.stop
    if done:
        mixed[done:] @= turned.T
    return mixed


def spread(samples: Samples) -> float:
    """Return the rms of (n, 3) about its mean, over all axes, in g."""
    centred = samples - samples.mean(axis=0)
    return float(np.sqrt((centred**2).sum(axis=1).mean()))


def _sampled(played: Played, limb: Limb, fs: float) -> Samples:
    grid = np.arange(len(played.force_g)) / FINE_HZ
    moments = np.arange(int(played.duration_s * fs)) / fs
    deviation = played.force_g - limb.up
    return np.stack([np.interp(moments, grid, axis) for axis in deviation.T], axis=1)


def _shortest_turn(start: Vector, end: Vector) -> Samples:
    """Rotation matrix (3, 3) that turns direction `start` into direction `end`."""
    axis = np.cross(start, end)
    if np.linalg.norm(axis) < 1e-9:  # the same, or opposite: any axis across will do
        axis = np.cross(start, np.eye(3)[np.abs(start).argmin()])
    angle = np.arctan2(np.linalg.norm(np.cross(start, end)), start @ end)
    unit = axis / np.linalg.norm(axis)
    turned: Samples = rotated(np.eye(3), unit, np.full(3, angle)).T
    return turned
