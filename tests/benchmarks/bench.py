"""How fast it is, as ratios: `make bench`, or `python -m tests.benchmarks.bench --json`.

A copy of the night's array is the yardstick, OpenSeizureDetector's rule the neighbour. All run in
turn, round after round, on one thread; milliseconds belong to the machine they were taken on,
ratios less so. Everything is simulated.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import scipy

from detector.block import Block, Samples
from detector.recognition.events.stamp import detector_version
from firmware_sim.motion import scenario

from .contestants import FS, STAGES, Shares, by_stage, contestants, frames_of
from .live import Chunks, Rows, many_wearers, one_wearer
from .stopwatch import Timing, interleaved

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
POLAR_HZ = 52.0  # what a Verity Sense offers
NIGHT_SEED = 1
COPIES_BAR, CHUNK_BAR_MS = 60.0, 1.0  # what this must run on: a small computer by the bed
OURS, COPY, OSD = "spasmwatch", "copy", "OSD's rule"


def main(words: Sequence[str] | None = None) -> int:
    """Do what a command line asks; 1 where rows and single wearers do not agree."""
    asked = _asked(words)
    if words is None and any(os.environ.get(name) != "1" for name in THREADS):
        # The libraries read these when they are loaded: begin again with them set.
        again = [sys.executable, *sys.orig_argv[1:]]
        os.execve(sys.executable, again, os.environ | dict.fromkeys(THREADS, "1"))  # noqa: S606
    result = measure(
        hours=asked.hours, rounds=asked.rounds, wearers=asked.wearers, steps=asked.steps
    )
    print(json.dumps(result, indent=1) if asked.json else "\n".join(told(result)))
    return 0 if result["rows"]["identical"] else 1


def measure(*, hours: float, rounds: int, wearers: int, steps: int) -> dict[str, Any]:
    """Run everything; plain data."""
    night = scenario("night", seed=NIGHT_SEED, duration_s=3600 * hours, fs=FS)
    samples = np.array(night.samples)
    timings = interleaved(contestants(samples), rounds)
    stages = [by_stage(Block(samples, 0, FS)) for _ in range(rounds)]
    live = [one_wearer(fs, passes=max(3, rounds // 2)) for fs in (FS, POLAR_HZ)]
    return gathered(samples, timings, stages, live, many_wearers(wearers, steps))


def gathered(
    samples: Samples,
    timings: dict[str, Timing],
    stages: Sequence[Shares],
    live: Sequence[Chunks],
    rows: Rows,
) -> dict[str, Any]:
    """Put together what was measured on a night, on one wearer and on many."""
    return {
        "machine": machine(),
        "night": {
            "scenario": "night",
            "seed": NIGHT_SEED,
            "hours": len(samples) / FS / 3600,
            "samples": len(samples),
            "megabytes": samples.nbytes / 1e6,
            "active_frames": stages[0].active_frames / frames_of(samples),
            "stages": {name: stage_share(stages, name) for name in STAGES},
            "rounds": len(stages),
            "contestants": {name: _row(timing, timings) for name, timing in timings.items()},
        },
        "live": [asdict(each) for each in live],
        "rows": asdict(rows),
    }


def stage_share(runs: Sequence[Shares], name: str) -> float:
    """Return a stage's share of its run's time, the middle one of all runs."""
    return float(np.median([run.ms[name] / run.total_ms for run in runs]))


def machine() -> dict[str, Any]:
    """Say what it ran on."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load_before": load,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "spasmwatch": detector_version().version,
        "model": detector_version().model,
        "threads": os.environ.get("OMP_NUM_THREADS", "as it comes"),
    }


def told(result: dict[str, Any]) -> list[str]:
    """Return lines for people, ratios first."""
    return [*_night_lines(result), "", *_live_lines(result), "", *_machine_lines(result)]


