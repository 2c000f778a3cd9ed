"""Collect facts about this computer for the checks, which judge them.

Every probe is bounded in time and never raises: what cannot be found out is returned as such.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import getpass
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from detector import systemd
from detector.audible.player import SoundError, sound_program
from detector.config import Settings
from detector.disk_room import existing_folder
from detector.doctor.bluetooth import BluetoothFacts, UsbPower
from detector.doctor.computer import (
    BrokerFacts,
    ClockFacts,
    FolderFacts,
    HomeAssistantFacts,
    SoundFacts,
    ZoneFacts,
)
from detector.doctor.contacts import ContactFacts
from detector.errors import ConfigError, LinkError, StorageError
from detector.mqtt.broker import provide
from detector.mqtt.contract import Message, Topics
from detector.mqtt.endpoint import Endpoint, configured
from detector.mqtt.home_assistant.discovery import discovery
from detector.mqtt.home_assistant.serving import night_device
from detector.mqtt.link import Link
from detector.mqtt.once import publish_once
from detector.mqtt.security.keys import read_service_keys
from detector.push.drills import read_drills
from detector.sources import bluez
from detector.sources.bluez import AdapterFacts, BluetoothError
from detector.store.state_file import wearer_in
from detector.words.bluetooth import BluetoothFault

DOCTOR = "doctor"  # name of a receiver that no other has
ALLOW = "allow it in the broker's access list, or set mqtt.prefix to what is allowed"
PATIENCE_S = 5.0  # a D-Bus call takes milliseconds, a broker across the internet a second
PACKAGES = ("spasmwatch", "bleak")

_SYS = Path("/sys")
_ZONE_LINK = Path("/etc/localtime")


def versions() -> list[tuple[str, str]]:
    """Return Python and the packages that matter, with their versions."""
    found = [("Python", platform.python_version())]
    for package in PACKAGES:
        try:
            found.append((package, version(package)))
        except PackageNotFoundError:
            found.append((package, "(not installed)"))
    return found


async def bluetooth(
    sys_folder: Path | None = None, *, wanted: str | None = None
) -> BluetoothFacts | str:
    """Return facts about Bluetooth, or the reason that there are none."""
    if not bluez.is_here():
        return f"not looked at on {platform.system()}: `spasmwatch scan` shows whether it works"
    place = sys_folder or bluez.SYS
    adapters: tuple[AdapterFacts, ...] | None = None
    trouble: BluetoothFault | None = None
    try:
        adapters = await bluez.adapters()
    except BluetoothError as error:
        trouble = error.fault
    except LinkError:
        trouble = BluetoothFault.NO_ANSWER
    return BluetoothFacts(
        adapters=adapters,
        trouble=trouble,
        bluez=await asyncio.to_thread(bluez_version),
        kernel=platform.release(),
        blocked=bluez.rfkill(place, () if wanted is None else (wanted,)),
        usb=usb_power(place),
        user=user(),
        wanted=wanted,
        systemd=systemd.is_running(),
    )


def bluez_version(run: Callable[[list[str]], str] | None = None) -> str | None:
    """Return the version from bluetoothctl, the only source; None where it is not installed."""
    said = (run or _said)(["bluetoothctl", "--version"])
    found = re.search(r"\d{1,3}\.\d{1,3}", said)
    return None if found is None else found[0]


def usb_power(sys_folder: Path = _SYS) -> tuple[UsbPower, ...]:
    """Return the power saving of each USB adapter's port."""
    found = []
    for adapter in _listed(sys_folder / "class/bluetooth"):
        if not re.fullmatch(r"hci[0-9]+", adapter.name):
            continue  # a connection is listed as hci0:64
        control = (adapter / "device").resolve().parent / "power/control"  # above the interface
        setting = _read(control)
        if setting and any(part.startswith("usb") for part in control.parts):
            found.append(UsbPower(adapter.name, setting, str(control)))
    return tuple(found)


def folder(path: Path) -> FolderFacts:
    """Return whether a file could be made in a folder, without making the folder."""
    place = existing_folder(path)
    problem = None
    try:
        disk = shutil.disk_usage(place)
    except OSError as error:
        return FolderFacts(str(path), error.strerror, None)
    impossible = not disk.total or not place.is_dir()  # /proc and /sys have no size
    if not place.is_dir():
        problem = f"{place} is not a folder"
    else:
        try:
            with tempfile.TemporaryFile(dir=place) as file:  # os.access() is always true for root
                file.write(b"0")
        except OSError as error:
            problem = error.strerror if place == path else f"{place} cannot be written to"
            impossible = impossible or error.errno == errno.EROFS
    return FolderFacts(str(path), problem, disk.free, impossible and problem is not None)


async def broker(settings: Settings) -> BrokerFacts:
    """Connect to the broker that a night would use; a managed one is started and ended for it."""
    mqtt = settings.mqtt
    if mqtt.broker == "none":
        return BrokerFacts("none", "")
    address, port = mqtt.address, mqtt.port or 1883
    where = f"127.0.0.1:{port}" if address is None else f"{address.host}:{address.port}"
    kind = mqtt.broker if address is None else "url"
    try:
        choice = configured(mqtt) or mqtt.broker
        if mqtt.signing_file is not None:
            read_service_keys(mqtt.signing_file)
        topics = Topics(prefix=mqtt.prefix, wearer=_wearer(settings))
        user, password = mqtt.username, mqtt.secret()
        async with provide(choice, port=port, username=user, password=password) as made:
            assert made.endpoint is not None  # noqa: S101 - only "none" has none
            problem, ms = await _round_trip(made.endpoint, topics)
            # Where its port is in use, ours takes any free one: another in the night than now.
            note = made.note.replace(f"port {made.endpoint.port} instead", "another, free port")
            exposed = mqtt.insecure and not made.endpoint.is_local
            announced = await _announced(made.endpoint, settings) if problem is None else None
            where = str(made.endpoint)
            return BrokerFacts(made.kind, where, ms, problem, note, exposed, announced)
    except (ConfigError, LinkError) as error:
        return BrokerFacts(kind, where, problem=str(error))


