"""Bleak behind a railing: every call is bounded in time, and fails with a sentence.

`backend` classes are passed through to bleak; they are all that differs between a real adapter
and a simulated one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from bleak import BleakScanner
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason

from detector.devices.profile import Advertisement, Driver
from detector.devices.registry import Registry, installed
from detector.errors import LinkError

T = TypeVar("T")
ScannerBackend = type[BaseBleakScanner]
ClientBackend = type[BaseBleakClient]

_START_SCAN_S = 10.0  # BlueZ answers in milliseconds; it powers an adapter up in about 5 s
_MOST_DEVICES = 512  # a busy house has 50 in reach; random addresses must not fill the memory
_LONGEST_NAME = 64  # Polar's have 20; an advertisement can carry 248 bytes of anything

_Reason = BleakBluetoothNotAvailableReason
_NO_ADAPTER = {
    _Reason.NO_BLUETOOTH: "This machine has no Bluetooth adapter. Plug one in",
    _Reason.NO_BLE_CENTRAL_ROLE: "The Bluetooth adapter does not speak Bluetooth Low Energy. "
    "Plug in another (4.0 or newer)",
    _Reason.POWERED_OFF: "Bluetooth is switched off. Switch it on (bluetoothctl power on)",
    _Reason.DENIED_BY_USER: "The use of Bluetooth was denied. Allow it in the system's settings",
    _Reason.DENIED_BY_SYSTEM: "The system does not let this user use Bluetooth. "
    "Ask whoever administers it",
}
_NO_ANSWER = "Bluetooth does not answer on this machine. Start its service (Linux: BlueZ)"


@dataclass(frozen=True, slots=True)
class Heard:
    """A device that a scan heard, and what bleak needs to connect to it."""

    advertisement: Advertisement
    device: BLEDevice


@dataclass(frozen=True, slots=True)
class Found:
    """What `spasmwatch scan` shows; `driver` is None for a device that we cannot talk to."""

    name: str  # hostile text
    address: str
    rssi_dbm: int | None
    driver: str | None


async def scan(
    duration_s: float,
    *,
    scanner_backend: ScannerBackend | None = None,
    registry: Registry | None = None,
) -> list[Found]:
    """Listen for a while; give known sensors first, then by strength.

    Raises
    ------
    LinkError
        There is no adapter that could listen.
    """
    known = installed() if registry is None else registry
    heard: dict[str, Found] = {}

    def note(one: Heard) -> None:
        ad = one.advertisement
        driver: Driver | None = known.recognise(ad)
        name = None if driver is None else driver.name
        heard[ad.address] = Found(ad.name, ad.address, ad.rssi_dbm, name)

    await listen(note, duration_s, scanner_backend)
    return sorted(
        heard.values(), key=lambda f: (f.driver is None, -(f.rssi_dbm or -999), f.address)
    )


async def listen(
    hear: Callable[[Heard], None],
    duration_s: float,
    backend: ScannerBackend | None,
    *,
    enough: Callable[[], bool] = lambda: False,
) -> None:
    """Scan for `duration_s`, or until it is `enough`; `hear` is called with all that is heard.

    Raises
    ------
    LinkError
        There is no adapter that could listen.
    """
    done = asyncio.Event()
    addresses: set[str] = set()

    def detected(device: BLEDevice, data: AdvertisementData) -> None:
        if device.address not in addresses and len(addresses) >= _MOST_DEVICES:
            return
        addresses.add(device.address)
        name = (data.local_name or device.name or "")[:_LONGEST_NAME]
        services = frozenset(uuid.lower() for uuid in data.service_uuids)
        hear(Heard(Advertisement(device.address, name, data.rssi, services), device))
        if enough():
            done.set()

    scanner = BleakScanner(detected, backend=backend)
    await ask("start listening for sensors", scanner.start(), _START_SCAN_S)
    try:
        async with asyncio.timeout(duration_s):
            await done.wait()
    except TimeoutError:
        pass
    finally:
        await ask("stop listening for sensors", scanner.stop(), _START_SCAN_S)


async def ask(what: str, request: Awaitable[T], timeout_s: float) -> T:
    """Await a call to bleak, but not for longer than `timeout_s`.

    A call that ignores its cancellation, as one on a hung bus may, is left behind.

    Raises
    ------
    LinkError
        It failed or did not answer; the message says what and why.
    """
    call = asyncio.ensure_future(request)
    try:
        await asyncio.wait({call}, timeout=timeout_s)
    finally:
        if not call.done():
            call.cancel()
            call.add_done_callback(_forget)
    if not call.done():
        raise LinkError(f"Could not {what}: no answer within {timeout_s:g} s.")
    if call.cancelled():
        raise LinkError(f"Could not {what}: the link broke meanwhile.")
    try:
        return call.result()
    except BleakBluetoothNotAvailableError as error:
        remedy = _NO_ADAPTER.get(error.reason, _NO_ANSWER)
        raise LinkError(f"{remedy}, or try `spasmwatch demo`, which needs none.") from error
    except (FileNotFoundError, ConnectionRefusedError) as error:  # no D-Bus, so no BlueZ
        raise LinkError(f"{_NO_ANSWER}, or try `spasmwatch demo`, which needs none.") from error
    except Exception as error:  # bleak announces "backend-specific exceptions: in rare cases"
        reason = str(error) or type(error).__name__
        raise LinkError(f"Could not {what}: {reason}.") from error


def _forget(call: asyncio.Future[T]) -> None:
    if not call.cancelled():
        call.exception()  # retrieved, so that asyncio does not complain about it
