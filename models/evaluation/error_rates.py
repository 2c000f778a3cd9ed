"""Measure how often models miss and invent likely spasms, and write models/<model>/rates.json.

    python models/evaluation/error_rates.py             # every model of models/: five minutes
    python models/evaluation/error_rates.py --check     # measure again; 1 if a file is not the same

Run it whenever rules, thresholds or a model change; a test compares each file with its model. The
nights are whole ones, hard, severe and without a spasm, of two simulators: seeds from 7000 on,
which nothing else uses. Nights of `firmware_sim.sealed` are not among them: they judge the rest.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

from between import error_rates_of
from contexts import ContextNight, times_false
from night_counts import NightCount, false_by_context, night_counts
from simulators import traces_of
from workers import workers

from detector.evaluation.wearing import context_hours
from detector.events import Event, EventContext
from detector.files import write_whole
from detector.night.offline import detect
from detector.recognition.counts.error_rates import SCHEMA, Counted, ErrorRates
from detector.recognition.rules.model_files import MODEL_FILES
from firmware_sim.motion import Trace

MODELS = Path(__file__).resolve().parents[1]
COMMAND = "python models/evaluation/error_rates.py"
SITE = "ankle"
"""Where people are asked to wear the sensor, and where most of the rules were set."""

NIGHTS = {
    "own": ("hard-night", "severe-night", "hard-night-without-spasms"),
    "torque": ("night", "severe-night", "night-without-spasms"),
}
"""Which nights of which simulator: those that hold what the first rules were never set on."""

CONTEXTS = tuple(context.value for context in EventContext)
SEEDS = range(7000, 7012)
HOURS = 8.0


@dataclass(frozen=True, slots=True)
class Night:
    """A simulated night, and what each model counted in it."""

    generator: str
    name: str
    seed: int
    counts: Mapping[str, Mapping[Counted, ContextNight]]


def main(words: Sequence[str] | None = None) -> int:
    """Run a command line; return 1 if `--check` finds a difference."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="measure and compare, write nothing")
    parser.add_argument("--models", nargs="+", choices=sorted(MODEL_FILES), metavar="MODEL")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args(words)
    models = asked.models or sorted(MODEL_FILES)
    nights = measured(models, processes=asked.processes)
    code = 0
    for model in models:
        data = written(model, nights)
        place = MODELS / model / "rates.json"
        if not asked.check:
            write_whole(place, data.decode())
            sys.stderr.write(f"Wrote {place}\n")
        elif not place.is_file() or place.read_bytes() != data:
            sys.stderr.write(f"{place} is not what is measured now: run {COMMAND}\n")
            code = 1
    return code


def measured(
    models: Sequence[str],
    *,
    processes: int,
    nights: Mapping[str, Sequence[str]] = NIGHTS,
    seeds: Sequence[int] = SEEDS,
    hours: float = HOURS,
) -> list[Night]:
    """Return the counts of all nights, in order."""
    due = [
        (generator, name, seed, hours, tuple(models))
        for generator, names in nights.items()
        for name in names
        for seed in seeds
    ]
    with workers(processes) as pool:
        done = []
        for number, night in enumerate(pool.map(_night, due), start=1):
            sys.stderr.write(f"{number} of {len(due)}: {night.generator} {night.name}\n")
            done.append(night)
    return done


def written(model: str, nights: Sequence[Night], *, hours: float = HOURS) -> bytes:
    """Return the bytes of a model's file, an entry on each line."""
    head = {
        "schema": SCHEMA,
        "model": {"name": model, "sha256": digest(model)},
        "simulated": True,
        "command": COMMAND,
        "sites": [SITE],
        "hours": hours,
        "columns": ["true", "found of these", "found in all", *(f"false {c}" for c in CONTEXTS)],
        "contexts": list(CONTEXTS),
    }
    rates = [
        {"counted": counted.value, **_distributions(each)}
        for counted in Counted
        if (each := rates_of(model, nights, counted, hours=hours)) is not None
    ]
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for night in nights:
        rows[night.generator].append(
            {"night": night.name, "seed": night.seed, **_row(night.counts[model])}
        )
    parts = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    parts.append(f' "rates": [\n{_lines(rates)}\n ]')
    inside = (f"  {json.dumps(name)}: [\n{_lines(each, 3)}\n  ]" for name, each in rows.items())
    parts.append(' "generators": {\n' + ",\n".join(inside) + "\n }")
    return ("{\n" + ",\n".join(parts) + "\n}\n").encode()


