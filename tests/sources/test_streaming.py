"""A live source streams: nothing is lost on a standing link, and a lost one is made anew."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
from pathlib import Path

from detector.devices.pmd import PMD_CONTROL, PMD_DATA
from detector.devices.profile import Battery, Chunk, Started, Stopped
from detector.devices.stream import LinkDown, LinkUp, Packet
from detector.sources.source import LinkState

from ..kit.virtual_time import in_virtual_time
from .watching import START, STOP, watching

FILES = Path("/proc/self/fd")


def test_a_sensor_is_found_set_up_and_streams(air, sensor):
    async def main():
        one = sensor()
        async with watching(air) as watcher:
            took_s = await watcher.until_samples()
            status = watcher.source.status

            assert took_s < 5
            assert (status.state, status.why, status.sessions) == (LinkState.STREAM, "", 1)
            assert status.data_age_s == 0
            assert one.written == [b"\x02\x09", b"\x01\x02", START]
            assert watcher.outputs(Started) == [Started(52, 8)]
            assert watcher.outputs(Battery) == [Battery(80)]
            assert isinstance(watcher.readings[0].item, LinkUp)
            assert not air.violations

    in_virtual_time(main())


def test_no_sample_of_a_standing_link_is_lost_or_altered(air, sensor):
    async def main():
        one = sensor()
        async with watching(air) as watcher:
            await watcher.until(lambda: watcher.chunks >= 300, within_s=600)
            got = [x for chunk in watcher.outputs(Chunk) for x in chunk.samples[:, 0]]

            assert got == [i % 1000 / 1000 for i in range(one.sent)]

    in_virtual_time(main())


def test_a_thousand_drops_are_all_survived_within_five_seconds_of_the_return(air, sensor):
    async def main():
        rng = random.Random(1)
        one = sensor()
        worst_s = 0.0
        async with watching(air) as watcher:
            for drop in range(1000):
                await watcher.until_samples()
                await asyncio.sleep(rng.uniform(0, 3))
                one.drop()
                away_s = 8 * 3600 if drop == 500 else 10 ** rng.uniform(-1, 2)
                await asyncio.sleep(away_s)
                one.reachable = True
                worst_s = max(worst_s, await watcher.until_samples())
                watcher.readings[:-10] = []
            sessions = watcher.source.status.sessions

        assert worst_s <= 5
        assert sessions >= 1000
        assert air.calls["connect"] == sessions
        assert not air.violations

    in_virtual_time(main())


def test_each_session_has_a_number_of_its_own_and_an_end(air, sensor):
    async def main():
        one = sensor()
        async with watching(air) as watcher:
            for _ in range(5):
                await watcher.until_samples()
                one.drop()
                await asyncio.sleep(1)
                one.reachable = True
            await watcher.until_samples()
        links = [r.item for r in watcher.readings if isinstance(r.item, LinkUp | LinkDown)]

        assert [link.session for link in links] == sorted([*range(1, 7)] * 2)
        assert [type(link) for link in links] == [LinkUp, LinkDown] * 6
        assert all("lost" in link.reason for link in links[1:-1:2])
        assert links[-1].reason == "closed"

    in_virtual_time(main())


def test_a_late_callback_of_an_old_session_is_counted_and_dropped(air, sensor):
    async def main():
        one = sensor()
        async with watching(air) as watcher:
            await watcher.until_samples()
            old = one.client
            one.drop()
            one.reachable = True
            await watcher.until_samples()
            packets = len(watcher.items(Packet))
            old.notify(PMD_DATA, b"late")
            await asyncio.sleep(0)

            assert watcher.source.status.late == 1
            assert len(watcher.items(Packet)) == packets

    in_virtual_time(main())


def test_a_silent_link_is_restarted_after_5_s_and_made_anew_after_15_s(air, sensor):
    async def main():
        one = sensor()
        async with watching(air) as watcher:
            await watcher.until_samples()
            one.silent = True
            del one.written[:]
            await asyncio.sleep(4.9)
            assert one.written == []
            await asyncio.sleep(0.5)
            assert one.written == [STOP, START]
            assert watcher.source.status.data_age_s > 5
            await asyncio.sleep(10.5)
            assert "no samples for 15 s" in watcher.items(LinkDown)[0].reason
            one.silent = False
            assert await watcher.until_samples() < 5
            assert watcher.source.status.sessions == 2

    in_virtual_time(main())


def test_a_restart_alone_wakes_a_sensor_that_stopped_without_a_word(air, sensor):
    async def main():
        one = sensor()
        async with watching(air) as watcher:
            await watcher.until_samples()
            one.stop()

            assert 5 < await watcher.until_samples() < 8
            assert watcher.source.status.sessions == 1

    in_virtual_time(main())


def test_a_sensor_with_long_frames_is_not_called_silent(air, sensor):
    async def main():
        one = sensor(count=52 * 8)
        async with watching(air) as watcher:
            await watcher.until(lambda: watcher.chunks >= 20, within_s=300)

            assert one.written.count(START) <= 2  # before the first frame nobody knows its length

    in_virtual_time(main())


def test_a_stop_by_the_sensor_is_answered_with_a_start(air, sensor):
    async def main():
        one = sensor()
        async with watching(air) as watcher:
            await watcher.until_samples()
            one.stop()
            one.say(PMD_CONTROL, b"\x01\x02")

            assert await watcher.until_samples() < 2
            assert len(watcher.outputs(Stopped)) == 1
            assert watcher.source.status.sessions == 1

    in_virtual_time(main())


def test_a_thousand_malformed_frames_are_counted_and_then_forgotten(air, sensor):
    async def main():
        rng = random.Random(2)
        one = sensor(count=1)
        async with watching(air) as watcher:
            await watcher.until_samples()
            good = one.mangle
            one.mangle = lambda frame: rng.randbytes(rng.randrange(0, 80))
            await watcher.until(lambda: watcher.source.status.protocol_errors >= 1000, 3600)
            one.mangle = good

            # It may just have been given up as dead and be waiting for its next attempt.
            assert await watcher.until_samples() < 20
            assert sum(r.error is not None for r in watcher.readings) >= 1000

    in_virtual_time(main())


def test_ten_thousand_reconnects_leave_nothing_behind(air, sensor):
    """Tasks, threads, files and memory are as after the first; one subscription at a time."""

    def resources() -> tuple[int, int, int]:
        files = len(list(FILES.iterdir())) if FILES.exists() else 0
        return len(asyncio.all_tasks()), threading.active_count(), files

    async def main():
        one = sensor()
        async with watching(air) as watcher:
            for drop in range(10_000):
                await watcher.until_samples()
                if drop == 100:
                    before, held_before = resources(), held()
                one.drop()
                one.reachable = True
                watcher.readings[:-3] = []
            await watcher.until_samples()

            assert watcher.source.status.sessions == 10_001
            now = resources()
            assert all(each <= was for each, was in zip(now, before, strict=True)), (now, before)
            assert held() < 1.2 * held_before
        assert air.calls["connect"] == 10_001
        assert not air.violations

    def held() -> int:
        gc.collect()
        return len(gc.get_objects())

    in_virtual_time(main())
