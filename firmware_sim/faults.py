"""Faults of a virtual sensor, its link and its surroundings: one frozen value each.

Times are the sensor's own, in seconds since its stream first started; at 0 a fault is active
before the first connection. `docs/faults.md` describes the effect of each on a listener.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal

Axis = Literal["x", "y", "z"]
SMALLEST_MTU = 23  # of ATT on LE (Core, vol. 3, part G, 5.2.1): in force without an exchange
LARGEST_MTU = 517  # an attribute of 512 octets with the longest header
MOST_PPM = 10_000  # a hundred times a bad crystal; beyond it, use a wrong rate
MOST_NEIGHBOURS = 2000  # as in a stadium; each is a controller of its own here


@dataclass(frozen=True, slots=True)
class Spell:
    """A fault that begins at `at_s` and ends `for_s` seconds later; never without `for_s`."""

    kind: ClassVar[str]
    at_s: float = 0.0
    for_s: float = math.inf

    def __post_init__(self) -> None:
        _at_least_zero("at_s", self.at_s)
        if not self.for_s > 0:
            raise ValueError(f"for_s must be more than 0, got {self.for_s:g}")

    @property
    def end_s(self) -> float:
        """Return its end, s."""
        return self.at_s + self.for_s


@dataclass(frozen=True, slots=True)
class Instant:
    """A fault that happens at `at_s`."""

    kind: ClassVar[str]
    at_s: float = 0.0

    def __post_init__(self) -> None:
        _at_least_zero("at_s", self.at_s)

    @property
    def end_s(self) -> float:
        """Return the earliest time of the next one of its kind, s."""
        return math.nextafter(self.at_s, math.inf)


# The link


@dataclass(frozen=True, slots=True)
class LinkDrop(Spell):
    """The sensor is out of reach from `at_s` for `for_s` seconds.

    What it would have sent meanwhile is lost; the other side sees a supervision timeout (0x08)
    at once, without the seconds that a real radio needs to detect it.
    """

    kind = "link-drop"

    def __post_init__(self) -> None:
        if not (0 < self.at_s < math.inf and 0 < self.for_s < math.inf):
            raise ValueError(f"a drop needs two positive numbers of seconds, got {self}")


@dataclass(frozen=True, slots=True)
class OutOfRange(Spell):
    """Nothing gets across: packets are late, and the link is lost once its timeout has passed."""

    kind = "out-of-range"


@dataclass(frozen=True, slots=True)
class SlowLink(Spell):
    """Packets get across only at connection events, few at a time, and some events fail."""

    kind = "slow-link"
    interval_s: float = 0.4
    pdus_per_event: int = 1
    lost_events: float = 0.0

    def __post_init__(self) -> None:
        Spell.__post_init__(self)
        if not 0.0075 <= self.interval_s <= 4:  # Core 5.4, vol. 6, part B, 4.5.1
            raise ValueError(f"interval_s must be 0.0075 to 4, got {self.interval_s:g}")
        if not 1 <= self.pdus_per_event <= 100:
            raise ValueError(f"pdus_per_event must be 1 to 100, got {self.pdus_per_event}")
        if not 0 <= self.lost_events <= 0.9:
            raise ValueError(f"lost_events must be 0 to 0.9, got {self.lost_events:g}")


@dataclass(frozen=True, slots=True)
class Burst(Spell):
    """Notifications are held back in the listening host, and released together at the end."""

    kind = "burst"

    def __post_init__(self) -> None:
        Spell.__post_init__(self)
        _must_end(self)


@dataclass(frozen=True, slots=True)
class HostLoss(Spell):
    """The listening host loses a share of the notifications after the radio received them."""

    kind = "host-loss"
    share: float = 1.0

    def __post_init__(self) -> None:
        Spell.__post_init__(self)
        _share(self.share)


@dataclass(frozen=True, slots=True)
class Duplicates(Spell):
    """Every notification arrives twice, as after subscribing twice."""

    kind = "duplicates"


@dataclass(frozen=True, slots=True)
class SmallMtu:
    """The sensor limits the MTU; longer frames are sent in parts, or cut off by ATT."""

    kind: ClassVar[str] = "mtu"
    octets: int = SMALLEST_MTU
    frames: Literal["smaller", "cut"] = "smaller"

    def __post_init__(self) -> None:
        if not SMALLEST_MTU <= self.octets <= LARGEST_MTU:
            raise ValueError(f"octets must be {SMALLEST_MTU} to {LARGEST_MTU}, got {self.octets}")
        _one_of("frames", self.frames, ("smaller", "cut"))


# The sensor


@dataclass(frozen=True, slots=True)
class Overflow(Spell):
    """The sensor loses samples before they are sent; its time stamps jump over them."""

    kind = "overflow"

    def __post_init__(self) -> None:
        Spell.__post_init__(self)
        _must_end(self)


@dataclass(frozen=True, slots=True)
class Drift(Instant):
    """From this moment the sensor's crystal runs too fast; its time stamps stay nominal."""

    kind = "drift"
    ppm: float = 0.0

    def __post_init__(self) -> None:
        Instant.__post_init__(self)
        if not abs(self.ppm) <= MOST_PPM:
            raise ValueError(f"ppm must be -{MOST_PPM} to {MOST_PPM}, got {self.ppm:g}")


