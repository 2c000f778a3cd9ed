"""The BBC micro:bit's Bluetooth accelerometer and button services, for trying out.

Facts from Lancaster University's micro:bit documentation (Bluetooth profile, accelerometer and
button) and what its runtime does (microbit-dal and codal-microbit-v2,
MicroBitAccelerometerService.cpp, MicroBitButtonService.cpp). No bytes of a real micro:bit were at
hand.
"""

from __future__ import annotations

import numpy as np

from detector.block import AXES, Samples
from detector.devices.buttons import ButtonState
from detector.devices.family import Family
from detector.devices.profile import (
    NOT_TOLD,
    Chunk,
    DataSheet,
    Decoded,
    Output,
    Started,
    Support,
    TriedWith,
    Write,
)
from detector.errors import ProtocolError

SERVICE = "e95d0753-251d-470a-a062-fa1922dfa9a8"
DATA = "e95dca4b-251d-470a-a062-fa1922dfa9a8"
PERIOD = "e95dfb24-251d-470a-a062-fa1922dfa9a8"

BUTTON_A = "e95dda90-251d-470a-a062-fa1922dfa9a8"  # of the button service, which may be missing
BUTTON_B = "e95dda91-251d-470a-a062-fa1922dfa9a8"

PERIODS_MS = (1, 2, 5, 10, 20, 80, 160, 640)  # what the profile allows; 0 makes it crash
PERIOD_MS = 20  # its own default, and the analysis grid's rate
RATE_HZ = 1000 / PERIOD_MS
RANGE_G = 2.0  # the runtime's default; a program can set 1 to 8 g, without notice

WIDEST_G = 16.1  # the widest range of any of its parts is 16 g; the rest is for rounding

_SAMPLE_BYTES = 2 * AXES
# A new period takes effect within a round trip or two; earlier samples may be at the old one.
_SETTLED_S = 1
_SET_PERIOD = PERIOD_MS.to_bytes(2, "little")


class MicrobitConversation:
    """One connection: the period, then a sample a notification."""

    def __init__(self) -> None:
        self._fs: float | None = None  # known once the period is the one set
        self._unsettled = round(_SETTLED_S * RATE_HZ)  # samples that may be at the old period
        # A button that was let go while there was no connection is still said to be pressed.
        self._buttons = {each: ButtonState(first_counts=False) for each in (BUTTON_A, BUTTON_B)}

    def open(self) -> list[Write]:
        """Set the period."""
        return [Write(PERIOD, _SET_PERIOD)]

    def feed(self, channel: str, data: bytes) -> list[Output]:
        """Take one notification; ProtocolError when it makes no sense."""
        if channel == DATA:
            samples = _samples(data)
            return [*self._settle(len(samples)), Chunk(samples, self._fs, None)]
        if channel == PERIOD:
            return self._told_period(data)
        if channel in self._buttons:
            return self._buttons[channel].feed(data)
        raise ProtocolError(f"nothing is expected on channel {channel}")

    def restart(self) -> list[Write]:
        """Set the period again: the only command that it has."""
        return self.open()

    def close(self) -> list[Write]:
        """Return nothing: it stops without a subscriber."""
        return []

    def _told_period(self, data: bytes) -> list[Output]:
        period_ms = int.from_bytes(data, "little")
        if len(data) != len(_SET_PERIOD) or not period_ms:
            raise ProtocolError(f"period: {data[:8].hex(' ') or 'nothing'} is no number of ms")
        if period_ms == PERIOD_MS:
            self._unsettled = 0
            return self._settle(0)
        self._fs = None
        self._unsettled = round(_SETTLED_S * max(RATE_HZ, 1000 / period_ms))
        return []

    def _settle(self, count: int) -> list[Output]:
        """Count the samples of an old period; return `Started` when the rate is right."""
        if self._fs is not None:
            return []
        if self._unsettled > 0:
            self._unsettled -= count
            return []
        self._fs = RATE_HZ
        return [Started(RATE_HZ)]


def _samples(data: bytes) -> Samples:
    """Return samples, (n, 3) in g, from three axes in mg; usually one sample."""
    if not data or len(data) % _SAMPLE_BYTES:
        raise ProtocolError(f"{len(data)} bytes of acceleration are no multiple of {_SAMPLE_BYTES}")
    samples: Samples = np.frombuffer(data, "<i2").reshape(-1, AXES) / 1000
    peak_g = float(np.abs(samples).max())
    if peak_g > WIDEST_G:
        raise ProtocolError(f"{peak_g:.4g} g is beyond any range of the sensor (16 g)")
    return samples


MICROBIT = Family(
    name="microbit",
    recognises=lambda ad: ad.name.startswith("BBC micro:bit"),  # "BBC micro:bit [zuvup]"
    converse=MicrobitConversation,
    decode=lambda data: Decoded(None, _samples(data)),
    read_first=(PERIOD,),  # samples at another period are of no use
    channels=(DATA,),  # sent as soon as it is subscribed to
    optional_channels=(BUTTON_A, BUTTON_B),
    sheet=DataSheet(
        title="BBC micro:bit",
        support=Support.TRYING,
        evidence=TriedWith.SIMULATED,
        fs=RATE_HZ,
        range_g=RANGE_G,
        floor_s=1 / RATE_HZ,
        battery=NOT_TOLD,
        button="A and B, with the Bluetooth button service",
        loss="no stamps, no counter: only a lost link or a silence of seconds",
        advice="Its program must have the Bluetooth accelerometer service. Pair it first (hold A "
        "and B, press reset, then `bluetoothctl pair`), or choose 'No pairing required' in the "
        "project's settings in MakeCode; there, 'set accelerometer range 8g' keeps a kick from "
        "being cut off.",
        source="Lancaster University, micro:bit Bluetooth profile; microbit-dal, codal-microbit-v2",
    ),
)
