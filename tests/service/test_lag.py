"""Laws of progress: samples that come and are not analysed in time are an alarm."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from detector.alerts.conditions import Condition
from detector.devices.stream import Reading
from detector.recognition.pipeline import Watcher
from detector.service.checks.lag import LagWatch
from detector.sources.inbox import Inbox
from detector.sources.source import LinkState, LinkStatus
from tests.kit.virtual_time import LoopClock, in_virtual_time
from tests.night.evening import UTC_NS, Arrival, S, evening, night


@dataclass
class Queued:
    """A source whose link decodes at once, and whose readings wait in the inbox until taken."""

    inbox: Inbox = field(default_factory=Inbox)
    last_s: float | None = None

    def put(self, reading: Reading) -> None:
        self.inbox.put(reading)
        self.last_s = asyncio.get_running_loop().time()

    @property
    def status(self) -> LinkStatus:
        age_s = None if self.last_s is None else asyncio.get_running_loop().time() - self.last_s
        return LinkStatus(LinkState.STREAM, age_s, "", None, 1, self.inbox.dropped, 0, 0)


def watched(
    until_s: float, takes: Callable[[float], bool], at: Callable[[float], float] = lambda s: s
) -> dict[str, float]:
    """When each condition was first told, of an evening that is checked each second.

    `takes` says whether the reader takes what waits, `at` when each second's check is.
    """

    async def run() -> dict[str, float]:
        one, source, told = night(sensors=1), Queued(), dict[str, float]()
        watch = LagWatch(one, [source], LoopClock(UTC_NS))
        loop, arrivals = asyncio.get_running_loop(), [a for a in evening(1) if a.reading]
        waiting: list[Arrival] = arrivals[::-1]
        for second in range(1, round(until_s)):
            await asyncio.sleep(max(0.0, at(second) - loop.time()))
            while waiting and waiting[-1].mono_ns <= loop.time() * S:
                reading = waiting.pop().reading
                assert reading is not None
                source.put(reading)
            while takes(second) and source.inbox.waiting:
                one.take(source.inbox.take())
            for name, why in watch.troubles().items():
                if why is not None:
                    told.setdefault(name, loop.time())
        return told

    return in_virtual_time(run())


def test_an_evening_of_gaps_and_holds_in_which_all_is_analysed_raises_nothing():
    assert watched(400, lambda _: True) == {}


def test_a_detector_that_does_nothing_is_told_within_15_s(monkeypatch: pytest.MonkeyPatch):
    follow, count = Watcher.follow, [0]

    def hangs(self: Watcher, block):
        count[0] += 1
        return follow(self, block) if count[0] <= 30 else []

    monkeypatch.setattr(Watcher, "follow", hangs)
    told = watched(60, lambda _: True)

    assert 31 < told[Condition.OVERLOAD] <= 31 + 7
    assert 31 < told[Condition.DETECTOR_STALLED] <= 31 + 15


def test_readings_that_nobody_takes_are_told():
    told = watched(60, lambda second: second <= 30)

    assert 30 < told[Condition.OVERLOAD] <= 37
    assert 30 < told[Condition.DETECTOR_STALLED] <= 45


def test_a_moment_of_delay_is_nothing():
    assert watched(60, lambda second: second % 10 not in (3, 4)) == {}


def test_a_process_that_was_held_is_told_once_it_runs_again():
    told = watched(40, lambda _: True, at=lambda s: s if s <= 20 else s + 12)

    assert set(told) == {Condition.DETECTOR_STALLED}
    assert told[Condition.DETECTOR_STALLED] == pytest.approx(33, abs=1)


def test_packets_that_were_dropped_are_told():
    async def run() -> dict[str, str | None]:
        source = Queued()
        watch = LagWatch(night(sensors=1), [source], LoopClock(UTC_NS))
        assert set(watch.troubles().values()) == {None}
        source.inbox.dropped += 3
        first = watch.troubles()
        assert set(watch.troubles().values()) == {None}, "none more"
        return first

    assert "3 packets were dropped" in str(in_virtual_time(run())[Condition.OVERLOAD])
