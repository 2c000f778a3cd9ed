"""Awaits bumble's coroutines so that cancelling them works."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

AGAIN_S = 0.05
"""How long a cancelled coroutine may take to end before it is cancelled again."""


async def cancellable(work: Coroutine[Any, Any, T], *stops: asyncio.Future[Any]) -> T:
    """Await a coroutine, but no longer than until one of the stops is done.

    The coroutine has ended when this returns. bumble waits with `asyncio.wait_for`, which before
    Python 3.12 swallows a cancellation that coincides with the answer: hence the repeated cancel.

    Raises
    ------
    asyncio.CancelledError
        A stop came first, the work cancelled itself, or the caller was cancelled.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task, *stops}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=AGAIN_S)
    return task.result()
