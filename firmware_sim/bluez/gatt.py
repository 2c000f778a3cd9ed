"""The services of one device as objects on the bus: `GattService1` and what is under it.

Like BlueZ with its default cache, the objects stay when the link is lost and are reused by
the next one; only a device that is removed takes them along.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.service import BleakGATTService
from bleak.exc import BleakError, BleakGATTProtocolError
from dbus_fast import Variant

from firmware_sim.bluez.errors import failed, in_progress, not_permitted, not_supported, of_peer
from firmware_sim.bluez.faults import Fault, Faults
from firmware_sim.bluez.names import CHARACTERISTIC, DESCRIPTOR, GATT_SERVICE
from firmware_sim.bluez.objects import (
    NOTHING,
    Call,
    Interface,
    Method,
    ObjectTree,
    Properties,
    Reply,
)

T = TypeVar("T")

CCCD = "00002902-0000-1000-8000-00805f9b34fb"


class Gatt:
    """All services of one device."""

    def __init__(self, tree: ObjectTree, device: str, faults: Faults) -> None:
        self._tree = tree
        self._device = device
        self._faults = faults
        self._shape: list[tuple[int, str]] = []
        self.characteristics: dict[int, Characteristic] = {}  # keyed by the handle of the value

    async def link_up(self, client: BleakClient) -> None:
        """Export what was discovered over a new link, and restore subscriptions."""
        shape = [(one.handle, one.uuid) for one in client.services.characteristics.values()]
        if shape != self._shape:
            self.withdraw()
            self._shape = shape
            for service in client.services:
                self._export(service)
        for found in client.services.characteristics.values():
            await self.characteristics[found.handle].link_up(client, found)

    def link_down(self) -> None:
        """Answer "not connected" from now on."""
        for one in self.characteristics.values():
            one.link_down()

    def vanished(self, sender: str) -> None:
        """Drop the subscriptions of a client that left the bus."""
        for one in self.characteristics.values():
            one.vanished(sender)

    def withdraw(self) -> None:
        """Remove everything from the bus."""
        self.link_down()
        for path in self._tree.below(self._device):
            self._tree.remove(path)
        self.characteristics.clear()
        self._shape = []

    def find(self, uuid: str) -> Characteristic | None:
        """Return the first characteristic with this UUID."""
        return next((one for one in self.characteristics.values() if one.uuid == uuid), None)

    def _export(self, service: BleakGATTService) -> None:
        path = f"{self._device}/service{service.handle:04x}"
        about: Properties = {
            "UUID": Variant("s", service.uuid),
            "Device": Variant("o", self._device),
            "Primary": Variant("b", True),
            "Includes": Variant("ao", []),
        }
        self._tree.add(path, Interface(GATT_SERVICE, about))
        for found in service.characteristics:
            one = Characteristic(self._tree, path, found, self._faults)
            self.characteristics[found.handle] = one
            for descriptor in found.descriptors:
                self._tree.add(
                    f"{one.path}/desc{descriptor.handle:04x}", _descriptor(one, descriptor)
                )


class Characteristic:
    """One characteristic: read, written and subscribed to by the bus' clients."""

    def __init__(
        self, tree: ObjectTree, service: str, found: BleakGATTCharacteristic, faults: Faults
    ) -> None:
        # BlueZ counts from the declaration, which is just before the value.
        self.path = f"{service}/char{found.handle - 1:04x}"
        self.uuid = found.uuid
        self.dropped = 0  # notifications that a full socket did not accept
        self._tree = tree
        self._found = found
        self._faults = faults
        self._client: BleakClient | None = None
        self._subscribed: BleakClient | None = None
        self._subscribing = asyncio.Lock()
        self._listeners: set[str] = set()  # bus clients, each by its unique name
        self._socket: socket.socket | None = None  # our end of AcquireNotify's socket
        self._watch: Callable[[bytes], None] | None = None
        self._notifies = bool({"notify", "indicate"} & set(found.properties))
        about: Properties = {
            "UUID": Variant("s", found.uuid),
            "Service": Variant("o", service),
            "Flags": Variant("as", list(found.properties)),
            "MTU": Variant("q", found.max_write_without_response_size + 3),
        }
        if self._notifies:
            about["Notifying"] = Variant("b", False)
        if "notify" in found.properties:
            about["NotifyAcquired"] = Variant("b", False)
        methods: dict[str, Method] = {
            "ReadValue": self._read_value,
            "WriteValue": self._write_value,
            "StartNotify": self._start_notify,
            "StopNotify": self._stop_notify,
            "AcquireNotify": self._acquire_notify,
        }
        tree.add(self.path, Interface(CHARACTERISTIC, about, methods))

    # The link

    async def link_up(self, client: BleakClient, found: BleakGATTCharacteristic) -> None:
        """Use a new link, and restore the subscriptions of the last one, as BlueZ does."""
        self._client, self._found = client, found
        with suppress(BleakError):
            await self._settle()

    def link_down(self) -> None:
        """Drop the link."""
        self._client = self._subscribed = self._watch = None
        self._close_socket()

    def vanished(self, sender: str) -> None:
        """Forget a client of the bus."""
        if sender in self._listeners:
            self._listeners.discard(sender)
            self._tree.start(self._unsubscribe())

    async def watch(self, tell: Callable[[bytes], None]) -> None:
        """Subscribe within bluetoothd itself, until the link is lost."""
        self._watch = tell
        await self._settle()

    async def read(self) -> bytes:
        """Return the value, read from the device."""
        return bytes(await of(self._link().read_gatt_char(self._found)))

    async def read_descriptor(self, handle: int) -> bytes:
        """Return the value of a descriptor, read from the device."""
        return bytes(await of(self._link().read_gatt_descriptor(handle)))

    def _link(self) -> BleakClient:
        if self._client is None or not self._client.is_connected:
            raise failed("Not connected")
        return self._client

    async def _settle(self) -> None:
        """Subscribe to the device once per link while any client listens, else unsubscribe."""
        async with self._subscribing:
            client = self._client
            if client is None:
                return
            wanted = bool(self._listeners or self._socket or self._watch)
            if wanted and self._subscribed is not client:
                await client.start_notify(self._found, lambda _, data: self._deliver(bytes(data)))
                self._subscribed = client
            elif not wanted and self._subscribed is client:
                self._subscribed = None
                await client.stop_notify(self._found)

    async def _unsubscribe(self) -> None:
        self._say_notifying()
        with suppress(BleakError):  # the link may have ended, and with it the subscription
            await self._settle()

    # Calls of the bus' clients

    async def _read_value(self, _call: Call) -> Reply:
        value = await self.read()
        # As in BlueZ, subscribers see a value that was read as if it had been notified.
        self._say(value)
        return Reply("ay", (value,))

    async def _write_value(self, call: Call) -> Reply:
        value, options = call.body
        response = "type" not in options or options["type"].value != "command"
        if not {"write", "write-without-response"} & set(self._found.properties):
            raise not_supported()
        await of(self._link().write_gatt_char(self._found, bytes(value), response=response))
        return NOTHING

    async def _start_notify(self, call: Call) -> Reply:
        if not self._notifies:
            raise not_supported()
        if self._socket is not None:
            raise not_permitted("Notify acquired")
        if call.sender in self._listeners:
            raise failed("Already notifying")
        self._listeners.add(call.sender)
        try:
            await of(self._settle())
        except BaseException:
            self._listeners.discard(call.sender)
            raise
        self._say_notifying()
        return NOTHING

    async def _stop_notify(self, call: Call) -> Reply:
        if call.sender not in self._listeners:
            raise failed("No notify session started")
        self._listeners.discard(call.sender)
        await self._unsubscribe()
        return NOTHING

    async def _acquire_notify(self, call: Call) -> None:
        if "notify" not in self._found.properties:
            raise not_supported()
        if self._socket is not None:
            raise not_permitted("Notify acquired")
        if self._listeners:
            raise in_progress()
        mtu = self._link().mtu_size
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            ours.setblocking(False)
            self._socket = ours
            try:
                await of(self._settle())
            except BaseException:
                self._close_socket()
                raise
            if self._socket is not ours:  # the link was lost meanwhile
                raise failed("Not connected")
            asyncio.get_running_loop().add_reader(ours, self._hung_up, ours)
            self._say_property("NotifyAcquired", value=True)
            sent = call.answer(Reply("hq", (0, mtu), (theirs.fileno(),)))
            if sent is not None:
                await sent

    # Notifications

    def _deliver(self, value: bytes) -> None:
        indicated = "indicate" in self._found.properties
        if not indicated and self._faults.take(Fault.NOTIFICATION_LOST):
            return
        if self._watch is not None:
            self._watch(value)
        if self._socket is not None:
            try:
                self._socket.send(value)
            except BlockingIOError:
                self.dropped += 1
            except OSError:
                self._hung_up(self._socket)
        # As in BlueZ: one signal for each subscriber, and every signal reaches all of them.
        for _ in self._listeners:
            self._say(value)

    def _say(self, value: bytes) -> None:
        self._tree.change(self.path, CHARACTERISTIC, {"Value": Variant("ay", value)})

    def _say_notifying(self) -> None:
        self._say_property("Notifying", value=bool(self._listeners))

    def _say_property(self, name: str, *, value: bool) -> None:
        self._tree.change(self.path, CHARACTERISTIC, {name: Variant("b", value)})

    def _hung_up(self, ours: socket.socket) -> None:
        """Stop when the client has closed its end, the only reason for it to be readable."""
        if self._socket is ours:
            self._close_socket()
            self._tree.start(self._unsubscribe())

    def _close_socket(self) -> None:
        if self._socket is not None:
            ours, self._socket = self._socket, None
            asyncio.get_running_loop().remove_reader(ours)
            ours.close()
            self._say_property("NotifyAcquired", value=False)


def _descriptor(owner: Characteristic, found: BleakGATTDescriptor) -> Interface:
    async def read_value(_call: Call) -> Reply:
        return Reply("ay", (await owner.read_descriptor(found.handle),))

    async def write_value(_call: Call) -> Reply:
        if found.uuid == CCCD:
            raise not_permitted("Write not permitted")  # StartNotify is for that
        raise not_supported()

    about: Properties = {
        "UUID": Variant("s", found.uuid),
        "Characteristic": Variant("o", owner.path),
    }
    return Interface(DESCRIPTOR, about, {"ReadValue": read_value, "WriteValue": write_value})


async def of(request: Coroutine[Any, Any, T]) -> T:
    """Await a request to the device; convert its exception to BlueZ' error."""
    try:
        return await request
    except BleakGATTProtocolError as error:
        raise of_peer(error) from error
    except BleakError as error:
        raise failed(str(error) or "Not connected") from error
