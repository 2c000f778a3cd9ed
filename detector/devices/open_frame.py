"""The open frame: a protocol of our own for firmware that people write themselves.

`docs/open-frame.md` is its specification; encoders in C and JavaScript lie beside it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from detector.block import AXES, Samples
from detector.devices.buttons import ButtonState
from detector.devices.counters import unwrapped
from detector.devices.family import Family
from detector.devices.profile import (
    Battery,
    Chunk,
    DataSheet,
    Decoded,
    Note,
    Output,
    Refused,
    Started,
    Support,
    TriedWith,
    Write,
)
from detector.errors import ProtocolError

# Drawn at random for this purpose; all but two bytes are common, which saves a sensor's memory.
SERVICE = "765c0001-1c6d-4517-a3d6-51a42b91143f"
FRAMES = "765c0002-1c6d-4517-a3d6-51a42b91143f"
ABOUT = "765c0003-1c6d-4517-a3d6-51a42b91143f"
BUTTON = "765c0004-1c6d-4517-a3d6-51a42b91143f"

VERSION = 1
TICKS_HZ = 32768  # of the watch crystal that nearly every Bluetooth chip counts its sleep by
RATE_UNIT_HZ = 1 / 256

LOWEST_RATE_HZ = 15  # below, the clonus band (3 to 8 Hz) does not fit under half the rate
HIGHEST_RATE_HZ = 2000  # more is of no use and drains a coin cell; far more is a wrong unit
LONGEST_NAME = 64  # octets

_HEAD = struct.Struct("<BHIB")  # version, sequence, tick of the first sample, number of samples
_SAMPLE_BYTES = 2 * AXES
_ABOUT = struct.Struct("<BBI")  # version, range in g, rate in 1/256 Hz; a name follows
_LOST_IN_SENSOR, _SKIPPED_NUMBER = "lost in the sensor", "skipped number"


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One notification. `tick` is the first sample's; `battery` is None where it is unknown."""

    sequence: int  # of the frame, modulo 2**16
    tick: int  # modulo 2**32
    samples: Samples  # (n, 3), g, n >= 1
    battery: int | None  # per cent


@dataclass(frozen=True, slots=True)
class About:
    """Values that a sensor states before it streams; `name` is hostile text."""

    fs: float  # Hz
    range_g: int
    name: str


def parse_frame(data: bytes) -> Frame:
    """Read a frame.

    Raises
    ------
    ProtocolError
        Another version, no samples, or not as long as it should be.
    """
    if len(data) < _HEAD.size:
        raise ProtocolError(f"open frame: header cut short at byte {len(data)} of {_HEAD.size}")
    version, sequence, tick, count = _HEAD.unpack_from(data)
    _check_version(version, "open frame")
    size = _HEAD.size + count * _SAMPLE_BYTES + 1
    if count == 0:
        raise ProtocolError("open frame: 0 samples at byte 7; send a frame when it has some")
    if len(data) != size:
        raise ProtocolError(
            f"open frame: {len(data)} bytes where {count} samples need {size}: what does not fit "
            "the MTU is cut, so put fewer samples into a frame"
        )
    counts = np.frombuffer(data, "<i2", count * AXES, _HEAD.size).reshape(count, AXES)
    battery = data[-1]
    return Frame(sequence, tick, counts / 1000, battery if battery <= 100 else None)


def parse_about(data: bytes) -> About:
    """Return the values of the about characteristic.

    Raises
    ------
    ProtocolError
        Another version, cut short, too long, or without a range.
    """
    if not _ABOUT.size <= len(data) <= _ABOUT.size + LONGEST_NAME:
        raise ProtocolError(
            f"open frame: {len(data)} bytes in the about characteristic, which has "
            f"{_ABOUT.size} to {_ABOUT.size + LONGEST_NAME}"
        )
    version, range_g, rate = _ABOUT.unpack_from(data)
    _check_version(version, "open frame's about characteristic")
    if range_g == 0:
        raise ProtocolError("open frame: a range of 0 g in the about characteristic")
    name = data[_ABOUT.size :].decode("utf-8", errors="replace")
    return About(rate * RATE_UNIT_HZ, range_g, name)


def _decode(data: bytes) -> Decoded:
    """Decode one frame; the time is its first sample's, by the sensor's ticks."""
    frame = parse_frame(data)
    return Decoded(round(frame.tick / TICKS_HZ * 1e9), frame.samples)


