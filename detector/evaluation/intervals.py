"""Shares, rates and spreads with their confidence intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt
from typing import TypeAlias

import numpy as np
from scipy.special import gammaincinv

Interval: TypeAlias = tuple[float, float]

LEVEL = 0.95
"""Confidence of every interval here: the usual one in medicine, so that readers can compare."""

Z = 1.959963984540054
"""Normal quantile of (1 + LEVEL) / 2."""

RESAMPLES = 2000
"""Bootstrap draws: the 2.5 % quantile then rests on 50 of them (Efron & Tibshirani 1993, 13.3)."""

FEWEST_SUBJECTS = 3
"""With two subjects there are three different resamples: no distribution to take a quantile of."""

SEED = 20_261_121
"""Any fixed number: the same recordings must give the same interval."""


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `of`, with Wilson's interval, and over subjects where there are enough of them."""

    hits: int
    of: int
    subjects: Interval | None = None

    @property
    def value(self) -> float | None:
        """The share, None of nothing."""
        return self.hits / self.of if self.of else None

    @property
    def interval(self) -> Interval | None:
        """Wilson's 95 % interval, None of nothing."""
        return wilson(self.hits, self.of) if self.of else None


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` in `hours`, per 24 h, with the exact Poisson interval."""

    count: int
    hours: float
    subjects: Interval | None = None

    @property
    def per_24h(self) -> float | None:
        """Events in 24 h, None where nothing was monitored."""
        return 24 * self.count / self.hours if self.hours > 0 else None

    @property
    def interval(self) -> Interval | None:
        """Garwood's 95 % interval per 24 h, None where nothing was monitored."""
        if self.hours <= 0:
            return None
        low, high = poisson(self.count)
        return 24 * low / self.hours, 24 * high / self.hours


@dataclass(frozen=True, slots=True)
class Spread:
    """Middle and 90 % quantile of `n` values; None of nothing."""

    n: int
    p50: float | None
    p90: float | None


def spread(values: Sequence[float]) -> Spread:
    """Return the quantiles of values, by linear interpolation."""
    if not values:
        return Spread(0, None, None)
    p50, p90 = np.quantile(values, (0.5, 0.9)).tolist()
    return Spread(len(values), p50, p90)


def wilson(hits: int, of: int) -> Interval:
    """Return the score interval of a binomial share (E. B. Wilson 1927, JASA 22:209).

    Unlike the plain normal one it stays inside 0 to 1 and is right for shares near them.

    Parameters
    ----------
    hits, of : 0 <= hits <= of, of > 0
    """
    share, weight = hits / of, Z * Z / of
    middle = share + weight / 2
    half = sqrt(weight * (share * (1 - share) + weight / 4))
    low, high = (middle - half) / (1 + weight), (middle + half) / (1 + weight)
    # Exact at the ends, where rounding would leave 1e-17.
    return (0.0 if hits == 0 else low), (1.0 if hits == of else high)


def poisson(count: int) -> Interval:
    """Return the exact interval of a Poisson count (F. Garwood 1936, Biometrika 28:437).

    With chi-square quantiles, here as inverse gamma functions: chi2(2k) = 2 gamma(k). A count of 0
    has no lower side, so all 5 % go to the upper one, -ln 0.05 = 3.0: the "rule of three"
    (Hanley & Lippman-Hand 1983, JAMA 249:1743).
    """
    if count == 0:
        return 0.0, -log(1 - LEVEL)
    tail = (1 - LEVEL) / 2
    return float(gammaincinv(count, tail)), float(gammaincinv(count + 1, 1 - tail))


def over_subjects(counts: Sequence[float], sizes: Sequence[float]) -> Interval | None:
    """Return the percentile bootstrap interval of sum(counts) / sum(sizes) over subjects.

    Whole subjects are drawn, as one person's events resemble each other (B. Efron 1979, Ann
    Statist 7:1; cluster form as in Field & Welsh 2007, JRSS B 69:369).

    Parameters
    ----------
    counts, sizes : one of each for every subject, always in the same order

    Returns
    -------
    None with fewer than `FEWEST_SUBJECTS` subjects of any size.
    """
    size = np.asarray(sizes, dtype=np.float64)
    count = np.asarray(counts, dtype=np.float64)[size > 0]
    size = size[size > 0]
    if len(size) < FEWEST_SUBJECTS:
        return None
    drawn = np.random.default_rng(SEED).integers(0, len(size), (RESAMPLES, len(size)))
    ratios = count[drawn].sum(axis=1) / size[drawn].sum(axis=1)
    low, high = np.quantile(ratios, ((1 - LEVEL) / 2, (1 + LEVEL) / 2)).tolist()
    return low, high
