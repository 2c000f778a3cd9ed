"""A chain of three segments, and the specific force at a sensor on one of them.

Axes of the bed: x along the body towards the feet, y to its left, z up. A segment's pitch lifts
its far end. The sensor's x runs along its segment, its z out of the body's front.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from detector.events import Kind
from firmware_sim.sealed.muscle import Array

G_M_S2 = 9.80665
HIP, KNEE, ANKLE, YAW, SPIN, ROLL = range(6)
"""Shoulder, elbow, wrist for an arm; then the limb's yaw and spin, and the body's roll."""
DEGREES_OF_FREEDOM = 6

_ALL = (1.0,) * DEGREES_OF_FREEDOM
LEG_M = (0.42, 0.40, 0.20)
"""Thigh, shank, foot of a person of 1.72 m (0.245, 0.246 H; Winter's table [recalled])."""
ARM_M = (0.31, 0.25, 0.10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The place of a sensor.

    Parameters
    ----------
    lengths_m : of the chain's segments
    segment : 0, 1 or 2, which one carries it
    lever_m : from that segment's near joint
    aside_m : from the axis around which the body rolls
    coupling : (6,), the share of each joint's movement that arrives here
    felt : amplitude here against the ankle's, for the ranges of peaks [estimate]
    breath_g, heart_g : amplitudes at rest; about 1 mg at the leg, more at the trunk [estimate]
    """

    lengths_m: tuple[float, float, float]
    segment: int
    lever_m: float
    aside_m: float
    coupling: tuple[float, ...]
    felt: float
    breath_g: float
    heart_g: float


def _leg(segment: int, lever_m: float, felt: float, breath_g: float = 0.0006) -> Site:
    return Site(
        lengths_m=LEG_M, segment=segment, lever_m=lever_m, aside_m=0.11, coupling=_ALL,
        felt=felt, breath_g=breath_g, heart_g=0.0006,
    )  # fmt: skip


SITES: Final = {
    "foot": _leg(2, 0.13, 2.2),
    "ankle": _leg(1, 0.36, 1.0),
    "calf": _leg(1, 0.19, 0.8),
    "thigh": _leg(0, 0.26, 0.6, breath_g=0.0012),
    "wrist": Site(
        lengths_m=ARM_M, segment=1, lever_m=0.23, aside_m=0.25, coupling=_ALL,
        felt=1.0, breath_g=0.002, heart_g=0.0008,
    ),
    "trunk": Site(
        lengths_m=LEG_M, segment=0, lever_m=0.25, aside_m=0.08,
        coupling=(0.15, 0.0, 0.0, 0.1, 0.1, 1.0), felt=0.4, breath_g=0.009, heart_g=0.003,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Motion:
    """One movement of the body or the bed.

    Parameters
    ----------
    angles_rad : (6, m) at the simulation's rate, relative to the pose in which it begins
    push_g : (m, 3), how the bed itself is accelerated, in its axes; None for not at all
    active_s : when muscles or bed come to rest, from the first sample
    peak_g : least and largest peak that a sensor at the ankle may feel; the movement is scaled
    rhythm_hz, beats, parts, manner : as in `Truth`, in true seconds
    """

    kind: Kind
    angles_rad: Array
    active_s: float
    peak_g: tuple[float, float]
    push_g: Array | None = None
    rhythm_hz: float | None = None
    beats: int | None = None
    parts: tuple[Kind, ...] | None = None
    manner: str | None = None


def still(samples: int) -> Array:
    """Return the angles of a limb at rest."""
    return np.zeros((DEGREES_OF_FREEDOM, samples))


def feel(
    pose_rad: Array, angles_rad: Array, push_g: Array | None, *, site: Site, rate_hz: float
) -> tuple[Array, Array]:
    """Return the specific force at the sensor and its dynamic part, each (m, 3), g."""
    joint = np.asarray(site.coupling)[:, np.newaxis] * (pose_rad[:, np.newaxis] + angles_rad)
    pitch = np.stack(
        [joint[HIP], joint[HIP] - joint[KNEE], joint[HIP] - joint[KNEE] + joint[ANKLE]]
    )
    place = _place(pitch, joint, site)
    moved = np.gradient(np.gradient(place, axis=1), axis=1) * rate_hz**2 / G_M_S2
    if push_g is not None:
        moved = moved + push_g.T
    up = np.zeros_like(moved)
    up[2] = 1.0
    dynamic = _into_sensor(moved, pitch[site.segment], joint)
    return (_into_sensor(up, pitch[site.segment], joint) + dynamic).T, dynamic.T


def _place(pitch: Array, joint: Array, site: Site) -> Array:
    reach_m = [*site.lengths_m[: site.segment], site.lever_m]
    along = sum(m * np.cos(p) for m, p in zip(reach_m, pitch, strict=False))
    above = sum(m * np.sin(p) for m, p in zip(reach_m, pitch, strict=False))
    aside = site.aside_m + along * np.sin(joint[YAW])
    cos, sin = np.cos(joint[ROLL]), np.sin(joint[ROLL])
    return np.stack([along * np.cos(joint[YAW]), aside * cos - above * sin,
                     aside * sin + above * cos])  # fmt: skip


def _into_sensor(vector: Array, pitch: Array, joint: Array) -> Array:
    x, y, z = vector
    y, z = turned(y, z, -joint[ROLL])
    x, y = turned(x, y, -joint[YAW])
    x, z = turned(x, z, -pitch)
    y, z = turned(y, z, -joint[SPIN])
    return np.stack([x, y, z])


def turned(first: Array, second: Array, angle_rad: Array) -> tuple[Array, Array]:
    """Return two coordinates of a vector, turned in their plane."""
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    return first * cos - second * sin, first * sin + second * cos


def lying(rng: np.random.Generator) -> Array:
    """Return a random pose for sleep, (6,), rad: the heel near the bed, the knee above it."""
    hip = math.radians(rng.uniform(0, 32))
    return np.array(
        [
            hip,
            hip * rng.uniform(1.8, 2.2),  # thigh and shank are as long: the heel stays down
            math.radians(rng.uniform(-25, 5)),
            math.radians(rng.uniform(-8, 12)),
            math.radians(rng.uniform(-35, 20)),
            math.radians(rng.choice([0.0, 80.0, -80.0, 170.0], p=[0.35, 0.28, 0.28, 0.09]))
            + math.radians(rng.uniform(-15, 15)),
        ]
    )


def comfortable(pose_rad: Array) -> bool:
    """Return whether a leg's pose, rad, is within the range in which people sleep."""
    low = np.array([-0.1, -0.1, -0.6, -0.3, -0.8])
    high = np.array([0.7, 1.5, 0.3, 0.4, 0.6])
    return bool(np.all((pose_rad[:ROLL] >= low) & (pose_rad[:ROLL] <= high)))
