"""Curves that several families share: how a pull rises, what noise lies on it, and strokes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.signal import butter, sosfilt

from detector.block import AXES, Samples
from firmware_sim.motion.kinematics import FINE_HZ, Curve, Vector, smooth_step, steps

RISES = ("least jerk", "muscle", "late", "stairs")
"""How a torque may build up: planned as a whole, as an activated muscle does, slowly at first, or
as groups of muscles that join one after the other."""


def risen(rng: np.random.Generator, n: int, shapes: Sequence[str] = RISES) -> Curve:
    """Go from 0 to 1 in n steps, at rest at both ends, in one of the shapes."""
    even = smooth_step(n)
    shape = str(rng.choice(shapes))
    if shape == "muscle":
        # Four equal lags: two of the activation, two of the limb.
        x = np.linspace(0.0, rng.uniform(9.0, 14.0), len(even))
        lagged = 1 - np.exp(-x) * (1 + x + x**2 / 2 + x**3 / 6)
        tail = smooth_step(len(even) // 3)
        lagged[-len(tail) :] += (1 - lagged[-len(tail) :]) * tail
        return lagged
    if shape == "late":
        return even ** rng.uniform(1.3, 2.5)
    if shape == "stairs":
        groups = int(rng.integers(2, 5))
        shares = rng.dirichlet(np.full(groups, 3.0))
        curve = np.zeros(len(even))
        for number, share in enumerate(shares):
            first = int(number / groups * len(even) * rng.uniform(0.7, 1.0))
            step = smooth_step(len(even) - first if number else len(even) // 2)
            curve[first : first + len(step)] += share * step
            curve[first + len(step) :] += share
        return np.clip(curve, 0.0, 1.0)
    return even


def band_noise(
    rng: np.random.Generator, n: int, band_hz: tuple[float, float], rms_g: float
) -> Samples:
    """Make noise of a band, (n, 3), of a size over all axes."""
    band = butter(2, band_hz, "bandpass", fs=FINE_HZ, output="sos")
    lead = steps(1.0)  # lets the filter settle
    noise = sosfilt(band, rng.standard_normal((n + lead, AXES)), axis=0)[lead:]
    sized: Samples = noise * (rms_g / np.sqrt((noise**2).sum(axis=1).mean()))
    return sized


def wander(rng: np.random.Generator, n: int, every_s: float) -> Curve:
    """Return a smooth random curve of unit spread, (n,), 0 at both ends."""
    knots = max(2, round(n / FINE_HZ / every_s)) + 1
    values = rng.standard_normal(knots)
    values[[0, -1]] = 0.0
    curve: Curve = PchipInterpolator(np.linspace(0, max(n - 1, 1), knots), values)(np.arange(n))
    return curve


def edged(n: int, first_s: float, last_s: float) -> Curve:
    """Return 1, faded in over `first_s` and out over `last_s`, (n,)."""
    size = np.ones(n)
    begin, end = (smooth_step(min(steps(s), n // 2)) for s in (first_s, last_s))
    size[: len(begin)] *= begin
    size[n - len(end) :] *= end[::-1]
    return size


def stroked(
    rng: np.random.Generator, rate_hz: float, seconds: float, *, variation: float, reach: float
) -> Curve:
    """Go to and fro and end where it began: strokes that vary in time, and in size down to `reach`.

    Returns
    -------
    (n,), 1 at most.
    """
    count = max(2, round(seconds * rate_hz))
    lengths_s = rng.lognormal(0.0, variation, count) / rate_hz
    edges = np.concatenate([[0.0], np.cumsum(lengths_s)])
    tops = edges[:-1] + rng.uniform(0.4, 0.6) * lengths_s  # there and back take unequal times
    t = np.arange(steps(edges[-1])) / FINE_HZ
    knots = np.sort(np.concatenate([edges, tops]))
    phase = PchipInterpolator(knots, np.pi * np.arange(len(knots)))(t)
    size = PchipInterpolator(tops, rng.uniform(reach, 1.0, count))(np.clip(t, tops[0], tops[-1]))
    curve: Curve = size * (1 - np.cos(phase)) / 2
    return curve


def anywhere(rng: np.random.Generator) -> Vector:
    """Return a random direction of length 1."""
    direction = rng.standard_normal(AXES)
    unit: Vector = direction / np.linalg.norm(direction)
    return unit
