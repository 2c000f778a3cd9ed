"""The limb with the sensor: the joint that moves it, its distance, and the strap's resonance."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.signal import lfilter

from detector.block import Samples
from firmware_sim.motion.kinematics import FINE_HZ, Hinge, Vector

# Joint to sensor, in m, for the joint that moves the place most in a spasm: ankle (foot), knee
# (ankle, calf), hip (thigh), elbow (wrist), hip (trunk). Signal note, section 5: 0.08 to 0.4 m.
LEVER_M: dict[str, tuple[float, float]] = {
    "foot": (0.08, 0.15),
    "ankle": (0.28, 0.40),
    "calf": (0.12, 0.25),
    "thigh": (0.15, 0.35),
    "wrist": (0.20, 0.30),
    "trunk": (0.10, 0.30),
}
STRAP_HZ = (8.0, 20.0)
"""Resonance of a strapped sensor on soft tissue; signal note, section 5."""
STRAP_DAMPING = (0.1, 0.4)
"""Share of critical damping of the same resonance."""
LOOSE_HZ = (4.0, 9.0)
"""Resonance of a sensor that hangs on a loose strap: as a soft spring, in the clonus band."""
LOOSE_DAMPING = (0.03, 0.15)
RING_DOWN_S = 0.8
"""Time in which the slackest usual strap (8 Hz, damping 0.1) falls to 2 %."""
ROLL_ARM_M = (0.08, 0.25)
"""From the line a lying body rolls about to a sensor on its leg: half a hip's width or more."""

# Share of a foot's shaking at the site, relative to an ankle strap, for which the sizes of the
# signal note are meant. Calf: 0.1 to 0.5 of foot motion (section 5). Thigh and trunk: less with
# each joint [estimate]. The wrist is an arm that shakes by itself.
SHAKING: dict[str, tuple[float, float]] = {
    "foot": (1.0, 1.0),
    "ankle": (1.0, 1.0),
    "calf": (0.1, 0.5),
    "thigh": (0.05, 0.25),
    "wrist": (1.0, 1.0),
    "trunk": (0.03, 0.12),
}
# The same of a leg that is drawn up or kicked out: all of it turns, the trunk hardly [estimate].
LIFTING: dict[str, tuple[float, float]] = dict.fromkeys(SHAKING, (1.0, 1.0)) | {
    "trunk": (0.05, 0.15)
}
SEEN_G = 0.010
"""Least size of a movement at the sensor: five times the noise of a poor chip. A truth below it
could not be measured, and would score a detector on nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Limb:
    """One wearer's strap for one recording, and how the limb lies at the moment.

    Parameters
    ----------
    up : unit vector, what the sensor reads at rest, in g
    along : unit vector down the segment, away from the body
    joint : the hinge of the segment
    side : a second joint across it, which bends the path into an ellipse
    roll : the line the lying body rolls about
    strap_hz, strap_damping : the wobble of strap and soft tissue
    site : where the sensor is worn
    shaking, lifting : what arrives there of a shaking foot and of a leg that is lifted, 0 to 1
    loose : the strap is looser than a usual one
    """

    up: Vector
    along: Vector
    joint: Hinge
    side: Hinge
    roll: Hinge
    strap_hz: float
    strap_damping: float
    site: str
    shaking: float
    lifting: float
    loose: bool = False

    @property
    def ring_down_s(self) -> float:
        """Return the time after which a ring of the strap has fallen to 2 %, s."""
        return max(RING_DOWN_S, 4 / (2 * np.pi * self.strap_hz * self.strap_damping))

    def shaken_g(self, peak_g: float) -> float:
        """Return the size at this site of a shaking of `peak_g` at the ankle."""
        return max(peak_g * self.shaking, SEEN_G)

    def wobbled(self, dynamic_g: Samples) -> Samples:
        """Pass (n, 3) of dynamic acceleration through strap and soft tissue: a damped resonance."""
        b, a = _resonance(self.strap_hz, self.strap_damping)
        wobbled: Samples = lfilter(b, a, dynamic_g, axis=0)
        return wobbled


def strap_on(rng: np.random.Generator, site: str) -> Limb:
    """Return a limb with a sensor strapped on at random within the usual ranges.

    Raises
    ------
    ValueError
        There is no such site.
    """
    if site not in LEVER_M:
        raise ValueError(f"site must be one of {', '.join(LEVER_M)}, got {site!r}")
    lever_m = rng.uniform(*LEVER_M[site])
    along = _unit(rng.standard_normal(3))
    axis = _unit(np.cross(along, rng.standard_normal(3)))
    across = np.cross(axis, along)
    # Lying in bed: gravity roughly across the leg.
    lying = _unit(np.cross(along, rng.standard_normal(3)) + 0.15 * rng.standard_normal(3))
    return Limb(
        up=lying,
        along=along,
        joint=Hinge(axis, along * lever_m),
        side=Hinge(across, along * lever_m),
        roll=Hinge(along, across * rng.uniform(*ROLL_ARM_M)),
        strap_hz=rng.uniform(*STRAP_HZ),
        strap_damping=rng.uniform(*STRAP_DAMPING),
        site=site,
        shaking=rng.uniform(*SHAKING[site]),
        lifting=rng.uniform(*LIFTING[site]),
    )


def loosened(rng: np.random.Generator, limb: Limb) -> Limb:
    """Return the same limb with its strap worn loose."""
    return replace(
        limb,
        strap_hz=rng.uniform(*LOOSE_HZ),
        strap_damping=float(np.exp(rng.uniform(*np.log(LOOSE_DAMPING)))),
        loose=True,
    )


def _resonance(frequency_hz: float, damping: float) -> tuple[list[float], list[float]]:
    """Discrete damped spring with unit gain at rest (impulse-invariant poles)."""
    omega = 2 * np.pi * frequency_hz / FINE_HZ
    radius = np.exp(-damping * omega)
    a1 = -2 * radius * np.cos(omega * np.sqrt(1 - damping**2))
    a2 = radius**2
    return [1 + a1 + a2], [1.0, a1, a2]


def _unit(vector: Vector) -> Vector:
    unit: Vector = vector / np.linalg.norm(vector)
    return unit
