"""A night's count and its interval, on nights of a simulator that the error rates leave out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from error_rates import kept, rates_of
from night_counts import night_counts
from simulators import traces_of

from detector.evaluation.wearing import context_hours
from detector.night.offline import detect
from detector.recognition.counts.error_rates import Counted
from detector.recognition.counts.night_counts import found_in, parts_of
from detector.recognition.counts.true_count import Part, true_count
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
    known = {each: rates_of(DEFAULT_MODEL, nights, each, generators=rates) for each in Counted}
    rows: dict[str, list[dict[str, Any]]] = {counted.value: [] for counted in Counted}
    for name in names:
        for trace in traces_of(generator, name, seeds, 60 * hours):
            events = detect(trace.samples, trace.fs)
            spent = context_hours(events, [(0.0, trace.duration_s)])
            for counted, count in night_counts(trace.truth, events).items():
                of = known[counted]
                if of is not None:
                    row = {"true": count.truths, "found": count.found}
                    said = true_count(parts_of(found_in(counted, events), spent, of), of)
                    pooled = true_count([Part(count.found, hours)], of)
                    rows[counted.value].append(row | asdict(said) | {"pooled": asdict(pooled)})
    return {
        "model": DEFAULT_MODEL,
        "hours": hours * len(names) * len(seeds),
        "rates": list(rates),
        "counted": {name: summary(each) for name, each in rows.items() if each},
    }


def summary(nights: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the nights with how many of them are counted right, and whose interval holds.

    `pooled` is the interval by rates of all contexts together, to compare with.
    """
    return {
        "nights": nights,
        "near": sum(abs(n["found"] - n["true"]) <= max(1, WITHIN * n["true"]) for n in nights),
        "covered": sum(_holds(night, night["true"]) for night in nights),
        "covered_pooled": sum(_holds(night["pooled"], night["true"]) for night in nights),
    }


def _holds(said: Mapping[str, Any], true: int) -> bool:
    return bool(said["low"] <= true <= said["high"])
