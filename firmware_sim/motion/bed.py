"""Leg movements in bed that are not spasms: periodic movements, turning over, shifting.

Ranges are the signal note's section 5; periodic movements follow WASM 2016 (0.5 to 10 s, at least
4, onsets 10 to 90 s apart), in MS more irregular and shorter (Ferri 2022).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detector.block import AXES
from detector.events import Kind
from firmware_sim.motion.act import Act, arriving, log_uniform, sign
from firmware_sim.motion.kinematics import (
    Curve,
    Hinge,
    Motion,
    damped_ring,
    pushes,
    rotation,
    smooth_step,
    steps,
)
from firmware_sim.motion.limb import Limb

SERIES = (4, 40)
INTERVAL_MODE_S = (15.0, 25.0)
INTERVAL_S = (10.0, 90.0)
"""What counts as periodic (WASM 2016)."""
LEG_MOVEMENT_S = (0.6, 5.0)
LEG_MOVEMENT_RISE_S = (0.25, 0.7)
LEG_MOVEMENT_DEG = (2.0, 15.0)
TURN_PARTS = (2, 4)
TURN_DEG = (15.0, 70.0)
TURN_PART_S = (0.7, 2.5)


@dataclass(frozen=True, slots=True)
class Habit:
    """The common parameters of the movements of one periodic series."""

    degrees: float
    rise_s: float
    lasting_s: float


def draw_habit(rng: np.random.Generator) -> Habit:
    """Draw a series' typical movement; larger ones tend to rise more slowly."""
    size = rng.uniform()
    pace = (size + rng.uniform()) / 2
    return Habit(
        degrees=float(np.interp(size, (0, 1), LEG_MOVEMENT_DEG)),
        rise_s=float(np.interp(pace, (0, 1), LEG_MOVEMENT_RISE_S)),
        lasting_s=log_uniform(rng, 1.0, 4.5),
    )


def series_onsets_s(rng: np.random.Generator, within_s: float) -> Curve:
    """Draw when the movements of one periodic series begin, from 0; at least four.

    Raises
    ------
    ValueError
        Four do not fit into `within_s`.
    """
    fewest = SERIES[0] - 1
    if within_s < fewest * INTERVAL_S[0]:
        raise ValueError(f"a series needs {fewest * INTERVAL_S[0]:g} s, got {within_s:g}")
    count = int(rng.integers(SERIES[0], SERIES[1] + 1))
    spread = rng.uniform(0.2, 0.5)
    middle = np.log(rng.uniform(*INTERVAL_MODE_S)) + spread**2  # puts the mode there, not the mean
    spare_s = np.clip(rng.lognormal(middle, spread, count - 1), *INTERVAL_S) - INTERVAL_S[0]
    room_s = within_s - fewest * INTERVAL_S[0]
    spare_s *= min(1.0, room_s / max(spare_s[:fewest].sum(), 1e-9))
    onsets = np.concatenate([[0.0], np.cumsum(INTERVAL_S[0] + spare_s)])
    return onsets[onsets <= within_s + 1e-9]


def leg_movement(rng: np.random.Generator, limb: Limb, habit: Habit) -> Act:
    """Make one movement of a periodic series: drawn up within 250 to 700 ms, held, let down."""
    degrees, rise_s, lasting_s = np.array(
        [habit.degrees, habit.rise_s, habit.lasting_s]
    ) * rng.lognormal(0, 0.2, 3)
    lasting_s = np.clip(lasting_s, *LEG_MOVEMENT_S)
    rise_s = min(rise_s, 0.45 * lasting_s)
    fall_s = min(rng.uniform(0.4, 1.0), 0.5 * lasting_s)
    up, down = smooth_step(steps(rise_s)), 1 - smooth_step(steps(fall_s))
    held = np.ones(steps(max(lasting_s - rise_s - fall_s, 0.0)))
    angle = np.concatenate([up, held, down]) * np.radians(degrees)
    return Act(kind=Kind.PLM, motion=arriving(rotation(limb.joint, angle), limb, limb.lifting))


def turn(rng: np.random.Generator, limb: Limb) -> Act:
    """Roll over: two to four rotations that run into each other, with bumps on the mattress."""
    way = sign(rng)
    motion = _rolled(rng, limb, way)
    for _ in range(int(rng.integers(TURN_PARTS[0], TURN_PARTS[1] + 1)) - 1):
        # The next rotation begins as this one slows down, or after a short rest.
        motion = motion.then(_rolled(rng, limb, way), len(motion) + steps(rng.uniform(-0.25, 0.6)))
    for _ in range(int(rng.integers(1, 4))):
        motion = motion.then(bump(rng), int(rng.integers(0, len(motion))))
    return Act(kind=Kind.TURN, motion=motion)


def shift(rng: np.random.Generator, limb: Limb) -> Act:
    """Change position a little without rolling over."""
    angle = np.radians(log_uniform(rng, 3, 15)) * smooth_step(steps(rng.uniform(0.7, 2.0)))
    motion = rotation(_tilted(rng, limb), sign(rng) * angle)
    if rng.random() < 0.4:
        motion = motion.then(bump(rng), int(rng.integers(0, len(motion))))
    return Act(kind=Kind.TURN, motion=motion, manner="shift")


def bump(rng: np.random.Generator) -> Motion:
    """Return the impact of a leg on the mattress: 20 to 150 mg, ended within half a second."""
    ring = damped_ring(steps(0.6), rng.uniform(3, 10), rng.uniform(0.05, 0.12))
    ring *= (1 - smooth_step(len(ring))) / np.abs(ring).max()
    direction = rng.standard_normal(AXES)
    direction *= log_uniform(rng, 0.02, 0.15) / np.linalg.norm(direction)
    return pushes(np.outer(ring, direction))


def _rolled(rng: np.random.Generator, limb: Limb, way: float) -> Motion:
    radians = way * np.radians(rng.uniform(*TURN_DEG))
    return rotation(_tilted(rng, limb), radians * smooth_step(steps(rng.uniform(*TURN_PART_S))))


def _tilted(rng: np.random.Generator, limb: Limb) -> Hinge:
    """Return the body's long axis, within 20 degrees or so of the leg's."""
    axis = limb.roll.axis + 0.3 * rng.standard_normal(AXES)
    return Hinge(axis / np.linalg.norm(axis), limb.roll.arm_m)
