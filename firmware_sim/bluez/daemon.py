"""The simulated bluetoothd: owns `org.bluez` on a bus, with its adapters on the virtual radio."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from bleak.exc import BleakError
from dbus_fast import NameFlag, RequestNameReply
from dbus_fast.aio import MessageBus

from detector.errors import LinkError
from firmware_sim.bluez.adapter import Adapter, AdapterState
from firmware_sim.bluez.device import Patience
from firmware_sim.bluez.faults import Faults
from firmware_sim.bluez.names import SERVICE
from firmware_sim.bluez.objects import ObjectTree


class Bluetoothd:
    """A running bluetoothd; tests inject `faults` by name, and plug or unplug `adapters`."""

    def __init__(
        self,
        bus: MessageBus,
        left: asyncio.Task[None],
        adapters: tuple[Adapter, ...],
        faults: Faults,
    ) -> None:
        self._bus = bus
        self._left = left
        self.adapters = adapters
        self.faults = faults

    @property
    def adapter(self) -> Adapter:
        """The first adapter, hci0."""
        return self.adapters[0]

    def crash(self) -> None:
        """Leave the bus as a killed process does: no object removed, no call answered."""
        self._bus.disconnect()

    async def over(self) -> None:
        """Wait until the bus has ended, or the daemon has left it."""
        await asyncio.wait({self._left})


@asynccontextmanager
async def bluetoothd(
    bus_address: str,
    air: str,
    *,
    patience: Patience | None = None,
    adapters: Sequence[AdapterState] = (AdapterState.ON,),
    rfkill: Path | None = None,
) -> AsyncIterator[Bluetoothd]:
    """Run a bluetoothd on a bus while the context lasts.

    Parameters
    ----------
    air : `unix:PATH` or `tcp:HOST:PORT` of a virtual radio (`firmware_sim.process.serve`)
    adapters : states of hci0, hci1, …
    rfkill : folder in which their switches are shown

    Raises
    ------
    LinkError
        There is no bus or no virtual radio at these addresses, or `org.bluez` is taken.
    """
    faults = Faults()
    bus = await _connected(bus_address)
    left = asyncio.ensure_future(_left(bus))
    try:
        tree = ObjectTree(bus, faults.gate)
        await tree.listen()
        plugged = tuple(
            Adapter(
                tree,
                air,
                faults,
                patience or Patience(),
                number=number,
                state=state,
                rfkill=rfkill,
            )
            for number, state in enumerate(adapters)
        )
        try:
            for adapter, state in zip(plugged, adapters, strict=True):
                if state is not AdapterState.ABSENT:
                    await _plug(adapter)
            yield Bluetoothd(bus, left, plugged, faults)
        finally:
            for adapter in plugged:
                await adapter.unplug()
            await tree.close()
    finally:
        bus.disconnect()
        await left


async def _left(bus: MessageBus) -> None:
    with suppress(OSError, EOFError):  # for any end of the bus
        await bus.wait_for_disconnect()  # type: ignore[no-untyped-call] # dbus-fast forgot it


async def _connected(address: str) -> MessageBus:
    bus = MessageBus(bus_address=address, negotiate_unix_fd=True)
    try:
        await bus.connect()
    except OSError as error:
        raise LinkError(f"no D-Bus at {address} ({error})") from error
    assert bus._writer is not None  # noqa: S101 - it is connected
    assert bus._sock is not None  # noqa: S101
    bus._writer.sock = _PatientSocket(bus._sock)  # type: ignore[assignment]
    got = await bus.request_name(SERVICE, NameFlag.DO_NOT_QUEUE)
    if got is not RequestNameReply.PRIMARY_OWNER:
        bus.disconnect()
        raise LinkError(f"{SERVICE} is taken at {address} already: end the other bluetoothd")
    return bus


class _PatientSocket:
    """The socket of a bus connection; a full one takes nothing, instead of ending the connection.

    dbus-fast 5.2 takes BlockingIOError for the end. A bluetoothd that goes on after it hung sends
    more at once than a socket holds.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def send(self, data: memoryview) -> int:
        """Send a part of the data, none of it where the socket is full."""
        try:
            return self._sock.send(data)
        except BlockingIOError:
            return 0

    def sendmsg(self, parts: list[memoryview], extra: list[Any]) -> int:
        """Send data with descriptors."""
        return self._sock.sendmsg(parts, extra)


async def _plug(adapter: Adapter) -> None:
    try:
        await adapter.plug()
    except BleakError as error:
        raise LinkError(str(error)) from error
