"""Sign-constrained logistic regression with calibration and threshold, reproducible."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from examples import Example
from scipy.optimize import minimize

from detector.dsp.frames import Floats
from detector.events import Kind
from detector.recognition.rules.features import FEATURES, USED
from detector.recognition.rules.refinement import Opinion, Refinement

RIDGE = 0.02
"""Penalty on the squared weights of features in units of their spread, against a mean loss: keeps
the weights of correlated features from growing without limit."""

FEWEST = 15
"""Right or wrong examples below which a kind is left to the rules."""

SMALLEST_CELL = 25.0
"""Below this number of examples a data set's side weighs by its count: three events are too few
to weigh as much as a data set."""

KEPT = 0.995
"""Share of rightly named events, weighed by data set, whose name a threshold must leave."""

HIGHEST_THRESHOLD = 0.5
"""A name that is more likely right than not is never taken back."""

DIGITS = 4
"""Digits written to the file: the last bits of a sum may differ between machines."""


def fit(name: str, examples: Sequence[Example], calibration: Sequence[Example]) -> Refinement:
    """Train on `examples`, set confidence and threshold on `calibration`, from other seeds.

    Kinds with too few right or wrong examples are left out.
    """
    opinions = {}
    for kind in USED:
        # An alarm of the right family with another kind's name says nothing about false alarms.
        mine = [e for e in examples if e.kind is kind and (e.right or not e.near)]
        held = [e for e in calibration if e.kind is kind]
        if min(_fewest(mine), _fewest(held)) >= FEWEST:
            opinions[kind] = _opinion(kind, mine, held)
    return Refinement(name, opinions)


def _fewest(examples: Iterable[Example]) -> int:
    sides = Counter(example.right for example in examples)
    return min(sides[True], sides[False])


def _opinion(kind: Kind, examples: Sequence[Example], held: Sequence[Example]) -> Opinion:
    names = USED[kind]
    values, right = _arrays(examples)
    weight = balanced(examples)
    bias, weights = _logistic(values, right, weight, [FEATURES[name].sign for name in names])
    bias, weights = round(bias, DIGITS), np.round(weights, DIGITS) + 0.0
    held_values, held_right = _arrays(held)
    odds = bias + (held_values * weights).sum(axis=1)
    slope, offset = _platt(odds, held_right, _per_bout(held))
    typical = np.round(np.median(values[right > 0], axis=0), DIGITS)
    opinion = Opinion(
        bias=bias,
        weights=dict(zip(names, weights.tolist(), strict=True)),
        typical=dict(zip(names, typical.tolist(), strict=True)),
        slope=slope,
        offset=offset,
        threshold=0.0,
    )
    likely = np.array([opinion.probability(dict(zip(names, v, strict=True))) for v in values])
    threshold = _threshold(likely[right > 0], weight[right > 0])
    return Opinion(
        bias=opinion.bias,
        weights=opinion.weights,
        typical=opinion.typical,
        slope=slope,
        offset=offset,
        threshold=threshold,
    )


def balanced(examples: Sequence[Example]) -> Floats:
    """Return weights of examples: a bout's moments share one weight, a data set's bouts about one.

    Right and wrong weigh the same in all.
    """
    each = _per_bout(examples)
    cells = [(example.group, example.right) for example in examples]
    sums: Counter[tuple[str, bool]] = Counter()
    for cell, share in zip(cells, each, strict=True):
        sums[cell] += share
    weight = np.array(
        [share / max(sums[cell], SMALLEST_CELL) for cell, share in zip(cells, each, strict=True)]
    )
    right = np.array([example.right for example in examples])
    for side in (right, ~right):
        weight[side] *= 0.5 / weight[side].sum()
    return weight


def _per_bout(examples: Sequence[Example]) -> Floats:
    moments = Counter(example.bout for example in examples)
    return np.array([1 / moments[example.bout] for example in examples])


def _arrays(examples: Sequence[Example]) -> tuple[Floats, Floats]:
    values = np.array([example.values for example in examples], dtype=np.float64)
    return values, np.array([float(example.right) for example in examples])


def _logistic(
    values: Floats, right: Floats, weight: Floats, signs: Sequence[int]
) -> tuple[float, Floats]:
    """Fit bias and weights, each weight on its side of zero.

    Returns
    -------
    bias, and weights (features,) for the values as they are
    """
    share = (weight / weight.sum())[:, np.newaxis]
    middle = (values * share).sum(axis=0)
    spread = np.sqrt(((values - middle) ** 2 * share).sum(axis=0))
    scaled = (values - middle) / np.maximum(spread, 1e-9)

    def loss(theta: Floats) -> tuple[float, Floats]:
        odds = theta[0] + (scaled * theta[1:]).sum(axis=1)
        cost = (share[:, 0] * (np.logaddexp(0.0, odds) - right * odds)).sum()
        error = share[:, 0] * (1 / (1 + np.exp(-odds)) - right)
        slopes = (scaled * error[:, np.newaxis]).sum(axis=0) + 2 * RIDGE * theta[1:]
        return cost + RIDGE * (theta[1:] ** 2).sum(), np.concatenate(([error.sum()], slopes))

    bounds: list[Bounds] = [(None, None)]
    bounds += [(0.0, None) if sign > 0 else (None, 0.0) for sign in signs]
    best = _minimum(loss, np.zeros(values.shape[1] + 1), bounds)
    weights = best[1:] / np.maximum(spread, 1e-9)
    return float(best[0] - (weights * middle).sum()), weights


def _platt(odds: Floats, right: Floats, weight: Floats) -> tuple[float, float]:
    """Fit probability to log odds (Platt 1999), with his targets, which are never 0 or 1."""
    positive, negative = (weight * right).sum(), (weight * (1 - right)).sum()
    target = np.where(right > 0, (positive + 1) / (positive + 2), 1 / (negative + 2))
    share = weight / weight.sum()

    def loss(theta: Floats) -> tuple[float, Floats]:
        z = theta[0] * odds + theta[1]
        error = share * (1 / (1 + np.exp(-z)) - target)
        cost = (share * (np.logaddexp(0.0, z) - target * z)).sum()
        return cost, np.array([(error * odds).sum(), error.sum()])

    best = _minimum(loss, np.array([1.0, 0.0]), [(0.0, None), (None, None)])
    return round(float(best[0]), DIGITS), round(float(best[1]), DIGITS)


Loss = Callable[[Floats], tuple[float, Floats]]
Bounds = tuple[float | None, float | None]


def _minimum(loss: Loss, start: Floats, bounds: list[Bounds]) -> Floats:
    found = minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 2000, "ftol": 1e-14, "gtol": 1e-9},
    )
    return np.asarray(found.x, dtype=np.float64)


def _threshold(likely: Floats, weight: Floats) -> float:
    """Return the highest threshold that leaves `KEPT` of the rightly named their name."""
    order = np.argsort(likely, kind="stable")
    lost = np.cumsum(weight[order]) / weight.sum()
    first_kept = int(np.searchsorted(lost, 1 - KEPT, side="right"))
    lowest = float(likely[order][min(first_kept, len(order) - 1)])
    return round(min(lowest, HIGHEST_THRESHOLD) - 10.0**-DIGITS, DIGITS)
