"""The simulated bluetoothd: owns `org.bluez` on a bus, with its adapter on the virtual radio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from bleak.exc import BleakError
from dbus_fast import NameFlag, RequestNameReply
from dbus_fast.aio import MessageBus

from detector.errors import LinkError
from firmware_sim.bluez.adapter import Adapter
from firmware_sim.bluez.device import Patience
from firmware_sim.bluez.faults import Faults
from firmware_sim.bluez.names import SERVICE
from firmware_sim.bluez.objects import ObjectTree


class Bluetoothd:
    """A running bluetoothd; tests inject `faults` by name, and plug or unplug the `adapter`."""

    def __init__(
        self, bus: MessageBus, left: asyncio.Task[None], adapter: Adapter, faults: Faults
    ) -> None:
        self._bus = bus
        self._left = left
        self.adapter = adapter
        self.faults = faults

    def crash(self) -> None:
        """Leave the bus as a killed process does: no object removed, no call answered."""
        self._bus.disconnect()

    async def over(self) -> None:
        """Wait until the bus has ended, or the daemon has left it."""
        await asyncio.wait({self._left})


@asynccontextmanager
async def bluetoothd(
    bus_address: str, air: str, *, patience: Patience | None = None
) -> AsyncIterator[Bluetoothd]:
    """Run a bluetoothd on a bus while the context lasts.

    Parameters
    ----------
    air : `unix:PATH` or `tcp:HOST:PORT` of a virtual radio (`firmware_sim.process.serve`)

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
        adapter = Adapter(tree, air, faults, patience or Patience())
        try:
            await _plug(adapter)
            yield Bluetoothd(bus, left, adapter, faults)
        finally:
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
    got = await bus.request_name(SERVICE, NameFlag.DO_NOT_QUEUE)
    if got is not RequestNameReply.PRIMARY_OWNER:
        bus.disconnect()
        raise LinkError(f"{SERVICE} is taken at {address} already: end the other bluetoothd")
    return bus


async def _plug(adapter: Adapter) -> None:
    try:
        await adapter.plug()
    except BleakError as error:
        raise LinkError(str(error)) from error