class OpenFrameConversation:
    """One connection: the about characteristic, then frames.

    Nothing is written to it: it streams as long as it is subscribed to.
    """

    def __init__(self) -> None:
        self._about: About | None = None
        self._refused = Refused(
            "the sensor does not say its rate; its firmware must have the about characteristic "
            "(docs/open-frame.md)"
        )
        self._sequence: int | None = None  # of the last frame, counted on beyond 16 bits
        self._tick: int | None = None  # of its first sample, beyond 32 bits
        self._count = 0  # its samples
        self._battery: int | None = None
        self._noted: set[str] = set()
        self._button = ButtonState(first_counts=True)

    def open(self) -> list[Write]:
        """Write nothing: a subscription is enough."""
        return []

    def feed(self, channel: str, data: bytes) -> list[Output]:
        """Take one notification, or what was read; ProtocolError when it makes no sense."""
        if channel == ABOUT:
            return self._introduced(parse_about(data))
        if channel == FRAMES:
            frame = parse_frame(data)
            return [self._refused] if self._about is None else self._take(frame, self._about)
        if channel == BUTTON:
            return self._button.feed(data)
        raise ProtocolError(f"nothing is expected on channel {channel}")

    def restart(self) -> list[Write]:
        """Write nothing: only a new link makes a silent sensor begin anew."""
        return []

    def close(self) -> list[Write]:
        """Write nothing: it stops without a subscriber."""
        return []

    def _introduced(self, about: About) -> list[Output]:
        if LOWEST_RATE_HZ <= about.fs <= HIGHEST_RATE_HZ:
            self._about = about
            return [Started(about.fs, float(about.range_g))]
        self._about = None
        self._refused = Refused(
            f"the firmware {about.name!r} samples at {about.fs:g} Hz by its own account; "
            f"{LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} are needed, given in 1/256 Hz"
        )
        return [self._refused]

    def _take(self, frame: Frame, about: About) -> list[Output]:
        before, tick_before, count_before = self._sequence, self._tick, self._count
        self._sequence = unwrapped(frame.sequence, before, 16)
        self._tick = unwrapped(frame.tick, tick_before, 32)
        self._count = len(frame.samples)
        outputs: list[Output] = []
        if before is not None and tick_before is not None:
            advance = (self._tick - tick_before) / TICKS_HZ * about.fs - count_before
            outputs += self._compare(self._sequence - before - 1, round(advance))
        if frame.battery is not None and frame.battery != self._battery:
            outputs.append(Battery(frame.battery))
        self._battery = frame.battery
        last_s = self._tick / TICKS_HZ + (self._count - 1) / about.fs
        return [*outputs, Chunk(frame.samples, about.fs, round(last_s * 1e9))]

    def _compare(self, frames: int, samples: int) -> list[Output]:
        """Return a note, once, where sequence and ticks disagree on what was lost.

        Whatever is lost is measured by the ticks; this is for whoever writes the firmware.
        """
        missing = 2 * samples > self._count  # less is the jitter of its clock, not a loss
        if frames == 0 and missing:
            return self._note(
                _LOST_IN_SENSOR,
                f"the sensor lost {samples} samples before it sent them: no frame is missing, but "
                "its ticks jump (a buffer that ran over, or a clock that was set)",
            )
        if frames > 0 and samples >= 0 and not missing:
            return self._note(
                _SKIPPED_NUMBER,
                f"the sensor's sequence skips {frames} although no time is missing: "
                "it must count frames",
            )
        return []

    def _note(self, kind: str, text: str) -> list[Output]:
        if kind in self._noted:
            return []
        self._noted.add(kind)
        return [Note(text)]


def _check_version(version: int, what: str) -> None:
    if version != VERSION:
        raise ProtocolError(
            f"{what}: version {version} at byte 0; only {VERSION} is known here, so update "
            "spasmwatch or the firmware"
        )


OPEN_FRAME = Family(
    name="open-frame",
    recognises=lambda ad: SERVICE in ad.services,  # names are free
    converse=OpenFrameConversation,
    decode=_decode,
    read_first=(ABOUT,),  # without its rate, samples have no time
    channels=(FRAMES,),  # it streams as long as it is subscribed to
    optional_channels=(BUTTON,),
    sheet=DataSheet(
        title="Your own firmware (ESP32, Bangle.js, …)",
        support=Support.TRYING,
        evidence=TriedWith.SIMULATED,
        fs=50,
        range_g=8,
        floor_s=0.5,  # 25 samples a frame; whoever builds it may choose
        battery="in every frame",
        button="if yours has one",
        loss="sequence and time stamps: to the sample",
        advice="For whoever builds a sensor: docs/open-frame.md has the layout, the rules, and "
        "encoders in C and JavaScript. How well it wears and lasts is up to its builder.",
        source="docs/open-frame.md, version 1",
    ),
)
