"""BlueZ' adapters: which there are, which can be used, and switching one on.

Bleak takes any powered adapter, another one in each process, and has no call to switch one on. So
this module asks BlueZ itself, and is the only one of the product that uses D-Bus. Every call is
bounded in time.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from detector import systemd
from detector.errors import LinkError
from detector.words.bluetooth import BluetoothFault, fault_words

if TYPE_CHECKING:
    from dbus_fast import Message

SYS = Path("/sys")
ANSWER_S = 5.0  # BlueZ answers in milliseconds; it powers an adapter up within about 5 s

_ADAPTER = "org.bluez.Adapter1"


@dataclass(frozen=True, slots=True)
class AdapterFacts:
    """An adapter that BlueZ lists; `low_energy` tells whether it can connect to sensors."""

    name: str  # hci0
    powered: bool
    low_energy: bool = True


class BluetoothError(LinkError):
    """Bluetooth cannot be used on this computer; `told` is cause and remedy in sentences."""

    def __init__(self, fault: BluetoothFault, which: str = "", *, named: bool = False) -> None:
        self.fault = fault
        # What is not installed is not running either: installing it comes first.
        missing = fault is BluetoothFault.NO_BUS and is_here() and not is_installed()
        cause = BluetoothFault.NOT_INSTALLED if missing else fault
        self.told = fault_words(cause, which, named=named, systemd=systemd.is_running())
        super().__init__(f"{self.told}. Help: spasmwatch doctor")


def is_here() -> bool:
    """Whether this system's Bluetooth is BlueZ."""
    return sys.platform == "linux"


def is_installed() -> bool:
    """Whether BlueZ is installed, as far as its bluetoothctl tells."""
    return shutil.which("bluetoothctl") is not None


async def usable(name: str | None = None, *, switch_on: bool = False) -> tuple[str, ...]:
    """Return the names of the adapters that can be used now, at least one.

    Parameters
    ----------
    name : the only one to use; None is any
    switch_on : switch one on where all are off, unless a switch of this computer blocks it

    Raises
    ------
    BluetoothError
        There is none, and why.
    """
    every = await adapters()
    mine = [one for one in every if name in {None, one.name}]
    if not mine:
        blocked = rfkill(SYS)
        if name is None or not every:
            raise BluetoothError(blocked or BluetoothFault.NO_ADAPTER)
        raise BluetoothError(BluetoothFault.OTHER_ADAPTER, name)
    able = [one for one in mine if one.low_energy]
    names = ", ".join(one.name for one in able or mine)
    if not able:
        raise BluetoothError(BluetoothFault.NO_LOW_ENERGY, names)
    powered = tuple(one.name for one in able if one.powered)
    if powered:
        return powered
    blocked = rfkill(SYS, [one.name for one in able])
    if blocked is not None:
        raise BluetoothError(blocked)
    if not switch_on:
        raise BluetoothError(BluetoothFault.OFF, names, named=name is not None)
    await power_on(able[0].name)
    return (able[0].name,)


async def adapters() -> tuple[AdapterFacts, ...]:
    """Return all adapters, powered or not, by name.

    Raises
    ------
    BluetoothError
        BlueZ cannot be asked.
    """
    reply = await _call("/", "org.freedesktop.DBus.ObjectManager.GetManagedObjects")
    return tuple(_listed(reply.body[0].items()))


async def power_on(name: str) -> None:
    """Switch an adapter on.

    Raises
    ------
    BluetoothError
        BlueZ refuses: a switch of this computer blocks it, or this user may not.
    """
    from dbus_fast import Variant  # noqa: PLC0415 - on Linux only

    body = [_ADAPTER, "Powered", Variant("b", True)]
    path = f"/org/bluez/{name}"
    try:
        await _call(path, "org.freedesktop.DBus.Properties.Set", "ssv", body)
    except _RefusedError as refused:
        blocked = refused.name.endswith(".Blocked")
        fault = BluetoothFault.BLOCKED if blocked else BluetoothFault.OFF
        raise BluetoothError(fault, name) from refused


