"""An adapter: `Adapter1`, its discovery sessions and the devices it has found."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Any

from bleak import BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError
from dbus_fast import Variant

from firmware_sim.backend import backends
from firmware_sim.bluez.device import Device, Patience
from firmware_sim.bluez.errors import bluez_error, failed, in_progress, not_ready
from firmware_sim.bluez.faults import Fault, Faults
from firmware_sim.bluez.names import ADAPTER, ROOT
from firmware_sim.bluez.objects import NOTHING, Call, Interface, ObjectTree, Properties, Reply
from firmware_sim.central import Central, open_central

ADDRESS = "00:1A:7D:DA:71:{:02X}"
"""In the range of a common dongle's maker; nothing on the virtual radio uses it."""

FILTERS = {"UUIDs", "RSSI", "Pathloss", "Transport", "DuplicateData", "Discoverable", "Pattern"}


class AdapterState(StrEnum):
    """State of an adapter when bluetoothd starts."""

    ON = "on"
    OFF = "off"
    """It stays off when it is plugged in again too: AutoEnable=false in main.conf."""
    BLOCKED = "blocked"
    """By rfkill: it cannot be switched on before that ends."""
    DEAF = "deaf"
    """On, but it hears nothing: it is too far from the sensor, or has no aerial."""
    ABSENT = "absent"
    """It is not plugged in."""


