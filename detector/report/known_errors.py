"""How often the detector misses and invents what is counted, as it was measured. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detector.recognition.counts.error_rates import Counted, ErrorRates, ModelRates

TAIL = 0.05
"""Of the nights it was measured on, as many lie below the lower end as above the upper."""


@dataclass(frozen=True, slots=True)
class ErrorSpread:
    """A figure over the nights that it was measured on: mean, and where 90 % of the nights lie."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class KnownErrors:
    """How a count errs.

    found : share of the true ones that are found, 0 to 1
    false_per_h : how many are counted in an hour that are none
    """

    counted: Counted
    found: ErrorSpread
    false_per_h: ErrorSpread


def known_errors(rates: ModelRates | None) -> tuple[KnownErrors, ...]:
    """Return how each count errs; nothing where that was not measured."""
    if rates is None:
        return ()
    return tuple(_errors(counted, rates.of[counted]) for counted in Counted if counted in rates.of)


def _errors(counted: Counted, rates: ErrorRates) -> KnownErrors:
    return KnownErrors(counted, _spread(rates.sensitivity), _spread(rates.false_per_h))


def _spread(values: Sequence[float]) -> ErrorSpread:
    low, high = np.quantile(values, (TAIL, 1 - TAIL)).tolist()
    return ErrorSpread(float(np.mean(values)), float(low), float(high))
