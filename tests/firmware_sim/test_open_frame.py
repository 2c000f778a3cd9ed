"""A virtual sensor with self-made firmware: its trace arrives unaltered, at the right indices."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from detector.devices.open_frame import OPEN_FRAME as DRIVER
from detector.devices.open_frame import About, parse_about, parse_frame
from detector.devices.registry import Registry
from detector.sources.ble import BleSource
from detector.sources.clock import ScaledClock
from detector.timing.sample_clock import GapCause, SampleClock
from firmware_sim.backend import backends
from firmware_sim.faults import LinkDrop
from firmware_sim.playback import Trace
from firmware_sim.sensors import SensorPlan
from firmware_sim.wearables.firmware import Measuring
from firmware_sim.wearables.open_frame import ABOUT, FRAMES, OPEN_FRAME, OpenFrameFirmware

anything = array_shapes(min_dims=1, max_dims=1, max_side=83).flatmap(
    lambda shape: arrays(np.int16, (*shape, 3))
)


@given(anything, st.integers(0, 2**40))
def test_what_it_writes_is_read_by_the_driver(counts, last_ns):
    firmware = OpenFrameFirmware(50)
    firmware.listened(FRAMES, True)
    frame = parse_frame(firmware.frame(last_ns, counts).data)
    first_s = last_ns / 1e9 - (len(counts) - 1) / 50

    assert np.array_equal(np.rint(frame.samples * 1000), counts)
    assert (frame.tick - round((first_s + 3) * 32768) + 1) % 2**32 in (0, 1, 2)


def test_it_streams_to_a_subscriber_and_sends_its_about_value():
    firmware = OpenFrameFirmware(52)

    assert firmware.measuring is None
    firmware.listened(FRAMES, True)
    assert firmware.measuring == Measuring(52, 16, 1e-3)
    assert parse_about(firmware.read(ABOUT)) == About(52, 16, "virtual open frame")
    firmware.link_lost()
    assert firmware.measuring is None
    firmware.listened(FRAMES, True)
    assert firmware.stop_by_itself() == firmware.charge(3) == firmware.write(FRAMES, b"x") == []
    assert firmware.measuring is None
    assert parse_frame(firmware.frame(0, np.zeros((1, 3), np.int16)).data).battery == 3


def test_a_frame_that_was_too_long_gives_its_number_to_its_first_part():
    firmware, counts = OpenFrameFirmware(50), np.zeros((8, 3), np.int16)
    whole, half, quarter, rest, later = (
        parse_frame(firmware.frame(last * 20_000_000, counts[:size]).data)
        for last, size in [(7, 8), (3, 4), (1, 2), (3, 2), (11, 4)]
    )

    assert (whole.sequence, half.sequence, quarter.sequence) == (0, 0, 0)
    assert (rest.sequence, later.sequence) == (1, 2)


def walk(fs: int, duration_s: float) -> Trace:
    steps = np.random.default_rng(1).integers(-30, 31, (round(fs * duration_s), 3))
    return Trace(np.clip(steps.cumsum(axis=0), -3000, 3000) / 1000, fs)


@pytest.fixture
def heard(serving):
    """Read a virtual sensor by the production source; return status, clock and blocks."""

    async def listen(plan: SensorPlan):
        blocks, clock = [], SampleClock()
        async with asyncio.timeout(60), serving(plan) as air, asyncio.TaskGroup() as tasks:
            scanner, client = backends(air.address)
            source = BleSource(
                device=None,
                clock=ScaledClock(plan.speed),
                scanner_backend=scanner,
                client_backend=client,
                registry=Registry({DRIVER.name: DRIVER}),
            )
            air.task.add_done_callback(lambda _: tasks.create_task(source.close()))
            async for reading in source.readings():
                assert reading.error is None
                blocks += clock.take(reading)
            return source.status, clock, blocks

    return lambda plan: asyncio.run(listen(plan))


def test_not_a_sample_is_lost_or_altered_on_the_way_to_the_production_source(heard):
    trace = walk(50, 30)
    status, clock, blocks = heard(SensorPlan(model=OPEN_FRAME, trace=trace, speed=10))

    assert status.dropped == status.late == clock.gap_count == 0
    assert np.array_equal(np.concatenate([block.samples for block in blocks]), trace.samples)


def test_after_a_lost_link_the_samples_are_where_they_belong(heard):
    trace = walk(50, 30)
    plan = SensorPlan(model=OPEN_FRAME, trace=trace, speed=10, drops=(LinkDrop(8, 4),))
    status, clock, blocks = heard(plan)

    for block in blocks:
        assert np.array_equal(block.samples, trace.samples[block.start : block.stop])
    assert status.sessions == 2
    assert [gap.cause for gap in clock.gaps] == [GapCause.LOSS]
    assert clock.missing + sum(map(len, blocks)) == len(trace.samples)