@dataclass(frozen=True, slots=True)
class WrongRate(Spell):
    """The sensor samples faster than it states (slower below 0); its time stamps stay nominal."""

    kind = "wrong-rate"
    percent: float = 16.0  # as much as two PineTimes differed by (OpenSeizureDetector issue 262)

    def __post_init__(self) -> None:
        Spell.__post_init__(self)
        if not -90 <= self.percent <= 900:
            raise ValueError(f"percent must be -90 to 900, got {self.percent:g}")


@dataclass(frozen=True, slots=True)
class Uptime:
    """The sensor has been on, and sent frames, for so long that its counters are about to wrap."""

    kind: ClassVar[str] = "uptime"
    uptime_s: float = 0.0
    frames: int = 0

    def __post_init__(self) -> None:
        _at_least_zero("uptime_s", self.uptime_s)
        if self.uptime_s > 1e9:
            raise ValueError(f"uptime_s must be at most 1e9 (30 years), got {self.uptime_s:g}")
        if not 0 <= self.frames <= 1_000_000:
            raise ValueError(f"frames must be 0 to 1000000, got {self.frames}")


@dataclass(frozen=True, slots=True)
class ClockReset(Instant):
    """The sensor's time stamps start again, as after switching it on; the stream continues."""

    kind = "clock-reset"

    def __post_init__(self) -> None:
        Instant.__post_init__(self)
        _must_come(self)


@dataclass(frozen=True, slots=True)
class StuckAxis(Spell):
    """One axis repeats its last value."""

    kind = "stuck-axis"
    axis: Axis = "x"

    def __post_init__(self) -> None:
        Spell.__post_init__(self)
        _one_of("axis", self.axis, ("x", "y", "z"))


@dataclass(frozen=True, slots=True)
class SaturatedAxis(Spell):
    """One axis is at the end of the sensor's range."""

    kind = "saturated-axis"
    axis: Axis = "x"

    def __post_init__(self) -> None:
        Spell.__post_init__(self)
        _one_of("axis", self.axis, ("x", "y", "z"))


@dataclass(frozen=True, slots=True)
class BatteryDrain(Spell):
    """The battery runs down to 0 % within `for_s`; then the sensor stays off."""

    kind = "battery-drain"

    def __post_init__(self) -> None:
        Spell.__post_init__(self)
        _must_end(self)


@dataclass(frozen=True, slots=True)
class Stop(Instant):
    """The sensor ends its stream by itself and stays connected."""

    kind = "stop"

    def __post_init__(self) -> None:
        Instant.__post_init__(self)
        _must_come(self)


