"""What an accelerometer chip makes of the force on it: clock, noise, range and steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detector.block import Samples
from firmware_sim.motion.kinematics import Curve

NOISE_G = (0.0006, 0.002)
"""100 to 300 ug/sqrt(Hz) over 25 Hz and a little more; signal note, section 5."""
RATE_ERROR = 0.03
"""Uncalibrated MEMS clocks run up to 3 % fast or slow."""
JITTER_S = 0.0002
"""Scatter of single sampling moments [estimate]."""
CHIPS = ((2.0, 2**-10), (8.0, 2**-8), (8.0, 2**-12))
"""Range and step in g: 12 bit +-2 g, 12 bit +-8 g, 16 bit +-8 g."""


@dataclass(frozen=True, slots=True)
class Sensor:
    """One accelerometer.

    Parameters
    ----------
    fs : the rate it claims, Hz
    rate_error : how much faster than that it really runs, as a share
    noise_g : white noise per axis, rms
    range_g, step_g : where it clips, and its smallest difference
    """

    fs: float
    rate_error: float = 0.0
    noise_g: float = 0.001
    range_g: float = 8.0
    step_g: float = 2**-12
    jitter_s: float = JITTER_S

    @property
    def true_fs(self) -> float:
        """Samples in a true second."""
        return self.fs * (1 + self.rate_error)

    def instants_s(self, rng: np.random.Generator, first: int, stop: int) -> Curve:
        """Give the true moments at which samples `first` up to `stop` are taken."""
        jitter = self.jitter_s * rng.standard_normal(stop - first)
        return np.arange(first, stop) / self.true_fs + jitter

    def read(self, rng: np.random.Generator, force_g: Samples) -> Samples:
        """Add noise to (n, 3) in g, clip and round to the chip's steps."""
        noisy = force_g + self.noise_g * rng.standard_normal(force_g.shape)
        rounded: Samples = np.round(np.clip(noisy, -self.range_g, self.range_g) / self.step_g)
        return rounded * self.step_g


def draw_sensor(rng: np.random.Generator, fs: float) -> Sensor:
    """Draw a chip as they come: noise, clock error and one of three ranges."""
    range_g, step_g = CHIPS[int(rng.integers(len(CHIPS)))]
    return Sensor(
        fs=fs,
        rate_error=rng.uniform(-RATE_ERROR, RATE_ERROR),
        noise_g=rng.uniform(*NOISE_G),
        range_g=range_g,
        step_g=step_g,
    )
