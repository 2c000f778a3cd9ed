"""By how much the rate of false events differs from context to context.

In a context the rate of every night is that of the night times a factor of the context, the same
for all nights and simulators, so that who has many false events and also moves much does not count
as an effect of moving: a log-linear Poisson model with an effect of each night, fitted by turns.
A factor is the posterior mean under a gamma prior with mean 1 and shape `PRIOR`, (observed + PRIOR)
/ (expected + PRIOR): where there are few, it stays near 1 (D. Clayton & J. Kaldor 1987, Biometrics
43:671). Over all hours of all nights the mean factor is 1.

The share that is found is pooled over contexts: of the resting and the restless neither has the
larger one on every simulator, and of those who are up 250 hours of nights hold two likely spasms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from night_counts import NightCount

from detector.events import EventContext

PRIOR = 5.0
"""Shape of the prior: where five are expected, half of what was observed beyond them is taken."""

TURNS = 50
"""Ten give four digits."""


@dataclass(frozen=True, slots=True)
class ContextNight:
    """What was counted in a night, its hours and its false events by context."""

    count: NightCount
    hours: Mapping[EventContext, float]
    false: Mapping[EventContext, int]


def times_false(nights: Sequence[ContextNight]) -> dict[EventContext, float]:
    """Return by context the rate of false events over that of the whole night."""
    hours = np.array([[night.hours[context] for context in EventContext] for night in nights])
    false = np.array([[night.false[context] for context in EventContext] for night in nights])
    factors = np.ones(len(EventContext))
    for _ in range(TURNS):
        per_h = false.sum(axis=1) / (hours * factors).sum(axis=1)
        expected = (per_h[:, np.newaxis] * hours).sum(axis=0)
        factors = (false.sum(axis=0) + PRIOR) / (expected + PRIOR)
        factors *= hours.sum() / (hours.sum(axis=0) * factors).sum()
    return {
        context: float(f"{factor:.4g}")
        for context, factor in zip(EventContext, factors.tolist(), strict=True)
    }
