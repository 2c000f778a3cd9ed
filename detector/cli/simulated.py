"""A simulated sensor for the commands that can do without a real one: the only way to it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from detector.errors import ConfigError
from detector.sources.ble import BleSource
from detector.sources.clock import Clock, HostClock, ScaledClock

VERITY_HZ = 52.0  # what a real Verity Sense offers, so that nothing is resampled on the way

if TYPE_CHECKING:
    from firmware_sim.child import Air
    from firmware_sim.motion.truth import Trace


@dataclass(frozen=True, slots=True)
class SimulatedSensor:
    """A virtual sensor on a virtual radio, and what watches it."""

    air: Air
    source: BleSource
    clock: Clock


@asynccontextmanager
async def simulated_sensor(
    trace: Path, *, speed: float = 1.0, drops: Sequence[str] = (), device: str | None = None
) -> AsyncIterator[SimulatedSensor]:
    """Have a virtual sensor play a trace in a process of its own, and a source that finds it."""
    from firmware_sim.child import running_air

    arguments = [str(trace), "--speed", str(speed)]
    arguments += [word for drop in drops for word in ("--drop", drop)]
    async with running_air(*arguments) as air:
        clock = HostClock() if speed == 1 else ScaledClock(speed)
        yield SimulatedSensor(air, source_on(air.address, clock, device), clock)


def source_on(radio: str, clock: Clock, device: str | None = None) -> BleSource:
    """Give a live source on a virtual radio: only bleak's backend differs from a real one."""
    from firmware_sim.backend import backends

    scanner, client = backends(radio)
    return BleSource(device=device, clock=clock, scanner_backend=scanner, client_backend=client)


def checked(path: Path) -> Path:
    """Give the path back if a virtual sensor can play it; RecordingError says why not."""
    from firmware_sim.playback import load_trace

    load_trace(path)
    return path


def save_trace(trace: Trace, path: Path) -> None:
    """Write a simulated trace as .npz, with its truth beside it as BIDS events."""
    from firmware_sim.motion.truth import write_events

    labels = [[t.onset_s, t.onset_s + t.duration_s, t.kind.value] for t in trace.truth]
    fields: dict[str, Any] = {"acc": trace.samples.astype(np.float32), "fs": trace.fs}
    np.savez_compressed(path, **fields, labels=json.dumps(labels), source="simulated")
    write_events(path.with_name(f"{path.stem}_events.tsv"), trace.truth)


def make_trace(name: str, *, seed: int, duration_s: float | None = None) -> Trace:
    """Simulate a scenario; ConfigError if there is none of that name or length."""
    from firmware_sim.motion.scenarios import scenario

    try:
        return scenario(name, seed=seed, duration_s=duration_s, fs=VERITY_HZ)
    except ValueError as error:
        raise ConfigError(f"simulate: {error}") from None
