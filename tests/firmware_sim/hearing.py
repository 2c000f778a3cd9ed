"""The production source listening to one virtual sensor to the end of its trace."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from detector.block import Block
from detector.devices.profile import Output
from detector.sources.ble import BleSource
from detector.sources.clock import ScaledClock
from detector.timing.sample_clock import SampleClock
from firmware_sim.backend import backends
from firmware_sim.playback import Trace
from firmware_sim.process import AirPlan, serve
from firmware_sim.sensors import SensorPlan

PATIENCE_S = 30.0

SPEED = 10.0
"""Without time stamps a pause of 4 s is a gap: a busy machine may stall for 0.4 s unpunished."""


@dataclass
class Received:
    clock: SampleClock = field(default_factory=SampleClock)
    blocks: list[Block] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    said: list[dict[str, Any]] = field(default_factory=list)  # by the virtual air

    @property
    def samples(self) -> np.ndarray:
        return np.concatenate([block.samples for block in self.blocks])

    def of(self, kind: type) -> list[Any]:
        return [output for output in self.outputs if isinstance(output, kind)]

    def begun_at(self, fs: float) -> list[int]:
        """Return the indices in the trace at which it began to stream at this rate."""
        streaming = [e for e in self.said if e["event"] == "streaming" and e["fs"] == fs]
        return [round(event["at_s"] * fs) for event in streaming]


def walk(fs: int, duration_s: float, most_g: float = 1.9) -> Trace:
    """A motion that fits any sensor's range, no two stretches of it alike."""
    steps = np.random.default_rng(1).normal(0, 0.03, (round(fs * duration_s), 3))
    return Trace(np.clip(steps.cumsum(axis=0), -most_g, most_g), fs)


def hear(plan: SensorPlan, folder: Path, *, until: type | None = None) -> Received:
    """Listen to the end, or until such an output was heard."""
    return asyncio.run(_hear(plan, folder / "air", until))


async def _hear(plan: SensorPlan, socket: Path, until: type | None) -> Received:
    heard = Received()
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def announce(event: dict[str, Any]) -> None:
        heard.said.append(event)
        if event["event"] == "ready":
            ready.set_result(event["address"])

    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as tasks:
        air = tasks.create_task(serve(AirPlan(f"unix:{socket}", (plan,)), announce))
        scanner, client = backends(await ready)
        source = BleSource(
            device=None,
            clock=ScaledClock(plan.speed),
            scanner_backend=scanner,
            client_backend=client,
        )

        async def end_with_it() -> None:
            await asyncio.wait({air})
            await source.close()

        tasks.create_task(end_with_it())
        async for reading in source.readings():
            heard.outputs += reading.outputs
            heard.errors += [reading.error] if reading.error else []
            heard.blocks += heard.clock.take(reading)
            if until is not None and heard.of(until):
                await source.close()
                air.cancel()
    return heard
