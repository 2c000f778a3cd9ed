"""A shared radio medium in software: virtual controllers, and the links between them.

bumble's link and controllers, with these corrections:

- data carries the address its connection was made with, public or random;
- an advertisement reaches only controllers that scan or connect, with its sender's strength and
  scan response;
- a connection that its peripheral did not accept fails, instead of hanging half-open;
- the host hands over a whole frame at once (251 octets, not 27);
- when a controller disappears, its peers see a supervision timeout, as over a real link.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Protocol, cast

import numpy as np
from bumble import hci, ll
from bumble.controller import Connection, Controller
from bumble.core import PhysicalTransport
from bumble.link import LocalLink

from firmware_sim.link import IDEAL, Link, Reception

LL_OCTETS = 251
"""Longest data PDU of a link layer (Core 4.2 and later): one fragment per PMD frame."""

USUAL_DBM = -50
"""Strength of a sensor in the same room."""

_Report = hci.HCI_LE_Advertising_Report_Event.Report
_ACTIVE = hci.HCI_LE_Set_Scan_Parameters_Command.ACTIVE_SCANNING


class AirController(Controller):
    """A virtual Bluetooth controller on the shared medium.

    Attributes
    ----------
    rssi_dbm : strength at which its advertisements are received
    pace : how many times faster than real time its sensor runs
    reception : quality of the links with its peers; set it by `Ether.hear`
    chance : random numbers that decide which share of its packets is affected
    """

    le_acl_data_packet_length = LL_OCTETS
    supported_max_tx_octets = LL_OCTETS
    supported_max_rx_octets = LL_OCTETS
    suggested_max_tx_octets = LL_OCTETS
    # Legacy advertising and scanning only: fewer commands, and what Polar sensors use.
    le_features = Controller.le_features & ~(
        hci.LeFeatureMask.LE_EXTENDED_ADVERTISING | hci.LeFeatureMask.LL_PRIVACY
    )
    rssi_dbm = USUAL_DBM
    pace = 1.0
    reception = IDEAL
    chance = np.random.default_rng(0)

    def on_packet(self, packet: bytes) -> None:
        """Process a packet from the host, without bumble's formatting of each one for its log."""
        match hci.HCI_Packet.from_bytes(packet):
            case hci.HCI_Command() as command:
                self.on_hci_command_packet(command)
            case hci.HCI_AclDataPacket() as data:
                self.on_hci_acl_data_packet(data)

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Send the host a packet in the next iteration of the event loop."""
        asyncio.get_running_loop().call_soon(self._deliver, bytes(packet))

    def _deliver(self, packet: bytes) -> None:
        # bumble answers a command even if its caller was cancelled in this very turn.
        with suppress(asyncio.InvalidStateError):
            if self.hci_sink is not None:
                self.hci_sink.on_packet(packet)

    @property
    def is_listening(self) -> bool:
        """Return whether it scans or is connecting, so that it needs advertisements."""
        return self.le_scan_enable or self.pending_le_connection is not None

    def hear(self, sender: AirController, pdu: ll.AdvInd) -> None:
        """Report an advertisement to a scanning host, or connect to its sender."""
        if self.le_scan_enable:
            kind = hci.HCI_LE_Advertising_Report_Event.EventType
            self._report(kind.ADV_IND, sender, pdu, pdu.data)
            if self.le_scan_type == _ACTIVE:
                answer = sender.le_legacy_advertiser.scan_response_data
                self._report(kind.SCAN_RSP, sender, pdu, answer)
        wanted = self.pending_le_connection
        if wanted is not None and wanted.peer_address == pdu.advertiser_address:
            self.create_le_connection(pdu.advertiser_address)

    def _report(self, kind: int, sender: AirController, pdu: ll.AdvInd, data: bytes) -> None:
        address = pdu.advertiser_address
        report = _Report(
            event_type=kind,
            address_type=address.address_type,
            address=address,
            data=data,
            rssi=sender.rssi_dbm,
        )
        self.send_hci_packet(hci.HCI_LE_Advertising_Report_Event([report]))

    def on_le_disconnected(self, connection: Connection, reason: int) -> None:
        """Remove a connection; both ends may disconnect at the same moment."""
        if self.le_connections.get(connection.peer_address) is connection:
            super().on_le_disconnected(connection, reason)


class Room(Protocol):
    """Flow control towards a central."""

    async def room(self) -> None:
        """Wait until the central accepts data without buffering it."""
        ...


class CentralController(AirController):
    """The controller of a central; `way_in` is the flow control of its transport."""

    def __init__(self, ether: Ether, way_in: Room) -> None:
        super().__init__("central", link=ether)
        self.way_in = way_in


@dataclass(frozen=True, slots=True, eq=False)
class _Connected:
    """A connection as seen by both of its controllers, and the link that carries it."""

    central: AirController
    central_end: Connection
    sensor: AirController
    sensor_end: Connection
    link: Link


class Ether(LocalLink):
    """The radio medium that all virtual controllers of one process share."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # bumble leaves it unannotated
        self._connected: dict[tuple[hci.Address, hci.Address], _Connected] = {}

    def hear(self, controller: AirController, reception: Reception) -> None:
        """Change the quality of the links between a sensor and its peers."""
        returns = reception.in_range and not controller.reception.in_range
        controller.reception = reception
        if returns:
            controller.le_legacy_advertiser.send_advertising_data()
        for found in self._connections_of(controller):
            found.link.hear(reception)

    def send_acl_data(
        self,
        sender_controller: Controller,
        destination_address: hci.Address,
        transport: PhysicalTransport,
        data: bytes,
    ) -> None:
        """Deliver data to the other end of the connection it was sent on."""
        connection = sender_controller.le_connections.get(destination_address)
        if connection is None:
            return
        found = self._connected.get((connection.self_address, destination_address))
        if found is None:
            return
        from_central = sender_controller is found.central
        receiver = found.sensor if from_central else found.central
        arrive = partial(receiver.on_link_acl_data, connection.self_address, transport, data)
        if not from_central:
            arrive = partial(found.link.arrive, data, arrive)
        found.link.send(arrive, to_sensor=from_central)

    def send_advertising_pdu(
        self, sender_controller: Controller, packet: ll.AdvertisingPdu
    ) -> None:
        """Deliver an advertisement to scanners, or a connection request to the advertiser."""
        sender = cast(AirController, sender_controller)  # no other type is added here
        match packet:
            case ll.ConnectInd():
                self._request_connection(sender, packet)
            case ll.AdvInd() if sender.reception.in_range:
                loop = asyncio.get_running_loop()
                for controller in cast(set[AirController], self.controllers):
                    if controller is not sender and controller.is_listening:
                        loop.call_soon(self._advertise, sender, controller, packet)

    def send_ll_control_pdu(
        self, sender_address: hci.Address, receiver_address: hci.Address, packet: ll.ControlPdu
    ) -> None:
        """Deliver a link control packet; it is dropped where the connection has ended."""
        found = self._connected.get((sender_address, receiver_address))
        if found is None:
            return
        to_sensor = found.sensor_end.self_address == receiver_address
        receiver = found.sensor if to_sensor else found.central

        def deliver() -> None:
            if isinstance(packet, ll.TerminateInd):
                self._forget(found)
            receiver.on_ll_control_pdu(sender_address, packet)

        found.link.send(deliver, to_sensor=to_sensor)

    def break_links(self, controller: Controller) -> None:
        """End all links of a controller; data delivered earlier still arrives first."""
        for found in self._connections_of(controller):
            self._lose(found)

    def remove_controller(self, controller: Controller) -> None:
        """Remove a controller from the medium; its peers lose their links."""
        self.break_links(controller)
        controller.le_legacy_advertiser.stop()
        self.controllers.discard(controller)

    async def room_towards(self, sensor: AirController, central: hci.Address) -> None:
        """Wait until the central at an address accepts data without buffering it."""
        connection = sensor.le_connections.get(central)
        if connection is None:
            return
        found = self._connected.get((connection.self_address, central))
        if found is not None and isinstance(found.central, CentralController):
            await found.central.way_in.room()

    def _advertise(self, sender: AirController, to: AirController, packet: ll.AdvInd) -> None:
        """Deliver an advertisement, unless its receiver has vanished meanwhile.

        It would connect, and the sensor would be held by somebody who is not there.
        """
        if to in self.controllers:
            to.hear(sender, packet)

    def _connections_of(self, controller: Controller) -> list[_Connected]:
        both_ways = (
            self._connected.get((connection.self_address, connection.peer_address))
            for connection in controller.le_connections.values()
        )
        return [found for found in both_ways if found is not None]

    def _request_connection(self, central: AirController, request: ll.ConnectInd) -> None:
        mine, theirs = request.initiator_address, request.advertiser_address
        connection = central.le_connections[theirs]
        sensor = self.find_le_controller(theirs)
        if isinstance(sensor, AirController) and sensor.reception.in_range:
            sensor.on_ll_advertising_pdu(request)
            if (accepted := sensor.le_connections.get(mine)) is not None:
                self._connect(central, connection, sensor, accepted)
                return
        asyncio.get_running_loop().call_soon(
            central.on_le_disconnected,
            connection,
            hci.HCI_CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR,
        )

    def _connect(
        self,
        central: AirController,
        central_end: Connection,
        sensor: AirController,
        sensor_end: Connection,
    ) -> None:
        def lose() -> None:
            self._lose(found)

        link = Link(sensor.reception, pace=sensor.pace, chance=sensor.chance, lose=lose)
        found = _Connected(central, central_end, sensor, sensor_end, link)
        for end in (central_end, sensor_end):
            self._connected[end.self_address, end.peer_address] = found

    def _lose(self, found: _Connected) -> None:
        self._forget(found)
        call_soon = asyncio.get_running_loop().call_soon
        for controller, end in (
            (found.central, found.central_end),
            (found.sensor, found.sensor_end),
        ):
            call_soon(controller.on_le_disconnected, end, hci.HCI_CONNECTION_TIMEOUT_ERROR)

    def _forget(self, found: _Connected) -> None:
        found.link.end()
        for end in (found.central_end, found.sensor_end):
            self._connected.pop((end.self_address, end.peer_address), None)
