"""A sensor on a leg that lies still."""

from __future__ import annotations

import numpy as np

from detector.block import Samples

FS = 20.0
STEP_G = 2**-12
UP = np.array([0.2, -0.3, 0.93])


def lying(
    minutes: float,
    *,
    seed: int = 0,
    fs: float = FS,
    noise_g: float = 0.6e-3,
    breath_g: float = 0.0,
    breath_hz: float = 0.25,
    step_g: float = STEP_G,
) -> Samples:
    """Simulated stillness: gravity, noise, steps, and breathing in some direction if any."""
    rng = np.random.default_rng(seed)
    n = round(minutes * 60 * fs)
    cycle = 2 * np.pi * breath_hz * np.arange(n) / fs + np.cumsum(rng.normal(0, 0.02, n))
    direction = rng.normal(size=3)
    moved = np.outer(breath_g * np.sin(cycle), direction / np.linalg.norm(direction))
    return np.round((UP + moved + rng.normal(0, noise_g, (n, 3))) / step_g) * step_g
