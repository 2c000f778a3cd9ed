"""A call to bleak that fails as its caller is cancelled leaves no complaint on the screen."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from detector.errors import LinkError
from detector.sources.radio import ask


@pytest.mark.parametrize("rounds", range(4))
def test_a_call_that_fails_as_its_caller_is_cancelled_is_not_complained_about(rounds: int) -> None:
    complaints: list[dict[str, Any]] = []

    async def check() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        answer: asyncio.Future[None] = loop.create_future()

        async def refused() -> None:
            await answer

        asking = asyncio.create_task(ask("connect", refused(), 5.0))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        answer.set_exception(LinkError("no radio"))
        for _ in range(rounds):  # of the event loop, from the failure to the cancellation
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait({asking})
        with pytest.raises((asyncio.CancelledError, LinkError)):
            asking.result()
        del asking
        gc.collect()
        await asyncio.sleep(0)

    asyncio.run(check())
    gc.collect()
    assert complaints == []
