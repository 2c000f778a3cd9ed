"""Base of the built-in drivers: a family is a value, its conversation a class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from detector.devices.profile import (
    Advertisement,
    Battery,
    Conversation,
    DataSheet,
    Decoded,
)
from detector.errors import ProtocolError

BATTERY_LEVEL = "00002a19-0000-1000-8000-00805f9b34fb"
"""The standard characteristic (Bluetooth SIG, Battery Service 1.0)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A `Driver`; its fields are described there."""

    name: str
    sheet: DataSheet
    recognises: Callable[[Advertisement], bool]
    converse: Callable[[], Conversation]
    decode: Callable[[bytes], Decoded]
    channels: tuple[str, ...]
    read_first: tuple[str, ...] = ()
    optional_channels: tuple[str, ...] = ()


def battery_level(data: bytes) -> Battery:
    """Return the charge from one byte, 0 to 100; ProtocolError when it is none."""
    if len(data) != 1 or data[0] > 100:
        raise ProtocolError(f"battery level: {data[:8].hex(' ')} is not one byte to 100")
    return Battery(data[0])
