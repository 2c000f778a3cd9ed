"""How centrals come onto the virtual air: by a socket, or from within its own process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import cast
from weakref import WeakSet

from bumble.transport.common import BaseSource, StreamPacketSource, Transport

from firmware_sim.ether import AirController, CentralController, Ether

__all__ = ["AirController", "Ether", "attach", "listening", "plug_in"]

FLUSH_S = 5.0
"""How long a departing radio waits for a central to read what is still on its way."""


@asynccontextmanager
async def listening(ether: Ether, address: str) -> AsyncIterator[str]:
    """Let centrals onto the ether; return the address in use.

    At `unix:PATH` or `tcp:HOST:PORT` each accepted socket is a Bluetooth controller of its own,
    spoken to in HCI; its end of file is that controller vanishing. At `here:NAME` (or `here:`,
    which finds a name) centrals of this very process are let on without a socket, so that even a
    loop whose time is virtual can hold both ends.

    Raises
    ------
    ValueError
        The address is of neither kind, or taken.
    OSError
        It cannot be listened at.
    """
    kind, _, place = address.partition(":")
    if kind == "here" and address != kind:
        with _listening_here(ether, place) as name:
            yield f"here:{name}"
        return
    loop = asyncio.get_running_loop()
    sockets: set[_CentralSocket] = set()
    if kind == "unix" and place:
        server: asyncio.Server = await loop.create_unix_server(
            lambda: _CentralSocket(ether, sockets), place
        )
    elif kind == "tcp" and place.rpartition(":")[2].isdecimal():
        host, _, port = place.rpartition(":")
        server = await loop.create_server(lambda: _CentralSocket(ether, sockets), host, int(port))
        address = f"tcp:{host}:{server.sockets[0].getsockname()[1]}"
    else:
        raise ValueError(
            f"a radio address is unix:PATH or tcp:HOST:PORT (or here:NAME), not {address!r}"
        )
    try:
        yield address
    finally:
        server.close()
        for socket in sockets:
            socket.transport.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_S):
                await asyncio.gather(*(socket.terminated for socket in sockets))
        for socket in sockets:
            socket.transport.abort()
        if kind == "unix":
            Path(place).unlink(missing_ok=True)


class _CentralSocket(StreamPacketSource):
    """HCI over one accepted socket: packets in to a controller of its own, its events out."""

    transport: asyncio.Transport

    def __init__(self, ether: Ether, sockets: set[_CentralSocket]) -> None:
        super().__init__()
        self._ether = ether
        self._sockets = sockets
        self._may_write = asyncio.Event()
        self._may_write.set()

    async def room(self) -> None:
        """Wait until the socket's buffers are not full."""
        await self._may_write.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # a stream server makes no other
        self._sockets.add(self)
        self._controller = CentralController(self._ether, self)
        self.set_packet_sink(self._controller)
        self._controller.set_packet_sink(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._sockets.discard(self)
        self._ether.remove_controller(self._controller)
        self._may_write.set()
        self.on_transport_lost()

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    def on_packet(self, packet: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(packet)


class Cable(BaseSource):
    """HCI within one process: the host's source and sink, in front of a controller of its own."""

    def __init__(self, ether: Ether) -> None:
        super().__init__()
        self._ether = ether
        self._controller = CentralController(ether, self)
        self._controller.set_packet_sink(_HostEnd(self))

    async def room(self) -> None:
        """Return at once: what is delivered is taken in the same turn."""

    def on_packet(self, packet: bytes) -> None:
        """Carry a packet from the host, in the next turn of the loop as a socket would."""
        asyncio.get_running_loop().call_soon(self._deliver, packet)

    def close(self) -> None:
        """Take the controller off the air, which is what the death of its host does."""
        if not self.terminated.done():
            self._ether.remove_controller(self._controller)
            self.on_transport_lost()

    def _deliver(self, packet: bytes) -> None:
        if not self.terminated.done():
            self._controller.on_packet(packet)


class _HostEnd:
    def __init__(self, cable: Cable) -> None:
        self._cable = cable

    def on_packet(self, packet: bytes) -> None:
        if self._cable.sink is not None and not self._cable.terminated.done():
            self._cable.sink.on_packet(packet)


def attach(ether: Ether) -> Transport:
    """Put the controller of one more central onto an ether of this process; return its host's end.

    Closing the sink (or the source, which is the same) takes it off again.
    """
    cable = Cable(ether)
    return Transport(cable, cable)


def plug_in(name: str) -> Transport:
    """Attach to the air that listens at `here:NAME`.

    Raises
    ------
    ValueError
        None does.
    """
    if name not in _HERE:
        raise ValueError("nothing listens there in this process")
    ether, cables = _HERE[name]
    transport = attach(ether)
    cables.add(cast(Cable, transport.source))
    return transport


_HERE: dict[str, tuple[Ether, WeakSet[Cable]]] = {}
"""What listens in this process, as the ports of a machine are known to all of it."""
_NAMES = map(str, count(1))


@contextmanager
def _listening_here(ether: Ether, name: str) -> Iterator[str]:
    name = name or next(_NAMES)
    if name in _HERE:
        raise ValueError(f"something listens at here:{name} already: choose another name")
    cables: WeakSet[Cable] = WeakSet()
    _HERE[name] = ether, cables
    try:
        yield name
    finally:
        del _HERE[name]
        for cable in tuple(cables):
            cable.close()