def rates_of(
    model: str,
    nights: Sequence[Night],
    counted: Counted,
    *,
    generators: Collection[str] = tuple(NIGHTS),
    hours: float = HOURS,
) -> ErrorRates | None:
    """Return a model's error rates by nights of these simulators; None without any truth."""
    found: dict[str, list[ContextNight]] = defaultdict(list)
    for night in nights:
        if night.generator in generators:
            found[night.generator].append(night.counts[model][counted])
    rates = error_rates_of(
        {name: [(each.count, hours) for each in mine] for name, mine in found.items()}
    )
    if rates is None:
        return None
    return replace(rates, times_false=times_false([*chain.from_iterable(found.values())]))


def kept(model: str) -> list[Night]:
    """Return the nights that a model's file holds."""
    data = json.loads((MODELS / model / "rates.json").read_text(encoding="utf-8"))
    return [
        Night(generator, row["night"], row["seed"], {model: _counts_of(row)})
        for generator, rows in data["generators"].items()
        for row in rows
    ]


def _row(counts: Mapping[Counted, ContextNight]) -> dict[str, Any]:
    row: dict[str, Any] = {"context_hours": list(counts[Counted.LIKELY].hours.values())}
    for counted, night in counts.items():
        count = night.count
        row[counted.value] = [count.truths, count.hits, count.found, *night.false.values()]
    return row


def _counts_of(row: Mapping[str, Any]) -> dict[Counted, ContextNight]:
    hours = dict(zip(EventContext, row["context_hours"], strict=True))
    return {
        counted: ContextNight(
            NightCount(*row[counted.value][:3]),
            hours,
            dict(zip(EventContext, row[counted.value][3:], strict=True)),
        )
        for counted in Counted
    }


def digest(model: str) -> str:
    """Return the hash of a model's file and of the rules that its opinions stand beside."""
    text = MODEL_FILES[model]
    rules = json.loads(text).get("rules")
    return sha256(text + (MODEL_FILES[rules] if rules else b"")).hexdigest()


def _night(due: tuple[str, str, int, float, tuple[str, ...]]) -> Night:
    generator, name, seed, hours, models = due
    (trace,) = traces_of(generator, name, [seed], 60 * hours, site=SITE)
    counts = {
        model: counted_by_context(trace, detect(trace.samples, trace.fs, site=SITE, model=model))
        for model in models
    }
    return Night(generator, name, seed, counts)


def counted_by_context(trace: Trace, events: Sequence[Event]) -> dict[Counted, ContextNight]:
    """Return what final events of a simulated night counted, right and wrong."""
    spent = context_hours(events, [(0.0, trace.duration_s)])
    hours = {context: round(each, 4) for context, each in spent.items()}
    false = false_by_context(trace.truth, events)
    return {
        counted: ContextNight(count, hours, false[counted])
        for counted, count in night_counts(trace.truth, events).items()
    }


def _distributions(rates: ErrorRates) -> dict[str, Any]:
    return {
        "times_false": dict(rates.times_false),
        "sensitivity": list(rates.sensitivity),
        "false_per_h": list(rates.false_per_h),
    }


def _lines(entries: Sequence[Mapping[str, Any]], indent: int = 2) -> str:
    return ",\n".join(_each(entries, indent))


def _each(entries: Sequence[Mapping[str, Any]], indent: int) -> Iterator[str]:
    for entry in entries:
        yield " " * indent + json.dumps(entry)


if __name__ == "__main__":
    sys.exit(main())
