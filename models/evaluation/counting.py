"""A night's count and its interval, on nights of a simulator that the error rates leave out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from between import error_rates_of
from error_rates import by_generator, kept
from night_counts import night_counts
from simulators import traces_of

from detector.night.offline import detect
from detector.recognition.counts.error_rates import Counted
from detector.recognition.counts.true_count import true_count
from detector.recognition.rules.opinions import DEFAULT_MODEL

WITHIN = 0.25
"""Error that a count may have, as a share of the true one; an error of one event always may."""


def counted_nights(
    *,
    generator: str,
    names: Sequence[str],
    seeds: Sequence[int],
    hours: float,
    rates: Sequence[str],
) -> dict[str, Any]:
    """Return for each group every night's true count, what was found, and the interval.

    Parameters
    ----------
    rates : simulators whose nights, as `rates.json` holds them, the error rates are taken from
    """
    nights = kept(DEFAULT_MODEL)
    known = {}
    for counted in Counted:
        found = by_generator(DEFAULT_MODEL, nights, counted)
        known[counted] = error_rates_of({name: found[name] for name in rates})
    rows: dict[str, list[dict[str, int]]] = {counted.value: [] for counted in Counted}
    for name in names:
        for trace in traces_of(generator, name, seeds, 60 * hours):
            events = detect(trace.samples, trace.fs)
            for counted, each in night_counts(trace.truth, events).items():
                of = known[counted]
                if of is not None:
                    said = true_count(each.found, hours, of)
                    rows[counted.value].append(
                        {
                            "true": each.truths,
                            "found": each.found,
                            "low": said.low,
                            "middle": said.middle,
                            "high": said.high,
                        }
                    )
    return {
        "model": DEFAULT_MODEL,
        "hours": hours * len(names) * len(seeds),
        "rates": list(rates),
        "counted": {name: summary(each) for name, each in rows.items() if each},
    }


def summary(nights: Sequence[dict[str, int]]) -> dict[str, Any]:
    """Return the nights with how many of them are counted right, and whose interval holds."""
    return {
        "nights": nights,
        "near": sum(abs(n["found"] - n["true"]) <= max(1, WITHIN * n["true"]) for n in nights),
        "covered": sum(n["low"] <= n["true"] <= n["high"] for n in nights),
    }
