"""The errors of an accelerometer: clock, noise, range, steps, slipping strap and losses.

Packets that arrive twice are an error of the link: `firmware_sim` plays them, and a time stamp
identifies them. Here is their effect in a file: a packet written in the place of the next one.
"""

from __future__ import annotations

from collections.abc import Callable
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
COARSE_CHIPS = ((2.0, 2**-6), (8.0, 2**-4))
"""8 bit +-2 g and +-8 g: 16 and 62 mg a step, more than any movement at rest."""
LOSS_S = (0.2, 20.0)
"""Length of a burst of loss: from one packet to a body lying on the sensor [estimate]."""
PACKET_SAMPLES = 16
"""Samples in a packet: a third of a second at 50 Hz [estimate]."""


@dataclass(frozen=True, slots=True)
class Sensor:
    """One accelerometer.

    Parameters
    ----------
    fs : nominal rate, Hz
    rate_error : relative error of the true rate
    noise_g : white noise per axis, rms
    range_g, step_g : where it clips, and its smallest difference
    jitter_s : scatter of single sampling moments, rms
    losses_per_h : bursts of `LOSS_S` in which nothing arrives; rows of NaN
    repeats_per_h : packets that were written in the place of the next one
    slip_deg : rms turn of the strap round the limb at each turn in bed and each walk
    """

    fs: float
    rate_error: float = 0.0
    noise_g: float = 0.001
    range_g: float = 8.0
    step_g: float = 2**-12
    jitter_s: float = JITTER_S
    losses_per_h: float = 0.0
    repeats_per_h: float = 0.0
    slip_deg: float = 0.0

    def __post_init__(self) -> None:
        wrong = [n for n in _ABOVE_0 if not 0 < getattr(self, n) < np.inf]
        wrong += [n for n in _FROM_0 if not 0 <= getattr(self, n) < np.inf]
        if wrong or not abs(self.rate_error) < 1:
            name = wrong[0] if wrong else "rate_error"
            raise ValueError(f"a sensor's {name} cannot be {getattr(self, name)}")

    @property
    def true_fs(self) -> float:
        """Return the true rate, Hz."""
        return self.fs * (1 + self.rate_error)

    def instants_s(self, rng: np.random.Generator, first: int, stop: int) -> Curve:
        """Return the true moments at which samples `first` up to `stop` are taken."""
        jitter = self.jitter_s * rng.standard_normal(stop - first)
        return np.arange(first, stop) / self.true_fs + jitter

    def read(self, rng: np.random.Generator, force_g: Samples) -> Samples:
        """Add noise to (n, 3) in g, clip and round to the chip's steps."""
        noisy = force_g + self.noise_g * rng.standard_normal(force_g.shape)
        rounded: Samples = np.round(np.clip(noisy, -self.range_g, self.range_g) / self.step_g)
        return rounded * self.step_g

    def lose(self, rng: np.random.Generator, samples: Samples) -> None:
        """Write packets twice and lose bursts of (n, 3), in place; the clock runs on."""
        hours = len(samples) / self.true_fs / 3600
        for first in _places(rng, self.repeats_per_h * hours, len(samples) - 2 * PACKET_SAMPLES):
            packet = samples[first : first + PACKET_SAMPLES]
            samples[first + PACKET_SAMPLES : first + 2 * PACKET_SAMPLES] = packet
        for first in _places(rng, self.losses_per_h * hours, len(samples)):
            lasting_s = np.exp(rng.uniform(*np.log(LOSS_S)))
            samples[first : first + round(lasting_s * self.true_fs)] = np.nan


_ABOVE_0 = ("fs", "range_g", "step_g")
_FROM_0 = ("noise_g", "jitter_s", "losses_per_h", "repeats_per_h", "slip_deg")

DrawSensor = Callable[[np.random.Generator, float], Sensor]
"""Returns a random sensor of a nominal rate in Hz."""


def draw_sensor(rng: np.random.Generator, fs: float) -> Sensor:
    """Return a typical sensor: random noise, clock error and one of three ranges."""
    range_g, step_g = CHIPS[int(rng.integers(len(CHIPS)))]
    return Sensor(
        fs=fs,
        rate_error=rng.uniform(-RATE_ERROR, RATE_ERROR),
        noise_g=rng.uniform(*NOISE_G),
        range_g=range_g,
        step_g=step_g,
    )


def draw_poor_sensor(rng: np.random.Generator, fs: float) -> Sensor:
    """Return a poor sensor: any chip, a loose strap, a link that loses packets."""
    chips = CHIPS + COARSE_CHIPS
    range_g, step_g = chips[int(rng.integers(len(chips)))]
    return Sensor(
        fs=fs,
        rate_error=rng.uniform(-RATE_ERROR, RATE_ERROR),
        noise_g=rng.uniform(*NOISE_G),
        range_g=range_g,
        step_g=step_g,
        jitter_s=rng.uniform(1, 5) * JITTER_S,
        losses_per_h=rng.uniform(0, 20),
        repeats_per_h=rng.uniform(0, 20),
        slip_deg=rng.uniform(0, 15),
    )


def _places(rng: np.random.Generator, mean: float, below: int) -> list[int]:
    """Return random places of events that happen `mean` times on average."""
    count = rng.poisson(mean)
    return [] if below <= 0 else [int(i) for i in rng.integers(0, below, count)]