async def owner() -> str | None:
    """Return the bus name of bluetoothd, another one for each start; "" if there is none.

    None is a bluetoothd that does not answer.
    """
    try:
        reply = await _call("/", "org.freedesktop.DBus.Peer.Ping")
    except BluetoothError as error:
        return None if error.fault is BluetoothFault.NO_ANSWER else ""
    except LinkError:
        return ""
    return reply.sender or ""


def rfkill(sys_folder: Path, names: Sequence[str] = ()) -> BluetoothFault | None:
    """Return how rfkill switched off every Bluetooth radio; None where one is on.

    Parameters
    ----------
    names : of the adapters concerned; where none has a switch of its own, all switches count
    """
    switches = [
        (_read(switch / "name"), _read(switch / "hard"), _read(switch / "soft"))
        for switch in _folders(sys_folder / "class/rfkill")
        if _read(switch / "type") == "bluetooth"
    ]
    own = [switch for switch in switches if switch[0] in names]
    states = [(hard, soft) for _, hard, soft in own or switches]
    if not states or ("0", "0") in states:
        return None
    by_hand = all(hard == "1" for hard, _ in states)
    return BluetoothFault.SWITCH if by_hand else BluetoothFault.BLOCKED


class _RefusedError(LinkError):
    """BlueZ answered with an error of its own."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{text or name}.")
        self.name = name


async def _call(
    path: str, method: str, signature: str = "", body: Sequence[object] = ()
) -> Message:
    """Return BlueZ' reply to a method, which is named with its interface.

    Raises
    ------
    BluetoothError
        BlueZ cannot be reached, or does not answer in time.
    _RefusedError
        It answered with an error of its own.
    """
    from dbus_fast import BusType, Message, MessageType  # noqa: PLC0415 - on Linux only
    from dbus_fast.aio import MessageBus  # noqa: PLC0415
    from dbus_fast.errors import AuthError  # noqa: PLC0415

    interface, _, member = method.rpartition(".")
    call = Message("org.bluez", path, interface, member, signature=signature, body=list(body))
    try:
        async with asyncio.timeout(ANSWER_S):
            try:
                bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
            except AuthError as error:
                raise BluetoothError(BluetoothFault.DENIED) from error
            except Exception as error:  # dbus-fast documents none for a missing or dead socket
                raise BluetoothError(BluetoothFault.NO_BUS) from error
            try:
                reply = await bus.call(call)
            except (OSError, EOFError) as error:  # the bus ended meanwhile
                raise BluetoothError(BluetoothFault.NO_BUS) from error
            finally:
                bus.disconnect()
    except TimeoutError:
        raise BluetoothError(BluetoothFault.NO_ANSWER) from None
    if reply.message_type is MessageType.ERROR:
        raise _refusal(reply.error_name or "", " ".join(map(str, reply.body)))
    return reply


def _refusal(name: str, text: str) -> LinkError:
    """Return the error for an error reply, of the bus or of BlueZ."""
    if name.endswith(".AccessDenied"):
        return BluetoothError(BluetoothFault.DENIED)
    if name.endswith((".ServiceUnknown", ".NameHasNoOwner", ".NoSuchUnit", "NotFound")):
        there = is_installed()
        return BluetoothError(BluetoothFault.NOT_RUNNING if there else BluetoothFault.NOT_INSTALLED)
    if name.endswith((".NoReply", ".TimedOut", ".Timeout")):
        return BluetoothError(BluetoothFault.NO_ANSWER)
    return _RefusedError(name, text)


def _listed(
    objects: Iterable[tuple[str, dict[str, dict[str, object]]]],
) -> Iterable[AdapterFacts]:
    for path, interfaces in sorted(objects):
        properties = interfaces.get(_ADAPTER)
        if properties is not None:
            powered = getattr(properties.get("Powered"), "value", False)
            roles = getattr(properties.get("Roles"), "value", ["central"])
            yield AdapterFacts(path.rpartition("/")[2], bool(powered), "central" in roles)


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _folders(place: Path) -> list[Path]:
    try:
        return sorted(place.iterdir())
    except OSError:
        return []
