"""Why Bluetooth cannot be used, and what to do: one cause and one remedy for each state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class BluetoothFault(StrEnum):
    """State of this computer in which no sensor can be heard."""

    NO_BUS = "no-bus"
    NOT_INSTALLED = "not-installed"
    NOT_RUNNING = "not-running"
    NO_ANSWER = "no-answer"
    DENIED = "denied"
    BLOCKED = "blocked"
    SWITCH = "switch"
    NO_ADAPTER = "no-adapter"
    OTHER_ADAPTER = "other-adapter"
    OFF = "off"
    NO_LOW_ENERGY = "no-low-energy"
    REFUSED_BY_USER = "refused-by-user"


@dataclass(frozen=True, slots=True)
class Remedy:
    """Cause of a fault, and what ends it: a command, or else an action in words.

    `without_systemd` is the command where systemd does not run.
    `{which}` stands for the adapters concerned, or for the user who has no access.
    """

    cause: str
    command: str = ""
    action: str = ""
    without_systemd: str = ""


_REMEDIES = {
    BluetoothFault.NO_BUS: Remedy(
        "D-Bus does not run, so BlueZ, the Bluetooth service, cannot be reached",
        "sudo systemctl start dbus bluetooth",
        without_systemd="sudo service dbus start && sudo service bluetooth start",
    ),
    BluetoothFault.NOT_INSTALLED: Remedy(
        "BlueZ, this computer's Bluetooth service, is not installed",
        "sudo apt install bluez && sudo systemctl enable --now bluetooth",
        without_systemd="sudo apt install bluez && sudo service dbus start && "
        "sudo service bluetooth start",
    ),
    BluetoothFault.NOT_RUNNING: Remedy(
        "BlueZ, this computer's Bluetooth service, is not running",
        "sudo systemctl start bluetooth",
        without_systemd="sudo service bluetooth start",
    ),
    BluetoothFault.NO_ANSWER: Remedy(
        "BlueZ, this computer's Bluetooth service, does not answer",
        "sudo systemctl restart bluetooth",
        without_systemd="sudo service bluetooth restart",
    ),
    BluetoothFault.DENIED: Remedy(
        "this user may not use Bluetooth",
        'sudo usermod -aG bluetooth "$USER"   (then log out and in)',
    ),
    BluetoothFault.BLOCKED: Remedy(
        "Bluetooth is blocked (flight mode)", "rfkill unblock bluetooth"
    ),
    BluetoothFault.SWITCH: Remedy(
        "Bluetooth is switched off by a key or switch of this computer", action="use that switch"
    ),
    BluetoothFault.NO_ADAPTER: Remedy(
        "this computer has no Bluetooth adapter", action="plug one in (Bluetooth 4.0 or newer)"
    ),
    BluetoothFault.OTHER_ADAPTER: Remedy(
        "the Bluetooth adapter {which} is not there",
        action="plug it in, or correct or remove adapter in the section [sensor] of the settings",
    ),
    BluetoothFault.OFF: Remedy(
        "the Bluetooth adapter {which} is switched off", "bluetoothctl power on"
    ),
    BluetoothFault.NO_LOW_ENERGY: Remedy(
        "the Bluetooth adapter {which} does not support Bluetooth Low Energy",
        action="plug in another (Bluetooth 4.0 or newer)",
    ),
    BluetoothFault.REFUSED_BY_USER: Remedy(
        "the use of Bluetooth was denied", action="allow it in the system's settings"
    ),
}
# bluetoothctl switches on only the adapter that it calls the default one.
_ONE_ON = (
    "busctl set-property org.bluez /org/bluez/{which} org.bluez.Adapter1 Powered b true"
    "   (only this adapter)"
)


def fault_cause(fault: BluetoothFault, which: str = "") -> str:
    """Return why Bluetooth cannot be used, without a full stop."""
    return " ".join(_REMEDIES[fault].cause.format(which=which).split())


def fault_fix(
    fault: BluetoothFault, which: str = "", *, named: bool = False, systemd: bool = True
) -> str:
    """Return the command against it; where there is none, the check to repeat after an action.

    Parameters
    ----------
    named : whether the settings name the adapter `which`
    systemd : whether it runs here
    """
    remedy = _REMEDIES[fault]
    if remedy.without_systemd and not systemd:
        return remedy.without_systemd
    if fault is BluetoothFault.OFF and named:
        return _ONE_ON.format(which=which)
    return remedy.command or f"spasmwatch doctor   (first {remedy.action})"


def fault_words(
    fault: BluetoothFault, which: str = "", *, named: bool = False, systemd: bool = True
) -> str:
    """Return cause and remedy as sentences."""
    cause = fault_cause(fault, which)
    remedy = _REMEDIES[fault]
    do = remedy.action[:1].upper() + remedy.action[1:]
    if not do:
        do = f"Type: {fault_fix(fault, which, named=named, systemd=systemd)}"
    return f"{cause[:1].upper()}{cause[1:]}. {do}"


def using_words(adapter: str, adapters: Sequence[str]) -> str:
    """Return which of several adapters is used."""
    return f"The sensor is heard by the Bluetooth adapter {adapter}, one of {', '.join(adapters)}."
