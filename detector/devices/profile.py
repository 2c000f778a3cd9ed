"""Interface of a sensor driver: bytes in, values out, no I/O.

A `Driver` describes a family of sensors; a `Conversation` is one connection with one of them.
The session round it subscribes to `Driver.channels` in order, performs the writes of `open()`,
passes every notification to `feed()` and performs the writes that it returns.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from detector.block import Block, Samples, Timebase


class Support(StrEnum):
    """How far a family of sensors can be relied upon for a night."""

    RECOMMENDED = "recommended"
    SUPPORTED = "supported"
    TRYING = "for trying out"


class TriedWith(StrEnum):
    """What a driver was tried with."""

    REAL = "bytes of real sensors"
    SIMULATED = "simulated only"


NOT_TOLD = "not told"
"""What a data sheet says of the battery where a sensor has no gauge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSheet:
    """Facts for people about a family of sensors; `docs/devices.md` is made of these.

    Parameters
    ----------
    title : name on the box
    fs : rate that the driver asks for, or that the sensor has, Hz
    floor_s : how long a sample waits in the sensor until it is sent: no event is known sooner
    battery, loss : where the charge is read, and how lost samples are noticed, in a few words
    button : which button calls for help, in a few words
    advice : for the person who wears it, a sentence or two
    source : where the protocol's facts are from
    serial : pattern of the advertised names, where they hold the sensor's serial number
    """

    title: str
    support: Support
    evidence: TriedWith
    fs: float
    range_g: float
    floor_s: float
    battery: str
    loss: str
    advice: str
    source: str
    serial: str = ""
    button: str = "none"


@dataclass(frozen=True, slots=True)
class Advertisement:
    """What a scan heard. `name` is hostile text: show it escaped, decide nothing by it alone."""

    address: str
    name: str
    rssi_dbm: int | None = None
    services: frozenset[str] = frozenset()  # 128-bit UUIDs, lower case


@dataclass(frozen=True, slots=True)
class Write:
    """The session must write this to the sensor."""

    channel: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Started:
    """The sensor has begun to stream; rate and range."""

    fs: float  # Hz
    range_g: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Samples decoded from one packet, oldest first.

    `fs` is None while the sensor has not sent its rate; `last_ns` is the sensor's own time of the
    last sample, None for a sensor that sends none.
    """

    samples: Samples  # (n, 3), g
    fs: float | None
    last_ns: int | None


@dataclass(frozen=True, slots=True)
class Battery:
    """Charge that the sensor reports, 0 to 100."""

    percent: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """The sensor ended the stream by itself although the link stays up: start it again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The sensor cannot stream as it is: disconnect, tell the user why, try again later."""

    reason: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something the user should know although the stream goes on."""

    text: str


@dataclass(frozen=True, slots=True)
class ButtonPressed:
    """The wearer has pressed a button of the sensor: a call for help.

    One press is one, however long it is held; what comes within 2 s of it belongs to it
    (`Interpreter`).
    """


Output = (
    Write | Started | Chunk | Block | Timebase | Battery | Stopped | Refused | Note | ButtonPressed
)
"""A `Block` comes from a file, whose samples have their index already; a `Timebase` dates them."""


class Conversation(Protocol):
    """One connection with one sensor."""

    def open(self) -> list[Write]:
        """Return the first commands, once all channels are subscribed."""
        ...

    def feed(self, channel: str, data: bytes) -> list[Output]:
        """Take one notification.

        Raises
        ------
        ProtocolError
            The bytes make no sense. Count it and go on: the conversation stays usable.
        """
        ...

    def restart(self) -> list[Write]:
        """Return the commands that make a silent stream begin anew on the same link."""
        ...

    def close(self) -> list[Write]:
        """Return the commands that stop the stream, which would drain the battery."""
        ...


@dataclass(frozen=True, slots=True)
class Decoded:
    """What the `decode` command prints of one notification."""

    t_ns: int | None
    samples: Samples


class Driver(Protocol):
    """A family of sensors that speak the same protocol."""

    @property
    def name(self) -> str:
        """The device name of the contract, such as `polar-verity-sense`."""
        ...

    @property
    def sheet(self) -> DataSheet:
        """Facts about it for people."""
        ...

    @property
    def read_first(self) -> tuple[str, ...]:
        """Characteristics to read before anything else, because they decide how others are decoded.

        Their values reach `Conversation.feed` like notifications; one that is missing is not read.
        """
        ...

    @property
    def channels(self) -> tuple[str, ...]:
        """Characteristics to subscribe to, in this order (control before data)."""
        ...

    @property
    def optional_channels(self) -> tuple[str, ...]:
        """Characteristics to read once and subscribe to where the sensor has them.

        Such as its battery and its button; it streams without them, too.
        """
        ...

    def recognises(self, advertisement: Advertisement) -> bool:
        """Whether this driver works with a sensor that advertises so."""
        ...

    def converse(self) -> Conversation:
        """Return the state of a new connection."""
        ...

    def decode(self, data: bytes) -> Decoded:
        """Decode one data notification by itself, for bug reports and new drivers."""
        ...
