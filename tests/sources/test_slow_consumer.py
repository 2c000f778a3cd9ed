"""The link does not depend on its consumer: a slow, absent or restarted one loses nothing."""

from __future__ import annotations

import asyncio
import random

import pytest
from bleak.exc import BleakError

from detector.devices.pmd import PMD_DATA
from detector.devices.profile import Battery, Chunk, Started
from detector.devices.stream import LinkDown, LinkUp, Reading
from detector.errors import LinkError
from detector.sources.inbox import MOST_READINGS
from detector.sources.source import LinkState
from detector.timing.sample_clock import SampleClock

from ..kit.virtual_time import in_virtual_time
from .watching import START, STOP, assert_a_replay_is_equal, open_source

HANDSHAKE = [b"\x02\x09", b"\x01\x02", START]


def outputs(readings: list[Reading], kind: type) -> list:
    return [o for reading in readings for o in reading.outputs if isinstance(o, kind)]


def values(readings: list[Reading]) -> list[int]:
    """Return the numbers of the samples, modulo 1000."""
    return [round(x * 1000) for c in outputs(readings, Chunk) for x in c.samples[:, 0]]


def counted(count: int) -> list[int]:
    return [i % 1000 for i in range(count)]


async def rest(source) -> list[Reading]:
    """Close, and return everything that was not taken yet."""
    await source.close()
    return [reading async for reading in source.readings()]


@pytest.mark.parametrize("asleep_s", [10, 60, 1800])
def test_with_a_consumer_that_reads_nothing_the_stream_is_started_and_complete(
    air, sensor, asleep_s
):
    async def main():
        one = sensor()
        source = open_source(air)
        first = await anext(source.readings())
        await asyncio.sleep(asleep_s)

        assert one.written == HANDSHAKE
        assert source.status.state is LinkState.STREAM
        assert source.status.data_age_s <= 1
        assert one.sent >= 52 * (asleep_s - 5)

        readings = [first, *await rest(source)]
        assert outputs(readings, Started) == [Started(52, 8)]
        assert outputs(readings, Battery) == [Battery(80)]
        assert values(readings) == counted(one.sent)
        assert (source.status.sessions, source.status.dropped) == (1, 0)
        assert_a_replay_is_equal(readings)

    in_virtual_time(main())


def test_with_a_consumer_that_reads_nothing_a_silent_stream_is_started_again(air, sensor):
    async def main():
        one = sensor()
        source = open_source(air)
        await anext(source.readings())
        await asyncio.sleep(10)
        one.stop()
        del one.written[:]
        await asyncio.sleep(7)

        assert one.written == [STOP, START]
        assert one.streaming
        assert source.status.sessions == 1
        await source.close()

    in_virtual_time(main())


def test_with_a_consumer_that_reads_nothing_lost_links_are_made_anew(air, sensor):
    async def main():
        one = sensor()
        source = open_source(air)
        first = await anext(source.readings())
        for _ in range(20):
            await asyncio.sleep(8)
            one.drop()
            one.reachable = True
        await asyncio.sleep(8)

        assert source.status.sessions == 21
        readings = [first, *await rest(source)]
        links = [r.item for r in readings if isinstance(r.item, LinkUp | LinkDown)]
        assert [link.session for link in links] == sorted([*range(1, 22)] * 2)
        assert values(readings) == counted(one.sent)
        assert_a_replay_is_equal(readings)

    in_virtual_time(main())


def test_a_busy_consumer_that_never_waits_does_not_delay_the_handshake(air, sensor):
    async def main():
        one = sensor()
        source = open_source(air)
        loop = asyncio.get_running_loop()
        readings = []
        async for reading in source.readings():
            loop.block(0.9)  # a frame lasts a second
            readings.append(reading)
            if loop.time() > 60:
                break
        readings += await rest(source)

        assert one.written == [*HANDSHAKE, STOP]
        assert source.status.sessions == 1
        assert values(readings) == counted(one.sent)

    in_virtual_time(main())