class Adapter:
    """An adapter on the virtual radio. Each connection has a controller of its own.

    A virtual controller cannot cancel a connection attempt other than by being removed; connections
    are still made one at a time, as on a real adapter.

    Attributes
    ----------
    deaf : whether it hears nothing: it is too far away, or has no aerial
    auto_enable : whether it is on when it is plugged in (AutoEnable in main.conf)

    Parameters
    ----------
    rfkill : folder in which its switch is shown, as the kernel does in /sys/class/rfkill
    """

    def __init__(
        self,
        tree: ObjectTree,
        air: str,
        faults: Faults,
        patience: Patience,
        *,
        number: int = 0,
        state: AdapterState = AdapterState.ON,
        rfkill: Path | None = None,
    ) -> None:
        self.path = f"{ROOT}/hci{number}"
        self.deaf = state is AdapterState.DEAF
        self.auto_enable = state is not AdapterState.OFF
        self._address = ADDRESS.format(0x13 + number)
        self._blocked = state is AdapterState.BLOCKED
        self._rfkill = None if rfkill is None else rfkill / f"rfkill{number}"
        self._show_switch()
        self._wanted_on = True  # as a person last left it, which is kept over a block
        self.devices: dict[str, Device] = {}
        self._tree = tree
        self._air = air
        self._faults = faults
        self._patience = patience
        self._scanner_backend, self._client_backend = backends(air)
        self._scanner: BleakScanner | None = None
        self._switching = asyncio.Lock()  # the scanner, or the power
        self._sessions: set[str] = set()  # bus clients that scan
        self._filters: dict[str, dict[str, Any]] = {}
        self._heard: dict[str, AdvertisementData] = {}  # in this scan
        self._plugged: Central | None = None
        self._powered = False
        tree.on_vanished(self._vanished)

    # Plugging and power

    async def plug(self) -> None:
        """Plug the adapter in: switched on with `auto_enable`, and while rfkill does not block it.

        Raises
        ------
        BleakError
            There is no virtual radio at its address.
        """
        self._plugged = await open_central(self._air)
        self._plugged.lost.add_done_callback(lambda _: self._air_lost())
        self._wanted_on = self.auto_enable
        self._powered = self._wanted_on and not self._blocked
        named = {
            "Address": self._address,
            "AddressType": "public",
            "Name": "virtual",
            "Alias": "virtual",
        }
        about: Properties = {name: Variant("s", text) for name, text in named.items()}
        about |= {
            "Class": Variant("u", 0),
            "Powered": Variant("b", self._powered),
            "Discoverable": Variant("b", False),
            "DiscoverableTimeout": Variant("u", 180),
            "Pairable": Variant("b", False),
            "PairableTimeout": Variant("u", 0),
            "Discovering": Variant("b", False),
            "UUIDs": Variant("as", []),
            "Modalias": Variant("s", "usb:v1D6Bp0246d0542"),
            "Roles": Variant("as", ["central", "peripheral"]),
        }
        methods = {
            "StartDiscovery": self._start_discovery,
            "StopDiscovery": self._stop_discovery,
            "SetDiscoveryFilter": self._set_discovery_filter,
            "GetDiscoveryFilters": self._get_discovery_filters,
            "RemoveDevice": self._remove_device,
        }
        self._tree.add(self.path, Interface(ADAPTER, about, methods, {"Powered": self._set_power}))

    async def unplug(self) -> None:
        """Remove the adapter and all devices; the links end after the objects are removed."""
        self._powered = False
        self._sessions.clear()
        for address in tuple(self.devices):
            await self.forget(address)
        self._tree.remove(self.path)
        await self._scan_if_wanted()
        if self._plugged is not None:
            central, self._plugged = self._plugged, None
            await central.close()

    async def power(self, *, on: bool) -> None:
        """Switch the adapter on or off, as a person or a power supply does."""
        await self._set_power(on)
        self._tree.change(self.path, ADAPTER, {"Powered": Variant("b", on)})

    async def block(self, *, blocked: bool) -> None:
        """Block the radio, or end that, as rfkill does: afterwards it is as it was before."""
        self._blocked = blocked
        self._show_switch()
        wanted_on = self._wanted_on
        if not blocked:
            await self.power(on=wanted_on)
        elif self._powered:
            await self.power(on=False)
            self._wanted_on = wanted_on

    def _show_switch(self) -> None:
        if self._rfkill is not None:
            self._rfkill.mkdir(parents=True, exist_ok=True)
            name = self.path.rpartition("/")[2]
            shown = {
                "name": name,
                "type": "bluetooth",
                "hard": "0",
                "soft": str(int(self._blocked)),
            }
            for file, text in shown.items():
                (self._rfkill / file).write_text(f"{text}\n")

    async def forget(self, address: str) -> None:
        """Remove a device object, even if a request to it is under way."""
        device = self.devices.pop(address, None)
        if device is not None:
            await device.remove()

    async def _set_power(self, on: bool) -> None:
        if on and self._blocked:
            raise bluez_error("Blocked", "Blocked through rfkill")
        self._powered = self._wanted_on = on
        if not on:
            self._sessions.clear()
            await self._scan_if_wanted()
            for device in tuple(self.devices.values()):
                await device.hang_up()

    def _air_lost(self) -> None:
        """Unplug the adapter because the simulator has ended, as if the dongle had been pulled."""
        if self._plugged is not None:
            self._tree.start(self.unplug())

    def _vanished(self, sender: str) -> None:
        self._filters.pop(sender, None)
        if sender in self._sessions:
            self._sessions.discard(sender)
            self._tree.start(self._scan_if_wanted())
        for device in self.devices.values():
            device.vanished(sender)

    # Discovery

    async def _start_discovery(self, call: Call) -> Reply:
        if not self._powered:
            raise not_ready()
        if call.sender in self._sessions:
            raise in_progress()
        self._sessions.add(call.sender)
        try:
            await self._scan_if_wanted()
        except BleakError as error:
            self._sessions.discard(call.sender)
            raise failed(str(error)) from error
        return NOTHING

    async def _stop_discovery(self, call: Call) -> Reply:
        if not self._powered:
            raise not_ready()
        if call.sender not in self._sessions:
            raise failed("No discovery started")
        self._sessions.discard(call.sender)
        await self._scan_if_wanted()
        if self._faults.take(Fault.STOP_SCAN_IN_PROGRESS):
            raise in_progress()
        return NOTHING

    async def _set_discovery_filter(self, call: Call) -> Reply:
        (asked,) = call.body
        if not set(asked) <= FILTERS:
            raise bluez_error("InvalidArguments", "Invalid arguments in method call")
        self._filters[call.sender] = {name: variant.value for name, variant in asked.items()}
        return NOTHING

    async def _get_discovery_filters(self, _call: Call) -> Reply:
        return Reply("as", (sorted(FILTERS),))

    async def _remove_device(self, call: Call) -> Reply:
        (path,) = call.body
        for device in self.devices.values():
            if device.path == path:
                await device.hang_up()
                await self.forget(device.address)
                return NOTHING
        raise bluez_error("DoesNotExist", "Does Not Exist")

    async def _scan_if_wanted(self) -> None:
        async with self._switching:
            wanted = bool(self._sessions)
            if wanted is (self._scanner is not None):
                return
            if wanted:
                self._heard.clear()
                scanner = BleakScanner(self._hear, backend=self._scanner_backend)
                await scanner.start()
                self._scanner = scanner
            elif self._scanner is not None:
                scanner, self._scanner = self._scanner, None
                with suppress(BleakError):
                    await scanner.stop()
                for device in self.devices.values():
                    device.unheard()
            self._tree.change(self.path, ADAPTER, {"Discovering": Variant("b", wanted)})

    def _hear(self, heard: BLEDevice, data: AdvertisementData) -> None:
        """Add or update the device; repeated advertisements are dropped, as the kernel does."""
        address = heard.address
        if (
            self.deaf
            or self._scanner is None
            or self._heard.get(address) == data
            or not self._wanted(data)
        ):
            return
        self._heard[address] = data
        if address not in self.devices:
            self.devices[address] = Device(
                self._tree,
                self.path,
                address,
                client_backend=self._client_backend,
                faults=self._faults,
                patience=self._patience,
                powered=lambda: self._powered,
                forget=self._expire,
            )
        self.devices[address].hear(data)

    def _wanted(self, data: AdvertisementData) -> bool:
        """Return whether any session's filter accepts an advertisement."""
        filters = [self._filters.get(sender, {}) for sender in self._sessions]
        return any(
            (not one.get("UUIDs") or not set(one["UUIDs"]).isdisjoint(data.service_uuids))
            and data.rssi >= one.get("RSSI", data.rssi)
            for one in filters
        )

    def _expire(self, device: Device) -> None:
        self._tree.start(self.forget(device.address))
