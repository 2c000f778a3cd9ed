"""A process that was stopped reads what its sensors sent meanwhile before it judges silence."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.config import read_configuration
from detector.events import Origin
from detector.service.assembly import assembled
from detector.service.backlog import LATE_S, Backlog
from detector.service.presentation.news import News
from detector.sources.clock import ScaledClock
from detector.sources.replay import ReplaySource
from detector.status import StateWord, Status
from tests.kit.virtual_time import LoopClock, VirtualTimeLoop, in_virtual_time
from tests.night.evening import UTC_NS, Arrival, S, evening


def loop() -> VirtualTimeLoop:
    running = asyncio.get_running_loop()
    assert isinstance(running, VirtualTimeLoop)
    return running


@given(waits_s=st.lists(st.floats(0, 60), max_size=30))
def test_only_a_late_tick_waits_and_never_twice_in_a_row(waits_s: list[float]) -> None:
    async def check() -> None:
        backlog, waited = Backlog(), False
        for wait_s in waits_s:
            loop().block(wait_s)
            waits = backlog.tick()
            assert not (waits and (waited or wait_s < LATE_S - 1e-6))
            waited = waits

    in_virtual_time(check())


@pytest.mark.parametrize("streams", [True, False])
def test_a_stop_of_30_s_shows_no_signal_only_where_the_sensor_was_silent(
    tmp_path: Path, streams: bool
) -> None:
    news: list[News] = []
    arrivals = [each for each in evening(1) if each.reading]

    async def night() -> None:
        clock = LoopClock(UTC_NS)
        flags = {"data_dir": tmp_path, "mqtt.broker": "none", "alerts.sound": False}
        async with assembled(
            read_configuration(environ={}, flags=flags).settings,
            sources=[ReplaySource([], ScaledClock(1.0))],
            origin=Origin.LIVE,
            clock=clock,
            tell=news.append,
        ) as made:
            service, waiting = made.service, arrivals[::-1]

            def read(until_s: float) -> None:
                while waiting[-1].mono_ns <= until_s * S:
                    take(waiting.pop())

            def take(arrival: Arrival) -> None:
                assert arrival.reading is not None
                service._take(0, arrival.reading)

            for second in range(1, 20):
                loop().block(second - loop().time())
                read(second)
                service._tick()
            assert service.status.watch is StateWord.WATCHING
            news.clear()
            loop().block(30)
            service._tick()
            if streams:
                read(loop().time())
            for _ in range(2):
                loop().block(1)
                service._tick()

    in_virtual_time(night())
    shown = [each.watch for each in news if isinstance(each, Status)]
    assert (StateWord.NO_SIGNAL in shown) is not streams
