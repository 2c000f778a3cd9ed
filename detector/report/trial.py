"""Nights before and after a treatment began: the change, and the least these could show. Pure.

No cause is claimed: nights differ for many reasons, and nobody is blind to a treatment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from detector.evenings import DAY
from detector.report.trend import TrendNight

NIGHTS = 7
LEAST_VALID = 5
"""Nights of a baseline, and how many of them must count: the days that accelerometry needs for a
week to be judged (Migueles et al. 2017, Sports Med 47:1821)."""

DRAWS = 10_000
SEED = 20_261_120  # any number: the same nights give the same interval
LEVEL = 0.95
POWER = 0.8


class Compared(StrEnum):
    """What is compared."""

    LIKELY_PER_H = "likely_per_h"
    BURDEN_SHARE = "burden_share"


class TrialSide(StrEnum):
    """Which nights."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanChange:
    """A change of the mean of a measure, after minus before.

    low, high : the interval of the change
    smallest : the least change that such nights would have shown four times out of five
    """

    measure: Compared
    before: float
    after: float
    low: float
    high: float
    smallest: float

    @property
    def difference(self) -> float:
        """After minus before."""
        return self.after - self.before

    @property
    def is_beyond_chance(self) -> bool:
        """Whether the interval leaves no change out."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class NightTrial:
    """A comparison of nights.

    first : the evening on which the treatment began, the first of those after
    nights : of each side, evening by evening; None where nothing is known of one
    missing : of each side, how many valid nights are lacking; a comparison needs 0 on both
    changes : nothing where nights are lacking
    """

    first: date
    nights: Mapping[TrialSide, tuple[tuple[date, TrendNight | None], ...]]
    missing: Mapping[TrialSide, int]
    changes: tuple[MeanChange, ...]


def evenings_needed(first: date, latest: date) -> tuple[date, date]:
    """Return the first and the last evening that a comparison looks at."""
    return first - DAY * NIGHTS, max(first, latest)


def trial_of(nights: Mapping[date, TrendNight], first: date, latest: date) -> NightTrial:
    """Compare the seven nights before an evening with the seven latest from it on.

    Parameters
    ----------
    nights : all that are known
    latest : the last evening to look at; at `first` or later
    """
    begin = max(first, latest - DAY * (NIGHTS - 1))
    evenings = {
        TrialSide.BEFORE: [first - DAY * back for back in range(NIGHTS, 0, -1)],
        TrialSide.AFTER: [begin + DAY * n for n in range(max((latest - begin).days + 1, 0))],
    }
    sides = {
        side: tuple((each, nights.get(each)) for each in dates) for side, dates in evenings.items()
    }
    valid = {
        side: [night for _, night in rows if night is not None and night.is_valid]
        for side, rows in sides.items()
    }
    missing = {side: max(0, LEAST_VALID - len(rows)) for side, rows in valid.items()}
    changes: tuple[MeanChange, ...] = ()
    if not any(missing.values()):
        changes = tuple(
            _change(measure, valid[TrialSide.BEFORE], valid[TrialSide.AFTER])
            for measure in Compared
        )
    return NightTrial(first, sides, missing, changes)


def _change(
    measure: Compared, before: Sequence[TrendNight], after: Sequence[TrendNight]
) -> MeanChange:
    values = [
        np.array([getattr(night, measure.value) for night in nights], dtype=np.float64)
        for nights in (before, after)
    ]
    drawn = bootstrapped(*values)
    mean_before, mean_after = (float(each.mean()) for each in values)
    low, high = np.quantile(drawn, ((1 - LEVEL) / 2, (1 + LEVEL) / 2)).tolist()
    # The error of a difference between two means, which the draws spread by.
    spread = float(drawn.std())
    needed = float(ndtri((1 + LEVEL) / 2) + ndtri(POWER))
    return MeanChange(
        measure=measure,
        before=mean_before,
        after=mean_after,
        low=low,
        high=high,
        smallest=needed * spread,
    )


def bootstrapped(before: NDArray[np.float64], after: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return differences of means, after minus before, of nights drawn again from each side.

    Nights are drawn with replacement (Efron 1979), the same for the same nights. As seven nights
    drawn from seven spread less than seven others would, deviations are made larger: by
    sqrt(n / (n - 1)) on each side, and by Student's t over the normal distribution.
    """
    generator = np.random.default_rng(SEED)
    drawn: list[NDArray[np.float64]] = []
    for values in (before, after):
        n = len(values)
        means = values[generator.integers(n, size=(DRAWS, n))].mean(axis=1) - values.mean()
        drawn.append(means * np.sqrt(n / (n - 1)))
    degrees = len(before) + len(after) - 2
    half = (1 + LEVEL) / 2
    wider = float(stdtrit(degrees, half) / ndtri(half))
    difference: NDArray[np.float64] = (after.mean() - before.mean()) + (drawn[1] - drawn[0]) * wider
    return difference
