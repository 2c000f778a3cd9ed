"""A virtual sensor with self-made firmware: the open frame, `docs/open-frame.md`."""

from __future__ import annotations

import struct

from firmware_sim.wearables.firmware import (
    Attribute,
    Can,
    Counts,
    Measuring,
    Say,
    Service,
    Wearable,
)

SERVICE = "765c0001-1c6d-4517-a3d6-51a42b91143f"
FRAMES = "765c0002-1c6d-4517-a3d6-51a42b91143f"
ABOUT = "765c0003-1c6d-4517-a3d6-51a42b91143f"
BUTTON = "765c0004-1c6d-4517-a3d6-51a42b91143f"

VERSION = 1
TICKS_HZ = 32768
RATE_STEPS = 256  # the rate is sent in this fraction of 1 Hz
UNKNOWN_BATTERY = 255
HEADER, SAMPLE, TAIL = 8, 6, 1
NOTIFICATION_HEADER = 3  # ATT opcode and handle
MOST_SAMPLES = 83
"""Most samples in the 512 octets of the longest attribute."""

RANGE_G, COUNT_G = 16, 1e-3
BOOT_TICKS = 3 * TICKS_HZ
"""Shown when the stream first starts: it was switched on a moment before."""


def samples_that_fit(mtu: int) -> int:
    """Return how many samples one notification holds, at least 1."""
    room = (mtu - NOTIFICATION_HEADER - HEADER - TAIL) // SAMPLE
    return min(max(room, 1), MOST_SAMPLES)


def encode_frame(sequence: int, tick: int, counts: Counts, battery: int = UNKNOWN_BATTERY) -> bytes:
    """Write one frame.

    Parameters
    ----------
    sequence, tick : as they are counted; 16 and 32 bits of them are sent
    counts : (n, 3), mg, 1 <= n <= 83
    battery : per cent; more than 100 is written as 100, 255 is unknown
    """
    head = struct.pack("<BHIB", VERSION, sequence % 2**16, tick % 2**32, len(counts))
    charge = battery if battery == UNKNOWN_BATTERY else min(battery, 100)
    return head + counts.astype("<i2").tobytes() + bytes((charge,))


def encode_about(rate_steps: int, range_g: int, name: bytes) -> bytes:
    """Return an about value; the rate is in 1/256 Hz."""
    return struct.pack("<BBI", VERSION, range_g, rate_steps) + name


class OpenFrameFirmware:
    """One sensor's firmware: it streams to every subscriber.

    Parameters
    ----------
    fs : rate that it samples at, Hz
    """

    mtu = 247
    frame_samples = 25
    services = (
        Service(
            SERVICE,
            (
                Attribute(ABOUT, Can.READ),
                Attribute(FRAMES, Can.NOTIFY),
                Attribute(BUTTON, Can.READ | Can.NOTIFY),
            ),
        ),
    )

    def __init__(self, fs: int) -> None:
        self._fs = fs
        self._sequence = -1
        self._first_tick: int | None = None  # of the last frame
        self._percent = 100
        self._untold, self._heeded = False, False  # a press, and whether anybody subscribed to it
        self.measuring: Measuring | None = None

    def read(self, channel: str) -> bytes:
        """Return the about value, or whether a press was not told yet."""
        if channel == BUTTON:
            untold, self._untold = self._untold, False
            return bytes((untold,))
        return encode_about(self._fs * RATE_STEPS, RANGE_G, b"virtual open frame")

    def write(self, channel: str, data: bytes) -> list[Say]:  # noqa: ARG002
        """Ignore it: nothing can be written."""
        return []

    def listened(self, channel: str, on: bool) -> None:
        """Start or stop with the subscription."""
        if channel == FRAMES:
            self.measuring = Measuring(self._fs, RANGE_G, COUNT_G) if on else None
        elif channel == BUTTON:
            self._heeded = on

    def link_lost(self) -> None:
        """Stop sending."""
        self.measuring, self._heeded = None, False

    def frame(self, last_ns: int, counts: Counts) -> Say:
        """Encode one frame; one with the same first sample as the last replaces it, shorter."""
        last_tick = last_ns * TICKS_HZ / 1e9 + BOOT_TICKS
        first_tick = round(last_tick - (len(counts) - 1) * TICKS_HZ / self._fs)
        self._sequence += first_tick != self._first_tick
        self._first_tick = first_tick
        return Say(FRAMES, encode_frame(self._sequence, first_tick, counts, self._percent))

    def charge(self, percent: int) -> list[Say]:
        """Send the battery level with the next frame."""
        self._percent = percent
        return []

    def press(self, *, down: bool) -> list[Say]:
        """Press the button; letting it go is not told."""
        if down and self._heeded:
            return [Say(BUTTON, b"\1")]
        self._untold = self._untold or down
        return []

    def stop_by_itself(self) -> list[Say]:
        """Stop sending: the protocol has no message for it."""
        self.measuring = None
        return []


OPEN_FRAME = Wearable(
    name="open-frame",
    called=lambda serial: f"Open {serial:08X}",
    make=OpenFrameFirmware,
    advertises=(SERVICE,),
)
