"""Work that swallows cancellations, as asyncio.wait_for may, is ended all the same."""

from __future__ import annotations

import asyncio

import pytest

from firmware_sim.cancellation import cancellable


async def deaf(times):
    for _ in range(times):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue
    await asyncio.Event().wait()


def test_the_caller_can_be_cancelled_however_deaf_the_work_is():
    async def law():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await cancellable(deaf(2))
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(law())


def test_a_stop_ends_the_work_and_a_result_comes_before_a_stop():
    async def law():
        stop = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(stop.set_result, None)
        with pytest.raises(asyncio.CancelledError):
            await cancellable(deaf(1), stop)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert await cancellable(asyncio.sleep(0, "done"), asyncio.Future()) == "done"

    asyncio.run(law())
