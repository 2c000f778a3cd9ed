"""A reader of the live source, and the constants of a Polar conversation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager, suppress

from detector.devices.interpreter import Interpreter
from detector.devices.profile import Chunk, Write
from detector.devices.registry import installed
from detector.devices.stream import Reading
from detector.errors import LinkError
from detector.sources.ble import BleSource

from ..kit.virtual_time import LoopClock
from ..kit.waiting import until_news

START = bytes.fromhex("0202 00013400 01011000 02010800 040103")
STOP = bytes.fromhex("0302")


class Watcher:
    """Reads a source to its end and keeps what it said."""

    def __init__(self, source: BleSource) -> None:
        self.source = source
        self.readings: list[Reading] = []
        self._news = asyncio.Event()

    async def read(self) -> None:
        async for reading in self.source.readings():
            self.readings.append(reading)
            self._news.set()

    async def until(self, seen: Callable[[], bool], within_s: float = 60) -> float:
        """Wait until something was read; return the time it took."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        await until_news(seen, self._news, within_s)
        return loop.time() - began_s

    async def until_samples(self, within_s: float = 60) -> float:
        before = self.chunks
        return await self.until(lambda: self.chunks > before, within_s)

    def outputs(self, kind: type) -> list:
        return [o for reading in self.readings for o in reading.outputs if isinstance(o, kind)]

    def items(self, kind: type) -> list:
        return [reading.item for reading in self.readings if isinstance(reading.item, kind)]

    @property
    def chunks(self) -> int:
        return len(self.outputs(Chunk))


def open_source(air, **settings) -> BleSource:
    return BleSource(
        **{"device": None, "clock": LoopClock()} | settings,
        scanner_backend=air.scanner_backend(),
        client_backend=air.client_backend(),
    )


def essence(reading: Reading):
    """Return what a replay must repeat: all but what the live session had to write."""
    return (
        reading.item,
        reading.error,
        [
            (o.samples.tobytes(), o.fs, o.last_ns) if isinstance(o, Chunk) else o
            for o in reading.outputs
            if not isinstance(o, Write)
        ],
    )


def assert_a_replay_is_equal(live: list[Reading]) -> None:
    """A recording of the items gives the same readings, and so the same blocks."""
    replayed = [*map(Interpreter(installed()).feed, (reading.item for reading in live))]
    assert [*map(essence, replayed)] == [*map(essence, live)]


@asynccontextmanager
async def watching(air, **settings):
    source = open_source(air, **settings)
    watcher = Watcher(source)
    reading = asyncio.create_task(watcher.read())
    try:
        yield watcher
    finally:
        await source.close()
        air.released.set()
        with suppress(LinkError):
            await reading
