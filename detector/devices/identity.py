"""Which sensor is meant: addresses in any spelling, names, and names that hold a serial number."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detector.devices.profile import Driver

# Of a Bluetooth address; macOS shows an identifier of 32 digits instead.
_DIGITS = (12, 32)
_BETWEEN = re.compile(r"[\s:._-]")


def canonical(name_or_address: str) -> str:
    """Return a form that is equal for all spellings of an address, and of a name in any case."""
    text = name_or_address.strip().casefold()
    digits = _BETWEEN.sub("", text)
    return digits if is_address(text) else text


def is_address(text: str) -> bool:
    """Whether a text is an address: its hexadecimal digits, with or without marks between."""
    digits = _BETWEEN.sub("", text.strip())
    return len(digits) in _DIGITS and re.fullmatch(r"[0-9a-fA-F]+", digits) is not None


def means(name_or_address: str | None, address: str, name: str) -> bool:
    """Whether a person who wrote `name_or_address` means the sensor with this address and name."""
    if name_or_address is None:
        return False
    return canonical(name_or_address) in {canonical(address), canonical(name)}


def is_unique(name: str, driver: Driver) -> bool:
    """Whether no two sensors of a driver have such a name: it holds the sensor's serial number."""
    serial = driver.sheet.serial
    return bool(serial) and re.fullmatch(serial, name) is not None
