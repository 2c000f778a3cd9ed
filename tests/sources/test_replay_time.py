"""A recording that is played fast: time waits for whoever is busy with a reading."""

from __future__ import annotations

import asyncio

from detector.devices.stream import Packet, Reading
from detector.sources.clock import ScaledClock
from detector.sources.replay import ReplaySource

S = 1_000_000_000


def test_no_time_passes_while_a_reading_is_processed() -> None:
    readings = [Reading(Packet(1, "x", b"", n * S // 2, n * S // 2)) for n in range(40)]

    async def play() -> list[int]:
        clock = ScaledClock(1000.0)
        ahead_ns = []
        async for reading in ReplaySource(readings, clock).readings():
            for _ in range(200):  # the consumer is slow, and others run meanwhile
                await asyncio.sleep(0)
            ahead_ns.append(clock.mono_ns() - reading.item.mono_ns)
        return ahead_ns

    ahead_ns = asyncio.run(play())

    assert len(ahead_ns) == len(readings)
    assert set(ahead_ns[1:]) == {0}


def test_a_played_recording_that_is_closed_ends_at_once() -> None:
    readings = [Reading(Packet(1, "x", b"", at * S, at * S)) for at in (0, 3600)]

    async def play() -> int:
        source, count = ReplaySource(readings, ScaledClock(1.0)), 0
        async for _ in source.readings():
            count += 1
            asyncio.get_running_loop().call_soon(lambda: asyncio.ensure_future(source.close()))
        return count

    assert asyncio.run(asyncio.wait_for(play(), 10)) == 1
