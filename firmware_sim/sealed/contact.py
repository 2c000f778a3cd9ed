"""A limb on a mattress: gravity, contact that only pushes, and friction, stepped through time.

A muscle's torque grows with its activation, its stiffness with a power below 1 of it (Hunter and
Kearney 1982 [recalled]: joint stiffness rises with torque). What a limb does when the muscle lets
go is therefore a result: it sinks slowly, drops and lands with its heel, or stays where friction
keeps it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from firmware_sim.sealed.muscle import Array, log_uniform


@dataclass(frozen=True, slots=True, kw_only=True)
class Bedded:
    """One limb on one mattress.

    Parameters
    ----------
    muscle_hz : natural frequency of the limb on its fully contracted muscles
    passive_hz : of the limb on relaxed muscles and ligaments
    stiffens : power of the activation with which stiffness grows
    damping : of both, of critical
    weight_rad_s2 : by gravity alone a raised limb falls so fast; 0 where it slides
    friction_rad_s2 : by which a sheet slows what slides; 0 where the limb is lifted
    bed_hz, bed_damping : of the limb on the mattress, while it presses
    """

    muscle_hz: float
    passive_hz: float
    stiffens: float
    damping: float
    weight_rad_s2: float
    friction_rad_s2: float
    bed_hz: float
    bed_damping: float

    @classmethod
    def drawn(cls, rng: np.random.Generator, *, lifted: bool) -> Self:
        """Return a random limb that is lifted off the bed, or that slides over it.

        A straight rod of 0.85 m that turns about the hip falls with 3 g / 2 L = 17 rad/s^2; the
        calf of a bent one rests in part. Friction of cotton: 0.3-0.6 of the weight on it.
        """
        return cls(
            muscle_hz=rng.uniform(1.6, 3.2),
            passive_hz=rng.uniform(0.2, 0.6) if lifted else rng.uniform(0.4, 1.1),
            stiffens=rng.uniform(0.1, 0.6),
            damping=rng.uniform(0.25, 0.8),
            weight_rad_s2=log_uniform(rng, 4.0, 17.0) if lifted else 0.0,
            friction_rad_s2=0.0 if lifted else log_uniform(rng, 0.5, 6.0),
            bed_hz=log_uniform(rng, 3.5, 9.0),
            bed_damping=log_uniform(rng, 0.1, 0.45),
        )

    def moved(self, force: Array, *, target_rad: float, rate_hz: float) -> Array:
        """Return the angle, rad, from rest on, of a limb that a muscle pulls.

        Parameters
        ----------
        force : (m,), the muscle's activation; at 1 it holds `target_rad` against the weight
        """
        muscle = (2 * math.pi * self.muscle_hz) ** 2
        passive = (2 * math.pi * self.passive_hz) ** 2
        bed, weight, friction = (
            (2 * math.pi * self.bed_hz) ** 2, self.weight_rad_s2, self.friction_rad_s2,
        )  # fmt: skip
        bed_drag = 2 * self.bed_damping * math.sqrt(bed)
        aim = target_rad + (weight + passive * target_rad) / muscle
        active = np.clip(force, 0.0, None)
        stiffness = muscle * active**self.stiffens + passive
        drag = 2 * self.damping * np.sqrt(stiffness)
        step_s = 1 / rate_hz
        angle = sunk = -weight / (bed + passive)
        speed = 0.0
        angles = []
        each = zip((muscle * aim * active).tolist(), stiffness.tolist(), drag.tolist(), strict=True)
        for torque, stiff, slow in each:
            push = torque - stiff * angle - slow * speed - weight
            if weight and angle < 0.0:
                push += max(-bed * angle - bed_drag * speed, 0.0)
            if friction:
                push, speed = _rubbed(push, speed, friction, step_s)
            speed += push * step_s
            angle += speed * step_s
            angles.append(angle)
        return np.array(angles) - sunk


def _rubbed(push: float, speed: float, friction: float, step_s: float) -> tuple[float, float]:
    """Return push and speed after dry friction, which stops what it can stop within one step."""
    free = speed + push * step_s
    if abs(free) <= friction * step_s:
        return 0.0, 0.0
    return push - math.copysign(friction, free), speed
