"""Samples that carry their number, and the stamp of a sensor."""

from __future__ import annotations

import numpy as np

from detector.devices.profile import Chunk

S = 1_000_000_000
SENSOR_NS = 800_000_000 * S  # its own time, since 2000
UTC_NS = 1_700_000_000 * S


def chunk(first: int, count: int, fs: float = 50.0, *, set_by_ns: int = 0) -> Chunk:
    """Samples `first` ... of a stream; each carries its number."""
    samples = np.zeros((count, 3))
    samples[:, 0] = np.arange(first, first + count)
    return Chunk(samples, fs, SENSOR_NS + set_by_ns + round((first + count - 1) / fs * S))
