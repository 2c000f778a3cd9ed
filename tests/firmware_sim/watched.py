"""The production source watching one virtual sensor, both ends in a loop of virtual time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from detector.block import Block
from detector.devices.profile import Chunk
from detector.devices.stream import LinkDown, LinkUp, Packet
from detector.sources.ble import BleSource
from detector.sources.source import LinkStatus
from detector.timing.sample_clock import Gap, SampleClock
from firmware_sim.backend import backends
from firmware_sim.faults import Fault, Neighbours
from firmware_sim.playback import Trace
from firmware_sim.process import AirPlan, serve
from firmware_sim.sensors import SensorPlan
from firmware_sim.wearables.firmware import Wearable
from firmware_sim.wearables.polar import H10, VERITY_SENSE

from ..kit.virtual_time import LoopClock

FS = 52
FRAME = 36  # samples in a frame of a virtual Polar sensor


@dataclass
class Watched:
    """What came of a night."""

    trace: Trace
    clock: SampleClock = field(default_factory=SampleClock)
    blocks: list[Block] = field(default_factory=list)
    arrivals: list[tuple[float, int]] = field(default_factory=list)  # (loop time, samples)
    up: list[tuple[float, str]] = field(default_factory=list)
    down: list[float] = field(default_factory=list)
    said: list[dict[str, Any]] = field(default_factory=list)
    faulty_s: float | None = None  # when the clock first said that the rate is wrong
    outputs: Counter[str] = field(default_factory=Counter)
    levels: list[int] = field(default_factory=list)  # the battery's
    status: LinkStatus | None = None

    @property
    def gaps(self) -> tuple[Gap, ...]:
        return self.clock.gaps

    @property
    def began_s(self) -> float:
        """Loop time at which the sensor's own time began."""
        return next(e["loop_s"] for e in self.said if e["event"] == "streaming")

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.said if event["event"] == kind]

    def samples_at(self, first_s: float, last_s: float) -> int:
        """Samples that arrived between two times of the sensor."""
        return sum(count for at, count in self.arrivals if first_s <= at - self.began_s < last_s)

    def assert_nothing_lost(self) -> None:
        """One session brought every sample, as it was felt."""
        assert self.status is not None
        assert self.clock.gap_count == self.status.dropped == self.status.late == 0
        assert self.status.sessions == 1
        samples = np.concatenate([block.samples for block in self.blocks])
        np.testing.assert_array_equal(samples, self.trace.samples)

    def assert_placed_truly(self, *, within_g: float = 5e-4) -> None:
        """Every block lies where it was felt."""
        for block in self.blocks:
            felt = self.trace.samples[block.start : block.stop]
            np.testing.assert_allclose(block.samples, felt, atol=within_g)


def walk(duration_s: float, fs: int = FS) -> Trace:
    """A motion in whole mg, no two stretches of it alike."""
    steps = np.random.default_rng(1).integers(-30, 31, (round(fs * duration_s), 3))
    return Trace(np.clip(steps.cumsum(axis=0), -3000, 3000) / 1000, fs)


async def watch(
    *faults: Fault,
    duration_s: float = 60,
    model: Wearable = VERITY_SENSE,
    device: str | None = None,
    neighbours: Neighbours | None = None,
    trace: Trace | None = None,
    others: tuple[SensorPlan, ...] = (),
    within_s: float | None = None,
    asleep_s: float = 0,
    **plan: Any,
) -> Watched:
    """Watch a sensor to the end of all of them, but no longer than `within_s` of the loop's.

    The consumer takes the first reading, and then none for `asleep_s`.
    """
    loop = asyncio.get_running_loop()
    trace = trace or walk(duration_s, 50 if model is H10 else FS)
    watched = Watched(trace)
    ready: asyncio.Future[str] = loop.create_future()

    def announce(event: dict[str, Any]) -> None:
        watched.said.append(event | {"loop_s": loop.time()})
        if event["event"] == "ready":
            ready.set_result(event["address"])

    sensor = SensorPlan(model=model, trace=trace, faults=faults, **plan)
    air = asyncio.create_task(serve(AirPlan("here:", (sensor, *others), neighbours), announce))
    scanner, client = backends(await ready)
    source = BleSource(
        device=sensor.address if device == "address" else device,
        clock=LoopClock(),
        scanner_backend=scanner,
        client_backend=client,
    )

    async def end() -> None:
        await asyncio.wait({air}, timeout=within_s or 3 * duration_s + 300)
        watched.status = source.status
        await source.close()
        air.cancel()

    ending = asyncio.create_task(end())
    async for reading in source.readings():
        _take(watched, reading, loop.time())
        await asyncio.sleep(asleep_s)
        asleep_s = 0
    await ending
    await asyncio.wait({air})
    if not air.cancelled():
        air.result()
    return watched


def _take(watched: Watched, reading: Any, now_s: float) -> None:
    match reading.item:
        case LinkUp():
            watched.up.append((now_s, reading.item.address))
        case LinkDown():
            watched.down.append(now_s)
        case Packet():
            watched.outputs["error"] += reading.error is not None
    placed = watched.clock.take(reading)
    watched.blocks += placed
    watched.arrivals += [(now_s, len(block)) for block in placed]
    for output in reading.outputs:
        watched.outputs[type(output).__name__] += 1
        if isinstance(output, Chunk) and watched.faulty_s is None and watched.clock.fault:
            watched.faulty_s = now_s
        if hasattr(output, "percent"):
            watched.levels.append(output.percent)


def longest_silence_s(arrivals: Sequence[tuple[float, int]]) -> float:
    return float(np.diff([at for at, _ in arrivals]).max())
