"""A random person's leg: lengths, masses and inertias, joints, muscles, mattress and blanket.

Anthropometry: Winter, Biomechanics and Motor Control of Human Movement (2009), table 4.1. Passive
joints: ankle 20 to 60 N m/rad, spastic several times that (Mirbagheri 2001, Sinkjaer 1996
[recalled]); hip and knee [estimate]. Mattress: 2.5 to 9 Hz, damping 0.05 to 0.3 [estimate].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firmware_sim.torque.channels import Array, log_uniform

GRAVITY = 9.80665
HIP_HEIGHT_M = 0.09
"""Of the joint above the sheet of one who lies on the back [estimate]."""
HEEL, BALL, CALF, THIGH = range(4)  # contact points


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Leg:
    """One leg and what it lies on, SI units; the shapes are those of one row of a batch.

    Parameters
    ----------
    lengths : (2,) thigh and shank
    diagonal, coupling : (3,) mass matrix of the chain in absolute angles; pairs 12, 13, 23
    moments : (3,) first mass moments, kg m
    along, across : (12,) contact points (4 points by 3 segments), flattened, m
    side_load : (4,) N on each point of one who lies on the side
    stiffness, damping, lowest, highest : (3,) joints
    pace : (4,) 1/s, activation of hip, knee, ankle and reflex
    follow : (12,) natural rate squared, damping rate and 1/inertia of roll, pitch, side, mattress
    scalars : see `SCALARS`
    """

    lengths: Array
    diagonal: Array
    coupling: Array
    moments: Array
    along: Array
    across: Array
    firmness: Array
    side_load: Array
    stiffness: Array
    damping: Array
    lowest: Array
    highest: Array
    pace: Array
    follow: Array
    scalars: Array


SCALARS = (
    "crush", "friction", "delay_s", "gain", "length_gain", "threshold", "strongest", "tiring",
    "recovery", "hip_share", "slack",
)  # fmt: skip
"""Hunt-Crossley s/m; friction coefficient; then the reflex: s, N m s/rad, 1/s, rad/s, N m, rad/s^2
at full strength, 1/s; share of the mattress' movement at the hip; rad by which the calf is slack
at rest."""


@dataclass(frozen=True, slots=True)
class Person:
    """What a night does not change.

    Parameters
    ----------
    mass_kg, height_m : of the whole body
    spastic : stiffer joints, a stretch reflex that may beat
    """

    mass_kg: float
    height_m: float
    spastic: bool

    @property
    def strength(self) -> float:
        """Return the factor of all torques against a body of 75 kg and 1.75 m."""
        return self.mass_kg * self.height_m / (75 * 1.75)


def draw_person(rng: np.random.Generator, *, spastic: bool) -> Person:
    """Return a random adult."""
    return Person(rng.uniform(48, 105), rng.uniform(1.55, 1.92), spastic)


def draw_leg(rng: np.random.Generator, person: Person) -> Leg:
    """Return a random leg of that person, on a random bed."""
    mass, height = person.mass_kg, person.height_m
    thigh_m, shank_m, foot_m = 0.245 * height, 0.246 * height, 0.152 * height
    thigh_kg, shank_kg, foot_kg = 0.100 * mass, 0.0465 * mass, 0.0145 * mass
    blanket_kg = log_uniform(rng, 0.05, 1.2)  # on the toes
    ball_m = 0.6 * foot_m
    centre_1, centre_2, centre_3 = 0.433 * thigh_m, 0.433 * shank_m, 0.42 * foot_m
    inertia_1 = thigh_kg * (0.323 * thigh_m) ** 2 + thigh_kg * centre_1**2
    inertia_2 = shank_kg * (0.302 * shank_m) ** 2 + shank_kg * centre_2**2
    inertia_3 = foot_kg * ((0.475 * foot_m) ** 2 + centre_3**2) + blanket_kg * ball_m**2
    below_knee, below_ankle = shank_kg + foot_kg + blanket_kg, foot_kg + blanket_kg
    moments = np.array([
        thigh_kg * centre_1 + below_knee * thigh_m,
        shank_kg * centre_2 + below_ankle * shank_m,
        foot_kg * centre_3 + blanket_kg * ball_m,
    ])  # fmt: skip
    diagonal = np.array([
        inertia_1 + below_knee * thigh_m**2, inertia_2 + below_ankle * shank_m**2, inertia_3,
    ])  # fmt: skip
    coupling = np.array([moments[1] * thigh_m, moments[2] * thigh_m, moments[2] * shank_m])
    along, across = np.zeros((4, 3)), np.zeros((4, 3))
    along[HEEL], across[HEEL] = (thigh_m, shank_m, -0.05), (0, 0, -0.045)
    along[BALL], across[BALL] = (thigh_m, shank_m, ball_m), (0, 0, -0.05)
    along[CALF], across[CALF] = (thigh_m, 0.35 * shank_m, 0), (0, -0.055, 0)
    along[THIGH], across[THIGH] = (0.75 * thigh_m, 0, 0), (-0.07, 0, 0)
    stiffer = rng.uniform(1.3, 2.5) if person.spastic else 1.0
    stiffness = stiffer * np.array([
        rng.uniform(20, 45), rng.uniform(12, 28), rng.uniform(12, 28),
    ])  # fmt: skip
    carried = np.array([2.6, 0.38, 0.014]) * mass / 75
    damping = 2 * rng.uniform(0.2, 0.6, 3) * np.sqrt(stiffness * carried)
    damping[2] += rng.uniform(0.05, 0.2) * blanket_kg  # cloth that is dragged along
    bed_hz, bed_damping = log_uniform(rng, 2.5, 9.0), log_uniform(rng, 0.05, 0.3)
    shares = [
        (2 * np.pi * rng.uniform(0.5, 1.0), rng.uniform(0.7, 1.1), 1 / 0.25),  # roll
        (2 * np.pi * 0.45, 1.0, 1.0),  # pitch
        (2 * np.pi * rng.uniform(3.0, 8.0), rng.uniform(0.2, 0.6), 1 / (0.06 * mass)),  # side
        (2 * np.pi * bed_hz, bed_damping, 1 / rng.uniform(25, 70)),  # mattress
    ]
    rates = np.array(shares).T
    muscle_s = rng.uniform(0.030, 0.060, 4)
    return Leg(
        lengths=np.array([thigh_m, shank_m]),
        diagonal=diagonal,
        coupling=coupling,
        moments=moments,
        along=along.ravel(),
        across=across.ravel(),
        firmness=np.array([1.0, 0.8, 1.6, 2.5]) * log_uniform(rng, 4e3, 20e3),
        side_load=np.array([0.12, 0.05, 0.25, 0.5]) * mass,
        stiffness=stiffness,
        damping=damping,
        lowest=np.array([-0.25, -2.4, 0.75]),
        highest=np.array([2.1, -0.02, 1.95]),
        pace=1 / muscle_s,
        follow=np.concatenate([rates[0] ** 2, 2 * rates[0] * rates[1], rates[2]]),
        scalars=np.array([
            rng.uniform(0.4, 1.5), rng.uniform(0.15, 0.5), 0.05, 0.0, 2.0, 0.2, 1.0, 0.0, 0.5,
            rng.uniform(0.3, 1.0), 0.0,
        ]),
    )  # fmt: skip
