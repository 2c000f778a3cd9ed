"""From a muscle's drive to a segment's angle: twitch, inertia, and the randomness of EMG."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import signal

Array = NDArray[np.float64]

RAGGED = 0.35
"""Spread of a rectified EMG around its envelope, before the muscle smooths it [estimate]."""


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Return a random number whose logarithm is uniform."""
    return float(np.exp(rng.uniform(math.log(low), math.log(high))))


def degrees(rng: np.random.Generator, low: float, high: float) -> float:
    """Return a random angle between two numbers of degrees, in rad."""
    return math.radians(rng.uniform(low, high))


def either_sign(rng: np.random.Generator) -> float:
    """Return 1 or -1 at random."""
    return 1.0 if rng.random() < 0.5 else -1.0


def length(duration_s: float, rate_hz: float) -> int:
    """Return how many samples cover a duration."""
    return math.ceil(duration_s * rate_hz)


def step(samples: int, *, rate_hz: float, start_s: float, rise_s: float) -> Array:
    """Return a drive that rises from 0 to 1 as half a cosine and stays there."""
    part = np.clip((np.arange(samples) / rate_hz - start_s) / rise_s, 0.0, 1.0)
    return 0.5 - 0.5 * np.cos(math.pi * part)


def burst(samples: int, *, rate_hz: float, start_s: float, width_s: float) -> Array:
    """Return a single pulse (a squared sine) of height 1."""
    part = np.clip((np.arange(samples) / rate_hz - start_s) / width_s, 0.0, 1.0)
    return np.asarray(np.sin(math.pi * part) ** 2)


def later(drive: Array, *, rate_hz: float, by_s: float) -> Array:
    """Return a drive that begins at rest, shifted, of the same length."""
    shift = round(by_s * rate_hz)
    return np.concatenate([np.full(shift, drive[0]), drive])[: len(drive)]


def ragged(rng: np.random.Generator, drive: Array) -> Array:
    """Return a smooth drive with the randomness of motor units firing."""
    return drive * (1.0 + RAGGED * rng.standard_normal(len(drive)))


def swing(drive: Array, *, rate_hz: float, natural_hz: float, damping: float) -> Array:
    """Return the response of a damped inertial segment on an elastic joint; unit gain at 0 Hz."""
    omega = 2 * math.pi * natural_hz
    return _analogue([omega**2], [1.0, 2 * damping * omega, omega**2], drive, rate_hz)


def contract(drive: Array, *, rate_hz: float, twitch_s: float) -> Array:
    """Return the force of a muscle: its drive through a critically damped twitch."""
    return _analogue([1.0], [twitch_s**2, 2 * twitch_s, 1.0], drive, rate_hz)


def respond(
    drive: Array, *, rate_hz: float, twitch_s: float, natural_hz: float, damping: float
) -> Array:
    """Return the angle of a segment, rad, that a muscle pulls towards `drive`.

    Parameters
    ----------
    drive : (m,), the angle at which torque and joint stiffness would balance, rad
    twitch_s : contraction time of the critically damped twitch; 20-120 ms in human leg muscles
    natural_hz, damping : of the segment on its joint, with the bed's contact in it
    """
    torque = contract(drive, rate_hz=rate_hz, twitch_s=twitch_s)
    return swing(torque, rate_hz=rate_hz, natural_hz=natural_hz, damping=damping)


def band_noise(
    rng: np.random.Generator, samples: int, *, rate_hz: float, centre_hz: float, quality: float
) -> Array:
    """Return noise of unit rms around one frequency: a resonator that white noise excites."""
    settle = length(3 * quality / centre_hz, rate_hz)
    b, a = signal.iirpeak(centre_hz, quality, fs=rate_hz)
    noise = signal.lfilter(b, a, rng.standard_normal(settle + samples))[settle:]
    return np.asarray(noise / max(_rms(noise), 1e-12))


def sine_scale(angle: Array, *, rate_hz: float, at_hz: float) -> float:
    """Return the factor by which an angle accelerates as a 1 rad sine of that frequency would."""
    wanted = (2 * math.pi * at_hz) ** 2 / math.sqrt(2)
    return wanted / max(_rms(np.diff(angle, 2) * rate_hz**2), 1e-12)


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _analogue(over: list[float], under: list[float], drive: Array, rate_hz: float) -> Array:
    b, a = signal.bilinear(over, under, fs=rate_hz)
    return np.asarray(signal.lfilter(b, a, drive))
