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

A night is made of parts, in each of which false events have a rate of their own; the rates of all
parts rise and fall together. True ones of a part have a share of the prior, as of the night's
hours (mean^(w/2 - 1) with a share w), so that those of all parts together have Jeffreys', and the
number of right ones in the night is the sum over its parts. As all are found with the same
sensitivity, the number missed follows from that sum alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, gammaln, xlogy

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


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a night: events that were found, >= 0, in hours that were monitored, > 0.

    `times_false` : false events in an hour of it over those in any hour, > 0
    """

    found: int
    hours: float
    times_false: float = 1.0


def true_count(parts: Sequence[Part], rates: ErrorRates) -> TrueCount:
    """Return the interval for the true count of a night, of which there is one part or more."""
    weights = _hit_weights(parts, rates)
    hits = np.arange(len(weights), dtype=np.float64)
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


def _hit_weights(parts: Sequence[Part], rates: ErrorRates) -> Numbers:
    """Return how likely each number of right ones is, not normalised: none, one … all found."""
    hours = sum(part.hours for part in parts)
    per_h = np.asarray(rates.false_per_h, dtype=np.float64)
    sums, logs = np.ones((len(per_h), 1)), np.zeros(len(per_h))
    for part in parts:
        each = _of_part(part, part.hours / hours / 2, per_h)
        most = each.max(axis=1)
        logs += most
        each = np.exp(each - most[:, np.newaxis])
        sums = np.stack([np.convolve(a, b) for a, b in zip(sums, each, strict=True)])
    whole: Numbers = (np.exp(logs - logs.max())[:, np.newaxis] * sums).sum(axis=0)
    return whole


def _of_part(part: Part, shape: float, per_h: Numbers) -> Numbers:
    """Return the logarithm of the same for a part, at each rate of false events: (rates, n + 1)."""
    hits = np.arange(part.found + 1, dtype=np.float64)
    false = part.found - hits
    expected = per_h[:, np.newaxis] * part.times_false * part.hours
    of_false = xlogy(false, expected) - expected - gammaln(false + 1)
    logs: Numbers = of_false + gammaln(hits + shape) - gammaln(hits + 1)
    return logs


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
