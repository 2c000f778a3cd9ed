"""Judge Bluetooth on this computer: adapter, power, permission, and versions known to work."""

from __future__ import annotations

import re
from dataclasses import dataclass
from shlex import quote

from detector.doctor.check import CheckResult, fail, ok, skip, warn
from detector.sources.bluez import AdapterFacts
from detector.words.bluetooth import BluetoothFault, fault_cause, fault_fix

# Older ones lose notifications and leak connections (research: bleak 1343, Home Assistant's
# habluetooth); 5.66 is what Debian 12 has and what was tested. Bleak itself refuses below 5.55.
BLUEZ_GOOD, BLUEZ_OLDEST = (5, 66), (5, 55)
# 6.1.192 (Debian 12) oopsed in hci_chan_del when a link was lost; from 6.6 on none did.
KERNEL_GOOD = (6, 6)

ADAPTER, PERMISSION, BLUEZ = "Bluetooth adapter", "Bluetooth permission", "BlueZ version"
KERNEL, USB_POWER = "Kernel", "USB power saving"


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
    wanted : the adapter that the settings name; None is any
    systemd : whether it runs here
    """

    adapters: tuple[AdapterFacts, ...] | None
    trouble: BluetoothFault | None
    bluez: str | None
    kernel: str
    blocked: BluetoothFault | None
    usb: tuple[UsbPower, ...]
    user: str
    wanted: str | None = None
    systemd: bool = True


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
    if facts.trouble is BluetoothFault.DENIED:
        return skip(ADAPTER, "not known; see the permission below")
    hindrance = _hindrance(facts)
    if hindrance is not None:
        fault, which = hindrance
        fix = fault_fix(fault, which, named=facts.wanted is not None, systemd=facts.systemd)
        return fail(ADAPTER, fault_cause(fault, which), fix)
    powered = [adapter.name for adapter in _mine(facts) if adapter.powered]
    return ok(ADAPTER, f"{', '.join(powered)} powered")


def _hindrance(facts: BluetoothFacts) -> tuple[BluetoothFault, str] | None:
    """Return the most basic obstacle, and the adapters concerned."""
    if _is_missing(facts):
        return facts.blocked or BluetoothFault.NOT_INSTALLED, ""
    if facts.blocked or facts.trouble:
        return facts.blocked or facts.trouble or BluetoothFault.NO_ANSWER, ""
    mine = _mine(facts)
    if not mine:
        other = facts.adapters and facts.wanted
        return (BluetoothFault.OTHER_ADAPTER, other) if other else (BluetoothFault.NO_ADAPTER, "")
    able = [adapter for adapter in mine if adapter.low_energy]
    names = ", ".join(adapter.name for adapter in able or mine)
    if not able:
        return BluetoothFault.NO_LOW_ENERGY, names
    return None if any(adapter.powered for adapter in able) else (BluetoothFault.OFF, names)


def _mine(facts: BluetoothFacts) -> list[AdapterFacts]:
    """Return the adapters that may be used."""
    return [one for one in facts.adapters or () if facts.wanted in {None, one.name}]


def _is_missing(facts: BluetoothFacts) -> bool:
    """Whether BlueZ is not installed: it does not run, and its bluetoothctl is missing."""
    gone = {BluetoothFault.NO_BUS, BluetoothFault.NOT_RUNNING, BluetoothFault.NOT_INSTALLED}
    return facts.bluez is None and facts.trouble in gone


def check_permission(facts: BluetoothFacts) -> CheckResult:
    """Check that this user may use Bluetooth."""
    if facts.trouble is BluetoothFault.DENIED:
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
