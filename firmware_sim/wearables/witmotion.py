"""A virtual WitMotion WT9011DCL: frames of motion, settings behind a lock, readable registers.

As in the maker's "Bluetooth 5.0 communication protocol", and strict where owners found their
sensors lenient: a setting is accepted only after the unlocking command.
"""

from __future__ import annotations

import struct
from functools import partial

import numpy as np

from firmware_sim.wearables.firmware import (
    Attribute,
    Can,
    Counts,
    Measuring,
    Say,
    Service,
    Wearable,
)

WIT_SERVICE = "0000ffe5-0000-1000-8000-00805f9a34fb"  # 9a, where the Bluetooth base has 9b
DATA = "0000ffe4-0000-1000-8000-00805f9a34fb"
COMMAND = "0000ffe9-0000-1000-8000-00805f9a34fb"

COUNT_G = 16 / 32768
RANGE_G = 16.0
RATES_HZ = {0x03: 1, 0x04: 2, 0x05: 5, 0x06: 10, 0x07: 20, 0x08: 50, 0x09: 100}
TEN_HZ, FIFTY_HZ = 0x06, 0x08
"""The maker's default, and an owner's setting: the sensor keeps it when it is switched off."""

RATE, READ, UNLOCK, BATTERY = 0x03, 0x27, 0x69, 0x64
KEY = 0xB588
FRAME = struct.Struct("<BB9h")
LONG_FRAME = struct.Struct("<BB9h4h")
REGISTERS_ANSWERED = 8

_PERCENT = (0, 5, 10, 15, 20, 30, 40, 50, 60, 75, 90, 100)
_HUNDREDTH_V = (340, 350, 368, 370, 373, 377, 379, 382, 387, 393, 396, 399)


class WitMotionFirmware:
    """The sensor's Bluetooth side; it sends while there is a subscriber.

    Parameters
    ----------
    _trace_fs : ignored: the sensor has rates of its own
    rate_code : at which it was left
    frame : FRAME, or LONG_FRAME for one of the maker's others with the same service
    """

    mtu = 83  # the longest notification that owners saw had 80 bytes
    frame_samples = 2
    services = (
        Service(
            WIT_SERVICE,
            (
                Attribute(DATA, Can.NOTIFY),
                Attribute(COMMAND, Can.WRITE | Can.WRITE_SILENTLY),
            ),
        ),
    )

    def __init__(
        self, _trace_fs: int, *, rate_code: int = FIFTY_HZ, frame: struct.Struct = FRAME
    ) -> None:
        self._frame = frame
        self._registers = {RATE: rate_code, BATTERY: _HUNDREDTH_V[-1]}
        self._unlocked = False
        self._listening = False
        self._measuring: Measuring | None = None

    @property
    def measuring(self) -> Measuring | None:
        """Return how it streams; None without a subscriber."""
        return self._measuring

    def read(self, channel: str) -> bytes:  # noqa: ARG002
        """Return nothing: there is nothing to read."""
        return b""

    def write(self, channel: str, data: bytes) -> list[Say]:  # noqa: ARG002
        """Execute a command (ff aa, register, value), or answer with registers."""
        if len(data) != 5 or data[:2] != b"\xff\xaa":
            return []
        register, value = data[2], int.from_bytes(data[3:], "little")
        if register == READ:
            return [self._answer(value)]
        if register == UNLOCK:
            self._unlocked = value == KEY
        elif register == RATE and self._unlocked and value in RATES_HZ:
            self._set_rate(value)
        return []

    def listened(self, channel: str, on: bool) -> None:
        """Start or stop with the subscription."""
        if channel == DATA:
            self._listening = on
            self._measuring = self._measure()

    def link_lost(self) -> None:
        """Stop sending; the rate stays, and settings are locked again."""
        self._unlocked = self._listening = False
        self._measuring = None

    def frame(self, last_ns: int, counts: Counts) -> Say:  # noqa: ARG002
        """Write samples as frames without rotation or angles."""
        rest = (0,) * ((self._frame.size - 2) // 2 - 3)
        frames = (self._frame.pack(0x55, 0x61, *map(int, row), *rest) for row in counts)
        return Say(DATA, b"".join(frames))

    def charge(self, percent: int) -> list[Say]:
        """Store the battery's voltage in its register."""
        self._registers[BATTERY] = round(float(np.interp(percent, _PERCENT, _HUNDREDTH_V)))
        return []

    def stop_by_itself(self) -> list[Say]:
        """Stop sending without notice."""
        self._measuring = None
        return []

    def _answer(self, first: int) -> Say:
        values = [self._registers.get(first + i, 0) for i in range(REGISTERS_ANSWERED)]
        return Say(DATA, struct.pack(f"<BBH{REGISTERS_ANSWERED}H", 0x55, 0x71, first, *values))

    def _set_rate(self, code: int) -> None:
        if code != self._registers[RATE]:
            self._registers[RATE] = code
            self._measuring = self._measure()

    def _measure(self) -> Measuring | None:
        fs = RATES_HZ[self._registers[RATE]]
        return Measuring(fs, RANGE_G, COUNT_G) if self._listening else None


def witmotion(*, rate_code: int = FIFTY_HZ) -> Wearable:
    """Return a sensor that was set to this rate."""
    return Wearable(
        name="witmotion",
        # Every sensor of a model has the same name but for a number of the model's.
        called=lambda serial: f"WT901BLE{serial % 100:02d}",
        make=partial(WitMotionFirmware, rate_code=rate_code),
        advertises=(WIT_SERVICE,),
    )


WITMOTION = witmotion()
