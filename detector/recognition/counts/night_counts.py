"""What was counted in a night, with the interval for each true count where that is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from detector import plain_json
from detector.events import Event, EventContext
from detector.recognition.counts.error_rates import Counted, ErrorRates, error_rates
from detector.recognition.counts.true_count import LEVEL, Part, TrueCount, true_count

SCHEMA = "counts/1"

SHORTEST_H = 1.0
"""Shorter recordings get no interval: they were cut out because something moves in them, and the
rates are those of whole nights, most of which is rest."""

LEAST_H = 1e-3
"""Hours that a context has at least in which something was found: an event that began at its very
end may lie beyond its last moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindCount:
    """How many were found; `true` is None where it is not known how often that errs.

    `context` is that of the events which are counted, None for all of them.
    """

    counted: Counted
    context: EventContext | None
    found: int
    true: TrueCount | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NightCounts:
    """Counts of a night, all of them.

    Parameters
    ----------
    context_hours : of `hours`, those spent in each context
    generators : they made the nights that the intervals rest on
    """

    hours: float
    context_hours: Mapping[EventContext, float]
    model: str
    generators: tuple[str, ...]
    counts: tuple[KindCount, ...]

    def of(self, counted: Counted, context: EventContext | None = None) -> KindCount:
        """Return one of the counts.

        Raises
        ------
        KeyError
            Nothing was counted in that context.
        """
        for each in self.counts:
            if (each.counted, each.context) == (counted, context):
                return each
        raise KeyError(f"{counted} {context}")


def counts_of_night(
    events: Sequence[Event],
    context_hours: Mapping[EventContext, float],
    *,
    model: str,
    site: str,
    sensors: int = 1,
) -> NightCounts:
    """Count final events, in all and by context, with intervals where error rates apply.

    They apply to what a single sensor found in `SHORTEST_H` or more, worn as in the nights that
    they were measured on. The interval of the whole night follows from what was found in each
    context and the rates of that context.

    Parameters
    ----------
    context_hours : monitored in each context, gaps left out

    Raises
    ------
    ModelError
        The file of the error rates is damaged.
    """
    hours = sum(context_hours.values())
    rates = error_rates(model)
    if rates is not None and (site not in rates.sites or sensors > 1 or hours < SHORTEST_H):
        rates = None
    counts = []
    for counted in Counted:
        known = None if rates is None else rates.of.get(counted)
        counts += _of_kind(counted, found_in(counted, events), context_hours, known)
    return NightCounts(
        hours=hours,
        context_hours=context_hours,
        model=model,
        generators=() if rates is None else rates.generators,
        counts=tuple(counts),
    )


def counted_in(context: EventContext | None) -> EventContext:
    """Return the context that an event counts in: what is not known counts as rest (ADR 28)."""
    return EventContext.RESTING if context is None else context


def found_in(counted: Counted, events: Iterable[Event]) -> dict[EventContext, int]:
    """Return how many events are counted in each context."""
    found = dict.fromkeys(EventContext, 0)
    for event in events:
        if event.kind in counted.kinds:
            found[counted_in(event.context)] += 1
    return found


def parts_of(
    found: Mapping[EventContext, int], hours: Mapping[EventContext, float], rates: ErrorRates
) -> list[Part]:
    """Return the parts of a night, each with its rate of false events: its contexts."""
    return [
        Part(found[context], max(hours[context], LEAST_H), rates.times_false[context])
        for context in EventContext
        if hours[context] > 0 or found[context]
    ]


def _of_kind(
    counted: Counted,
    found: Mapping[EventContext, int],
    hours: Mapping[EventContext, float],
    rates: ErrorRates | None,
) -> list[KindCount]:
    """Return the count of the night, then those of its contexts."""
    true = None if rates is None else true_count(parts_of(found, hours, rates), rates)
    said = [KindCount(counted=counted, context=None, found=sum(found.values()), true=true)]
    for context in EventContext:
        true = None
        if rates is not None and hours[context] > 0:
            part = Part(found[context], hours[context], rates.times_false[context])
            true = true_count([part], rates)
        said.append(KindCount(counted=counted, context=context, found=found[context], true=true))
    return said


def to_dict(night: NightCounts, recording: str | None = None) -> dict[str, Any]:
    """Return the `counts/1` object; unknown ends of an interval are None."""
    return {
        "schema": SCHEMA,
        "notice": "Not a medical device. Intervals are from simulated nights.",
        "recording": recording,
        "hours": round(night.hours, 4),
        "context_hours": {
            context.value: round(hours, 4) for context, hours in night.context_hours.items()
        },
        "model": night.model,
        "level": LEVEL,
        "simulated_by": list(night.generators),
        "counts": [
            {
                "counted": each.counted.value,
                "context": each.context,
                "found": each.found,
            }
            | (dict.fromkeys(("low", "middle", "high")) if each.true is None else asdict(each.true))
            for each in night.counts
        ],
    }


def to_json(night: NightCounts, recording: str | None = None) -> str:
    """Return one line of JSON; the same counts always give the same bytes."""
    return plain_json.line(to_dict(night, recording))
