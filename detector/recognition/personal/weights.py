"""How likely an event is real by a wearer's own labels: the model's confidence, weighed again.

A logistic regression with few numbers and a prior that says "as the model says": it needs no
labels to begin with, and leaves the model's opinion as far as labels speak against it. The numbers
are those that an event has from its first word on; how long it lasts is not among them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, isfinite, log
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detector.events import Event, Kind

Floats = NDArray[np.float64]

LARGEST = 30.0  # log odds: beyond, a probability is 0 or 1 to every screen
SURE = (0.005, 0.995)
"""A confidence is published with two digits, so that 0.00 and 1.00 are not certain."""


def _log_odds(probability: float) -> float:
    held = min(max(probability, SURE[0]), SURE[1])
    return log(held / (1 - held))


NUMBERS: Final[Mapping[str, Callable[[float], float]]] = MappingProxyType(
    {
        "confidence": _log_odds,
        "rms_g": lambda g: log(max(g, 0.002) / 0.06) / 0.8,
        "turn_deg": lambda deg: log((3.0 + deg) / 13.0) / 0.8,
        "rhythm_hz": lambda hz: hz - 5.0,
    }
)
"""Each number of an event as a regressor, about 0 and of about unit spread among movements in bed
(own simulator and forward dynamics). Confidence is in log odds: its weight is a slope (Platt
1999), the offset a shift."""

WEIGHED: Final[Mapping[Kind, tuple[str, ...]]] = MappingProxyType(
    {
        Kind.CLONUS: ("confidence", "rms_g", "turn_deg", "rhythm_hz"),
        Kind.SPASM: ("confidence", "rms_g", "turn_deg"),
        Kind.TWITCH: ("confidence", "rms_g", "turn_deg"),
        Kind.TONIC: ("confidence", "rms_g", "turn_deg"),
    }
)

OFFSET_SPREAD = 1.5
"""Prior spread of the offset: how much more often than the model says a wearer's are real. The
logarithm of false alarms differs by 1 among four simulators (models/evaluation/between.py)."""
AS_IT_IS = 1.0  # the slope that leaves the model's confidence as it is
SLOPE_SPREAD = 0.5
"""Prior spread of the slope about 1: at 0, two of them away, confidence says nothing."""
SPREAD = 1.0
"""Prior spread of the other weights about 0: a number one spread away changes odds threefold."""
STEPS = 100
SMALLEST_STEP = 1e-9


@dataclass(frozen=True, slots=True)
class Weights:
    """An offset, and a weight for each number that `WEIGHED` names for a kind."""

    offset: float
    of: tuple[float, ...]

    def __post_init__(self) -> None:
        if not all(isfinite(value) and abs(value) <= LARGEST for value in (self.offset, *self.of)):
            raise ValueError(f"weights must be numbers up to {LARGEST:g}: {self.offset}, {self.of}")

    def likely(self, event: Event) -> float:
        """Return how likely it is real, 0 to 1; the event's kind is one of `WEIGHED`."""
        terms = zip(self.of, numbers_of(event), strict=True)
        odds = self.offset + sum(weight * number for weight, number in terms)
        return 1 / (1 + exp(-min(max(odds, -LARGEST), LARGEST)))


def numbers_of(event: Event) -> list[float]:
    """Return the regressors of an event; a number that is not known is taken for a typical one."""
    found = []
    for name in WEIGHED[event.kind]:
        value = getattr(event, name)
        known = value is not None and isfinite(value) and value >= 0
        found.append(NUMBERS[name](value) if known else 0.0)
    return found


def weighed(kind: Kind, events: Sequence[Event], real: Sequence[bool]) -> Weights:
    """Return the likeliest weights after labels, in whatever order (logistic, normal prior).

    Newton's method, its steps halved as needed, on a concave function: it has one greatest value.
    """
    names = WEIGHED[kind]
    middle = np.array([0.0, *(AS_IT_IS if name == "confidence" else 0.0 for name in names)])
    spread = np.array(
        [OFFSET_SPREAD, *(SLOPE_SPREAD if name == "confidence" else SPREAD for name in names)]
    )
    rows = sorted(zip(([1.0, *numbers_of(each)] for each in events), real, strict=True))
    numbers = np.array([row for row, _ in rows]).reshape(len(rows), len(middle))
    labels = np.array([float(label) for _, label in rows])
    best, value = middle, _worth(numbers, labels, middle, middle, spread)
    for _ in range(STEPS):
        likely = _likely(numbers, best)
        slope = (numbers * (labels - likely)[:, np.newaxis]).sum(axis=0)
        slope -= (best - middle) / spread**2
        step = np.linalg.solve(_curvature(numbers, likely) + np.diag(spread**-2), slope)
        while np.abs(step).max() > SMALLEST_STEP:
            tried = _worth(numbers, labels, best + step, middle, spread)
            if tried > value:
                break
            step = step / 2  # it went beyond the greatest value
        else:
            break
        best, value = best + step, tried
    offset, *of = (round(float(value), 4) for value in best)
    return Weights(offset, tuple(of))


def _likely(numbers: Floats, weights: Floats) -> Floats:
    odds = np.clip((numbers * weights).sum(axis=1), -LARGEST, LARGEST)
    found: Floats = 1 / (1 + np.exp(-odds))
    return found


def _worth(
    numbers: Floats, labels: Floats, weights: Floats, middle: Floats, spread: Floats
) -> float:
    """Return the logarithm of how likely weights are after labels, but for a constant."""
    odds = (numbers * weights).sum(axis=1)
    fits = (labels * odds - np.logaddexp(0.0, odds)).sum()
    return float(fits - (((weights - middle) / spread) ** 2).sum() / 2)


def _curvature(numbers: Floats, likely: Floats) -> Floats:
    """Return minus the second derivative of the labels' log likelihood, (numbers, numbers)."""
    each = numbers * (likely * (1 - likely))[:, np.newaxis]
    columns = range(numbers.shape[1])
    return np.array([[float((each[:, i] * numbers[:, j]).sum()) for j in columns] for i in columns])
