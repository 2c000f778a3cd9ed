"""From a stream of items to samples: the same for a live sensor and for a recording."""

from __future__ import annotations

from detector.devices.profile import Conversation, Output, Write
from detector.devices.registry import Registry, installed
from detector.devices.stream import Item, LinkDown, LinkUp, Packet, Reading
from detector.errors import ProtocolError


class Interpreter:
    """Follows one sensor's sessions and gives a `Reading` for every item.

    A `Write` among the outputs is for the live session to perform; a replay passes it over.

    Nothing here is saved: a conversation belongs to a connection, which ends with the process, so
    that after a restart it begins with a `LinkUp` like any other. The numbers of the sessions go
    on after the last that `night.SensorWatch.session` remembers.

    Attributes
    ----------
    protocol_errors : packets that made no sense, each reported by its `Reading.error`
    stale : packets of a session that was over, or had not begun; nothing is made of them
    """

    def __init__(self, registry: Registry | None = None) -> None:
        self._registry = installed() if registry is None else registry
        self._session: int | None = None
        self._conversation: Conversation | None = None
        self.protocol_errors = 0
        self.stale = 0

    def feed(self, item: Item) -> Reading:
        """Take the next item.

        Raises
        ------
        ConfigError
            A link was made with a driver that is not installed here.
        """
        match item:
            case LinkUp():
                self._session = item.session
                self._conversation = self._registry.named(item.driver).converse()
                return Reading(item, tuple(self._conversation.open()))
            case Packet():
                return self._packet(item)
            case LinkDown():
                if item.session == self._session:
                    self._session = self._conversation = None
                return Reading(item)

    def restart(self) -> list[Write]:
        """Return the writes that make a silent stream begin anew; none without a link."""
        return [] if self._conversation is None else self._conversation.restart()

    def close(self) -> list[Write]:
        """Return the writes that say goodbye; none without a link."""
        return [] if self._conversation is None else self._conversation.close()

    def _packet(self, packet: Packet) -> Reading:
        if self._conversation is None or packet.session != self._session:
            self.stale += 1
            return Reading(packet)
        try:
            outputs: list[Output] = self._conversation.feed(packet.channel, packet.data)
        except ProtocolError as error:
            self.protocol_errors += 1
            return Reading(packet, error=str(error))
        return Reading(packet, tuple(outputs))
