"""A simulated recording as another limb, tissue and strap would have moved a sensor."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from scipy.signal import butter, lfilter, sosfiltfilt

from detector.block import Samples
from detector.evaluation.matching import Truth

POSTURE_HZ = 0.7
"""What is slower is how the limb lies, not how it is moved: turns of a held leg take a second."""

TEMPO: Final = (0.9, 1.12)
"""How much faster everything happens: a clonus of 3.4 to 7 Hz stays within 3 to 8 Hz."""

SIZE: Final = (0.6, 1.7)
"""How much larger the acceleration is: the lever from the joint to the sensor is 0.08 to 0.4 m."""

RESONANCE_HZ: Final = (8.0, 20.0)
DAMPING: Final = (0.1, 0.6)
"""The sensor on soft tissue and strap, a mass on a spring (Ziegert & Lewis 1979, J Biomech Eng
101:218); firm ones damp more than the 0.1 to 0.4 of a loose one."""


class Moved(NamedTuple):
    """What a limb did: samples (n, 3) g, none missing, at a rate in Hz, and the truth of them."""

    samples: Samples
    fs: float
    truths: tuple[Truth, ...]


def varied(moved: Moved, seed: int) -> Moved:
    """Return the same with tempo, size and coupling drawn; the posture stays as it was."""
    rng = np.random.default_rng([seed, 0x7661])
    tempo, size, resonance_hz, damping = (
        float(np.exp(rng.uniform(*np.log(limits))))
        for limits in (TEMPO, SIZE, RESONANCE_HZ, DAMPING)
    )
    samples, fs, _ = moved
    slow = sosfiltfilt(butter(2, POSTURE_HZ, fs=fs, output="sos"), samples, axis=0)
    fast = _coupled(size * (samples - slow), fs, min(resonance_hz, 0.4 * fs), damping)
    truths = tuple(
        replace(
            truth,
            onset_s=truth.onset_s / tempo,
            end_s=truth.end_s / tempo,
            rhythm_hz=None if truth.rhythm_hz is None else truth.rhythm_hz * tempo,
        )
        for truth in moved.truths
    )
    return Moved(slow + fast, fs * tempo, truths)


def _coupled(acceleration: Samples, fs: float, resonance_hz: float, damping: float) -> Samples:
    """Return what a mass on a spring and a damper feels of its base; bilinear, prewarped."""
    k = 1 / np.tan(np.pi * resonance_hz / fs)
    forced = [1 + 2 * damping * k, 2.0, 1 - 2 * damping * k]
    own = [1 + 2 * damping * k + k * k, 2 - 2 * k * k, 1 - 2 * damping * k + k * k]
    felt: Samples = lfilter(forced, own, acceleration, axis=0)
    return felt