def _night_lines(result: dict[str, Any]) -> list[str]:
    night = result["night"]
    rows = night["contestants"]
    copies, least = rows[OURS]["copies"], rows[OURS]["copies_least"]
    active = 100 * night["active_frames"]
    stages = night["stages"] | {"the rest": 1 - sum(night["stages"].values())}
    parts = [f"{name} {100 * share:.0f} %" for name, share in stages.items()]
    return [
        (
            f"A simulated night of {night['hours']:g} h, {FS:g} Hz, {active:.1f} % of its frames "
            f"active; {night['rounds']} rounds in turn, one thread."
        ),
        (
            f"Samples in, final events out: {copies:.1f} copies of the array ({least:.1f} by the "
            f"least disturbed rounds). The bar is {COPIES_BAR:g}: {_met(copies <= COPIES_BAR)}."
        ),
        "",
        f"{'':30}{'x copy':>9}{'least':>9}{'x ours':>9}{'p50 ms':>10}{'least ms':>10}",
        *(
            f"{name:30}{row['copies']:9.2f}{row['copies_least']:9.2f}{row['ours']:9.2f}"
            f"{row['median_ms']:10.1f}{row['least_ms']:10.1f}"
            for name, row in rows.items()
        ),
        "",
        f"Where its time goes: {', '.join(parts)}.",
    ]


def _live_lines(result: dict[str, Any]) -> list[str]:
    lines = [
        (
            f"{'One live wearer, ms a chunk of 0.2 s':40}{'p50':>8}{'p99':>8}{'most':>8}"
            f"{'chunks':>8}{'state':>10}"
        )
    ]
    for live in result["live"]:
        state = f"{live['state_bytes'] / 1000:.1f} kB"
        for state_of, ms, of in (
            ("still", live["still_ms"], live["of_still"]),
            ("moving", live["moving_ms"], live["of_moving"]),
        ):
            name = f"  {live['fs']:g} Hz, {state_of}"
            lines.append(f"{name:40}{ms[0]:8.3f}{ms[1]:8.3f}{ms[2]:8.3f}{of:8d}{state:>10}")
    middle, worst = (max(live["moving_ms"][part] for live in result["live"]) for part in (0, 1))
    lines.append(
        f"  The bar is {CHUNK_BAR_MS:g} ms while moving: p50 {_met(middle <= CHUNK_BAR_MS)}, p99 "
        f"{_met(worst <= CHUNK_BAR_MS)}."
    )
    rows = result["rows"]
    p50, p99, _ = rows["step_ms"]
    same = "yes" if rows["identical"] else "NO"
    return [
        *lines,
        "",
        (
            f"{rows['wearers']} wearers as rows, {100 * rows['active_share']:.1f} % of frames "
            f"active: {rows['wearers_per_core']:,.0f} wearers per core ({p50:.1f} ms p50, "
            f"{p99:.1f} ms p99 a frame of 0.24 s)."
        ),
        f"  {rows['events']} words, the same as each wearer alone gives: {same}",
    ]


def _machine_lines(result: dict[str, Any]) -> list[str]:
    on = result["machine"]
    load = "" if on["load_before"] is None else f", load {on['load_before']:.1f} before"
    return [
        (
            f"{on['processor']}, {on['cores']} cores{load}; {on['system']}, Python {on['python']}, "
            f"numpy {on['numpy']}, scipy {on['scipy']}, spasmwatch {on['spasmwatch']} "
            f"({on['model']}), threads: {on['threads']}."
        )
    ]


def _row(timing: Timing, among: dict[str, Timing]) -> dict[str, float]:
    return {
        "copies": timing.over(among[COPY]),
        "copies_least": timing.least_over(among[COPY]),
        "ours": timing.over(among[OURS]),
        "median_ms": timing.median_ms,
        "least_ms": timing.least_ms,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _met(met: bool) -> str:
    return "met" if met else "MISSED"


def _asked(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print figures as JSON")
    parser.add_argument("--hours", type=float, default=10.0, help="length of the night")
    parser.add_argument("--rounds", type=int, default=7, help="how often each one runs")
    parser.add_argument("--wearers", type=int, default=1000, help="rows of the bank")
    parser.add_argument("--steps", type=int, default=250, help="frames of 0.24 s for them")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
