"""The virtual radio as a backend of bleak, for the unmodified `BleakScanner` and `BleakClient`.

Every scan and every connection has a virtual adapter of its own, so that their number is not
limited; connections are still made one at a time, as on a real adapter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar, Literal

from bleak.args import SizedBuffer
from bleak.assigned_numbers import gatt_char_props_to_strs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import (
    AdvertisementData,
    AdvertisementDataCallback,
    BaseBleakScanner,
)
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakError
from bleak.uuids import normalize_uuid_str
from bumble import core, hci
from bumble.core import AdvertisingData
from bumble.device import Advertisement, Connection

from firmware_sim.central import Central, open_central, unless

LARGEST_MTU = 517
"""Requested by current phones and BlueZ; the sensor decides."""

GOODBYE_S = 2.0
"""Longest wait for the peer to confirm a disconnection."""


def backends(address: str) -> tuple[type[BaseBleakScanner], type[BaseBleakClient]]:
    """Return bleak's backend classes for a radio at `unix:PATH`, `tcp:HOST:PORT` or `here:NAME`.

    They belong to the event loop that first uses them.
    """
    one_at_a_time = asyncio.Lock()

    class AirScanner(_Scanner):
        air = address

    class AirClient(_Client):
        air = address
        connecting = one_at_a_time

    return AirScanner, AirClient


class _Scanner(BaseBleakScanner):
    air: ClassVar[str]

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: Literal["active", "passive"],
        **_platform: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._active = scanning_mode == "active"
        self._central: Central | None = None

    async def start(self) -> None:
        if self._central is not None:
            raise BleakError("already scanning")
        self.seen_devices = {}
        self._central = await open_central(self.air)
        device = self._central.device
        device.on(device.EVENT_ADVERTISEMENT, self._hear)
        try:
            await unless(self._central.lost, device.start_scanning(active=self._active))
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        if self._central is not None:
            central, self._central = self._central, None
            await central.close()

    def _hear(self, heard: Advertisement) -> None:
        if self._central is None:
            return
        address = heard.address.to_string(with_type_qualifier=False)
        data = _advertisement_data(heard)
        device = self.create_or_update_device(
            address, address, data.local_name, heard.address, data
        )
        if self.is_allowed_uuid(data.service_uuids):
            self.call_detection_callbacks(device, data)


class _Client(BaseBleakClient):
    air: ClassVar[str]
    connecting: ClassVar[asyncio.Lock]

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        *,
        disconnected_callback: Callable[[], None] | None,
        timeout: float,
        **_platform: Any,
    ) -> None:
        super().__init__(
            address_or_ble_device, disconnected_callback=disconnected_callback, timeout=timeout
        )
        known = address_or_ble_device if isinstance(address_or_ble_device, BLEDevice) else None
        self._name = (known and known.name) or self.address
        self._link: _Link | None = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def mtu_size(self) -> int:
        return self._live_link().connection.att_mtu

    @property
    def is_connected(self) -> bool:
        return self._link is not None and not self._link.gone.done()

    async def connect(self, pair: bool, **_platform: Any) -> None:  # noqa: ARG002 no pairing here
        if self.is_connected:
            raise BleakError(f"{self.address} is connected already")
        async with asyncio.timeout(self._timeout), self.connecting:
            link = await _open_link(self.air, self.address)
        self._link = link
        self.services = link.services
        link.gone.add_done_callback(lambda _: self._end(link))

    async def disconnect(self) -> None:
        if self._link is not None:
            await self._link.close()

    async def pair(self, *_args: Any, **_platform: Any) -> None:
        raise NotImplementedError("virtual sensors do not support pairing")

    async def unpair(self) -> None:
        raise NotImplementedError("virtual sensors do not support pairing")

    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, **_platform: Any
    ) -> bytearray:
        return await self._read(characteristic.handle)

    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, **_platform: Any
    ) -> bytearray:
        return await self._read(descriptor.handle)

    async def write_gatt_char(
        self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool
    ) -> None:
        await self._write(characteristic.handle, data, response=response)

    async def write_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, data: SizedBuffer
    ) -> None:
        await self._write(descriptor.handle, data, response=True)

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **_platform: Any
    ) -> None:
        link = self._live_link()
        if characteristic.handle in link.notified:
            raise BleakError(f"{characteristic} notifies already")
        link.notified.add(characteristic.handle)
        call_soon = asyncio.get_running_loop().call_soon

        def deliver(value: bytes) -> None:
            # Not called from here: what the callback raises must not reach the radio.
            call_soon(callback, bytearray(value))

        await unless(link.gone, link.gatt.subscribe(characteristic.obj, deliver))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        link = self._live_link()
        link.notified.discard(characteristic.handle)
        await unless(link.gone, link.gatt.unsubscribe(characteristic.obj))

    async def _read(self, handle: int) -> bytearray:
        link = self._live_link()
        return bytearray(await unless(link.gone, link.gatt.read_value(handle)))

    async def _write(self, handle: int, data: SizedBuffer, *, response: bool) -> None:
        link = self._live_link()
        await unless(link.gone, link.gatt.write_value(handle, bytes(data), response))

    def _live_link(self) -> _Link:
        if self._link is None or self._link.gone.done():
            raise BleakError(f"{self.address} is not connected")
        return self._link

    def _end(self, link: _Link) -> None:
        link.central.hang_up()
        if self._link is link:
            self._link = None
            self.services = None
        if self._disconnected_callback is not None:
            self._disconnected_callback()


class _Link:
    """A connection; the future `gone` is done once it has ended, from either side."""

    def __init__(self, central: Central, connection: Connection) -> None:
        self.central = central
        self.connection = connection
        self.gatt = connection.gatt_client
        self.notified: set[int] = set()
        self.services = BleakGATTServiceCollection()
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        connection.on(connection.EVENT_DISCONNECTION, self._settle)
        central.lost.add_done_callback(self._settle)

    async def close(self) -> None:
        if not self.gone.done():
            with suppress(BleakError, TimeoutError):
                async with asyncio.timeout(GOODBYE_S):
                    await unless(self.gone, self.connection.disconnect())
        await self.central.close()
        self._settle()

    def _settle(self, _reason: object = None) -> None:
        if not self.gone.done():
            self.gone.set_result(None)


async def _open_link(air: str, address: str) -> _Link:
    central = await open_central(air)
    try:
        peer = hci.Address(address, hci.Address.RANDOM_DEVICE_ADDRESS)
        connection = await unless(central.lost, central.device.connect_le(peer, timeout=None))
        link = _Link(central, connection)
        await unless(link.gone, link.gatt.request_mtu(LARGEST_MTU))
        await unless(link.gone, _discover(link))
    except BaseException:
        await central.close()
        raise
    return link


async def _discover(link: _Link) -> None:
    for found in await link.gatt.discover_services():
        service = BleakGATTService(found, found.handle, _uuid_str(found.uuid))
        link.services.add_service(service)
        for proxy in await link.gatt.discover_characteristics((), found):
            characteristic = BleakGATTCharacteristic(
                proxy,
                proxy.handle,
                _uuid_str(proxy.uuid),
                list(gatt_char_props_to_strs(int(proxy.properties))),
                lambda: link.connection.att_mtu - 3,
                service,
            )
            link.services.add_characteristic(characteristic)
            for descriptor in await link.gatt.discover_descriptors(proxy):
                link.services.add_descriptor(
                    BleakGATTDescriptor(
                        descriptor, descriptor.handle, _uuid_str(descriptor.type), characteristic
                    )
                )


def _uuid_str(value: core.UUID) -> str:
    return normalize_uuid_str(value.to_hex_str("-"))


def _advertisement_data(heard: Advertisement) -> AdvertisementData:
    """Return a received advertisement as bleak's type; names are untrusted bytes."""
    fields: dict[int, list[bytes]] = {}
    for kind, value in heard.data.ad_structures:
        fields.setdefault(kind, []).append(value)
    names = fields.get(AdvertisingData.COMPLETE_LOCAL_NAME, [])
    names += fields.get(AdvertisingData.SHORTENED_LOCAL_NAME, [])
    return AdvertisementData(
        local_name=names[0].decode(errors="replace") if names else None,
        manufacturer_data={
            int.from_bytes(value[:2], "little"): value[2:]
            for value in fields.get(AdvertisingData.MANUFACTURER_SPECIFIC_DATA, [])
        },
        service_data={},
        service_uuids=list(dict.fromkeys(_advertised_uuids(fields))),
        tx_power=None,
        rssi=heard.rssi,
        platform_data=(heard,),
    )


def _advertised_uuids(fields: dict[int, list[bytes]]) -> list[str]:
    short = (
        AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
        AdvertisingData.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
    )
    long = (
        AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
        AdvertisingData.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
    )
    return [
        _uuid_str(core.UUID.from_bytes(value[at : at + size]))
        for kinds, size in ((short, 2), (long, 16))
        for kind in kinds
        for value in fields.get(kind, [])
        for at in range(0, len(value) - size + 1, size)
    ]
