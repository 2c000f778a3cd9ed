"""The interface of a virtual sensor's firmware: written bytes in, notifications out.

It has neither radio nor clock; `firmware_sim.sensors` connects it to the virtual radio.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Flag, auto
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int16]
"""Samples in the sensor's own unit, shape (n, 3)."""

BATTERY_SERVICE = "0000180f-0000-1000-8000-00805f9b34fb"
BATTERY_LEVEL = "00002a19-0000-1000-8000-00805f9b34fb"


class Can(Flag):
    """What a central can do with an attribute."""

    READ = auto()
    WRITE = auto()
    WRITE_SILENTLY = auto()  # without a response
    NOTIFY = auto()
    INDICATE = auto()


@dataclass(frozen=True, slots=True)
class Attribute:
    """A characteristic; UUIDs are of 128 bits, lower case."""

    uuid: str
    can: Can


@dataclass(frozen=True, slots=True)
class Service:
    """A GATT service."""

    uuid: str
    attributes: tuple[Attribute, ...]


BATTERY = Service(BATTERY_SERVICE, (Attribute(BATTERY_LEVEL, Can.READ | Can.NOTIFY),))
"""The standard battery service."""


@dataclass(frozen=True, slots=True)
class Say:
    """A notification (or indication) of the sensor."""

    channel: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Measuring:
    """How a sensor measures while it streams; `lsb_g` is the size of one count."""

    fs: int
    range_g: float
    lsb_g: float = 1e-3


class Firmware(Protocol):
    """One sensor's firmware."""

    @property
    def services(self) -> tuple[Service, ...]:
        """Return its GATT services."""
        ...

    @property
    def mtu(self) -> int:
        """Return the largest ATT MTU that it agrees to."""
        ...

    @property
    def frame_samples(self) -> int:
        """Return the number of samples that it usually sends in one notification."""
        ...

    @property
    def measuring(self) -> Measuring | None:
        """Return how it streams; None while it does not. A new object is a new stream."""
        ...

    def read(self, channel: str) -> bytes:
        """Return the value of an attribute that can be read."""
        ...

    def write(self, channel: str, data: bytes) -> list[Say]:
        """Execute a written command; return its answers. Invalid ones are refused or ignored."""
        ...

    def listened(self, channel: str, on: bool) -> None:
        """Process a central's subscription to an attribute, or its end."""
        ...

    def link_lost(self) -> None:
        """Process the loss of the link."""
        ...

    def frame(self, last_ns: int, counts: Counts) -> Say:
        """Return samples encoded as one notification.

        Parameters
        ----------
        last_ns : the sensor's own time of the last of them, since it was switched on
        counts : (n, 3), n >= 1
        """
        ...

    def charge(self, percent: int) -> list[Say]:
        """Set the battery's charge; return the notifications about it."""
        ...

    def stop_by_itself(self) -> list[Say]:
        """End the stream but stay connected, as the device may do; return the notifications."""
        ...


@runtime_checkable
class WithButton(Protocol):
    """Firmware of a sensor that has a button."""

    def press(self, *, down: bool) -> list[Say]:
        """Press the button, or let it go; return the notifications."""
        ...


def pressed(firmware: Firmware, *, down: bool) -> list[Say]:
    """Press a sensor's button, or let it go; nothing happens to one that has none."""
    return firmware.press(down=down) if isinstance(firmware, WithButton) else []


@dataclass(frozen=True, slots=True, kw_only=True)
class Wearable:
    """A family of virtual sensors.

    Parameters
    ----------
    name : the contract's device name
    called : returns the advertised name for a serial number
    make : its firmware, given the rate of the motion that it will feel: a rate that no such sensor
        has is offered as it is, a deviation of the simulation, so that no sample need be altered
    advertises : service UUIDs in its advertisement
    """

    name: str
    called: Callable[[int], str]
    make: Callable[[int], Firmware]
    advertises: tuple[str, ...] = ()
