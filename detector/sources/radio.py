"""bleak calls with timeouts; failures raise LinkError.

`backend` classes are passed on to bleak: nothing else differs between a real adapter and a
simulated one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TypeVar

from bleak import BleakAdapter, BleakScanner
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
)

from detector.devices.profile import Advertisement
from detector.errors import LinkError

T = TypeVar("T")
ScannerBackend = type[BaseBleakScanner]
ClientBackend = type[BaseBleakClient]

_START_SCAN_S = 10.0  # BlueZ answers in milliseconds; it powers an adapter up in about 5 s
_MOST_DEVICES = 512  # about 50 are in reach in a busy place; random addresses must not fill memory
_LONGEST_NAME = 64  # Polar's have 20; an advertisement can carry 248 bytes of anything

_Reason = BleakBluetoothNotAvailableReason
_NO_ADAPTER = {
    _Reason.NO_BLUETOOTH: "This machine has no Bluetooth adapter. Plug one in",
    _Reason.NO_BLE_CENTRAL_ROLE: "The Bluetooth adapter does not support Bluetooth Low Energy. "
    "Plug in another (4.0 or newer)",
    _Reason.POWERED_OFF: "Bluetooth is switched off. Switch it on (bluetoothctl power on)",
    _Reason.DENIED_BY_USER: "The use of Bluetooth was denied. Allow it in the system's settings",
    _Reason.DENIED_BY_SYSTEM: "The system does not let this user use Bluetooth. "
    "Ask its administrator",
}
_NO_ANSWER = "Bluetooth does not answer on this machine. Start its service (Linux: BlueZ)"
# What the system's bus answers for a bluetoothd that does not run, or that this user may not ask.
_BUS_ERRORS = {
    "org.freedesktop.DBus.Error.ServiceUnknown": _NO_ANSWER,
    "org.freedesktop.DBus.Error.NameHasNoOwner": _NO_ANSWER,
    "org.freedesktop.systemd1.NoSuchUnit": _NO_ANSWER,
    "org.freedesktop.DBus.Error.AccessDenied": _NO_ADAPTER[_Reason.DENIED_BY_SYSTEM],
}


@dataclass(eq=False)
class Adapter:
    """State shared by all sources on one adapter.

    Attributes
    ----------
    connecting : held while a source scans or connects: an adapter does one of these at a time
    linked : addresses that their sessions are connected to
    claimed : addresses and names that they look for, case-folded
    """

    connecting: asyncio.Lock = field(default_factory=asyncio.Lock)
    linked: set[str] = field(default_factory=set)
    claimed: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Advertiser:
    """An advertisement, and the bleak device to connect to."""

    advertisement: Advertisement
    device: BLEDevice


async def listen(
    hear: Callable[[Advertiser], None],
    duration_s: float,
    backend: ScannerBackend | None,
    *,
    enough: Callable[[], bool] = lambda: False,
) -> None:
    """Scan for `duration_s`, or until `enough()`; call `hear` with every advertisement.

    Raises
    ------
    LinkError
        There is no usable adapter.
    """
    done = asyncio.Event()
    known: dict[str, Advertisement] = {}

    def detected(device: BLEDevice, data: AdvertisementData) -> None:
        if device.address not in known and len(known) >= _MOST_DEVICES:
            return
        name = (data.local_name or device.name or "")[:_LONGEST_NAME]
        services = frozenset(uuid.lower() for uuid in data.service_uuids)
        ad = Advertisement(device.address, name, data.rssi, services)
        # Its name and its services may come in different packets.
        before = known.get(device.address, ad)
        ad = replace(ad, name=ad.name or before.name, services=ad.services | before.services)
        known[device.address] = ad
        hear(Advertiser(ad, device))
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


async def look_round(
    hear: Callable[[Advertiser], None], backend: ScannerBackend | None, known: set[str]
) -> None:
    """Call `hear` with the devices this machine is connected to, except `known` addresses.

    They do not advertise, and BlueZ keeps the connections of a program that was killed (bluez
    issue 89). Only Linux and macOS list them.
    """
    if backend is not None:
        return
    with suppress(LinkError):
        adapter = await ask("look for connected sensors", BleakAdapter.get(), _START_SCAN_S)
        for device in await ask(
            "look for connected sensors", adapter.get_connected_devices(), _START_SCAN_S
        ):
            if device.address not in known:
                name = (device.name or "")[:_LONGEST_NAME]
                hear(
                    Advertiser(Advertisement(device.address, name, None, _services(device)), device)
                )


def _services(device: BLEDevice) -> frozenset[str]:
    """Return the services that BlueZ has cached of a device; empty on other systems."""
    details = device.details if isinstance(device.details, dict) else {}
    return frozenset(uuid.lower() for uuid in details.get("props", {}).get("UUIDs", ()))


async def ask(what: str, request: Awaitable[T], timeout_s: float) -> T:
    """Await a call to bleak for at most `timeout_s`.

    A call that ignores its cancellation, as on a bus that hangs, is abandoned.

    Raises
    ------
    LinkError
        The call failed or timed out; the message says which and why.
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
    except Exception as error:  # bleak announces "backend-specific exceptions: in rare cases"
        if remedy := _remedy(error):
            raise LinkError(
                f"{remedy}. Help: spasmwatch doctor. Without Bluetooth: spasmwatch demo"
            ) from error
        reason = str(error) or type(error).__name__
        raise LinkError(f"Could not {what}: {reason}.") from error


def _remedy(error: Exception) -> str | None:
    """Return cause and remedy where this machine cannot scan at all."""
    match error:
        case BleakBluetoothNotAvailableError():
            return _NO_ADAPTER.get(error.reason, _NO_ANSWER)
        case BleakDBusError():
            return _BUS_ERRORS.get(error.dbus_error)
        case FileNotFoundError() | ConnectionRefusedError():  # no D-Bus, so no BlueZ
            return _NO_ANSWER
    return None


def _forget(call: asyncio.Future[T]) -> None:
    if not call.cancelled():
        call.exception()  # retrieved, so that asyncio does not complain about it
