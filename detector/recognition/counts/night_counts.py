"""What was counted in a night, with the interval for each true count where that is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from detector import plain_json
from detector.events import Event
from detector.recognition.counts.error_rates import Counted, error_rates
from detector.recognition.counts.true_count import LEVEL, TrueCount, true_count

SCHEMA = "counts/1"

SHORTEST_H = 1.0
"""Shorter recordings get no interval: they were cut out because something moves in them, and the
rates are those of whole nights, most of which is rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindCount:
    """How many were found; `true` is None where it is not known how often that errs.

    `context` is that of the events which are counted, None for all of them.
    """

    counted: Counted
    context: str | None
    found: int
    true: TrueCount | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NightCounts:
    """Counts of a night, all of them; `generators` made the nights that the intervals rest on."""

    hours: float
    model: str
    generators: tuple[str, ...]
    counts: tuple[KindCount, ...]

    def of(self, counted: Counted, context: str | None = None) -> KindCount:
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
    events: Sequence[Event], hours: float, *, model: str, site: str, sensors: int = 1
) -> NightCounts:
    """Count final events, with intervals where the model's error rates apply.

    They apply to what a single sensor found in `SHORTEST_H` or more, worn as in the nights that
    they were measured on. Where they are known by context, events are counted by context, too.

    Parameters
    ----------
    hours : monitored, gaps left out

    Raises
    ------
    ModelError
        The file of the error rates is damaged.
    """
    rates = error_rates(model)
    if rates is not None and (site not in rates.sites or sensors > 1 or hours < SHORTEST_H):
        rates = None
    known = {} if rates is None else rates.of
    counts = []
    for counted, context in dict.fromkeys([*((each, None) for each in Counted), *known]):
        found = sum(
            event.kind in counted.kinds and context in {None, getattr(event, "context", None)}
            for event in events
        )
        each = known.get((counted, context))
        true = None if each is None else true_count(found, hours, each)
        counts.append(KindCount(counted=counted, context=context, found=found, true=true))
    return NightCounts(
        hours=hours,
        model=model,
        generators=() if rates is None else rates.generators,
        counts=tuple(counts),
    )


def to_dict(night: NightCounts, recording: str | None = None) -> dict[str, Any]:
    """Return the `counts/1` object; unknown ends of an interval are None."""
    return {
        "schema": SCHEMA,
        "notice": "Not a medical device. Intervals are from simulated nights.",
        "recording": recording,
        "hours": round(night.hours, 4),
        "model": night.model,
        "level": LEVEL,
        "simulated_by": list(night.generators),
        "counts": [
            {"counted": each.counted.value, "context": each.context, "found": each.found}
            | (dict.fromkeys(("low", "middle", "high")) if each.true is None else asdict(each.true))
            for each in night.counts
        ],
    }


def to_json(night: NightCounts, recording: str | None = None) -> str:
    """Return one line of JSON; the same counts always give the same bytes."""
    return plain_json.line(to_dict(night, recording))
