"""A stream of views as an answer, while the page takes it and may have it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web

from detector.web.access.guard import protect
from detector.web.forms import PATIENCE_S
from detector.web.tonight.stream import MOST_PAGES, Stream

RETRY_MS = 2000  # between a page's attempts to reach a service that is away


async def streamed(
    request: web.Request, stream: Stream[Any], allowed: Callable[[], bool]
) -> web.StreamResponse:
    """Send a page the newest view, and each that follows, until either end closes."""
    if stream.pages >= MOST_PAGES:
        raise web.HTTPServiceUnavailable(text="too many pages are open")
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    protect(response)
    stream.pages += 1
    try:
        await response.prepare(request)
        await _send(response, f"retry: {RETRY_MS}\n\n".encode())
        async for message in stream.messages(allowed):
            await _send(response, message)
    except (ConnectionError, TimeoutError):
        response.force_close()  # gone, or takes nothing: it comes back
        if request.transport is not None:
            request.transport.abort()
    finally:
        stream.pages -= 1
    return response


async def _send(response: web.StreamResponse, message: bytes) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await response.write(message)
