"""Independent oracles for simulated movement."""

from collections.abc import Callable

import numpy as np
import pytest

from detector.block import Samples


def _dominant_hz(samples: Samples, fs: float) -> float:
    """Strongest frequency from 2.5 to 9 Hz: median of windows, so that a slow drift averages."""
    width = min(round(2.56 * fs), len(samples))
    found = []
    for first in range(0, len(samples) - width + 1, max(width // 4, 1)):
        window = samples[first : first + width]
        window = (window - window.mean(axis=0)) * np.hanning(width)[:, np.newaxis]
        power = (np.abs(np.fft.rfft(window, 4096, axis=0)) ** 2).sum(axis=1)
        hz = np.fft.rfftfreq(4096, 1 / fs)
        power[(hz < 2.5) | (hz > 9)] = 0
        found.append(hz[power.argmax()])
    return float(np.median(found))


@pytest.fixture(scope="session")
def dominant_hz() -> Callable[[Samples, float], float]:
    return _dominant_hz
