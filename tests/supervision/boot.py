"""Measure how long a service needs from its start until it watches a sensor that is there.

python -m tests.supervision.boot --rounds 5
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from ..chaos.measured import record
from .manager import FS, Manager

WATCHING_MOST_S = 5.0  # bar of the plan


def main() -> None:
    """Start a night over the virtual radio again and again; print how long each start took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    took_s, busy_s = [], []
    for _ in range(given.rounds):
        with tempfile.TemporaryDirectory() as name:
            seconds, processor_s = boot(Path(name))
            took_s.append(seconds)
            busy_s.append(processor_s)
            print(f"watching after {seconds:.1f} s, {processor_s:.1f} s of a core", flush=True)
    record(
        "boot",
        bar=f"watching a sensor that is there <= {WATCHING_MOST_S:g} s after the start",
        held=max(took_s) <= WATCHING_MOST_S,
        figures={
            "starts": len(took_s),
            "watching_max_s": round(max(took_s), 1),
            "core_max_s": round(max(busy_s), 1),
        },
    )


def boot(folder: Path) -> tuple[float, float]:
    """Return how long one start took, until the word Watching, and how long a core was busy."""
    trace = folder / "rest.npz"
    rest = np.random.default_rng(0).normal(0, 0.002, (600 * FS, 3)) + np.array([0.02, -0.1, 0.99])
    np.savez(trace, acc=rest, fs=float(FS))
    radio = f"unix:{folder}/radio"
    program = [sys.executable, "-m", "firmware_sim", str(trace), "--listen", radio]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as air:
        assert air.stdin is not None
        assert air.stdout is not None
        air.stdout.readline()  # it is on the air
        words = ["--data-dir", str(folder / "data"), "run", "--radio", radio]
        night = [sys.executable, "-P", "-m", "detector", *words]
        with Manager(night, folder, 15.0, restart_s=-1) as manager:
            begun_s = time.monotonic()
            manager.until(lambda: "STATUS=Watching" in manager.lines(), 60)
            seconds = time.monotonic() - begun_s
            stat = Path(f"/proc/{manager.process.pid}/stat").read_text().rpartition(")")[2].split()
            processor_s = (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")
            manager.process.terminate()
            manager.process.wait(20)
        air.stdin.close()
        air.terminate()
    return seconds, processor_s


if __name__ == "__main__":
    main()
