"""Labels that say more: stretches of one label, divided by what their samples show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from detector.store.formats.labels import Label

Divide: TypeAlias = Callable[[NDArray[np.floating], float], str]
"""From samples (n, 3), g, and their rate, Hz, to the label that says more."""


def with_divided(
    labels: Sequence[Label], text: str, samples: NDArray[np.floating], fs: float, divide: Divide
) -> tuple[Label, ...]:
    """Return labels in which those of `text` have the name that `divide` gives their samples."""

    def of(label: Label) -> Label:
        if label.text != text:
            return label
        inside = samples[round(label.onset_s * fs) : round(label.end_s * fs)]
        return replace(label, text=divide(inside, fs))

    return tuple(of(label) for label in labels)
