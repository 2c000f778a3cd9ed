"""The production source through unmodified bleak, D-Bus and bluetoothd: traces arrive unaltered."""

from __future__ import annotations

import asyncio
import threading
from contextlib import AsyncExitStack
from pathlib import Path

from detector.devices.profile import ButtonPressed
from detector.sources import ble
from detector.sources.nearby import scan
from detector.sources.radio import Adapter
from detector.timing.sample_clock import GapCause
from firmware_sim.faults import ButtonPress, LinkDrop
from firmware_sim.playback import Trace
from firmware_sim.wearables.open_frame import OPEN_FRAME
from firmware_sim.wearables.polar import H10

from .house import house, night, sensor, walk

SENSORS = 8
RECONNECTS = 50


def test_not_a_sample_is_lost_or_altered_at_sixty_times_the_speed():
    async def law():
        plan = sensor(walk(60), speed=60)
        async with house(plan), night(plan) as one:
            await one.until(lambda: one.samples == len(plan.trace.samples))
            status = one.source.status
            assert (status.sessions, status.dropped, status.late) == (1, 0, 0)
            assert one.clock.gap_count == 0

    asyncio.run(law())


def test_after_a_lost_link_the_samples_are_where_they_belong():
    async def law():
        plan = sensor(walk(60), drops=(LinkDrop(20, 10),))
        async with house(plan), night(plan) as one:
            await one.until(lambda: one.samples + one.clock.missing == len(plan.trace.samples))
            assert one.sessions == 2
            assert [gap.cause for gap in one.clock.gaps] == [GapCause.LOSS]
            assert one.clock.missing > 10 * plan.trace.fs

    asyncio.run(law())


def test_a_press_of_its_button_is_heard():
    async def law():
        trace = Trace(walk(60).samples[::2], 26)
        plan = sensor(trace, model=OPEN_FRAME, faults=(ButtonPress(10), ButtonPress(20)))
        async with house(plan), night(plan) as one:
            await one.until(lambda: one.outputs.count(ButtonPressed()) == 2)
            assert one.clock.gap_count == 0

    asyncio.run(law())


def test_eight_sensors_at_once_lose_and_alter_nothing():
    async def law():
        plans = [sensor(walk(60, seed), 60, serial=0x100 + seed) for seed in range(SENSORS)]
        adapter = Adapter()
        async with house(*plans), AsyncExitStack() as stack:
            nights = [
                await stack.enter_async_context(night(plan, adapter=adapter)) for plan in plans
            ]
            for plan, one in zip(plans, nights, strict=True):
                await one.until(lambda one=one, plan=plan: one.samples == len(plan.trace.samples))
                assert (one.sessions, one.clock.gap_count) == (1, 0)

    asyncio.run(law())


def test_a_scan_lists_the_sensors_with_name_signal_and_driver():
    async def law():
        plans = sensor(), sensor(model=H10, serial=0xC0FFEE01)
        async with house(*plans):
            found = {one.address: one for one in await scan(1.0)}

        assert set(found) == {plan.address for plan in plans}
        for plan in plans:
            one = found[plan.address]
            assert (one.name, one.driver) == (plan.name, plan.model.name)
            assert one.rssi_dbm is not None

    asyncio.run(law())


def test_fifty_reconnects_leave_no_task_thread_or_descriptor_behind(monkeypatch):
    monkeypatch.setattr(ble, "_AFTER_LOSS_S", 0.0)
    plans = [sensor(serial=0x200 + number) for number in range(5)]

    def held():
        descriptors = len(list(Path("/proc/self/fd").iterdir()))
        return len(asyncio.all_tasks()), threading.active_count(), descriptors

    async def reconnect(here, plan, one, times):
        for _ in range(times):
            await asyncio.gather(one.streams_anew(), here.device(plan).hang_up())

    async def law():
        adapter = Adapter()
        async with house(*plans) as here, AsyncExitStack() as stack:
            nights = [
                (plan, await stack.enter_async_context(night(plan, adapter=adapter)))
                for plan in plans
            ]
            await asyncio.gather(*(one.streams() for _, one in nights))
            before = held()
            await asyncio.gather(
                *(reconnect(here, plan, one, RECONNECTS // len(plans)) for plan, one in nights)
            )
            assert sum(one.sessions for _, one in nights) == RECONNECTS + len(plans)
            async with asyncio.timeout(5):  # of the last link's end, a few turns are to come
                while held() != before:
                    await asyncio.sleep(0)

    asyncio.run(law())
