"""How fast somebody saws, by a criterion independent of the detector.

At 3 Hz and more sawing is a steady rhythm in the band of clonus, and nothing at the wrist alone
tells it from a mimicked seizure; below, it is not in that band. The rate is the highest peak of
the spectrum of all three axes together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import periodogram

IN_BAND_HZ = 3.0  # the lower end of clonus, contract
STROKES_HZ = (0.5, 8.0)  # posture is slower; Nyquist of the clips is 8 Hz

SAWING = "SAWING"
FAST, SLOW = f"{SAWING}, 3 Hz and more", f"{SAWING}, slower"


def by_rate(samples: NDArray[np.floating], fs: float) -> str:
    """Return the label of a clip of sawing that says whether it is as fast as clonus."""
    return FAST if rate_hz(samples, fs) >= IN_BAND_HZ else SLOW


def rate_hz(samples: NDArray[np.floating], fs: float) -> float:
    """Return the rate with the most power, of samples (n, 3)."""
    hz, power = periodogram(samples.astype(np.float64), fs, window="hann", axis=0)
    inside = (hz >= STROKES_HZ[0]) & (hz <= STROKES_HZ[1])
    return float(hz[inside][power.sum(axis=1)[inside].argmax()])
