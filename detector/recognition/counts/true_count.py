"""The interval for a true count, given what was found: exact algebra, nothing is drawn at random.

Of n found in T hours h are right and f = n - h are none. f is Poisson with the rate of false events
times T, and of N true ones each is found with the sensitivity p. How many were missed follows from
h and p: with every N alike likely beforehand, N - h is negative binomial (h + 1 successes of chance
p), and so P(N <= x | h, p) = I_p(h + 1, x - h + 1), the regularised incomplete beta function
(Johnson, Kemp & Kotz 2005, Univariate Discrete Distributions, 5.6). Neither rate is known: both are
spread over nights and generators (`ErrorRates`), and the result is averaged over both. What was
found says something of the rate of false events (there were no more than n), and nothing of the
sensitivity, which is averaged as it was measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, gammaln, logsumexp, xlogy

from detector.recognition.counts.error_rates import ErrorRates

LEVEL = 0.9
"""Probability of the interval: the true count of one night in ten lies outside."""

TAILS = tuple(tail / 100 for tail in range(10))
"""What may lie below the interval; of the intervals between, the shortest is taken. One with equal
tails would leave 0 out of every interval where much is found that is none."""

MOST = 1_000_000
"""Bound of the search: a second between any two of them for eleven days."""

Numbers: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TrueCount:
    """Between `low` and `high` lies the true count with `LEVEL`, and as likely under `middle`."""

    low: int
    middle: int
    high: int


def true_count(found: int, hours: float, rates: ErrorRates) -> TrueCount:
    """Return the interval for the true count.

    Parameters
    ----------
    found : events that were found, >= 0
    hours : monitored, > 0
    """
    hits = np.arange(found + 1, dtype=np.float64)
    weights = _hit_weights(hits, found, hours, rates)
    kept = weights > weights.max() * 1e-9  # the rest moves no quantile
    hits, weights = hits[kept], weights[kept] / weights[kept].sum()
    chance = np.asarray(rates.sensitivity, dtype=np.float64)[:, np.newaxis]

    @cache
    def below(count: int) -> float:
        """Return the probability that the true count is no larger."""
        missed = np.maximum(count - hits, 0.0)
        each = betainc(hits + 1, missed + 1, chance).mean(axis=0)
        return float((weights * np.where(hits <= count, each, 0.0)).sum())

    spans = [(_first(below, tail), _first(below, tail + LEVEL)) for tail in TAILS]
    low, high = min(spans, key=lambda span: span[1] - span[0])
    return TrueCount(low, _first(below, 0.5), high)


def _hit_weights(hits: Numbers, found: int, hours: float, rates: ErrorRates) -> Numbers:
    """Return how likely each number of right ones is, not normalised."""
    expected = np.asarray(rates.false_per_h, dtype=np.float64)[:, np.newaxis] * hours
    false = found - hits
    logs = xlogy(false, expected) - expected - gammaln(false + 1)
    most_first = logsumexp(logs, axis=0)
    weights: Numbers = np.exp(most_first - most_first.max())
    return weights


def _first(below: Callable[[int], float], probability: float) -> int:
    """Return the smallest count at which the distribution reaches a probability."""
    high = 1
    while high < MOST and below(high) < probability:
        high *= 2
    low = -1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if below(middle) < probability else (low, middle)
    return high
