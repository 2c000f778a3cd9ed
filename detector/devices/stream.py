"""Items that come from a sensor over time, which a recording keeps and a replay returns."""

from __future__ import annotations

from dataclasses import dataclass

from detector.devices.profile import Output


@dataclass(frozen=True, slots=True)
class LinkUp:
    """A connection is made and its conversation begins. `session` counts from 1, never twice."""

    session: int
    driver: str  # the contract's device name
    address: str
    name: str  # as advertised: hostile text
    mono_ns: int  # host's monotonic clock
    utc_ns: int  # host's wall clock, ns since 1970


@dataclass(frozen=True, slots=True)
class Packet:
    """One notification as it was received."""

    session: int
    channel: str  # characteristic UUID, lower case
    data: bytes
    mono_ns: int  # host's monotonic clock at arrival
    utc_ns: int


@dataclass(frozen=True, slots=True)
class LinkDown:
    """The connection is gone."""

    session: int
    reason: str
    mono_ns: int
    utc_ns: int


Item = LinkUp | Packet | LinkDown


@dataclass(frozen=True, slots=True)
class Reading:
    """An item, and what the driver made of it; `error` is the reason when it made nothing."""

    item: Item
    outputs: tuple[Output, ...] = ()
    error: str | None = None
