"""Median, quantile and sum of a few values: numpy's to the bit, without its overhead."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

IN_TURN = 8  # from so many on numpy adds in parts


def median(values: NDArray[np.floating[Any]]) -> float:
    """Return the median of (n,), n >= 1."""
    ordered, half = np.array(values), len(values) // 2
    ordered.sort()  # `np.sort` takes a detour
    if len(ordered) % 2:
        return float(ordered[half])
    return float((ordered[half - 1] + ordered[half]) / 2)


def middle(values: list[float]) -> float:
    """Return the median of n >= 1 numbers, as `median` does of an array."""
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def quantile(values: NDArray[np.float64], share: float) -> float:
    """Return the value below which a share of (n,) lies, n >= 1, linearly interpolated."""
    place = share * (len(values) - 1)
    index = int(place)
    part = place - index
    ordered = np.partition(values, (index, min(index + 1, len(values) - 1)))
    low, high = float(ordered[index]), float(ordered[min(index + 1, len(values) - 1)])
    # From the nearer neighbour, as numpy does it: either end is then met exactly.
    return low + (high - low) * part if part < 0.5 else high - (high - low) * (1 - part)


def total(values: list[float]) -> float:
    """Return the sum of numbers as numpy adds an array of them: fewer than `IN_TURN` in turn.

    Of more it adds eight partial sums (pairwise summation, Higham 1993), which the last bit shows.
    """
    if len(values) >= IN_TURN:
        return float(np.add.reduce(values))
    found = 0.0
    for value in values:
        found += value
    return found
