"""Which freezes of gait tremble, by a criterion independent of the detector.

Not every freeze trembles, and the labels do not say which do. A freeze counts as trembling when
any window of 2 s in it shows, in the spectrum of all three axes together,

- a freeze index above 2.3: power at 3-8 Hz over power at 0.5-3 Hz (Moore, MacDougall & Ondo 2008,
  J Neurosci Methods 167:340; 2.3 is their threshold as the research note gives it),
- one peak in 3-8 Hz that holds, with 0.75 Hz to either side, at least a third of the power from
  0.5 to 20 Hz: trembling has a rate, shuffling has none (even noise would give 0.08), and
- at least 20 mg rms in 3-8 Hz: the trembling can be felt.

It was fixed before it was applied to any freeze, and is not changed by the results.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import get_window

WINDOW_S = 2.0  # resolves 0.5 Hz, and is shorter than most freezes
HOP_S = 0.5
TREMBLE_HZ = (3.0, 8.0)
STEPS_HZ = (0.5, 3.0)
WHOLE_HZ = (0.5, 20.0)
FREEZE_INDEX = 2.3
BESIDE_HZ = 0.75  # half the main lobe of a Hann window of 2 s, and half a bin
PEAK_SHARE = 1 / 3
LEAST_G = 0.02

FREEZE = "freeze"
TREMBLING, NOT_TREMBLING = "freeze, trembling", "freeze, not trembling"


def by_trembling(samples: NDArray[np.floating], fs: float) -> str:
    """Return the label of a freeze that says whether it trembles."""
    return TREMBLING if trembles(samples, fs) else NOT_TREMBLING


def trembles(samples: NDArray[np.floating], fs: float) -> bool:
    """Return whether any window of (n, 3) g meets the criterion; too short a stretch does not."""
    length, hop = round(WINDOW_S * fs), round(HOP_S * fs)
    if len(samples) < length:
        return False
    windows = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), length, axis=0)[
        ::hop
    ]
    taper = get_window("hann", length)
    spectrum = np.fft.rfft((windows - windows.mean(axis=-1, keepdims=True)) * taper)
    power = (spectrum.real**2 + spectrum.imag**2).sum(axis=1)
    hz = np.fft.rfftfreq(length, 1 / fs)
    fast, slow, whole = (_within(power, hz, band) for band in (TREMBLE_HZ, STEPS_HZ, WHOLE_HZ))
    in_band = np.where((hz >= TREMBLE_HZ[0]) & (hz <= TREMBLE_HZ[1]), power, 0.0)
    peak_hz = hz[in_band.argmax(axis=1)]
    near = np.abs(hz - peak_hz[:, np.newaxis]) <= BESIDE_HZ
    peak = np.where(near, power, 0.0).sum(axis=1)
    mean_square = 2 * fast / (length * (taper**2).sum())
    met = (fast > FREEZE_INDEX * slow) & (peak >= PEAK_SHARE * whole) & (mean_square >= LEAST_G**2)
    return bool(met.any())


def _within(
    power: NDArray[np.floating], hz: NDArray[np.floating], band: tuple[float, float]
) -> NDArray[np.floating]:
    total: NDArray[np.floating] = power[:, (hz >= band[0]) & (hz < band[1])].sum(axis=1)
    return total
