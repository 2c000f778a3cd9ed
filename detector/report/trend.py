"""Several nights beside each other, and what is usual for this wearer. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np

from detector.evenings import DAY
from detector.events import EventContext, Kind

NIGHTS = 14
LEAST_NIGHTS = 5
"""Nights of which a usual range is told: the middle half of fewer is that of one or two."""

VALID_H = 4.0
"""Hours watched, lying, of a night that counts in a comparison."""

RATE_FROM_H = 1.0  # of a shorter time a rate says nothing


class NightStanding(StrEnum):
    """How a night compares with what is usual for the wearer."""

    QUIETER = "quieter"
    USUAL = "usual"
    BUSIER = "busier"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendNight:
    """The figures of one night that others are compared with.

    watched_h : None where it is no longer known
    lying_h : of that, without what was spent upright
    """

    evening: date
    likely: int
    clonus: int
    twitches: int
    burden_s: float
    watched_h: float | None
    lying_h: float | None

    @property
    def likely_per_h(self) -> float | None:
        """Likely spasms per watched hour; None where too little was watched, or that is unknown."""
        if self.watched_h is None or self.watched_h < RATE_FROM_H:
            return None
        return self.likely / self.watched_h

    @property
    def burden_share(self) -> float | None:
        """Share of the watched time in likely spasms; None as `likely_per_h`."""
        if self.watched_h is None or self.watched_h < RATE_FROM_H:
            return None
        return self.burden_s / (self.watched_h * 3600)

    @property
    def is_valid(self) -> bool:
        """Whether it counts in a comparison."""
        return self.lying_h is not None and self.lying_h >= VALID_H


@dataclass(frozen=True, slots=True)
class Usual:
    """The middle half of a wearer's nights, in likely spasms per watched hour."""

    nights: int
    low: float
    middle: float
    high: float

    def standing(self, per_h: float) -> NightStanding:
        """Return how a night with so many per hour compares."""
        if per_h < self.low:
            return NightStanding.QUIETER
        return NightStanding.BUSIER if per_h > self.high else NightStanding.USUAL


def evenings_up_to(evening: date, nights: int = NIGHTS) -> list[date]:
    """Return so many evenings, the given one last."""
    return [evening - DAY * back for back in reversed(range(nights))]


def evenings_between(first: date, last: date) -> list[date]:
    """Return the evenings from one to another, both included."""
    return [first + DAY * n for n in range((last - first).days + 1)]


def usual(nights: Mapping[date, TrendNight], evening: date) -> Usual | None:
    """Return what was usual in the nights before an evening; None where they are too few.

    Parameters
    ----------
    nights : those that are known; the night itself is left out, and any that is no valid one
    """
    rates = [
        night.likely_per_h
        for each in evenings_up_to(evening)[:-1]
        if (night := nights.get(each)) is not None
        and night.is_valid
        and night.likely_per_h is not None
    ]
    if len(rates) < LEAST_NIGHTS:
        return None
    low, middle, high = np.quantile(rates, (0.25, 0.5, 0.75)).tolist()
    return Usual(len(rates), low, middle, high)


def trend_night(
    evening: date,
    counts: Mapping[Kind, int],
    burden_s: float,
    hours: Mapping[EventContext, float] | None,
    counted: Sequence[Kind],
) -> TrendNight:
    """Return the figures of a night.

    Parameters
    ----------
    hours : watched in each context; None where that is no longer known
    counted : kinds of likely spasms
    """
    watched_h = None if hours is None else sum(hours.values())
    return TrendNight(
        evening=evening,
        likely=sum(counts.get(kind, 0) for kind in counted),
        clonus=counts.get(Kind.CLONUS, 0),
        twitches=counts.get(Kind.TWITCH, 0),
        burden_s=burden_s,
        watched_h=watched_h,
        lying_h=None
        if hours is None or watched_h is None
        else watched_h - hours.get(EventContext.UP, 0.0),
    )
