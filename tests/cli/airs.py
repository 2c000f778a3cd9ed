"""A virtual air for commands: a process of its own, as long as the block lasts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SPEED = 30.0
FS = 52
HOUR_S = 3600  # at this speed longer than the tests of a file take


@dataclass(frozen=True)
class Air:
    """Where it is, what is on it, and what its sensors feel."""

    address: str
    sensors: list[dict[str, Any]]
    samples: np.ndarray

    @property
    def reach(self) -> list[str]:
        """Options of a command that make it listen here, as fast as the sensors are."""
        return ["--radio", self.address, "--speed", str(SPEED)]


def walk(seconds: float = HOUR_S) -> np.ndarray:
    """A motion in whole mg, no two stretches of it alike."""
    steps = np.random.default_rng(1).integers(-30, 31, (round(FS * seconds), 3))
    return np.clip(steps.cumsum(axis=0), -3000, 3000) / 1000


@contextmanager
def on_air(
    folder: Path,
    *arguments: object,
    seconds: float = HOUR_S,
    motion: np.ndarray | None = None,
) -> Iterator[Air]:
    """Have virtual sensors on the air; it ends with the block, or with this process.

    motion : what they feel, (n, 3), g; else a walk of so many seconds
    """
    trace = folder / "walk.npz"
    samples = walk(seconds) if motion is None else motion
    np.savez(trace, acc=samples, fs=FS)
    command = [sys.executable, "-m", "firmware_sim", trace, "--speed", SPEED, *arguments]
    with subprocess.Popen(
        [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            ready = json.loads(process.stdout.readline())
            yield Air(ready["address"], ready["sensors"], samples)
        finally:
            process.stdin.close()
            process.terminate()
            process.wait(timeout=15)
