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
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
for _name in THREADS:  # read when numpy is loaded; every process has a core to itself
    os.environ.setdefault(_name, "1")

from between import Nights, error_rates_of  # noqa: E402
from night_counts import NightCount, night_counts  # noqa: E402
from simulators import traces_of  # noqa: E402

from detector.night.offline import detect  # noqa: E402
from detector.recognition.counts.error_rates import SCHEMA, Counted, ErrorRates  # noqa: E402
from detector.recognition.rules.model_files import MODEL_FILES  # noqa: E402

MODELS = Path(__file__).resolve().parents[1]
COMMAND = "python models/evaluation/error_rates.py"
SITE = "ankle"
"""Where people are asked to wear the sensor, and where most of the rules were set."""

NIGHTS = {
    "own": ("hard-night", "severe-night", "hard-night-without-spasms"),
    "torque": ("night", "severe-night", "night-without-spasms"),
}
"""Which nights of which simulator: those that hold what the first rules were never set on."""

SEEDS = range(7000, 7012)
HOURS = 8.0


@dataclass(frozen=True, slots=True)
class Night:
    """A simulated night, and what each model counted in it."""

    generator: str
    name: str
    seed: int
    counts: Mapping[str, Mapping[Counted, NightCount]]


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
            place.write_bytes(data)
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
    with ProcessPoolExecutor(max_workers=processes) as pool:
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
        "columns": ["true", "found of these", "found in all"],
    }
    rates = [
        {"counted": counted.value, **_distributions(each)}
        for counted in Counted
        if (each := error_rates_of(by_generator(model, nights, counted, hours=hours))) is not None
    ]
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for night in nights:
        counts = {counted.value: list(astuple(n)) for counted, n in night.counts[model].items()}
        rows[night.generator].append({"night": night.name, "seed": night.seed, **counts})
    parts = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    parts.append(f' "rates": [\n{_lines(rates)}\n ]')
    inside = (f"  {json.dumps(name)}: [\n{_lines(each, 3)}\n  ]" for name, each in rows.items())
    parts.append(' "generators": {\n' + ",\n".join(inside) + "\n }")
    return ("{\n" + ",\n".join(parts) + "\n}\n").encode()


def by_generator(
    model: str, nights: Sequence[Night], counted: Counted, *, hours: float = HOURS
) -> dict[str, Nights]:
    """Return what the model counted, night by night, for each generator."""
    found: dict[str, list[tuple[NightCount, float]]] = defaultdict(list)
    for night in nights:
        found[night.generator].append((night.counts[model][counted], hours))
    return dict(found)


def kept(model: str) -> list[Night]:
    """Return the nights that a model's file holds."""
    data = json.loads((MODELS / model / "rates.json").read_text(encoding="utf-8"))
    return [
        Night(
            generator,
            row["night"],
            row["seed"],
            {model: {counted: NightCount(*row[counted.value]) for counted in Counted}},
        )
        for generator, rows in data["generators"].items()
        for row in rows
    ]


def digest(model: str) -> str:
    """Return the hash of a model's file and of the rules that it refines."""
    text = MODEL_FILES[model]
    refines = json.loads(text).get("refines")
    return sha256(text + (MODEL_FILES[refines] if refines else b"")).hexdigest()


def _night(due: tuple[str, str, int, float, tuple[str, ...]]) -> Night:
    generator, name, seed, hours, models = due
    (trace,) = traces_of(generator, name, [seed], 60 * hours, site=SITE)
    return Night(
        generator,
        name,
        seed,
        {
            model: night_counts(
                trace.truth, detect(trace.samples, trace.fs, site=SITE, model=model)
            )
            for model in models
        },
    )


def _distributions(rates: ErrorRates) -> dict[str, list[float]]:
    return {"sensitivity": list(rates.sensitivity), "false_per_h": list(rates.false_per_h)}


def _lines(entries: Sequence[Mapping[str, Any]], indent: int = 2) -> str:
    return ",\n".join(_each(entries, indent))


def _each(entries: Sequence[Mapping[str, Any]], indent: int) -> Iterator[str]:
    for entry in entries:
        yield " " * indent + json.dumps(entry)


if __name__ == "__main__":
    sys.exit(main())
