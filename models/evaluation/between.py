"""From the counts of nights to what may be expected of a night of a wearer whom nobody measured.

A random-effects model. On a scale without bounds (the logit of a sensitivity, the logarithm of a
rate of false events) a night's value is

    mean of all physics + deviation of one generator + deviation of one night,

both deviations normal, with spreads tau and sigma. A night's hits are binomial, its false events
Poisson. A generator is one draw of the physics and so is a wearer's leg: what is returned is the
distribution for a new night of a new generator. With one or two generators tau is hardly measured
and its prior decides; `SPREAD` says where that is from.

All integrals are sums over grids, without BLAS: the same counts give the same values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from night_counts import NightCount
from numpy.typing import NDArray
from scipy.special import expit, log_expit, logsumexp

from detector.recognition.counts.error_rates import ErrorRates

Numbers: TypeAlias = NDArray[np.float64]

SPREAD = 1.0
"""Scale of the half-normal priors of tau and sigma. Over the four simulators of docs/evaluation.md
(own, own with hard nights, forward dynamics, sealed; rules-v1 of release 0.1) the logarithm of the
rate of false alarms in spasm-free nights has a standard deviation of 1.0 (14, 98, 90 and 19 in
24 h), the logit of the share found one of 0.6 for clonus and 1.9 for spasms."""

SPREADS = np.array([0.1, 0.2, 0.35, 0.5, 0.7, 0.95, 1.25, 1.6, 2.0, 2.5])
LOGITS = np.linspace(-6.0, 6.0, 97)  # 0.25 % to 99.75 %
LOG_RATES = np.linspace(np.log(1e-3), np.log(1e2), 93)  # one in 1,000 h to 100 in an hour
VALUES = 64
"""Equally likely values that stand for a distribution; the product averages over them."""
DEEPEST = 300.0
"""Logarithm of how unlikely anything may be: two of them in a product are still a number."""

Nights: TypeAlias = Sequence[tuple[NightCount, float]]
"""Counts of each night, and its hours."""


def error_rates_of(nights: Mapping[str, Nights]) -> ErrorRates | None:
    """Return the error rates of a new night, from nights by generator; None without any truth."""
    if not any(count.truths for each in nights.values() for count, _ in each):
        return None
    found = [np.array([_of_hits(count) for count, _ in each]) for each in nights.values()]
    false = [np.array([_of_false(*night) for night in each]) for each in nights.values()]
    return ErrorRates(
        sensitivity=tuple(_rounded(expit(_predicted(found, LOGITS)))),
        false_per_h=tuple(_rounded(np.exp(_predicted(false, LOG_RATES)))),
    )


def _of_hits(count: NightCount) -> Numbers:
    """Return the logarithm of a night's likelihood over the logits of its sensitivity."""
    found, missed = log_expit(LOGITS), log_expit(-LOGITS)
    likelihood: Numbers = count.hits * found + (count.truths - count.hits) * missed
    return likelihood


def _of_false(count: NightCount, hours: float) -> Numbers:
    """Return the same over the logarithms of its rate of false events."""
    likelihood: Numbers = (count.found - count.hits) * LOG_RATES - hours * np.exp(LOG_RATES)
    return likelihood


def _predicted(generators: Sequence[Numbers], grid: Numbers) -> Numbers:
    """Return `VALUES` quantiles of a new night, at even steps of probability."""
    kernels = [_kernel(grid, spread) for spread in SPREADS]
    prior = -(SPREADS**2) / (2 * SPREAD**2)
    logs, nights = [], []
    for sigma, within in enumerate(kernels):
        # Likelihood of a generator's mean, its nights spread about it by sigma.
        each = [_smoothed(rows, within).sum(axis=0) for rows in generators]
        for tau, between in enumerate(kernels):
            mean = sum(_smoothed(of[np.newaxis], between)[0] for of in each)
            logs.append(mean + prior[sigma] + prior[tau])
            nights.append(np.einsum("ij,jk->ik", between, within))
    weights = np.exp(np.array(logs) - logsumexp(logs))
    density = np.einsum("ij,ijk->k", weights, np.array(nights))
    below = density.cumsum() / density.sum()
    steps: Numbers = np.interp((np.arange(VALUES) + 0.5) / VALUES, below, grid)
    return steps


def _kernel(grid: Numbers, spread: float) -> Numbers:
    """Return the normal distribution about each point of the grid, each a row that sums to 1."""
    rows = np.exp(-np.minimum((grid[:, np.newaxis] - grid) ** 2 / (2 * spread**2), DEEPEST))
    kernel: Numbers = rows / rows.sum(axis=1, keepdims=True)
    return kernel


def _smoothed(logs: Numbers, kernel: Numbers) -> Numbers:
    """Return the logarithm of each row's mean under the distribution about each point."""
    most = logs.max(axis=1, keepdims=True)
    shares = np.exp(np.maximum(logs - most, -DEEPEST))
    mean: Numbers = np.log(np.einsum("ij,kj->ik", shares, kernel)) + most
    return mean


def _rounded(values: Numbers) -> list[float]:
    return [float(f"{value:.4g}") for value in values]
