"""A spectrum that shares nothing with the generator or the detector."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def strongest_hz(samples: Array, fs: float) -> float:
    """Return where the spectrum of all axes, 2-14 Hz, is largest; harmonics are held down."""
    tapered = (samples - samples.mean(axis=0)) * np.hanning(len(samples))[:, np.newaxis]
    power = np.sum(np.abs(np.fft.rfft(tapered, 8192, axis=0)) ** 2, axis=1)
    hz = np.fft.rfftfreq(8192, 1 / fs)
    band = (hz > 2) & (hz < 14)
    return float(hz[band][np.argmax(power[band] / hz[band])])
