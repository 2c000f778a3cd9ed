"""A recording as a source: the same readings as from the sensor, at any speed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import replace

from detector.devices.stream import Reading
from detector.sources.clock import Clock, ScaledClock
from detector.sources.source import LinkState, LinkStatus

PIECE_S = 0.5  # of a file without packets: as often as a fast sensor sends


class ReplaySource:
    """Yields recorded readings as if they came now, by a clock that may run fast.

    Items arrive at the present of the monotonic clock, and keep their wall clock.
    """

    def __init__(self, readings: Iterable[Reading], clock: Clock) -> None:
        self._readings = readings
        self._clock = clock
        self._closed = asyncio.Event()
        if isinstance(clock, ScaledClock):  # opening a long file is no time of its night
            clock.hold_at(clock.mono_ns())

    async def readings(self) -> AsyncIterator[Reading]:
        """Yield the readings, each when its time has come."""
        offset_ns: int | None = None
        for reading in self._readings:
            if offset_ns is None:
                offset_ns = self._clock.mono_ns() - reading.item.mono_ns
            now_ns = reading.item.mono_ns + offset_ns
            await self._wait_until(now_ns)
            if self._closed.is_set():
                return
            yield replace(reading, item=replace(reading.item, mono_ns=now_ns))

    async def close(self) -> None:
        """Stop playing."""
        self._closed.set()

    def go_on(self, session: int, address: str | None) -> None:
        """Keep the recording's own numbers."""

    @property
    def status(self) -> LinkStatus:
        """A recording is always there."""
        return LinkStatus(
            state=LinkState.STREAM,
            data_age_s=0.0,
            why="",
            address=None,
            sessions=1,
            dropped=0,
            late=0,
            protocol_errors=0,
        )

    async def _wait_until(self, mono_ns: int) -> None:
        """Let the clock run up to a reading's time and stand still there while it is processed."""
        speed = 1.0
        if isinstance(self._clock, ScaledClock):
            speed = self._clock.speed
            self._clock.hold_at(mono_ns)
        while (left_ns := mono_ns - self._clock.mono_ns()) > 0 and not self._closed.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closed.wait(), left_ns / 1e9 / speed)
        await asyncio.sleep(0)  # readings that are all due must not keep others from running
