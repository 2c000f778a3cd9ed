"""Judge Bluetooth on this computer: adapter, power, permission, and versions known to work."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from shlex import quote

from detector.doctor.check import CheckResult, fail, ok, skip, warn

# Older ones lose notifications and leak connections (research: bleak 1343, Home Assistant's
# habluetooth); 5.66 is what Debian 12 has and what was tested. Bleak itself refuses below 5.55.
BLUEZ_GOOD, BLUEZ_OLDEST = (5, 66), (5, 55)
# 6.1.192 (Debian 12) oopsed in hci_chan_del when a link was lost; from 6.6 on none did.
KERNEL_GOOD = (6, 6)

ADAPTER, PERMISSION, BLUEZ = "Bluetooth adapter", "Bluetooth permission", "BlueZ version"
KERNEL, USB_POWER = "Kernel", "USB power saving"

_INSTALL = "sudo apt install bluez && sudo systemctl enable --now bluetooth"
_PLUG_IN = "spasmwatch doctor   (after plugging in a Bluetooth adapter, 4.0 or newer)"


class BusTrouble(StrEnum):
    """Why BlueZ could not be queried."""

    NO_BUS = "D-Bus does not run, so BlueZ cannot be reached"
    NO_SERVICE = "BlueZ is not running"
    DENIED = "this user has no access to BlueZ"
    NO_ANSWER = "BlueZ does not answer"


class Blocked(StrEnum):
    """Kind of switch that turned a radio off below BlueZ (rfkill)."""

    SOFT = "soft"
    HARD = "hard"


_START = {
    BusTrouble.NO_BUS: "sudo systemctl start dbus bluetooth",
    BusTrouble.NO_SERVICE: "sudo systemctl enable --now bluetooth",
    BusTrouble.NO_ANSWER: "sudo systemctl restart bluetooth",
}
_BLOCKED = {
    Blocked.SOFT: ("blocked (flight mode)", "rfkill unblock bluetooth"),
    Blocked.HARD: (
        "switched off by a key or switch of this computer",
        "rfkill list bluetooth   (after using that switch)",
    ),
}


@dataclass(frozen=True, slots=True)
class AdapterFacts:
    """An adapter that BlueZ lists."""

    name: str  # hci0
    powered: bool


@dataclass(frozen=True, slots=True)
class UsbPower:
    """Power saving of the USB port of an adapter: `control` is `auto` or `on`."""

    adapter: str
    control: str
    path: str  # of the file that says so


@dataclass(frozen=True, slots=True, kw_only=True)
class BluetoothFacts:
    """Facts about this computer's Bluetooth.

    Parameters
    ----------
    adapters : None when BlueZ could not be queried; `trouble` is then the reason
    bluez : version as bluetoothctl reports it, None where it is not installed
    kernel : release, such as 6.12.9-amd64
    blocked : by which kind of rfkill switch; None if a Bluetooth radio is on
    """

    adapters: tuple[AdapterFacts, ...] | None
    trouble: BusTrouble | None
    bluez: str | None
    kernel: str
    blocked: Blocked | None
    usb: tuple[UsbPower, ...]
    user: str


def check_bluetooth(facts: BluetoothFacts | str) -> list[CheckResult]:
    """Return every check; a text is the reason that there is nothing to check."""
    if isinstance(facts, str):
        return [skip(ADAPTER, facts)]
    return [
        check_adapter(facts),
        check_permission(facts),
        *([] if _is_missing(facts) else [check_bluez(facts.bluez)]),
        check_kernel(facts.kernel),
        *check_usb_power(facts.usb),
    ]


def check_adapter(facts: BluetoothFacts) -> CheckResult:
    """Check that there is an adapter, and that it is on."""
    if facts.trouble is BusTrouble.DENIED:
        return skip(ADAPTER, "not known; see the permission below")
    hindrance = _hindrance(facts)
    if hindrance is not None:
        return fail(ADAPTER, *hindrance)
    powered = [adapter.name for adapter in facts.adapters or () if adapter.powered]
    return ok(ADAPTER, f"{', '.join(powered)} powered")


def _hindrance(facts: BluetoothFacts) -> tuple[str, str] | None:
    """Return the most basic obstacle and the command that removes it."""
    if facts.blocked is not None:
        return _BLOCKED[facts.blocked]
    if _is_missing(facts):
        return "BlueZ is not installed", _INSTALL
    if facts.trouble is not None:
        return str(facts.trouble), _START[facts.trouble]
    if not facts.adapters:
        return "this computer has none", _PLUG_IN
    if not any(adapter.powered for adapter in facts.adapters):
        names = ", ".join(adapter.name for adapter in facts.adapters)
        return f"{names} is switched off", "bluetoothctl power on"
    return None


def _is_missing(facts: BluetoothFacts) -> bool:
    """Whether BlueZ is not installed: it does not run, and its bluetoothctl is missing."""
    return facts.bluez is None and facts.trouble in {BusTrouble.NO_BUS, BusTrouble.NO_SERVICE}


def check_permission(facts: BluetoothFacts) -> CheckResult:
    """Check that this user may use Bluetooth."""
    if facts.trouble is BusTrouble.DENIED:
        return fail(
            PERMISSION,
            f'user "{facts.user}" may not use Bluetooth',
            f"sudo usermod -aG bluetooth {quote(facts.user)}   (then log out and in)",
        )
    if facts.trouble is not None:
        return skip(PERMISSION, "BlueZ could not be reached")
    return ok(PERMISSION, f'user "{facts.user}" may use Bluetooth')


def check_bluez(version: str | None) -> CheckResult:
    """Check that BlueZ is a version that keeps a link all night."""
    known = _numbers(version)
    if version is None or known is None:
        return warn(BLUEZ, "not known: bluetoothctl is not installed", "sudo apt install bluez")
    update = "sudo apt install --only-upgrade bluez"
    if known < BLUEZ_OLDEST:
        return fail(BLUEZ, f"{version} is too old: {_dotted(BLUEZ_OLDEST)} is needed, "
                    f"{_dotted(BLUEZ_GOOD)} recommended", update)  # fmt: skip
    if known < BLUEZ_GOOD:
        return warn(BLUEZ, f"{version}; {_dotted(BLUEZ_GOOD)} or newer is recommended", update)
    return ok(BLUEZ, version)


def check_kernel(release: str) -> CheckResult:
    """Check that the kernel is a version whose Bluetooth is known to work."""
    known = _numbers(release)
    if known is None or known >= KERNEL_GOOD:
        return ok(KERNEL, release)
    return warn(
        KERNEL,
        f"{release}; {_dotted(KERNEL_GOOD)} or newer is recommended: 6.1.192 crashed when a link "
        "was lost",
        "sudo apt install -t bookworm-backports linux-image-amd64   (Debian 12 on a PC)",
    )


def check_usb_power(ports: tuple[UsbPower, ...]) -> list[CheckResult]:
    """Check that the adapter's USB port stays awake (Home Assistant core issue 76544)."""
    return [
        ok(USB_POWER, f"off for {port.adapter}")
        if port.control == "on"
        else warn(
            USB_POWER,
            f"{port.adapter} may be put to sleep when idle",
            f"echo on | sudo tee {quote(port.path)}   (until the next start)",
        )
        for port in ports
    ]


def _numbers(version: str | None) -> tuple[int, int] | None:
    found = re.search(r"(\d{1,4})\.(\d{1,4})", version or "")
    return None if found is None else (int(found[1]), int(found[2]))


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