def clock() -> ClockFacts:
    """Return the kernel's estimate of its clock's error (adjtimex(2)).

    systemd relies on the same figure, and not on STA_UNSYNC, which may be set for other reasons.
    """
    try:
        ask = ctypes.CDLL(None, use_errno=True).adjtimex
    except (AttributeError, OSError):
        return ClockFacts(None)
    answer = _Timex()
    error_s = None if ask(ctypes.byref(answer)) < 0 else answer.maxerror / 1e6
    return ClockFacts(error_s, systemd=systemd.is_running())


def zone(settings: Settings, link: Path = _ZONE_LINK) -> ZoneFacts:
    """Return the time zone of this computer and of the settings."""
    now = datetime.now().astimezone()
    _, _, name = str(link.resolve()).rpartition("zoneinfo/")
    wearer = settings.wearer
    there = None if wearer.zone is None else now.astimezone(wearer.zone).utcoffset()
    offset = now.utcoffset()
    assert offset is not None  # noqa: S101 - an aware time has one
    here = os.environ.get("TZ") or name or str(now.tzinfo)
    return ZoneFacts(here, offset, wearer.time_zone, there, systemd=systemd.is_running())


def sound(settings: Settings) -> SoundFacts:
    """Return what would play an alarm on this computer; nothing is played."""
    command = settings.alerts.sound_command
    if not settings.alerts.sound:
        return SoundFacts(None)
    try:
        return SoundFacts(sound_program(command)[0], own=command is not None)
    except SoundError as error:
        return SoundFacts(None, str(error), command is not None)


def user() -> str:
    """Return the name of the user."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # in a container a user id may have no name
        return str(os.getuid())


def host_names() -> list[str]:
    """Return the names of this computer, with and without its domain."""
    name = platform.node()
    return list(dict.fromkeys([name, name.partition(".")[0]]))


class _Timex(ctypes.Structure):
    """The head of `struct timex`, with room for all that the kernel writes."""

    _fields_ = (
        ("modes", ctypes.c_uint),  # 0: change nothing
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),  # microseconds
        ("rest", ctypes.c_byte * 256),
    )


async def _round_trip(endpoint: Endpoint, topics: Topics) -> tuple[str | None, float | None]:
    """Publish among a night's topics and receive it; return the obstacle or None, and the ms."""
    loop = asyncio.get_running_loop()
    link = Link(endpoint, f"spasmwatch-doctor-{os.getpid()}")
    running = asyncio.create_task(link.run())
    topic, arrived = topics.reply(DOCTOR), asyncio.Event()
    try:
        async with asyncio.timeout(PATIENCE_S):
            await link.connected()
            await link.subscribe(topic, lambda _: arrived.set())
            if link.refused_subscriptions:
                return f"{link.refused_subscriptions[topic]}: {ALLOW}", None
            began_s = loop.time()
            ack = await link.publish(Message(topic, "doctor", expiry_s=1))
            if not ack.accepted:
                return f"it does not let us publish {topic} ({ack.why}): {ALLOW}", None
            await arrived.wait()
        return None, (loop.time() - began_s) * 1e3
    except TimeoutError:
        if link.state.connected:
            return f"it does not pass on {topic}: {ALLOW}", None
        return link.state.last_error or f"no answer within {PATIENCE_S:g} s", None
    except LinkError as error:
        return str(error), None
    finally:
        running.cancel()
        await asyncio.wait({running})


async def _announced(endpoint: Endpoint, settings: Settings) -> HomeAssistantFacts | None:
    """Tell a Home Assistant of the night, as `run` does; None where nobody wants that yet."""
    wearer = wearer_in(settings.data_dir / "state.sqlite")
    if not settings.mqtt.home_assistant or wearer is None:
        return None
    topics = Topics(prefix=settings.mqtt.prefix, wearer=wearer)
    message = discovery(night_device(settings, topics))
    try:
        ack = await publish_once(endpoint, message, within_s=PATIENCE_S)
    except LinkError as error:
        return HomeAssistantFacts(message.topic, str(error))
    problem = None if ack.accepted else f"it does not let us publish {message.topic} ({ack.why})"
    return HomeAssistantFacts(message.topic, problem, ack.no_subscribers)


def _wearer(settings: Settings) -> str:
    """Return the id in the topics; before the first night one that looks like it."""
    return wearer_in(settings.data_dir / "state.sqlite") or "a" * 10


def _said(argv: list[str]) -> str:
    try:
        done = subprocess.run(argv, capture_output=True, timeout=PATIENCE_S, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode(errors="replace")


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _listed(place: Path) -> list[Path]:
    try:
        return sorted(place.iterdir())
    except OSError:
        return []


def contacts(settings: Settings) -> list[ContactFacts]:
    """Return of each contact whether their address can be used, and when they were last tested."""
    if not settings.contact:
        return []
    from detector.push.services import address_problem  # noqa: PLC0415 - 40 MB, for contacts alone
    from detector.push.web_push import page_problem  # noqa: PLC0415

    try:
        drills = read_drills(settings.data_dir)
    except StorageError:
        drills = {}
    return [
        ContactFacts(
            one.name,
            address_problem(one, settings) or page_problem(one, settings.data_dir),
            drills.get(one.name),
        )
        for one in settings.contact
    ]