@dataclass(frozen=True, slots=True)
class ButtonPress(Spell):
    """The wearer presses the sensor's button: no fault, but it happens at a time like one."""

    kind = "button-press"
    for_s: float = 0.3

    def __post_init__(self) -> None:
        Spell.__post_init__(self)
        _must_end(self)


@dataclass(frozen=True, slots=True)
class Garbage(Spell):
    """A share of the frames is followed by random bytes, cut short, or has one bit flipped."""

    kind = "garbage"
    what: Literal["random", "truncated", "flipped"] = "random"
    share: float = 1.0

    def __post_init__(self) -> None:
        Spell.__post_init__(self)
        _one_of("what", self.what, ("random", "truncated", "flipped"))
        _share(self.share)


# The neighbourhood


@dataclass(frozen=True, slots=True)
class Clone:
    """A stronger sensor of the same name at another address, with another motion or none."""

    kind: ClassVar[str] = "clone"
    stronger_db: int = 20
    sends: Literal["nothing", "other motion"] = "nothing"

    def __post_init__(self) -> None:
        if not -40 <= self.stronger_db <= 40:
            raise ValueError(f"stronger_db must be -40 to 40, got {self.stronger_db}")
        _one_of("sends", self.sends, ("nothing", "other motion"))


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Other devices that advertise and are not sensors."""

    kind: ClassVar[str] = "neighbours"
    count: int = 200

    def __post_init__(self) -> None:
        if not 0 <= self.count <= MOST_NEIGHBOURS:
            raise ValueError(f"count must be 0 to {MOST_NEIGHBOURS}, got {self.count}")


Timed = Spell | Instant
Fault = Timed | SmallMtu | Uptime | Clone
"""Any fault of one sensor."""

KINDS: dict[str, type[Fault | Neighbours]] = {
    each.kind: each
    for each in (
        *(OutOfRange, SlowLink, LinkDrop, Burst, HostLoss, Duplicates, SmallMtu),
        *(Overflow, Drift, WrongRate, Uptime, ClockReset, StuckAxis, SaturatedAxis),
        *(BatteryDrain, Stop, ButtonPress, Garbage, Neighbours, Clone),
    )
}
"""Every fault by its name in a script."""


def parse_drop(text: str) -> LinkDrop:
    """Return the link drop written as `AT:FOR` in seconds, such as `30:10`."""
    at, _, duration = text.partition(":")
    try:
        return LinkDrop(float(at), float(duration))
    except ValueError as error:
        raise ValueError(
            f"a drop is written AT:FOR in seconds, like 30:10, not {text!r}"
        ) from error


def in_order(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Return the faults ordered by time, first those that are active from the start.

    Raises
    ------
    ValueError
        Two of one kind overlap, which has no defined meaning.
    """
    ordered = tuple(sorted(faults, key=lambda fault: getattr(fault, "at_s", 0.0)))
    for kind in KINDS:
        for one, other in pairwise(fault for fault in ordered if fault.kind == kind):
            if not (isinstance(one, Timed) and isinstance(other, Timed)):
                raise ValueError(f"{one} and {other}: a sensor can have only one {kind}")
            if other.at_s < one.end_s:
                raise ValueError(f"{one} and {other} overlap: leave time between them")
    return ordered


def _at_least_zero(name: str, value: float) -> None:
    if not 0 <= value < math.inf:
        raise ValueError(f"{name} must be a number of 0 or more, got {value:g}")


def _must_end(spell: Spell) -> None:
    if spell.for_s == math.inf:
        raise ValueError("for_s is missing: say how many seconds it lasts")


def _must_come(instant: Instant) -> None:
    if not instant.at_s:
        raise ValueError("at_s is missing: say after how many seconds, more than 0")


def _share(value: float) -> None:
    if not 0 < value <= 1:
        raise ValueError(f"share must be more than 0 and at most 1, got {value:g}")


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")
