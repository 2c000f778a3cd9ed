"""Forces of the mattress on heel, ball of the foot, calf and thigh, and of whatever else touches.

Contact: Hunt and Crossley (1975), F = k d^1.5 (1 + c d'), with Coulomb friction that is rounded off
below 5 cm/s: skin, cloth and sheet give way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firmware_sim.torque.body import BALL, CALF, GRAVITY, HEEL, HIP_HEIGHT_M, SCALARS, Leg
from firmware_sim.torque.channels import Array

SLOW_M_S = 0.05
LOADED_N = 120.0
"""Friction grows no further: a heel that drops bounces rather than rubs."""
HARDEST = 2.5
"""Most that a fast approach multiplies the elastic force by."""
_CRUSH, _FRICTION = SCALARS.index("crush"), SCALARS.index("friction")


@dataclass(slots=True, eq=False)
class Bed:
    """How legs lie at the moment, arrays (n,) or (points, n).

    Parameters
    ----------
    push : firmness in the leg's plane
    beside : N, load of one who lies on the side
    touch : (3, n) N on the shank away from the bed, on ball and heel towards the head, or None
    """

    push: Array
    beside: Array
    touch: Array | None


def flatness(roll: Array, pitch: Array) -> Array:
    """Return the share of the mattress' push within the leg's plane, 0 to 1."""
    flat = np.minimum(np.maximum((np.cos(roll) - 0.35) / 0.65, 0.0), 1.0)
    return np.asarray(flat * np.minimum(np.maximum(np.cos(pitch), 0.0), 1.0))


def lying(leg: Leg, roll: Array, pitch: Array, touch: Array | None) -> Bed:
    """Return how legs lie that are rolled and raised by so much."""
    side = np.abs(np.sin(roll)) * np.maximum(np.cos(pitch), 0.0)
    return Bed(leg.firmness * flatness(roll, pitch), leg.side_load * side, touch)


def contact(
    leg: Leg, turned: tuple[Array, Array], rates: Array, bed: Bed, surface: tuple[Array, Array]
) -> tuple[Array, Array]:
    """Return generalised forces (3, n), and what the mattress carries (n,).

    `turned`: cosines and sines of the segments' angles; `surface`:
    height and rate of the mattress.
    """
    cos, sin = turned
    n = cos.shape[1]
    along, across = leg.along.reshape(4, 3, n), leg.across.reshape(4, 3, n)
    upward, back = along * cos, along * sin
    upward -= across * sin
    back += across * cos
    rate_y = np.add.reduce(upward * rates, axis=1)
    to_head = np.add.reduce(back * rates, axis=1)
    deep = np.maximum((surface[0] - HIP_HEIGHT_M) - np.add.reduce(back, axis=1), 0.0)
    crush = leg.scalars[_CRUSH] * (surface[1] - rate_y)
    crush += 1.0
    push = bed.push * deep
    push *= np.sqrt(deep)
    push *= np.minimum(np.maximum(crush, 0.0), HARDEST)
    speed = to_head * to_head
    speed += rate_y * rate_y
    speed += SLOW_M_S**2
    grip = leg.scalars[_FRICTION] / np.sqrt(speed)
    to_foot = grip * to_head
    to_foot *= np.minimum(push, LOADED_N) + bed.beside
    away = push - grip * bed.beside * rate_y
    if bed.touch is not None:
        away[CALF] += bed.touch[0]
        to_foot[BALL] -= bed.touch[1]
        to_foot[HEEL] -= bed.touch[2]
    upward *= away[:, np.newaxis]
    back *= to_foot[:, np.newaxis]
    upward -= back
    return np.add.reduce(upward, axis=0), np.add.reduce(push, axis=0)


def resting_torques(leg: Leg, joints: Array, roll: Array) -> Array:
    """Return the joint torques (3, n) that hold legs still in a posture, the mattress included."""
    n = joints.shape[1]
    second = joints[0] + joints[1]
    angles, still = np.stack([joints[0], second, second + joints[2]]), np.zeros((3, n))
    cos, sin = np.cos(angles), np.sin(angles)
    bed = lying(leg, roll, np.zeros(n), None)
    load, _ = contact(leg, (cos, sin), still, bed, (np.zeros(n), np.zeros(n)))
    torque: Array = leg.moments * GRAVITY * np.cos(roll) * cos - load
    torque[1] += torque[2]
    torque[0] += torque[1]
    return torque
