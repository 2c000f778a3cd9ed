"""Measures everything and writes docs/evaluation.md: `make evaluation`.

    python models/evaluation/evaluate.py                    # all of it, then docs/evaluation.md
    python models/evaluation/evaluate.py --only gait        # one section, printed here
    python models/evaluation/evaluate.py --quick --only clonus   # does it run at all

What was measured is kept in build/evaluation for as long as neither the detector nor the
generators nor the recordings change; the same inputs give the same bytes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import as_completed
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import scipy
from measuring import MEASURES
from page import SECTIONS, page, section_lines
from plan import Measurement, plan
from workers import workers

from detector.files import write_whole

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "build" / "evaluation"
INPUTS = (
    "detector/block.py", "detector/events.py", "detector/sites.py", "detector/timing",
    "detector/dsp", "detector/recognition", "detector/alerts", "detector/night",
    "detector/evaluation", "detector/store/formats", "firmware_sim/motion", "firmware_sim/sealed",
    "firmware_sim/torque", "firmware_sim/trace_files.py", "models/rules-v1", "models/learned-v1",
    "models/evaluation",
)  # fmt: skip
"""The files that figures depend on."""
LAYOUT = (
    "page.py", "page_counts.py", "page_people.py", "page_personal.py", "page_simulated.py",
    "page_words.py", "page_ablation.py", "bar.py", "bars.py", "bars_people.py", "bars_words.py",
    "cells.py", "texts.py", "evaluate.py",
)  # fmt: skip
"""The files that only affect the layout of the page."""


def main(words: Sequence[str] | None = None) -> int:
    """Run a command line; return 66 if recordings are missing, 1 if code changed meanwhile."""
    asked = _asked(words)
    traces = Path(asked.traces)
    wanted = [
        each
        for each in plan(str(traces), quick=asked.quick)
        if not asked.only or each.section in asked.only
    ]
    if any(each.real for each in wanted) and not (traces / "README.md").is_file():
        sys.stderr.write(
            f"{traces}: no recordings here. Name their folder with SPASMWATCH_TRACES, or leave "
            "out what needs them with --only\n"
        )
        return 66
    inputs = fingerprint(traces)
    results = measured(wanted, inputs, processes=asked.processes, again=asked.again)
    if not asked.quick and fingerprint(traces) != inputs:
        sys.stderr.write("The detector changed while it was measured: run it again\n")
        return 1
    if asked.only:
        for name in asked.only:
            sys.stdout.write("\n".join(section_lines(name, results)) + "\n")
        return 0
    text = page(results, ROOT / "models", quick=asked.quick)
    write_whole(asked.out, text)
    sys.stderr.write(f"Wrote {asked.out}\n")
    return 0


def measured(
    wanted: Sequence[Measurement], inputs: str, *, processes: int, again: bool
) -> dict[str, dict[str, Any]]:
    """Return all measurements by name; measure those not cached yet, the longest first.

    One that fails costs no other: those are kept before its error is raised.
    """
    KEPT.mkdir(parents=True, exist_ok=True)
    files = {each.name: KEPT / f"{_key(each, inputs)}.json" for each in wanted}
    due = [each for each in wanted if again or not files[each.name].is_file()]
    if due:
        due.sort(key=lambda each: -each.cost)
        with workers(processes) as pool:
            running = {pool.submit(_measure, each): each for each in due}
            errors: list[BaseException] = []
            for number, future in enumerate(as_completed(running), start=1):
                each = running[future]
                error = future.exception() or _unkept(files[each.name], future.result())
                errors += [] if error is None else [error]
                how = "" if error is None else f" failed: {error}"
                sys.stderr.write(f"{number} of {len(due)}: {each.name}{how}\n")
        if errors:
            raise errors[0]
    # All are read from the files, so that a figure looks the same whether it was kept or not.
    return {name: json.loads(file.read_text(encoding="utf-8")) for name, file in files.items()}


def _unkept(file: Path, result: dict[str, Any]) -> Exception | None:
    """Keep what was measured, whole or not at all; return why it could not be kept."""
    try:
        write_whole(file, json.dumps(result, allow_nan=False))
    except (OSError, ValueError) as error:
        return error
    return None


def fingerprint(traces: Path) -> str:
    """Return a hash of what figures depend on: code, thresholds, libraries, and recordings."""
    known = sha256(f"{np.__version__} {scipy.__version__} {sys.version_info[:2]}".encode())
    for file in sorted(_files(ROOT / name for name in INPUTS)):
        known.update(file.relative_to(ROOT).as_posix().encode())
        known.update(file.read_bytes())
    for file in sorted(traces.rglob("*.npz")):
        known.update(f"{file.relative_to(traces).as_posix()} {file.stat().st_size}".encode())
    return known.hexdigest()


def _files(paths: Iterable[Path]) -> list[Path]:
    files = []
    for path in paths:
        inside = path.rglob("*") if path.is_dir() else [path]
        files += [file for file in inside if file.suffix in {".py", ".json"} and file.is_file()]
    layout = {ROOT / "models" / "evaluation" / name for name in LAYOUT}
    return [file for file in files if file not in layout]


def _key(each: Measurement, inputs: str) -> str:
    words = {name: value for name, value in each.words.items() if name != "traces"}
    text = json.dumps([inputs, each.measure, words], sort_keys=True)
    return f"{each.name.replace('/', '-')}-{sha256(text.encode()).hexdigest()[:16]}"


def _measure(each: Measurement) -> dict[str, Any]:
    return MEASURES[each.measure](**each.words)


def _asked(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "evaluation.md")
    parser.add_argument("--only", nargs="+", choices=sorted(SECTIONS), metavar="SECTION")
    parser.add_argument("--again", action="store_true", help="measure even what is kept")
    parser.add_argument("--quick", action="store_true", help="a smoke test; figures mean nothing")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--traces", default=os.environ.get("SPASMWATCH_TRACES", str(ROOT / "../shared/traces"))
    )
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