def test_a_consumer_busy_with_a_backlog_does_not_delay_what_the_session_writes(air, sensor):
    async def main():
        one = sensor()
        source = open_source(air)
        loop = asyncio.get_running_loop()
        readings = source.readings()
        await anext(readings)
        await asyncio.sleep(300)
        one.stop()
        del one.written[:]
        taken = 0
        async for _ in readings:
            loop.block(0.9)
            taken += 1
            if one.streaming:
                break
        await source.close()

        assert one.written[:2] == [STOP, START]
        assert taken < 30

    in_virtual_time(main())


def test_a_blocked_event_loop_is_not_taken_for_a_silent_sensor(air, sensor):
    async def main():
        one = sensor()
        loop = asyncio.get_running_loop()

        def through_a_pipe(channel, data, hops=20):
            # What arrived while the loop was blocked is delivered some rounds later.
            if hops:
                loop.call_soon(through_a_pipe, channel, data, hops - 1)
            elif one.client is not None:
                one.client.notify(channel, data)

        one.say = through_a_pipe
        source = open_source(air)
        first = await anext(source.readings())
        for busy_s in (6, 20, 3600):
            await asyncio.sleep(10.5)
            loop.block(busy_s)
        await asyncio.sleep(10.5)
        readings = [first, *await rest(source)]

        assert one.written == [*HANDSHAKE, STOP]
        assert source.status.sessions == 1
        assert values(readings) == counted(one.sent)

    in_virtual_time(main())


def test_a_full_inbox_ends_the_session_counts_what_is_dropped_and_leaves_a_gap(air, sensor):
    async def main():
        one = sensor(count=1)
        source = open_source(air)
        readings = source.readings()
        got = [await anext(readings)]
        await asyncio.sleep(600)

        assert one.written[-1] == STOP  # its battery is not emptied for nobody
        assert one.client is None
        assert (source.status.state, source.status.sessions) == (LinkState.BACKOFF, 1)
        assert "too slow" in source.status.why

        sent, dropped = one.sent, source.status.dropped
        async for reading in readings:
            got.append(reading)
            if isinstance(reading.item, LinkDown):
                break
        assert len(got) <= MOST_READINGS + 2
        assert "too slow" in got[-1].item.reason
        assert dropped > 0
        assert values(got) == counted(sent - dropped)

        while source.status.sessions == 1 or source.status.state is not LinkState.STREAM:
            got.append(await anext(readings))
        await asyncio.sleep(5)
        got += await rest(source)
        clock = SampleClock()
        blocks = [block for reading in got for block in clock.take(reading)]
        assert clock.gap_count == 1
        assert clock.missing == pytest.approx(52 * (600 - MOST_READINGS / 52), rel=0.05)
        assert sum(map(len, blocks)) == one.sent - source.status.dropped
        assert_a_replay_is_equal(got)

    in_virtual_time(main())


def test_a_link_that_comes_and_goes_does_not_fill_the_memory_of_a_source_nobody_reads(air, sensor):
    async def main():
        one = sensor(rates=(10,))  # refused: an end and a beginning every few seconds
        source = open_source(air)
        await anext(source.readings())
        await asyncio.sleep(24 * 3600)
        waiting = source.status.sessions
        await asyncio.sleep(24 * 3600)

        assert source.status.sessions == waiting
        assert one.client is None
        assert len(await rest(source)) <= MOST_READINGS

    in_virtual_time(main())


