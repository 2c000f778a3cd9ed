"""Runs the simulator as a child process that cannot outlive its parent."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from detector.errors import LinkError

ENDING_S = 10.0
"""Longer than the simulator itself waits for a central that does not read."""


class Air:
    """A running simulator; `address` is the argument for `firmware_sim.backend.backends`."""

    def __init__(self, process: Process, ready: dict[str, Any]) -> None:
        self._process = process
        self.address: str = ready["address"]
        self.sensors: list[dict[str, Any]] = ready["sensors"]

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """Return the events that the simulator announces, until it ends."""
        while (event := await _next_event(self._process)) is not None:
            yield event

    async def wait(self) -> int:
        """Wait for the end; return the exit code, 0 when every recording was played."""
        return await self._process.wait()


@asynccontextmanager
async def running_air(*arguments: str) -> AsyncIterator[Air]:
    """Run `python -m firmware_sim` with these arguments for as long as the context lasts.

    Its standard input is a pipe from this process, so it ends when this process does, even by
    SIGKILL. Its session is its own, so Ctrl-C in a terminal does not reach it: the caller decides
    when it ends.

    Raises
    ------
    LinkError
        It did not start; the reason is on standard error.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "firmware_sim", *arguments),
        stdin=PIPE,
        stdout=PIPE,
        start_new_session=True,
    )
    try:
        ready = await _next_event(process)
        if ready is None:
            code = await process.wait()
            raise LinkError(f"the simulator did not start (exit code {code})")
        yield Air(process, ready)
    finally:
        await _end(process)


async def _next_event(process: Process) -> dict[str, Any] | None:
    line = await process.stdout.readline() if process.stdout else b""
    return json.loads(line) if line else None


async def _end(process: Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(ENDING_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
