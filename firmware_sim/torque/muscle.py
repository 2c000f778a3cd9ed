"""Shapes of what the nerves ask of a muscle: rise, hold, release, tremble, noise.

Noise grows with the force (Jones, Hamilton & Wolpert 2002: 2 to 5 % of it at one joint [recalled],
less where several muscles share it). Tremble while held: 7 to 13 Hz or irregular (signal note,
section 5).
"""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter

from firmware_sim.torque.channels import DRIVE_HZ, Array, log_uniform


def hold(
    seconds: float, *, at_s: float, rise_s: float, held_s: float, release_s: float,
    power: float = 1.0, fatigue: float = 0.0,
) -> Array:  # fmt: skip
    """Return a curve from 0 to 1 and back to 0.

    Parameters
    ----------
    power : of the rise: below 1 first steep, above 1 first slow
    fatigue : share of the force lost while it is held
    """
    t = np.arange(max(1, round(seconds * DRIVE_HZ))) / DRIVE_HZ - at_s
    up = smooth(np.clip(t / rise_s, 0, 1) ** power)
    down = 1 - smooth(np.clip((t - rise_s - held_s) / release_s, 0, 1))
    tired = 1 - fatigue * np.clip((t - rise_s) / max(held_s, 0.1), 0, 1)
    return np.asarray(up * down * tired)


def smooth(x: Array) -> Array:
    """Go from 0 to 1 with least jerk where x does."""
    return np.asarray(x**3 * (10 - 15 * x + 6 * x * x))


def noise(rng: np.random.Generator, n: int, corner_hz: float) -> Array:
    """Return noise of unit spread below a corner, (n,)."""
    keep = np.exp(-2 * np.pi * corner_hz / DRIVE_HZ)
    white = rng.standard_normal(n + 200)
    once = lfilter([1 - keep], [1, -keep], white)
    twice = lfilter([1 - keep], [1, -keep], once)[200:]
    return np.asarray(twice / max(float(np.std(twice)), 1e-9)) if n > 50 else np.asarray(twice)


def tremble(rng: np.random.Generator, n: int) -> Array:
    """Return a tremor of unit size, at one rate of 7 to 13 Hz that strays, or irregular, (n,)."""
    if rng.random() >= 0.6:
        bursts = np.maximum(noise(rng, n, rng.uniform(0.5, 2.0)), 0)
        return np.asarray(0.7 * noise(rng, n, rng.uniform(4, 9)) * (0.4 + bursts))
    rate = rng.uniform(7, 13) * (1 + rng.uniform(0.02, 0.12) * noise(rng, n, 1.0))
    size = np.maximum(1 + 0.5 * noise(rng, n, rng.uniform(0.3, 2)), 0)
    return np.asarray(size * np.sin(2 * np.pi * np.cumsum(rate) / DRIVE_HZ))


def noisy(rng: np.random.Generator, torque: Array) -> Array:
    """Return the torque with noise that grows with it."""
    spread = log_uniform(rng, 0.004, 0.03)
    return np.asarray(torque * (1 + spread * noise(rng, len(torque), 5.0)))


def oscillation(
    rng: np.random.Generator, n: int, hz: float, *, stray: float = 0.05, duty: float = 0.5,
    uneven: float = 0.15,
) -> Array:  # fmt: skip
    """Return strokes between -1 and 1, (n,): two half-cycles of unequal length, each of own size.

    Parameters
    ----------
    stray : relative spread of the rate
    duty : share of a cycle in which the stroke goes up
    uneven : relative spread of the strokes' sizes
    """
    rate = np.maximum(hz * (1 + stray * noise(rng, n, 0.7)), 0.3 * hz)
    phase = np.cumsum(rate) / DRIVE_HZ
    within = phase % 1.0
    skewed = np.where(within < duty, 0.5 * within / duty, 0.5 + 0.5 * (within - duty) / (1 - duty))
    sizes = np.maximum(1 + uneven * rng.standard_normal(int(phase[-1]) + 2), 0.1)
    return np.asarray(-np.cos(2 * np.pi * skewed) * sizes[phase.astype(np.int64)])
