"""Decode a stream of items with its driver: the same for a live sensor and a recording."""

from __future__ import annotations

from detector.devices.buttons import OnePress
from detector.devices.profile import Conversation, Output, Write
from detector.devices.registry import Registry
from detector.devices.stream import Item, LinkDown, LinkUp, Packet, Reading
from detector.errors import ProtocolError


class Interpreter:
    """Decodes one sensor's sessions, one after the other: every item becomes a `Reading`.

    A `Write` among the outputs is performed by the live session and ignored by a replay.

    Nothing here is saved: a conversation belongs to a connection, which ends with the process, so
    that after a restart it begins with a `LinkUp` like any other. The numbers of the sessions go
    on after the last that `night.SensorWatch.session` holds.

    Parameters
    ----------
    registry : the drivers; `registry.installed()` returns those of this computer

    Attributes
    ----------
    protocol_errors : packets that could not be decoded, each reported by its `Reading.error`
    stale : packets outside their session, which are not decoded
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._session: int | None = None
        self._conversation: Conversation | None = None
        self._one_press = OnePress()
        self.protocol_errors = 0
        self.stale = 0

    def feed(self, item: Item) -> Reading:
        """Return the reading of the next item.

        Raises
        ------
        ConfigError
            The session was recorded with a driver that is not installed here.
        Exception
            Any other one is a fault in the driver: end the session, its state is undefined.
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
        """Return the writes that restart a silent stream; none without a link."""
        return [] if self._conversation is None else self._conversation.restart()

    def close(self) -> list[Write]:
        """Return the writes that stop the stream before disconnecting; none without a link."""
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
        return Reading(packet, tuple(self._one_press.take(outputs, packet.mono_ns)))
