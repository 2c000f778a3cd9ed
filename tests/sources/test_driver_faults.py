"""A fault in a driver reaches the consumer as it is, costs one session, and never the night."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest

from detector.devices.pmd import PMD_CONTROL, PMD_DATA
from detector.devices.polar import VERITY_SENSE
from detector.devices.profile import Chunk, Conversation, Output, Write
from detector.devices.registry import Registry
from detector.devices.stream import LinkDown, LinkUp, Packet, Reading
from detector.sources.source import LinkState

from ..kit.virtual_time import in_virtual_time
from .watching import STOP, assert_a_replay_is_equal, open_source


@dataclass
class Faulty:
    """Polar's conversation, but for a fault before some of the calls."""

    before: Callable[[str], None]  # of a call, by its name; packets by their characteristic
    inner: Conversation

    def open(self) -> list[Write]:
        self.before("open")
        return self.inner.open()

    def feed(self, channel: str, data: bytes) -> list[Output]:
        self.before(channel)
        return self.inner.feed(channel, data)

    def restart(self) -> list[Write]:
        self.before("restart")
        return self.inner.restart()

    def close(self) -> list[Write]:
        self.before("close")
        return self.inner.close()


def faulty(before: Callable[[str], None]) -> Registry:
    def converse() -> Conversation:
        return Faulty(before, VERITY_SENSE.converse())

    return Registry({VERITY_SENSE.name: replace(VERITY_SENSE, converse=converse)})


class Supervised:
    """Reads a source, and reads it again whenever that raised."""

    def __init__(self, source) -> None:
        self.source = source
        self.got: list[Reading] = []
        self.faults: list[Exception] = []
        self.at_fault: list[int] = []  # readings before each fault

    async def read(self) -> None:
        while True:
            try:
                async for reading in self.source.readings():
                    self.got.append(reading)
            except ZeroDivisionError as error:
                self.faults.append(error)
                self.at_fault.append(len(self.got))
            else:
                return

    def items(self, kind: type) -> list:
        return [reading.item for reading in self.got if isinstance(reading.item, kind)]

    @property
    def values(self) -> list[int]:
        chunks = [o for r in self.got for o in r.outputs if isinstance(o, Chunk)]
        return [round(x * 1000) for chunk in chunks for x in chunk.samples[:, 0]]


def fault_at(call: str, *numbers: int) -> Callable[[str], None]:
    """Divide by zero at these occurrences of a call."""
    calls = 0

    def before(name: str) -> None:
        nonlocal calls
        calls += name == call
        if name == call and (calls in numbers or not numbers):
            raise ZeroDivisionError(call)

    return before


@pytest.mark.parametrize("call", ["open", PMD_CONTROL, PMD_DATA, "restart"])
def test_a_fault_is_raised_after_the_end_of_its_session_and_the_next_one_streams(air, sensor, call):
    async def main():
        one = sensor()
        source = open_source(air, registry=faulty(fault_at(call, 2 if call == PMD_DATA else 1)))
        supervised = Supervised(source)
        reading = asyncio.create_task(supervised.read())
        await asyncio.sleep(4)
        if call == "restart":
            one.stop()
        await asyncio.sleep(20)
        status = source.status
        await source.close()
        await reading

        assert [str(fault) for fault in supervised.faults] == [call]
        ends = supervised.items(LinkDown)
        assert supervised.got[supervised.at_fault[0] - 1].item is ends[0]
        assert call in ends[0].reason
        assert (status.state, status.sessions) == (LinkState.STREAM, 2)
        assert ends[-1].session == 2
        assert supervised.values
        assert (one.client, one.written[-1]) == (None, STOP)
        assert not air.violations
        assert_a_replay_is_equal(supervised.got)

    in_virtual_time(main())


