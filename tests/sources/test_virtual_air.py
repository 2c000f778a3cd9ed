"""The live source against real ATT and GATT: what a virtual sensor feels is what arrives."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from detector.sources.ble import BleSource
from detector.sources.clock import ScaledClock
from detector.timing.sample_clock import GapCause, SampleClock
from firmware_sim.backend import backends
from firmware_sim.faults import LinkDrop
from firmware_sim.playback import Trace
from firmware_sim.process import AirPlan, serve
from firmware_sim.sensors import SensorPlan
from firmware_sim.wearables.polar import H10, VERITY_SENSE


def walk(fs: int, duration_s: float) -> Trace:
    """A motion in whole mg, no two stretches of it alike."""
    steps = np.random.default_rng(1).integers(-30, 31, (round(fs * duration_s), 3))
    return Trace(np.clip(steps.cumsum(axis=0), -3000, 3000) / 1000, fs)


async def listen_to(plan: SensorPlan, socket: Path):
    """Read one virtual sensor to the end of its trace; return its status, the clock, the blocks."""
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def announce(event):
        if event["event"] == "ready":
            ready.set_result(event["address"])

    blocks, clock = [], SampleClock()
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        air = tasks.create_task(serve(AirPlan(f"unix:{socket}", (plan,)), announce))
        scanner, client = backends(await ready)
        source = BleSource(
            device=None,
            clock=ScaledClock(plan.speed),
            scanner_backend=scanner,
            client_backend=client,
        )
        air.add_done_callback(lambda _: tasks.create_task(source.close()))
        async for reading in source.readings():
            assert reading.error is None
            blocks += clock.take(reading)
        return source.status, clock, blocks


@pytest.mark.parametrize(("model", "fs"), [(VERITY_SENSE, 52), (H10, 50)])
def test_not_a_sample_is_lost_or_altered_at_sixty_times_the_speed(model, fs, tmp_path):
    trace = walk(fs, 120)
    plan = SensorPlan(model=model, trace=trace, speed=60)

    status, clock, blocks = asyncio.run(listen_to(plan, tmp_path / "air"))

    assert status.dropped == status.late == clock.gap_count == 0
    assert np.array_equal(np.concatenate([block.samples for block in blocks]), trace.samples)


def test_after_a_lost_link_the_samples_are_where_they_belong(tmp_path):
    trace = walk(52, 120)
    plan = SensorPlan(model=VERITY_SENSE, trace=trace, speed=20, drops=(LinkDrop(20, 10),))

    status, clock, blocks = asyncio.run(listen_to(plan, tmp_path / "air"))

    for block in blocks:
        assert np.array_equal(block.samples, trace.samples[block.start : block.stop])
    assert status.sessions == 2
    assert [gap.cause for gap in clock.gaps] == [GapCause.LOSS]
    assert 10 < clock.missing / 52 < 10 + 5 * plan.speed
    assert clock.missing + sum(map(len, blocks)) == len(trace.samples)
