"""How a limb lies, read from gravity."""

from __future__ import annotations

from math import sqrt
from typing import TypeAlias

import numpy as np

from detector.dsp.frames import Floats

Vector: TypeAlias = tuple[float, float, float]
"""Gravity at a sensor as plain data, g."""


def angle_deg(before: Floats, after: Floats) -> Floats:
    """Return the angle between two mean accelerations, (..., 3) g -> (...) degrees, 0 to 180.

    By the two-argument arctangent, which stays exact for small angles where the arc cosine of
    a dot product does not. Rotation about gravity itself is invisible.
    """
    x, y, z = before[..., 0], before[..., 1], before[..., 2]
    u, v, w = after[..., 0], after[..., 1], after[..., 2]
    a, b, c = y * w - z * v, z * u - x * w, x * v - y * u
    sine = np.sqrt(a * a + b * b + c * c)
    angle: Floats = np.degrees(np.arctan2(sine, x * u + y * v + z * w))
    return angle


def mean_posture(means_g: Floats) -> Floats:
    """Return the mean of frames' mean accelerations, (n, 3) g -> (3,), in double precision."""
    total: Floats = means_g.astype(np.float64).sum(axis=0)
    return total / len(means_g)


def one_angle_deg(before: Floats, after: Floats) -> float:
    """One-pair variant of `angle_deg`: (3,) g and (3,) g -> degrees."""
    (x, y, z), (u, v, w) = before.tolist(), after.tolist()
    sine = sqrt((y * w - z * v) ** 2 + (z * u - x * w) ** 2 + (x * v - y * u) ** 2)
    return float(np.degrees(np.arctan2(sine, x * u + y * v + z * w)))
