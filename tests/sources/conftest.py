"""An air of scripted sensors for bleak."""

from __future__ import annotations

import asyncio
import struct
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakError

from detector.devices.pmd import PMD_CONTROL, PMD_DATA, PMD_SERVICE
from detector.devices.polar import BATTERY_LEVEL


@dataclass(eq=False)
class Air:
    """What can be heard and reached, what goes wrong there, and what must never happen."""

    sensors: list[Sensor] = field(default_factory=list)
    # What a bleak call does before its work, by name: "scan", "connect", "write", ...
    trouble: dict[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    scanning: int = 0
    connecting: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def enter(self, call: str) -> None:
        self.calls[call] += 1
        if call in self.trouble:
            await self.trouble[call]()

    async def never(self) -> None:
        """Hang, and do not even let yourself be cancelled until the air is released."""
        while not self.released.is_set():
            try:
                await self.released.wait()
            except asyncio.CancelledError:
                continue
        raise BleakError("released")

    def scanner_backend(self) -> type[BaseBleakScanner]:
        air = self

        class Scanner(_Scanner):
            where = air

        return Scanner

    def client_backend(self) -> type[BaseBleakClient]:
        air = self

        class Client(_Client):
            where = air

        return Client


@dataclass(eq=False)
class Sensor:
    """A Polar sensor that does as it is told; raw frames of `count` samples at `fs`."""

    air: Air
    address: str = "AA:BB:CC:DD:EE:01"
    name: str = "Polar Sense 0001"
    rssi: int = -60
    rates: tuple[int, ...] = (26, 52, 104)
    count: int = 52
    fs: int = 52
    reachable: bool = True
    silent: bool = False  # linked, but sends no samples: a zombie
    mute: bool = False  # answers no command
    battery: int | None = 80
    mangle: Callable[[bytes], bytes] = bytes  # of every frame
    written: list[bytes] = field(default_factory=list)
    sent: int = 0  # samples measured, heard or not
    streaming: bool = False
    client: _Client | None = None
    _timer: asyncio.TimerHandle | None = None

    def __post_init__(self) -> None:
        self.air.sensors.append(self)

    def drop(self) -> None:
        """Lose the link and be out of range."""
        self.reachable = False
        if self.client is not None:
            self.client.lose()

    def say(self, channel: str, data: bytes) -> None:
        if self.client is not None:
            self.client.notify(channel, data)

    def obey(self, command: bytes) -> None:
        self.written.append(command)
        if self.mute:
            return
        parameters = b""
        if command[:2] == b"\x01\x02":
            parameters = bytes([0, len(self.rates)]) + struct.pack(
                f"<{len(self.rates)}H", *self.rates
            )
            parameters += bytes.fromhex("0101 1000 0204 0200040008001000 040103")
        elif command[:2] == b"\x02\x02":
            self.start()
        elif command[:2] == b"\x03\x02":
            self.stop()
        answer = bytes([0xF0, command[0], command[1], 0, 0]) + parameters
        asyncio.get_running_loop().call_later(0.05, self.say, PMD_CONTROL, answer)

    def start(self) -> None:
        self.stop()
        self.streaming = True
        self._timer = asyncio.get_running_loop().call_later(self.count / self.fs, self._frame)

    def stop(self) -> None:
        self.streaming = False
        if self._timer is not None:
            self._timer.cancel()

    def _frame(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self.count / self.fs, self._frame)
        rows = [(i % 1000, 0, 1000) for i in range(self.sent, self.sent + self.count)]
        self.sent += self.count
        frame = struct.pack("<BQB", 2, round(loop.time() * 1e9), 1)
        frame += b"".join(struct.pack("<3h", *row) for row in rows)
        if not self.silent:
            self.say(PMD_DATA, self.mangle(frame))


class _Scanner(BaseBleakScanner):
    where: Air

    def __init__(self, detection_callback, service_uuids, scanning_mode, **_):
        super().__init__(detection_callback, service_uuids)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self.where.enter("scan")
        self.where.scanning += 1
        if self.where.scanning > 1:
            self.where.violations.append("two scans at a time")
        self._task = asyncio.create_task(self._advertise())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
            self.where.scanning -= 1
        await self.where.enter("stop scan")

    async def _advertise(self) -> None:
        while True:
            await asyncio.sleep(0.2)
            for sensor in self.where.sensors:
                if sensor.reachable and sensor.client is None:
                    data = AdvertisementData(sensor.name, {}, {}, [], None, sensor.rssi, ())
                    device = self.create_or_update_device(
                        sensor.address, sensor.address, sensor.name, sensor, data
                    )
                    self.call_detection_callbacks(device, data)


class _Client(BaseBleakClient):
    where: Air

    def __init__(self, device: BLEDevice, **kwargs: Any) -> None:
        super().__init__(device, **kwargs)
        self._sensor: Sensor = device.details
        self._connected = False
        self._used = False
        self.callbacks: dict[str, Callable[[bytearray], None]] = {}

    @property
    def mtu_size(self) -> int:
        return 23

    @property
    def is_connected(self) -> bool:
        return self._connected

    async def connect(self, pair: bool, **_: Any) -> None:
        air = self.where
        air.connecting += 1
        try:
            if air.scanning or air.connecting > 1 or self._used:
                air.violations.append(
                    "connects while scanning or connecting, or with an old client"
                )
            self._used = True
            await air.enter("connect")
            await asyncio.sleep(0.3)
            if not self._sensor.reachable or self._sensor.client is not None:
                raise BleakError("le-connection-abort-by-local")
        finally:
            air.connecting -= 1
        self._connected = True
        self._sensor.client = self
        self.services = BleakGATTServiceCollection()
        service = BleakGATTService(None, 1, PMD_SERVICE)
        self.services.add_service(service)
        channels = [(PMD_CONTROL, ["read", "write", "indicate"]), (PMD_DATA, ["notify"])]
        if self._sensor.battery is not None:
            channels.append((BATTERY_LEVEL, ["read", "notify"]))
        for handle, (uuid, properties) in enumerate(channels, start=2):
            self.services.add_characteristic(
                BleakGATTCharacteristic(None, handle, uuid, properties, lambda: 20, service)
            )

    async def disconnect(self) -> None:
        self.lose()
        await self.where.enter("disconnect")

    def lose(self) -> None:
        if self._connected:
            self._connected = False
            self._sensor.client = None
            self._sensor.stop()
            self._disconnected_callback()

    def notify(self, channel: str, data: bytes) -> None:
        if channel in self.callbacks:
            self.callbacks[channel](bytearray(data))

    async def start_notify(self, characteristic, callback, **_):
        await self._request("subscribe")
        if characteristic.uuid == PMD_DATA and PMD_CONTROL not in self.callbacks:
            self.where.violations.append("data subscribed before control")
        self.callbacks[characteristic.uuid] = callback

    async def stop_notify(self, characteristic):
        self.callbacks.pop(characteristic.uuid, None)

    async def read_gatt_char(self, characteristic, **_):
        await self._request("read")
        return bytearray([self._sensor.battery or 0])

    async def write_gatt_char(self, characteristic, data, response):
        await self._request("write")
        self._sensor.obey(bytes(data))

    async def _request(self, call: str) -> None:
        await self.where.enter(call)
        await asyncio.sleep(0.05)
        if not self._connected:
            raise BleakError("Not connected")

    async def pair(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError

    async def unpair(self) -> None:
        raise NotImplementedError

    async def read_gatt_descriptor(self, descriptor, **_):
        raise NotImplementedError

    async def write_gatt_descriptor(self, descriptor, data):
        raise NotImplementedError


@pytest.fixture
def air() -> Air:
    return Air()


@pytest.fixture
def sensor(air: Air) -> Callable[..., Sensor]:
    """Put a sensor on the air."""
    return lambda **settings: Sensor(air, **settings)
