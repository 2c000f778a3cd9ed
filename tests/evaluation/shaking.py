"""A recording with a rhythm in it that nobody can miss."""

from __future__ import annotations

import numpy as np

FS = 50


def trembling(length_s: float = 90.0, onsets_s: tuple[float, ...] = (40.0,)) -> np.ndarray:
    """Rest with runs of eight seconds of 6-a-second jerks: (n, 3), g."""
    t = np.arange(int(length_s * FS)) / FS
    a = np.random.default_rng(0).normal(0, 0.002, (len(t), 3)) + np.array([0.02, -0.1, 0.99])
    for onset_s in onsets_s:
        during = (t >= onset_s) & (t < onset_s + 8)
        a[during, 0] += 0.35 * np.sign(np.sin(2 * np.pi * 6 * (t[during] - onset_s)))
    return a
