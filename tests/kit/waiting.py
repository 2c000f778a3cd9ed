"""Waiting for what others do, and running them beside a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

LOOK_S = 0.005  # short beside anything that is waited for, and no load


async def until(true: Callable[[], object], within_s: float = 60.0) -> None:
    """Look again and again until something is true."""
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(LOOK_S)


async def until_news(true: Callable[[], object], news: asyncio.Event, within_s: float) -> None:
    """Look after each piece of news until something is true."""
    async with asyncio.timeout(within_s):
        while not true():
            news.clear()
            await news.wait()


@asynccontextmanager
async def running(*runs: Awaitable[Any], within_s: float | None = 60.0) -> AsyncIterator[None]:
    """Run these beside the block, and end them with it; their errors are ours."""
    tasks = [asyncio.ensure_future(run) for run in runs]
    try:
        async with asyncio.timeout(within_s):
            yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error
