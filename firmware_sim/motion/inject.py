"""Puts a simulated movement into a real recording, at a chosen size against what is there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from detector.block import Samples
from firmware_sim.motion.act import Act, Played, play, truth_of
from firmware_sim.motion.kinematics import FINE_HZ, Vector, rotated
from firmware_sim.motion.limb import Limb
from firmware_sim.motion.truth import Truth

POSTURE_S = 2.0
"""Local gravity is the mean over this time before the movement: longer than a stride."""
ROUNDS = 40
CLOSE_ENOUGH = 0.01


def inject(
    samples: Samples, fs: float, act: Act, limb: Limb, *, at_s: float, ratio: float
) -> tuple[Samples, Truth]:
    """Give a copy of a real recording in which the limb also does this, and its truth.

    What the movement adds to gravity, d = s - g, is turned from the limb's posture to the local
    gravity and added; what comes after is turned by as much as the movement turned the sensor.

    Parameters
    ----------
    samples : (n, 3), g
    at_s : where the movement's own time begins
    ratio : rms of d over rms of the recording, each about its mean between onset and end

    Raises
    ------
    ValueError
        It does not fit into the recording, nothing is recorded there, or no size reaches `ratio`.
    """
    first = round(at_s * fs)
    before = samples[max(0, first - round(POSTURE_S * fs)) : first]
    if first < 1 or len(before) == 0 or not np.isfinite(before).all():
        raise ValueError(f"no posture is recorded before {at_s} s; begin later")
    to_local = _shortest_turn(limb.up, before.mean(axis=0))
    for _ in range(ROUNDS):
        played = play(act, limb)
        added = _sampled(played, limb, fs) @ to_local.T
        if first + len(added) > len(samples):
            raise ValueError(
                f"the movement at {at_s} s lasts {played.duration_s:.1f} s, the recording ends at "
                f"{len(samples) / fs:.1f} s"
            )
        span = slice(int(np.floor(played.onset_s * fs)), int(np.ceil(played.end_s * fs)) + 1)
        there = _spread(samples[first : first + len(added)][span])
        if not there > 0:
            raise ValueError(f"the recording at {at_s} s is constant; a ratio to it has no meaning")
        factor = ratio * there / _spread(added[span])
        if abs(factor - 1) < CLOSE_ENOUGH:
            break
        act = replace(act, motion=act.motion.scaled(factor))
    else:
        raise ValueError(f"no size of this movement reaches {ratio} times the recording")
    mixed = np.array(samples, dtype=np.float64)
    stop = first + len(added)
    mixed[first:stop] += added
    mixed[stop:] = act.motion.turned(mixed[stop:] @ to_local) @ to_local.T
    return mixed, truth_of(act, played, first / fs)


def _sampled(played: Played, limb: Limb, fs: float) -> Samples:
    grid = np.arange(len(played.force_g)) / FINE_HZ
    moments = np.arange(int(played.duration_s * fs)) / fs
    deviation = played.force_g - limb.up
    return np.stack([np.interp(moments, grid, axis) for axis in deviation.T], axis=1)


def _spread(samples: Samples) -> float:
    centred = samples - samples.mean(axis=0)
    return float(np.sqrt((centred**2).sum(axis=1).mean()))


def _shortest_turn(start: Vector, end: Vector) -> Samples:
    """Rotation matrix (3, 3) that turns direction `start` into direction `end`."""
    axis = np.cross(start, end)
    if np.linalg.norm(axis) < 1e-9:  # the same, or opposite: any axis across will do
        axis = np.cross(start, np.eye(3)[np.abs(start).argmin()])
    angle = np.arctan2(np.linalg.norm(np.cross(start, end)), start @ end)
    unit = axis / np.linalg.norm(axis)
    turned: Samples = rotated(np.eye(3), unit, np.full(3, angle)).T
    return turned
