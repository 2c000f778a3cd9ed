"""What is said of moments of a recording."""

from __future__ import annotations

import numpy as np

from detector.block import Block
from detector.recognition.why.explainer import Explainer
from detector.recognition.why.explanation import Asked, Explanation

FS = 50.0


def explain(blocks: list[Block], *asked: Asked, site: str = "ankle") -> list[Explanation]:
    explainer = Explainer(asked, site=site)
    for block in blocks:
        explainer.process(block)
    explainer.finish()
    return explainer.explanations()


def still(length_s: float, *, seed: int = 0, noise_g: float = 1.2e-3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    samples = np.array([0.1, 0.0, 0.99]) + rng.normal(0, noise_g, (round(length_s * FS), 3))
    return np.round(samples, 4)
