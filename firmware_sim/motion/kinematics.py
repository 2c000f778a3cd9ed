"""From the angles of a limb to the specific force at an accelerometer on it (rigid body).

Specific force in the sensor's own frame, after the signal note's section 5:
`R(theta)^T up + theta'' k x arm + theta'^2 k x (k x arm)`, in g.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from detector.block import AXES, Samples

Curve = NDArray[np.float64]
"""One value per fine step, shape (n,)."""
Vector = NDArray[np.float64]
"""Shape (3,), in the sensor's frame."""

FINE_HZ = 500.0
"""Fine grid of every generator: 20 x the highest frequency of a 50 Hz sensor (25 Hz)."""
STANDARD_GRAVITY = 9.80665
"""m/s^2 in one g."""


@dataclass(frozen=True, slots=True, eq=False)
class Hinge:
    """A joint the sensor turns about.

    Parameters
    ----------
    axis : unit vector
    arm_m : from the joint to the sensor
    """

    axis: Vector
    arm_m: Vector


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """A rigid body's movement on the fine grid, starting from rest.

    Parameters
    ----------
    hinges : turned one after the other; where two turn at once their cross terms are left out,
        an error of the order of the second angle in rad (a degree or two in a clonus)
    angles_rad : (n, hinges), starting at 0
    push_g : (n, 3), acceleration without rotation: bumps, heel strikes, tremulousness
    """

    hinges: tuple[Hinge, ...]
    angles_rad: NDArray[np.float64]
    push_g: Samples

    def __len__(self) -> int:
        return len(self.push_g)

    def scaled(self, factor: float) -> Self:
        """Return the same movement, smaller or larger."""
        return replace(self, angles_rad=self.angles_rad * factor, push_g=self.push_g * factor)

    def then(self, other: Motion, at: int) -> Motion:
        """Add another movement from fine step `at` on; each holds its last angle once over."""
        n = max(len(self), at + len(other))
        first, second = self.held(0, n), other.held(at, n)
        return Motion(
            first.hinges + second.hinges,
            np.hstack([first.angles_rad, second.angles_rad]),
            first.push_g + second.push_g,
        )

    def held(self, before: int, n: int) -> Self:
        """Return the same movement after `before` steps of rest, resting at its end, n in all."""
        margins = (before, n - before - len(self))
        return replace(
            self,
            angles_rad=np.pad(self.angles_rad, (margins, (0, 0)), mode="edge"),
            push_g=np.pad(self.push_g, (margins, (0, 0))),
        )

    def turned(self, vectors: Samples) -> Samples:
        """Where fixed outer directions (n, 3) lie in the sensor's frame once it is over."""
        for hinge, angle in zip(self.hinges, self.angles_rad[-1], strict=True):
            vectors = rotated(vectors, hinge.axis, np.full(len(vectors), -angle))
        return vectors


def rotation(hinge: Hinge, angle_rad: Curve) -> Motion:
    """Make a movement about one joint."""
    return Motion((hinge,), angle_rad[:, np.newaxis], np.zeros((len(angle_rad), AXES)))


def pushes(push_g: Samples) -> Motion:
    """Make a movement without rotation."""
    return Motion((), np.zeros((len(push_g), 0)), push_g)


def felt(motion: Motion, up: Vector) -> tuple[Samples, Samples]:
    """Return gravity's share and the dynamic share of the specific force, each (n, 3) in g.

    `up` is what a resting accelerometer reads before the movement.
    """
    gravity = np.broadcast_to(up, (len(motion), AXES))
    dynamic: Samples = np.zeros((len(motion), AXES))
    for hinge, angle in zip(motion.hinges, motion.angles_rad.T, strict=True):
        rate = np.gradient(angle) * FINE_HZ
        pull = np.diff(angle, 2, prepend=angle[:1], append=angle[-1:]) * FINE_HZ**2
        tangent = np.cross(hinge.axis, hinge.arm_m)
        inward = np.cross(hinge.axis, tangent)
        gravity = rotated(gravity, hinge.axis, -angle)
        dynamic = rotated(dynamic, hinge.axis, -angle)
        dynamic += (np.outer(pull, tangent) + np.outer(rate**2, inward)) / STANDARD_GRAVITY
    return np.array(gravity), dynamic + motion.push_g


def rotated(vectors: Samples, axis: Vector, angle_rad: Curve) -> Samples:
    """Turn each of (n, 3) vectors about a unit axis by its own angle (Rodrigues)."""
    cos, sin = np.cos(angle_rad)[:, np.newaxis], np.sin(angle_rad)[:, np.newaxis]
    along = np.sum(vectors * axis, axis=1, keepdims=True)
    turned: Samples = vectors * cos + np.cross(axis, vectors) * sin + along * (1 - cos) * axis
    return turned


def steps(seconds: float) -> int:
    """Fine steps in a time."""
    return round(seconds * FINE_HZ)


def smooth_step(n: int) -> Curve:
    """Go from 0 to 1 in n steps with least jerk (Flash & Hogan 1985), from rest to rest."""
    t = np.linspace(0.0, 1.0, max(n, 2))
    return t**3 * (10 - 15 * t + 6 * t**2)


def damped_ring(n: int, frequency_hz: float, decay_s: float) -> Curve:
    """Return a decaying oscillation of unit size, faded in over 50 ms, so that it is continuous."""
    t = np.arange(n) / FINE_HZ
    ease = 1 - np.exp(-((t / 0.05) ** 2))
    return ease * np.exp(-t / decay_s) * np.sin(2 * np.pi * frequency_hz * t)
