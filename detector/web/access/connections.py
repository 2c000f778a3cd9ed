"""Connections of the page, bounded in number and patience: a flood costs only itself."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

from detector.web.access.limits import is_loopback, network_of

MOST = 256  # at once: 100 pages, each with a stream and another connection, and monitors
MOST_PER_NETWORK = 48  # of one household's address: half a dozen devices with a few pages each
TURNS = 10  # of the loop: a connection is accepted, made, refused and lost in one each
PATIENCE_S = 5.0  # for the first whole request, however slowly it trickles in


class Connections:
    """Admits connections to a server, and closes those that send no request in time.

    Parameters
    ----------
    make : returns the protocol of one connection
    """

    def __init__(self, make: Callable[[], asyncio.Protocol]) -> None:
        self._make = make
        self._open: Counter[str] = Counter()
        self._transports: set[asyncio.Transport] = set()
        self._ended = False

    def __call__(self) -> asyncio.Protocol:
        """Return a protocol for a connection that is being made."""
        return _Bounded(self, self._make)

    async def end(self) -> None:
        """Cut what is still open, or is accepted at this very moment."""
        self._ended = True
        for transport in list(self._transports):
            transport.abort()
        for _ in range(TURNS):
            await asyncio.sleep(0)

    def admit(self, address: str, transport: asyncio.Transport) -> bool:
        """Count a connection; return whether there is room for it."""
        network = network_of(address)
        full = self._ended or self._open.total() >= MOST
        if full or (not is_loopback(address) and self._open[network] >= MOST_PER_NETWORK):
            return False
        self._open[network] += 1
        self._transports.add(transport)
        return True

    def close(self, address: str, transport: asyncio.Transport) -> None:
        """Count a connection as closed."""
        self._transports.discard(transport)
        network = network_of(address)
        self._open[network] -= 1
        if self._open[network] <= 0:
            del self._open[network]


class _Bounded(asyncio.Protocol):
    """Passes everything on to a connection's protocol, once it is admitted."""

    def __init__(self, counted: Connections, make: Callable[[], asyncio.Protocol]) -> None:
        self._counted, self._make = counted, make
        self._inner: asyncio.Protocol | None = None
        self._address = ""
        self._transport: Any = None
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        peer = transport.get_extra_info("peername")
        self._address = str(peer[0]) if peer else ""
        self._transport = transport
        if not self._counted.admit(self._address, transport):
            transport.abort()
            return
        self._inner = self._make()
        self._inner.connection_made(transport)
        self._patience = asyncio.get_running_loop().call_later(PATIENCE_S, transport.abort)

    def heard(self) -> None:
        """Take note that a whole request has come; from then on keep-alive has limits."""
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def connection_lost(self, error: Exception | None) -> None:
        self.heard()
        if self._inner is not None:
            inner, self._inner = self._inner, None
            self._counted.close(self._address, self._transport)
            inner.connection_lost(error)

    def data_received(self, data: bytes) -> None:
        if self._inner is not None:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return None if self._inner is None else self._inner.eof_received()

    def pause_writing(self) -> None:
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._inner is not None:
            self._inner.resume_writing()


def heard(transport: asyncio.BaseTransport | None) -> None:
    """Take note that a whole request has come over a connection."""
    protocol = None if transport is None else transport.get_protocol()
    if isinstance(protocol, _Bounded):
        protocol.heard()
