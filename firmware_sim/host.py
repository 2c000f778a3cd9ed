"""bumble's host, without a description of every packet for a log that nobody reads."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from bumble import hci
from bumble.host import Host


class QuietHost(Host):
    """A host that only carries packets: half the work of one that also spells them out."""

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Return the controller a packet."""
        if self.hci_sink is not None:
            self.hci_sink.on_packet(bytes(packet))

    def on_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Take a packet of the two kinds that our controllers send."""
        match packet:
            case hci.HCI_Event():
                self.on_hci_event_packet(packet)
            case hci.HCI_AclDataPacket():
                self.on_hci_acl_data_packet(packet)

    def on_transport_lost(self) -> None:
        """End what waits for an answer, even if that was given up or came in this very turn."""
        with suppress(asyncio.InvalidStateError):
            super().on_transport_lost()  # type: ignore[no-untyped-call]  # bumble's is unannotated
            return
        self.emit("flush")