@pytest.mark.parametrize("seed", range(8))
def test_whatever_the_consumer_and_the_link_do_a_replay_gives_the_same_readings(air, sensor, seed):
    async def main():
        rng = random.Random(seed)
        one = sensor(count=rng.choice([1, 5, 52]))
        good = one.mangle
        source = open_source(air)
        readings, got = source.readings(), []

        async def trouble():
            while True:
                await asyncio.sleep(rng.uniform(0, 30))
                match rng.randrange(4):
                    case 0:
                        one.drop()
                        await asyncio.sleep(rng.uniform(0, 20))
                        one.reachable = True
                    case 1:
                        one.stop()
                    case 2:
                        one.silent = not one.silent
                    case 3:
                        one.mangle = lambda frame: frame[: rng.randrange(len(frame))]
                        await asyncio.sleep(2)
                        one.mangle = good

        troubling = asyncio.create_task(trouble())
        until_s = asyncio.get_running_loop().time() + 1200
        while asyncio.get_running_loop().time() < until_s:
            for _ in range(rng.randrange(400)):
                got.append(await anext(readings))
            await asyncio.sleep(rng.uniform(0, 40))
            if rng.random() < 0.3:
                await readings.aclose()
                readings = source.readings()
        troubling.cancel()
        got += await rest(source)

        assert outputs(got, Chunk)
        stamps = [reading.item.mono_ns for reading in got]
        assert stamps == sorted(stamps)
        assert_a_replay_is_equal(got)
        assert not air.violations

    in_virtual_time(main())


def test_a_thousand_restarts_of_the_reader_lose_no_sample_no_link_and_no_task(air, sensor):
    class ConsumerError(Exception):
        pass

    async def main():
        rng = random.Random(3)
        one = sensor(count=5)
        source = open_source(air)
        got: list[Reading] = []

        async def read(most: int, fails: bool):
            async for reading in source.readings():
                got.append(reading)
                most -= 1
                if most <= 0:
                    if fails:
                        raise ConsumerError
                    return

        await read(20, fails=False)
        tasks = len(asyncio.all_tasks())
        for _ in range(1000):
            reader = asyncio.create_task(read(rng.randrange(1, 50), rng.random() < 0.5))
            await asyncio.wait({reader}, timeout=rng.uniform(0, 5))
            reader.cancel()
            await asyncio.wait({reader})
            if not reader.cancelled():
                reader.exception()
            assert len(asyncio.all_tasks()) == tasks
        assert source.status.sessions == 1
        got += await rest(source)

        assert values(got) == counted(one.sent)
        assert one.written == [*HANDSHAKE, STOP]
        assert len(asyncio.all_tasks()) == tasks - 1

    in_virtual_time(main())


def test_session_numbers_go_on_after_a_restart_of_the_reader(air, sensor):
    async def main():
        one = sensor()
        source = open_source(air)
        ups: list[int] = []
        for _ in range(5):
            readings = source.readings()
            async for reading in readings:
                if isinstance(reading.item, LinkUp):
                    ups.append(reading.item.session)
                    break
            await readings.aclose()
            await asyncio.sleep(5)
            one.drop()
            one.reachable = True
        await source.close()

        assert ups == [1, 2, 3, 4, 5]

    in_virtual_time(main())


def test_after_an_adapter_was_missing_the_next_reader_tries_again(air, sensor):
    async def main():
        async def fail():
            raise BleakError("no adapter")

        sensor()
        source = open_source(air)
        air.trouble["scan"] = fail
        for _ in range(3):
            with pytest.raises(LinkError, match="no adapter"):
                await anext(source.readings())
        air.trouble.clear()

        assert isinstance((await anext(source.readings())).item, LinkUp)
        await source.close()

    in_virtual_time(main())


def test_a_closed_source_stays_closed(air, sensor):
    async def main():
        one = sensor()
        never_read = open_source(air)
        await never_read.close()
        assert [reading async for reading in never_read.readings()] == []

        source = open_source(air)
        await anext(source.readings())
        await asyncio.sleep(10)
        assert await rest(source)
        assert await rest(source) == []
        await asyncio.sleep(60)
        one.say(PMD_DATA, b"")
        assert (one.client, one.streaming, source.status.sessions) == (None, False, 1)

    in_virtual_time(main())