def test_the_bytes_that_caused_a_fault_are_logged_for_those_who_ask(air, sensor, caplog):
    async def main():
        sensor()
        source = open_source(air, registry=faulty(fault_at(PMD_CONTROL, 2)))
        supervised = Supervised(source)
        reading = asyncio.create_task(supervised.read())
        await asyncio.sleep(10)
        await source.close()
        await reading

    with caplog.at_level(logging.DEBUG, logger="detector.sources.session"):
        in_virtual_time(main())
    (line,) = [each for each in caplog.records if "driver failed" in each.message]

    assert line.levelno == logging.DEBUG, "it is the wearer's data"
    assert PMD_CONTROL in line.message
    assert "f0 " in line.message  # an answer of the control point


def test_nothing_is_lost_before_a_fault_and_three_seconds_at_most_after_a_steady_stream(
    air, sensor
):
    rng = random.Random(4)

    def now_and_then(name: str) -> None:
        if name == PMD_DATA and rng.random() < 1 / 200:
            raise ZeroDivisionError

    async def main():
        sensor(count=13)
        source = open_source(air, registry=faulty(now_and_then))
        supervised = Supervised(source)
        reading = asyncio.create_task(supervised.read())
        while len(supervised.faults) < 200:
            await asyncio.sleep(60)
        await source.close()
        await reading

        assert source.status.dropped == 0
        assert_a_replay_is_equal(supervised.got)
        data = [
            (r.item.session, r.item.mono_ns / 1e9)
            for r in supervised.got
            if isinstance(r.item, Packet) and any(isinstance(o, Chunk) for o in r.outputs)
        ]
        began_s: dict[int, float] = {}
        for session, at_s in data:
            began_s.setdefault(session, at_s)
        pauses_s = [
            b_s - a_s
            for (first, a_s), (second, b_s) in pairwise(data)
            if first != second and a_s - began_s[first] >= 30
        ]
        assert len(pauses_s) > 50
        assert max(pauses_s) <= 3

    in_virtual_time(main())


def test_a_driver_that_fails_every_time_is_tried_less_and_less_often(air, sensor):
    async def main():
        sensor()
        source = open_source(air, registry=faulty(fault_at(PMD_DATA)))
        supervised = Supervised(source)
        reading = asyncio.create_task(supervised.read())
        await asyncio.sleep(300)
        await source.close()
        await reading

        starts_s = [up.mono_ns / 1e9 for up in supervised.items(LinkUp)]
        pauses_s = [b - a for a, b in pairwise(starts_s)]
        lasted_s = pauses_s[0] - 1  # of a session that ends with its first samples
        assert pauses_s[:7] == pytest.approx(
            [pause_s + lasted_s for pause_s in (1, 2, 4, 8, 16, 16, 16)], abs=0.5
        )
        assert len(supervised.faults) in {len(starts_s), len(starts_s) - 1}

    in_virtual_time(main())


def test_a_driver_that_fails_while_nobody_reads_fills_no_memory(air, sensor):
    async def main():
        sensor()
        source = open_source(air, registry=faulty(fault_at(PMD_DATA)))
        await anext(source.readings())
        await asyncio.sleep(7 * 24 * 3600)
        sessions = source.status.sessions
        await asyncio.sleep(24 * 3600)

        assert source.status.sessions == sessions
        supervised = Supervised(source)
        await source.close()
        await supervised.read()
        assert len(supervised.faults) == sessions
        assert len(supervised.got) < 4096

    in_virtual_time(main())


def test_a_fault_while_closing_is_raised_and_the_source_is_closed_all_the_same(air, sensor):
    async def main():
        one = sensor()
        source = open_source(air, registry=faulty(fault_at("close")))
        supervised = Supervised(source)
        reading = asyncio.create_task(supervised.read())
        await asyncio.sleep(10)
        began_s = asyncio.get_running_loop().time()
        await source.close()
        assert asyncio.get_running_loop().time() - began_s < 1
        await reading
        await asyncio.sleep(60)

        assert [str(fault) for fault in supervised.faults] == ["close"]
        assert (one.client, source.status.sessions) == (None, 1)
        assert isinstance(supervised.got[-1].item, LinkDown)

    in_virtual_time(main())
