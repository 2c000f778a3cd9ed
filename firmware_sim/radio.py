"""Connects centrals to the virtual radio: by a socket, or within one process."""

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
"""How long a closing radio waits for centrals to read what is still in their sockets."""


@asynccontextmanager
async def listening(ether: Ether, address: str) -> AsyncIterator[str]:
    """Accept centrals while the context lasts; yield the address in use.

    At `unix:PATH` or `tcp:HOST:PORT` each accepted socket is a Bluetooth controller of its own,
    with HCI as the protocol; end of file removes that controller. At `here:NAME` (or `here:`,
    which chooses a name) centrals of the same process connect without a socket, so that both ends
    can run in one event loop with virtual time.

    Raises
    ------
    ValueError
        The address is of no such form, or in use.
    OSError
        It cannot be listened on.
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
    """HCI over one accepted socket, with a controller of its own."""

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
        self.transport = cast(asyncio.Transport, transport)  # a stream server creates no other type
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
    """HCI within one process: the host's source and sink, with a controller of its own."""

    def __init__(self, ether: Ether) -> None:
        super().__init__()
        self._ether = ether
        self._controller = CentralController(ether, self)
        self._controller.set_packet_sink(_HostEnd(self))

    async def room(self) -> None:
        """Return at once: what is delivered is processed in the same loop iteration."""

    def on_packet(self, packet: bytes) -> None:
        """Deliver a packet from the host in the next loop iteration, as a socket would."""
        asyncio.get_running_loop().call_soon(self._deliver, packet)

    def close(self) -> None:
        """Remove the controller, as when its host process ends."""
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
    """Add the controller of one more central to a radio of this process; return the host's end.

    Closing the sink (or the source, which is the same) removes it.
    """
    cable = Cable(ether)
    return Transport(cable, cable)


def plug_in(name: str) -> Transport:
    """Return a transport attached to the radio that listens at `here:NAME`.

    Raises
    ------
    ValueError
        There is none.
    """
    if name not in _HERE:
        raise ValueError("nothing listens there in this process")
    ether, cables = _HERE[name]
    transport = attach(ether)
    cables.add(cast(Cable, transport.source))
    return transport


_HERE: dict[str, tuple[Ether, WeakSet[Cable]]] = {}
"""The radios of this process by name. Process-wide, as ports are machine-wide."""
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
