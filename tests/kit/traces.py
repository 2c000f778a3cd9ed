"""Motions that a virtual sensor plays, and the sensor, in a process of its own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np

from detector.night.offline import detect
from firmware_sim.child import Air, running_air
from firmware_sim.motion.scenarios import scenario

TRACES = Path(os.environ.get("SPASMWATCH_TRACES", "../shared/traces"))
"""Real recordings, where there are some."""

CASES = TRACES.parent / "cases"
"""Small inputs that were once read wrongly, beside them."""

REST_S = 2.0  # before and after each event: with less they would be one
NAMES = ("spasms", "clonus", "mixed", "plm")


def save(path: Path, samples: np.ndarray, fs: float) -> Path:
    """Save samples (n, 3), in g, as a trace."""
    np.savez(path, acc=samples.astype(np.float64), fs=fs)
    return path


def walking(number: int, length_s: float) -> tuple[np.ndarray, float]:
    """Return samples and rate of a real walk where there is one, else of made-up movement."""
    files = sorted((TRACES / "daphnet").glob("*.npz"))
    if files:
        with np.load(files[number % len(files)], allow_pickle=False) as file:
            samples, fs = file["acc"], float(file["fs"])
    else:
        fs = 64.0
        steps = np.random.default_rng(number).integers(-40, 41, (round(fs * length_s), 3))
        samples = np.clip(steps.cumsum(axis=0), -4000, 4000) / 1000
    return samples[: int(fs * length_s)], fs


def eventful(length_s: float, fs: float, *, first: int, turn: int, scenario_s: float) -> np.ndarray:
    """Return at least so many seconds of motion in which something happens every few seconds.

    first : seed of the first scenario; the others follow
    turn : which scenario is the first, and then one after the other
    """
    pieces: list[np.ndarray] = []
    for part in range(1000):
        name = NAMES[(turn + part) % len(NAMES)]
        made = scenario(name, seed=first + part, fs=fs, duration_s=scenario_s).samples
        samples = np.round(made, 3)
        for event in detect(samples, fs):
            start, stop = max(0.0, event.onset_s - REST_S), event.end_s + REST_S
            pieces.append(samples[round(start * fs) : round(stop * fs)])
        if sum(map(len, pieces)) >= length_s * fs:
            break
    return np.concatenate(pieces)


@asynccontextmanager
async def playing(*arguments: str) -> AsyncIterator[Air]:
    """Have virtual sensors play a trace; `arguments` are those of `running_air`."""
    async with running_air(*arguments) as air:
        reading = asyncio.create_task(_read(air))
        try:
            yield air
        finally:
            reading.cancel()


async def _read(air: Air) -> None:
    """Read what the sensors announce: a full pipe would hold them up."""
    async for _ in air.events():
        pass
