"""What a virtual sensor's firmware is: what is written to it in, what it says out.

It knows neither radio nor clock; `firmware_sim.sensors` plays it on the virtual air.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Flag, auto
from typing import Protocol

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
"""The standard one."""


@dataclass(frozen=True, slots=True)
class Say:
    """The sensor notifies (or indicates) this."""

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
        """What can be found in it."""
        ...

    @property
    def mtu(self) -> int:
        """Largest ATT MTU that it agrees to."""
        ...

    @property
    def frame_samples(self) -> int:
        """Samples that it usually gathers for one notification."""
        ...

    @property
    def measuring(self) -> Measuring | None:
        """How it streams; None while it does not. A new object is a new stream."""
        ...

    def read(self, channel: str) -> bytes:
        """Return the value of an attribute that can be read."""
        ...

    def write(self, channel: str, data: bytes) -> list[Say]:
        """Obey what is written, if it can be obeyed."""
        ...

    def listened(self, channel: str, on: bool) -> None:
        """Learn that a central subscribed to an attribute, or no longer does."""
        ...

    def link_lost(self) -> None:
        """Learn that nobody is connected any more."""
        ...

    def frame(self, last_ns: int, counts: Counts) -> Say:
        """Write samples as one notification.

        Parameters
        ----------
        last_ns : the sensor's own time of the last of them, since it was switched on
        counts : (n, 3), n >= 1
        """
        ...

    def charge(self, percent: int) -> list[Say]:
        """Learn what the battery holds; return what there is to say of it."""
        ...

    def stop_by_itself(self) -> list[Say]:
        """End the stream as the device may do while it stays connected."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wearable:
    """A family of virtual sensors.

    Parameters
    ----------
    name : the contract's device name
    called : advertised name of the sensor with this serial number
    make : its firmware, given the rate of the motion that it will feel: a rate that no such sensor
        has is offered as it is, a liberty of the simulation, so that no sample need be altered
    advertises : service UUIDs in its advertisement
    """

    name: str
    called: Callable[[int], str]
    make: Callable[[int], Firmware]
    advertises: tuple[str, ...] = ()
