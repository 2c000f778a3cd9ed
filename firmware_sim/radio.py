"""A Bluetooth ether without a radio: virtual controllers, and the socket that centrals come by.

bumble's link and controllers, with what they get wrong for us put right:

- data carries the address its connection was made with, public or random;
- an advertisement reaches only those who scan or want to connect, not everybody;
- a connection that its peripheral did not accept fails, instead of hanging half-open;
- the host hands over a whole frame at once (251 octets, not 27);
- whoever vanishes is missed by its peers with a supervision timeout, as over a real link.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import cast

from bumble import hci, ll
from bumble.controller import Connection, Controller
from bumble.core import PhysicalTransport
from bumble.link import LocalLink
from bumble.transport.common import StreamPacketSource

LL_OCTETS = 251
"""Longest data PDU of a link layer (Core 4.2 and later): one fragment per PMD frame."""

FLUSH_S = 5.0
"""How long a departing radio waits for a central to read what is still on its way."""


class AirController(Controller):
    """A virtual Bluetooth controller on our ether."""

    le_acl_data_packet_length = LL_OCTETS
    supported_max_tx_octets = LL_OCTETS
    supported_max_rx_octets = LL_OCTETS
    suggested_max_tx_octets = LL_OCTETS
    # Legacy advertising and scanning only: fewer commands, and what Polar sensors use.
    le_features = Controller.le_features & ~(
        hci.LeFeatureMask.LE_EXTENDED_ADVERTISING | hci.LeFeatureMask.LL_PRIVACY
    )

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Give the host a packet in the next turn of the loop."""
        asyncio.get_running_loop().call_soon(self._deliver, bytes(packet))

    def _deliver(self, packet: bytes) -> None:
        # bumble answers a command even if its caller was cancelled in this very turn.
        with suppress(asyncio.InvalidStateError):
            if self.hci_sink is not None:
                self.hci_sink.on_packet(packet)

    def on_le_disconnected(self, connection: Connection, reason: int) -> None:
        """Forget a connection; both ends may hang up at the same moment."""
        if self.le_connections.get(connection.peer_address) is connection:
            super().on_le_disconnected(connection, reason)


class Ether(LocalLink):
    """What all virtual controllers of one process share."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # bumble leaves it unannotated

    def send_acl_data(
        self,
        sender_controller: Controller,
        destination_address: hci.Address,
        transport: PhysicalTransport,
        data: bytes,
    ) -> None:
        """Carry data to the other end of the connection it was sent on."""
        connection = sender_controller.le_connections.get(destination_address)
        receiver = self.find_le_controller(destination_address)
        if connection is not None and receiver is not None:
            asyncio.get_running_loop().call_soon(
                receiver.on_link_acl_data, connection.self_address, transport, data
            )

    def send_advertising_pdu(
        self, sender_controller: Controller, packet: ll.AdvertisingPdu
    ) -> None:
        """Carry an advertisement to the listeners, a connection request to the advertiser."""
        if isinstance(packet, ll.ConnectInd):
            self._request_connection(sender_controller, packet)
            return
        loop = asyncio.get_running_loop()
        for controller in self.controllers:
            if controller is not sender_controller and _is_listening(controller):
                loop.call_soon(controller.on_ll_advertising_pdu, packet)

    def send_ll_control_pdu(
        self, sender_address: hci.Address, receiver_address: hci.Address, packet: ll.ControlPdu
    ) -> None:
        """Carry link control; towards somebody who has gone it is lost."""
        if self.find_le_controller(receiver_address) is not None:
            super().send_ll_control_pdu(sender_address, receiver_address, packet)

    def break_links(self, controller: Controller) -> None:
        """Lose all links of a controller; what was sent before still arrives before."""
        loop = asyncio.get_running_loop()
        for connection in controller.le_connections.values():
            for end, link in self._both_ends(controller, connection):
                loop.call_soon(end.on_le_disconnected, link, hci.HCI_CONNECTION_TIMEOUT_ERROR)

    def remove_controller(self, controller: Controller) -> None:
        """Take a controller off the air; its peers lose their links."""
        self.break_links(controller)
        controller.le_legacy_advertiser.stop()
        self.controllers.discard(controller)

    async def room_towards(self, address: hci.Address) -> None:
        """Wait until the central at an address takes data without piling it up."""
        receiver = self.find_le_controller(address)
        if isinstance(receiver, _CentralController):
            await receiver.socket.may_write.wait()

    def _request_connection(self, central: Controller, request: ll.ConnectInd) -> None:
        peripheral = self.find_le_controller(request.advertiser_address)
        if peripheral is not None:
            peripheral.on_ll_advertising_pdu(request)
            if request.initiator_address in peripheral.le_connections:
                return
        connection = central.le_connections[request.advertiser_address]
        asyncio.get_running_loop().call_soon(
            central.on_le_disconnected,
            connection,
            hci.HCI_CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR,
        )

    def _both_ends(
        self, controller: Controller, connection: Connection
    ) -> list[tuple[Controller, Connection]]:
        ends = [(controller, connection)]
        peer = self.find_le_controller(connection.peer_address)
        if peer is not None and (link := peer.le_connections.get(connection.self_address)):
            ends.append((peer, link))
        return ends


@asynccontextmanager
async def listening(ether: Ether, address: str) -> AsyncIterator[str]:
    """Let centrals onto the ether at `unix:PATH` or `tcp:HOST:PORT`; gives the address in use.

    Each accepted socket is a Bluetooth controller of its own, spoken to in HCI; its end of file
    is that controller vanishing.

    Raises
    ------
    ValueError
        The address is of neither kind.
    OSError
        It cannot be listened at.
    """
    loop = asyncio.get_running_loop()
    sockets: set[_CentralSocket] = set()
    kind, _, place = address.partition(":")
    if kind == "unix" and place:
        server: asyncio.Server = await loop.create_unix_server(
            lambda: _CentralSocket(ether, sockets), place
        )
    elif kind == "tcp" and place.rpartition(":")[2].isdecimal():
        host, _, port = place.rpartition(":")
        server = await loop.create_server(lambda: _CentralSocket(ether, sockets), host, int(port))
        address = f"tcp:{host}:{server.sockets[0].getsockname()[1]}"
    else:
        raise ValueError(f"a radio address is unix:PATH or tcp:HOST:PORT, not {address!r}")
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


class _CentralController(AirController):
    def __init__(self, ether: Ether, socket: _CentralSocket) -> None:
        super().__init__("central", host_source=socket, host_sink=socket, link=ether)
        self.socket = socket


class _CentralSocket(StreamPacketSource):
    """HCI over one accepted socket: packets in to a controller of its own, its events out."""

    transport: asyncio.Transport

    def __init__(self, ether: Ether, sockets: set[_CentralSocket]) -> None:
        super().__init__()
        self._ether = ether
        self._sockets = sockets
        self.may_write = asyncio.Event()
        self.may_write.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # a stream server makes no other
        self._sockets.add(self)
        self._controller = _CentralController(self._ether, self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._sockets.discard(self)
        self._ether.remove_controller(self._controller)
        self.may_write.set()
        self.on_transport_lost()

    def pause_writing(self) -> None:
        self.may_write.clear()

    def resume_writing(self) -> None:
        self.may_write.set()

    def on_packet(self, packet: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(packet)


def _is_listening(controller: Controller) -> bool:
    return controller.le_scan_enable or controller.pending_le_connection is not None
