"""bleak calls with timeouts; failures raise LinkError.

`backend` classes are passed on to bleak: nothing else differs between a real adapter and a
simulated one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from bleak import BleakAdapter, BleakScanner
from bleak.args.bluez import BlueZAdapterArgs, BlueZScannerArgs
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
from detector.sources import bluez
from detector.sources.bluez import BluetoothError
from detector.words.bluetooth import BluetoothFault

T = TypeVar("T")
ScannerBackend = type[BaseBleakScanner]
ClientBackend = type[BaseBleakClient]

_START_SCAN_S = 10.0  # BlueZ answers in milliseconds; it powers an adapter up in about 5 s
_MOST_DEVICES = 512  # about 50 are in reach in a busy place; random addresses must not fill memory
_LONGEST_NAME = 64  # Polar's have 20; an advertisement can carry 248 bytes of anything

_Reason = BleakBluetoothNotAvailableReason
_UNAVAILABLE = {
    _Reason.NO_BLUETOOTH: BluetoothFault.NO_ADAPTER,
    _Reason.NO_BLE_CENTRAL_ROLE: BluetoothFault.NO_LOW_ENERGY,
    _Reason.POWERED_OFF: BluetoothFault.OFF,
    _Reason.DENIED_BY_USER: BluetoothFault.REFUSED_BY_USER,
    _Reason.DENIED_BY_SYSTEM: BluetoothFault.DENIED,
}
# What the bus answers for a bluetoothd that does not run, or that this user may not ask, and
# bluetoothd itself for an adapter that was switched off since it was listed.
_ERRORS = {
    "org.freedesktop.DBus.Error.ServiceUnknown": BluetoothFault.NOT_RUNNING,
    "org.freedesktop.DBus.Error.NameHasNoOwner": BluetoothFault.NOT_RUNNING,
    "org.freedesktop.systemd1.NoSuchUnit": BluetoothFault.NOT_RUNNING,
    "org.freedesktop.DBus.Error.AccessDenied": BluetoothFault.DENIED,
    "org.bluez.Error.NotReady": BluetoothFault.OFF,
}


@dataclass(eq=False)
class Adapter:
    """State shared by all sources on this computer's adapters.

    Attributes
    ----------
    connecting : held while a source scans or connects: the computer does one of these at a time
    linked : addresses that their sessions are connected to
    claimed : addresses and names that they look for, case-folded
    """

    connecting: asyncio.Lock = field(default_factory=asyncio.Lock)
    linked: set[str] = field(default_factory=set)
    claimed: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Advertiser:
    """An advertisement, the bleak device to connect to, and the adapter that heard it, if known."""

    advertisement: Advertisement
    device: BLEDevice
    adapter: str | None = None


async def adapters_of(
    backend: ScannerBackend | None, name: str | None = None, *, switch_on: bool = False
) -> tuple[str | None, ...]:
    """Return the adapters to listen with; None is the only one, of a virtual radio for one.

    Parameters
    ----------
    name : the only one to use; None is all that are switched on: bleak would take any of them,
        another in each process
    switch_on : see `bluez.usable`

    Raises
    ------
    BluetoothError
        None can be used, and why.
    """
    if backend is not None or not bluez.is_here():
        return (None,)
    return await bluez.usable(name, switch_on=switch_on)


async def listen(
    hear: Callable[[Advertiser], None],
    duration_s: float,
    backend: ScannerBackend | None,
    *,
    enough: Callable[[], bool] = lambda: False,
    adapters: Sequence[str | None] = (None,),
) -> None:
    """Scan for `duration_s`, or until `enough()`; call `hear` with every advertisement.

    Raises
    ------
    LinkError
        None of the adapters can be used.
    """
    done = asyncio.Event()
    known: dict[str, Advertisement] = {}

    def detected(adapter: str | None, device: BLEDevice, data: AdvertisementData) -> None:
        if device.address not in known and len(known) >= _MOST_DEVICES:
            return
        name = (data.local_name or device.name or "")[:_LONGEST_NAME]
        services = frozenset(uuid.lower() for uuid in data.service_uuids)
        ad = Advertisement(device.address, name, data.rssi, services)
        # Its name and its services may come in different packets.
        before = known.get(device.address, ad)
        ad = replace(ad, name=ad.name or before.name, services=ad.services | before.services)
        known[device.address] = ad
        hear(Advertiser(ad, device, adapter))
        if enough():
            done.set()

    scanners: list[BleakScanner] = []
    failures: list[LinkError] = []
    for adapter in adapters:
        bluez_args: BlueZScannerArgs = {} if adapter is None else {"adapter": adapter}
        scanner = BleakScanner(partial(detected, adapter), backend=backend, bluez=bluez_args)
        try:
            await ask("start listening for sensors", scanner.start(), _START_SCAN_S)
        except LinkError as error:
            failures.append(error)
        else:
            scanners.append(scanner)
    if not scanners:
        raise failures[0]
    try:
        async with asyncio.timeout(duration_s):
            await done.wait()
    except TimeoutError:
        pass
    finally:
        stops = [ask("stop listening for sensors", one.stop(), _START_SCAN_S) for one in scanners]
        for failure in await asyncio.gather(*stops, return_exceptions=True):
            if isinstance(failure, BaseException):
                raise failure


async def look_round(
    hear: Callable[[Advertiser], None],
    backend: ScannerBackend | None,
    known: set[str],
    adapters: Sequence[str | None] = (None,),
) -> None:
    """Call `hear` with the devices this machine is connected to, except `known` addresses.

    They do not advertise, and BlueZ keeps the connections of a program that was killed (bluez
    issue 89). Only Linux and macOS list them.
    """
    if backend is not None:
        return
    for name in adapters:
        with suppress(LinkError):
            args: BlueZAdapterArgs = {} if name is None else {"adapter": name}
            found = BleakAdapter.get(bluez=args)
            adapter = await ask("look for connected sensors", found, _START_SCAN_S)
            for device in await ask(
                "look for connected sensors", adapter.get_connected_devices(), _START_SCAN_S
            ):
                if device.address not in known:
                    called = (device.name or "")[:_LONGEST_NAME]
                    ad = Advertisement(device.address, called, None, _services(device))
                    hear(Advertiser(ad, device, name))


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
    call.add_done_callback(_forget)  # it may fail just as our caller is cancelled
    try:
        await asyncio.wait({call}, timeout=timeout_s)
    finally:
        call.cancel()
    if not call.done():
        raise LinkError(f"Could not {what}: no answer within {timeout_s:g} s.")
    if call.cancelled():
        raise LinkError(f"Could not {what}: the link broke meanwhile.")
    try:
        return call.result()
    except Exception as error:  # bleak announces "backend-specific exceptions: in rare cases"
        fault = _fault(error)
        if fault is not None:
            raise BluetoothError(fault) from error
        reason = str(error) or type(error).__name__
        raise LinkError(f"Could not {what}: {reason}.") from error


def _fault(error: Exception) -> BluetoothFault | None:
    """Return why this machine cannot scan at all, where that is what an error means."""
    match error:
        case BleakBluetoothNotAvailableError():
            return _UNAVAILABLE.get(error.reason, BluetoothFault.NOT_RUNNING)
        case BleakDBusError():
            return _ERRORS.get(error.dbus_error)
        case FileNotFoundError() | ConnectionRefusedError():  # no D-Bus, so no BlueZ
            return BluetoothFault.NO_BUS
    return None


def _forget(call: asyncio.Future[T]) -> None:
    if not call.cancelled():
        call.exception()  # retrieved, so that asyncio does not complain about it
