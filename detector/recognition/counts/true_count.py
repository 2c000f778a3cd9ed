"""The interval for a true count, given what was found: exact algebra, nothing is drawn at random.

Of n found in T hours h are right and f = n - h are none. f is Poisson with the rate of false events
times T. True ones are Poisson too, with a mean of which nothing is known (the prior of Jeffreys,
mean^-1/2: H. Jeffreys 1946, Proc R Soc A 186:453), and each is found with the sensitivity p. Those
found and those missed are then independent given the mean, so that h has the weight
gamma(h + 1/2) / h!, and the number missed given h is negative binomial with h + 1/2 successes of
chance p, P(missed <= m) = I_p(h + 1/2, m + 1), the regularised incomplete beta function (Johnson,
Kemp & Kotz 2005, Univariate Discrete Distributions, 5.6).

Neither rate is known: both are spread over nights and generators (`ErrorRates`), and the result is
averaged over both. What was found says something of the rate of false events (there were no more
than n), and nothing of the sensitivity, which is averaged as it was measured.
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
"""Least probability of the interval: the true count of one night in ten may lie outside."""

TAILS = tuple(tail / 100 for tail in range(10))
"""What may lie below the interval. Its lower end is that of the shortest which holds `LEVEL`, since
with equal tails 0 would lie outside where much is found that is none; its upper end leaves no more
than (1 - LEVEL) / 2 above, since the shortest alone would end too soon for those who have many."""

MOST = 1_000_000
"""Bound of the search: a second between any two of them for eleven days."""

Numbers: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TrueCount:
    """The true count lies from `low` to `high` with `LEVEL`, above `middle` as likely as below."""

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
        each = betainc(hits + 0.5, missed + 1, chance).mean(axis=0)
        return float((weights * np.where(hits <= count, each, 0.0)).sum())

    spans = [(_first(below, tail), _first(below, tail + LEVEL)) for tail in TAILS]
    low, _ = min(spans, key=lambda span: span[1] - span[0])
    return TrueCount(low, _first(below, 0.5), _first(below, (1 + LEVEL) / 2))


def _hit_weights(hits: Numbers, found: int, hours: float, rates: ErrorRates) -> Numbers:
    """Return how likely each number of right ones is, not normalised."""
    expected = np.asarray(rates.false_per_h, dtype=np.float64)[:, np.newaxis] * hours
    false = found - hits
    of_false = logsumexp(xlogy(false, expected) - expected - gammaln(false + 1), axis=0)
    logs = of_false + gammaln(hits + 0.5) - gammaln(hits + 1)
    weights: Numbers = np.exp(logs - logs.max())
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
