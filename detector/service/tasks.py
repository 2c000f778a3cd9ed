"""Tasks of a block that end with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from typing import Any

log = logging.getLogger(__name__)


class Tasks:
    """Tasks that end with the block, the latest first."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Tasks:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in reversed(self._tasks):
            task.cancel()
            await asyncio.wait({task})

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Begin a task."""
        self._tasks.append(asyncio.create_task(work))
        return self._tasks[-1]

    async def until_done(self, awaited: Sequence[asyncio.Task[None]]) -> None:
        """Wait for some of the tasks; raise what any of all raises before they are done."""
        others = set(self._tasks) - set(awaited)
        left = set(awaited)
        while left:
            done, _ = await asyncio.wait(left | others, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            left, others = left - done, others - done


async def ended(task: asyncio.Future[None], what: str) -> None:
    """Cancel a task beside the service and wait for its end; an error of its own is logged."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("%s ended early", what, exc_info=error)
