"""A TCP proxy on loopback that does what networks do: delay, stall, break, and half of each."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum

PIECE = 4096


class Network(StrEnum):
    """What the network does to every connection through the proxy."""

    WORKS = "works"
    DELAYS = "delays"  # every piece by 0.4 s
    THROTTLES = "throttles"  # to 4 kB/s
    STALLS = "stalls"  # a black hole: nothing arrives, nothing is said
    STALLS_UP = "stalls-up"  # only towards the broker
    STALLS_DOWN = "stalls-down"  # only from the broker
    RESETS = "resets"  # RST now and for each new connection
    HALF_CLOSES = "half-closes"  # one direction of each connection is closed


DELAY_S, BYTES_PER_S = 0.4, 4000.0  # in a house's seconds


class Proxy:
    """Forward connections to a port; `network` is what becomes of their bytes.

    What is stalled is forwarded once the network works again, as TCP would.
    """

    def __init__(self, target: int, speed: float) -> None:
        self.port = 0
        self._target = target
        self._speed = speed
        self._network = Network.WORKS
        self._works = asyncio.Event()
        self._works.set()
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def network(self) -> Network:
        """What the network does at present."""
        return self._network

    @network.setter
    def network(self, now: Network) -> None:
        before, self._network = self._network, now
        (self._works.clear if now.startswith("stalls") else self._works.set)()
        if now is Network.RESETS:
            self._reset()
        elif now is Network.HALF_CLOSES:
            for writer in list(self._writers):
                with contextlib.suppress(OSError, RuntimeError):
                    writer.write_eof()
        elif before is Network.HALF_CLOSES:
            self._reset()  # a router that forgot them

    def _reset(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if self._network is Network.RESETS:
                writer.transport.abort()
                return
            there, onward = await asyncio.open_connection("127.0.0.1", self._target)
            self._writers.add(onward)
            try:
                up = self._pump(reader, onward, Network.STALLS_DOWN)
                down = self._pump(there, writer, Network.STALLS_UP)
                await asyncio.gather(up, down)
            finally:
                self._writers.discard(onward)
                onward.transport.abort()
        except (OSError, asyncio.CancelledError):
            pass  # the broker is not there: closed, as by a host without it; or the night is over
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, other_way: Network
    ) -> None:
        """Forward one direction until its end; a stall of the other way only does not hold it."""
        while piece := await reader.read(PIECE):
            if self._network is Network.DELAYS:
                await asyncio.sleep(DELAY_S / self._speed)
            elif self._network is Network.THROTTLES:
                await asyncio.sleep(len(piece) / BYTES_PER_S / self._speed)
            if self._network is not other_way:
                await self._works.wait()
            writer.write(piece)
            await writer.drain()
        if self._network is not Network.HALF_CLOSES:
            writer.transport.abort()


@asynccontextmanager
async def proxy_to(target: int, speed: float) -> AsyncIterator[Proxy]:
    """Run a proxy to a port on loopback until the block ends."""
    proxy = Proxy(target, speed)
    server = await asyncio.start_server(proxy._serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        proxy.network = Network.WORKS
        server.close()
        proxy._reset()
        await asyncio.sleep(0)
