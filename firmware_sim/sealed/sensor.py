"""The wearable: strap, filter, breath and heartbeat of who wears it, noise, step and range."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy import signal

from firmware_sim.sealed.muscle import Array, either_sign, log_uniform
from firmware_sim.sealed.skeleton import Site, turned

RANGES = ((2.0, 0.98e-3), (4.0, 1.95e-3), (8.0, 0.244e-3), (8.0, 3.9e-3))
"""Range and step, g: 12 bits at 2, 4 and 8 g, and 16 bits at 8 g; common parts' data sheets."""
NOISE_G = (0.6e-3, 2.0e-3)
"""100-300 ug/sqrt(Hz) over 25-50 Hz of bandwidth (research note 5)."""
CRYSTAL = 0.03
"""Rate error of cheap sensors, either way (research note 5)."""
LOOSE_HZ, LOOSE_DAMPING = (4.0, 9.0), (0.03, 0.15)
"""A slack strap's spring and the share of critical damping [estimate]."""
SLIDES, SLIDE_DEG = 0.15, (4.0, 30.0)
"""Share of movements in which a slack strap slides around the limb, and how far [estimate]."""
PASSED = 0.42
"""Corner of the sensor's own weak second-order filter, of the sampling rate [estimate]."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Wearable:
    """One sensor on one strap; all arrays have shape (3,) or (3, 3)."""

    true_fs: float
    range_g: float
    step_g: float
    noise_g: float
    scale: Array
    offset_g: Array
    mounted: Array
    strap_hz: float
    strap_damping: float
    loose: bool = False

    @classmethod
    def drawn(cls, rng: np.random.Generator, *, fs: float) -> Self:
        """Return a random sensor, the error of its clock, and how it was strapped on."""
        range_g, step_g = RANGES[int(rng.integers(len(RANGES)))]
        return cls(
            true_fs=fs * (1 + rng.uniform(-CRYSTAL, CRYSTAL)),
            range_g=range_g,
            step_g=step_g,
            noise_g=rng.uniform(*NOISE_G),
            scale=1 + rng.normal(0.0, 0.004, 3),
            offset_g=rng.normal(0.0, 0.005, 3),
            mounted=_any_rotation(rng),
            strap_hz=rng.uniform(8.0, 20.0),  # soft tissue and strap, research note 5
            strap_damping=rng.uniform(0.15, 0.45),
        )

    def loosened(self, rng: np.random.Generator) -> Self:
        """Return the sensor on a slack strap: a softer, less damped spring that also slides."""
        return replace(
            self, strap_hz=rng.uniform(*LOOSE_HZ), strap_damping=log_uniform(rng, *LOOSE_DAMPING),
            loose=True,
        )  # fmt: skip

    @property
    def rings_s(self) -> float:
        """Return how long a slack strap swings on, to 2 % of its first swing; 0 for a firm one."""
        return 4.0 / (2 * math.pi * self.strap_hz * self.strap_damping) if self.loose else 0.0

    def carried(self, felt_g: Array, *, rate_hz: float) -> Array:
        """Return the limb's acceleration, (m, k), after the soft strap and the sensor's filter.

        The mass on a strap follows its base: (2 z w s + w^2) / (s^2 + 2 z w s + w^2).
        """
        omega = 2 * math.pi * self.strap_hz
        damped = 2 * self.strap_damping * omega
        strap = signal.bilinear([damped, omega**2], [1.0, damped, omega**2], fs=rate_hz)
        smooth = signal.butter(2, PASSED * self.true_fs, fs=rate_hz)
        moved = felt_g - felt_g[0]
        for b, a in (strap, smooth):
            moved = signal.lfilter(b, a, moved, axis=0)
        return np.asarray(moved + felt_g[0])

    def read(self, rng: np.random.Generator, specific_g: Array) -> Array:
        """Return what the sensor reports of a specific force, (n, 3), in its own axes."""
        axes = [
            sum(specific_g[:, k] * self.mounted[k, axis] for k in range(3)) for axis in range(3)
        ]
        out = np.stack(axes, axis=1)
        out *= self.scale
        out += self.offset_g
        out += self.noise_g * rng.standard_normal(out.shape)
        np.round(out / self.step_g, out=out)
        out *= self.step_g
        return np.clip(out, -self.range_g, self.range_g, out=out)


def add_life(rng: np.random.Generator, specific_g: Array, *, fs: float, site: Site) -> None:
    """Add breath (11-18 a minute) and the heart's recoil (48-72 a minute) in place."""
    samples = len(specific_g)
    breath = np.sin(2 * math.pi * np.cumsum(_wandering(rng, samples, fs, 0.18, 0.30)) / fs)
    beating = np.cumsum(_wandering(rng, samples, fs, 0.8, 1.2)) / fs
    blows = np.diff(np.floor(beating), prepend=0.0)
    recoil_hz = min(rng.uniform(4.0, 7.0), fs / 4)
    recoil = signal.lfilter(*signal.iirpeak(recoil_hz, 1.5, fs=fs), blows)
    recoil /= max(float(np.abs(recoil).max()), 1e-12)
    for wave, amplitude_g in ((breath, site.breath_g), (recoil, site.heart_g)):
        direction = rng.standard_normal(3)
        direction *= amplitude_g * rng.uniform(0.6, 1.4) / math.sqrt(float(np.sum(direction**2)))
        for axis in range(3):
            specific_g[:, axis] += wave * direction[axis]


def slip(
    rng: np.random.Generator,
    specific_g: Array,
    *,
    fs: float,
    moved: list[tuple[int, int]],
    loose: bool = False,
) -> None:
    """Turn the strap around the limb in place: a little with each movement, a little by itself.

    Parameters
    ----------
    moved : first and last sample of each movement, in order
    """
    at = [0.0]
    angle_deg = [0.0]
    per_sample = rng.normal(0.0, 2.0) / (3600 * fs)  # degrees an hour [estimate]
    for first, last in moved:
        before = angle_deg[-1] + per_sample * (first - at[-1])
        at += [float(first), float(max(last, first + 1))]
        by_deg = rng.normal(0.0, 0.7)
        if loose and rng.random() < SLIDES:
            by_deg += either_sign(rng) * rng.uniform(*SLIDE_DEG)
        angle_deg += [before, before + by_deg]
    angle = np.radians(np.interp(np.arange(len(specific_g)), at, angle_deg))
    specific_g[:, 1], specific_g[:, 2] = turned(specific_g[:, 1], specific_g[:, 2], angle)


def _wandering(
    rng: np.random.Generator, samples: int, fs: float, low_hz: float, high_hz: float
) -> Array:
    """Draw a rate that stays near its mean and drifts by some 5 % over half-minutes."""
    knots = max(2, math.ceil(samples / (20 * fs)) + 1)
    rates = rng.uniform(low_hz, high_hz) * (1 + 0.05 * rng.standard_normal(knots))
    return np.interp(np.arange(samples), np.linspace(0, samples, knots), rates)


def _any_rotation(rng: np.random.Generator) -> Array:
    """Draw a uniformly random orientation (a unit quaternion's matrix)."""
    drawn = rng.standard_normal(4)
    w, x, y, z = drawn / math.sqrt(float(np.sum(drawn**2)))
    return np.array([
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ])  # fmt: skip
