"""A plain D-Bus client, for calls that bleak does not make or must not make."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from dbus_fast import Message, MessageType, unpack_variants
from dbus_fast.aio import MessageBus

from firmware_sim.bluez.names import DEVICE, SERVICE
from firmware_sim.bluez.objects import OBJECT_MANAGER, PROPERTIES

PATIENCE_S = 30.0


class Signal(NamedTuple):
    member: str
    path: str
    interfaces: dict[str, Any]  # name: what came or changed; what was dropped is None


class Client:
    def __init__(self, bus: MessageBus) -> None:
        self._bus = bus
        self._news = asyncio.Event()
        self.signals: list[Signal] = []
        bus.add_message_handler(self._hear)

    async def call(self, path: str, interface: str, member: str, signature="", *body) -> Message:
        """Call a method; an error comes back as the message it is."""
        message = Message(SERVICE, path, interface, member, signature=signature, body=list(body))
        async with asyncio.timeout(PATIENCE_S):
            return await self._bus.call(message)

    async def get(self, path: str, interface: str) -> dict[str, Any]:
        reply = await self.call(path, PROPERTIES, "GetAll", "s", interface)
        return unpack_variants(reply.body[0])

    async def until(self, seen: Callable[[Signal], Any]) -> Signal:
        """Wait for a signal, from the first one on that was heard."""
        at = 0
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for signal in self.signals[at:]:
                    if seen(signal):
                        return signal
                at = len(self.signals)
                self._news.clear()
                await self._news.wait()

    async def heard(self) -> str:
        """Wait for a device; return its path."""
        return (await self.until(lambda one: one.member == "InterfacesAdded" and one.path)).path

    def changes(self, path: str) -> list[dict[str, Any]]:
        """What was said of one object, in order."""
        return [one.interfaces for one in self.signals if one.path == path]

    def _hear(self, message: Message) -> None:
        if message.message_type is not MessageType.SIGNAL:
            return
        if message.interface == OBJECT_MANAGER:
            path, named = message.body
            interfaces = named if isinstance(named, dict) else dict.fromkeys(named)
        elif message.interface == PROPERTIES:
            path, (name, changed, dropped) = message.path, message.body
            interfaces = {name: changed | dict.fromkeys(dropped)}
        else:
            return
        self.signals.append(Signal(message.member, path, unpack_variants(interfaces)))
        self._news.set()


@asynccontextmanager
async def client(address: str) -> AsyncIterator[Client]:
    bus = await MessageBus(bus_address=address, negotiate_unix_fd=True).connect()
    try:
        await bus.call(
            Message(
                "org.freedesktop.DBus",
                "/org/freedesktop/DBus",
                "org.freedesktop.DBus",
                "AddMatch",
                signature="s",
                body=[f"type='signal',sender='{SERVICE}'"],
            )
        )
        yield Client(bus)
    finally:
        bus.disconnect()
        await bus.wait_for_disconnect()


def connected(signal: Signal) -> bool | None:
    """Whether a signal says that a device is connected; None if it says nothing of it."""
    return (signal.interfaces.get(DEVICE) or {}).get("Connected")
