"""One device that was found: `Device1`, from its first advertisement until it is removed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from bleak import BleakClient
from bleak.backends.client import BaseBleakClient
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError
from dbus_fast import Variant

from firmware_sim.bluez.errors import BluezError, failed, not_ready, not_supported
from firmware_sim.bluez.faults import Fault, Faults
from firmware_sim.bluez.gatt import Gatt
from firmware_sim.bluez.names import BATTERY, DEVICE
from firmware_sim.bluez.objects import NOTHING, Call, Interface, ObjectTree, Properties, Reply

BATTERY_LEVEL = "00002a19-0000-1000-8000-00805f9b34fb"

# The result of `btd_error_le_conn_from_errno` for every connection that failed.
ABORTED = "le-connection-abort-by-local"


@dataclass(frozen=True, slots=True)
class Patience:
    """Timeouts of bluetoothd, as in BlueZ 5.66 and its kernel.

    Parameters
    ----------
    connecting_s : until the kernel abandons a connection attempt (HCI_LE_CONN_TIMEOUT)
    unheard_s : until a device that was never connected is removed (TemporaryTimeout in main.conf)
    """

    connecting_s: float = 20.0
    unheard_s: float = 30.0


class Device:
    """A device object. `forget` is called when it has not advertised for `Patience.unheard_s`."""

    def __init__(
        self,
        tree: ObjectTree,
        adapter: str,
        address: str,
        *,
        client_backend: type[BaseBleakClient],
        faults: Faults,
        patience: Patience,
        powered: Callable[[], bool],
        forget: Callable[[Device], None],
    ) -> None:
        self.address = address
        self.path = f"{adapter}/dev_{address.replace(':', '_')}"
        self._adapter = adapter
        self._tree = tree
        self._client_backend = client_backend
        self._faults = faults
        self._patience = patience
        self._powered = powered
        self._forget = forget
        self.gatt = Gatt(tree, self.path, faults)
        self._client: BleakClient | None = None
        self._connecting: tuple[Call, asyncio.Task[None]] | None = None
        self._disconnects: list[Call] = []
        self._gone = asyncio.Event()  # set when the link, if any, has ended
        self._gone.set()
        self._temporary = True
        self._ageing: asyncio.TimerHandle | None = None
        self._exported = False

    # Advertisements

    def hear(self, data: AdvertisementData) -> None:
        """Process an advertisement; the first one creates the object."""
        self._grow_old()
        heard = _advertised(data)
        if self._exported:
            self._tree.change(self.path, DEVICE, heard)
            return
        self._exported = True
        known: Properties = {
            "Address": Variant("s", self.address),
            "AddressType": Variant("s", "random"),
            # Without a name, the alias is the address with dashes.
            "Alias": heard.get("Name", Variant("s", self.address.replace(":", "-"))),
            "Adapter": Variant("o", self._adapter),
            "UUIDs": Variant("as", []),
        }
        states = ("Paired", "Bonded", "Trusted", "Blocked", "LegacyPairing", "Connected")
        known |= {name: Variant("b", False) for name in (*states, "ServicesResolved")}
        methods = {
            "Connect": self._connect,
            "Disconnect": self._disconnect,
            "Pair": self._pair,
        }
        self._tree.add(self.path, Interface(DEVICE, known | heard, methods))

    def unheard(self) -> None:
        """Drop the signal strength: no scan is running any more."""
        self._tree.change(self.path, DEVICE, {}, ("RSSI", "TxPower"))

    def vanished(self, sender: str) -> None:
        """Drop a bus client. The device stays connected, as in BlueZ (bluez 89)."""
        self.gatt.vanished(sender)

    async def remove(self) -> None:
        """Remove the device from the bus, then end its link: `Connected` never becomes false."""
        if self._ageing is not None:
            self._ageing.cancel()
        self.gatt.withdraw()
        self._tree.remove(self.path)
        await self.hang_up()

    async def hang_up(self) -> None:
        """End the connection, or the connection attempt."""
        if self._connecting is not None:
            call, attempt = self._connecting
            call.refuse(failed("Cancelled"))
            attempt.cancel()
            await asyncio.wait({attempt})
        if self._client is not None:
            await self._client.disconnect()
        await self._gone.wait()

    def _grow_old(self) -> None:
        if self._ageing is not None:
            self._ageing.cancel()
            self._ageing = None
        if self._temporary:
            self._ageing = asyncio.get_running_loop().call_later(
                self._patience.unheard_s, self._forget, self
            )

    # Connecting

    async def _connect(self, call: Call) -> Reply | None:
        if not self._powered():
            raise not_ready()
        if self._client is not None:
            return NOTHING
        if self._connecting is not None:
            raise failed("Operation already in progress")
        self._temporary = False
        self._grow_old()
        if self._faults.take(Fault.CONNECT_ABORTED_UNSEEN):
            raise failed(ABORTED)
        if self._faults.take(Fault.CONNECT_ABORTED):
            self._say("Connected", value=True)
            call.refuse(failed(ABORTED))
            self._say("Connected", value=False)
            return None
        attempt = self._tree.start(self._make_link(call))
        self._connecting = call, attempt
        attempt.add_done_callback(lambda _: self._settle_attempt(attempt))
        return None

    def _settle_attempt(self, attempt: asyncio.Task[None]) -> None:
        if self._connecting is not None and self._connecting[1] is attempt:
            self._connecting = None

    async def _make_link(self, call: Call) -> None:
        if self._faults.take(Fault.CONNECT_UNANSWERED):
            await asyncio.get_running_loop().create_future()
        client = BleakClient(
            self.address,
            self._lost,
            timeout=self._patience.connecting_s,
            backend=self._client_backend,
        )
        try:
            await client.connect()
        except (BleakError, TimeoutError):
            call.refuse(failed(ABORTED))
            return
        if not client.is_connected:  # it was connected for a moment
            call.refuse(failed(ABORTED))
            return
        self._client = client
        self._gone.clear()
        self._connecting = None
        self._say("Connected", value=True)
        call.answer()
        await self._resolve(client)

    async def _resolve(self, client: BleakClient) -> None:
        """Export the services, then read the battery, as bluetoothd does before any client."""
        if self._faults.take(Fault.SERVICES_UNRESOLVED):
            return
        with suppress(BleakError, BluezError):
            await self.gatt.link_up(client)
            if self._client is not client:
                return
            uuids = [service.uuid for service in client.services]
            self._tree.change(self.path, DEVICE, {"UUIDs": Variant("as", uuids)})
            self._say("ServicesResolved", value=True)
            await self._watch_battery(client)

    async def _watch_battery(self, client: BleakClient) -> None:
        """Export `Battery1` beside the characteristic, which BlueZ no longer hides since 5.55."""
        level = self.gatt.find(BATTERY_LEVEL)
        if level is None:
            return
        first = await level.read()
        await level.watch(self._battery_said)
        if self._client is client:
            percent = Variant("y", first[0])
            source = Variant("s", "GATT Battery Service")
            self._tree.add(self.path, Interface(BATTERY, {"Percentage": percent, "Source": source}))

    def _battery_said(self, value: bytes) -> None:
        self._tree.change(self.path, BATTERY, {"Percentage": Variant("y", value[0])})

    # Disconnecting

    async def _disconnect(self, call: Call) -> Reply | None:
        if self._client is None:
            await self.hang_up()
            return NOTHING
        # BlueZ waits two seconds for its profiles first; there are none here.
        self._disconnects.append(call)
        await self._client.disconnect()
        return None

    def _lost(self, client: BleakClient) -> None:
        """Signal in BlueZ' order: services, answers to `Disconnect`, then the connection."""
        if self._client is not client:
            return
        self._client = None
        self.gatt.link_down()
        self._tree.remove(self.path, BATTERY)
        self._say("ServicesResolved", value=False)
        for call in self._disconnects:
            call.answer()
        self._disconnects.clear()
        self._say("Connected", value=False)
        self._gone.set()

    async def _pair(self, _call: Call) -> Reply:
        raise not_supported()

    def _say(self, name: str, *, value: bool) -> None:
        self._tree.change(self.path, DEVICE, {name: Variant("b", value)})


def _advertised(data: AdvertisementData) -> Properties:
    heard: Properties = {"RSSI": Variant("n", data.rssi)}
    if data.local_name is not None:
        name, *_ = data.local_name.split("\0")  # the bus disconnects a client that sends a NUL
        heard["Name"] = Variant("s", name)
    if data.service_uuids:
        heard["UUIDs"] = Variant("as", data.service_uuids)
    if data.manufacturer_data:
        makers = {maker: Variant("ay", value) for maker, value in data.manufacturer_data.items()}
        heard["ManufacturerData"] = Variant("a{qv}", makers)
    if data.service_data:
        services = {uuid: Variant("ay", value) for uuid, value in data.service_data.items()}
        heard["ServiceData"] = Variant("a{sv}", services)
    if data.tx_power is not None:
        heard["TxPower"] = Variant("n", data.tx_power)
    return heard
