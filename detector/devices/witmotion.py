"""WitMotion's Bluetooth 5 motion sensors: WT901BLE, WT9011DCL and BWT901BLE.

Facts from the maker's "Bluetooth 5.0 communication protocol", its example programs
(WITMOTION/WitBluetooth_BWT901BLE5_0, MIT), and from what owners measured on a WT9011DCL-BT50: it
names itself WT901BLE67, sends two frames a notification at 50 Hz and never a part of one, keeps its
rate when it is switched off, and answers a question in the midst of its stream.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detector.block import AXES, Samples
from detector.devices.family import Family
from detector.devices.profile import (
    Advertisement,
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

# Not the Bluetooth base: it ends in 9a34fb, where that ends in 9b34fb.
SERVICE = "0000ffe5-0000-1000-8000-00805f9a34fb"
DATA = "0000ffe4-0000-1000-8000-00805f9a34fb"
COMMAND = "0000ffe9-0000-1000-8000-00805f9a34fb"

RATE_HZ = 50.0  # the analysis grid's rate; more would only cost battery
RANGE_G = 16.0
COUNT_G = RANGE_G / 32768

HEAD, MOTION, REGISTER = 0x55, 0x61, 0x71
FRAME_BYTES = 20
RATE_REGISTER, BATTERY_REGISTER = 0x03, 0x64
RATE_CODE = 0x08
RATES_HZ = {1: 0.1, 2: 0.5, 3: 1, 4: 2, 5: 5, 6: 10, 7: 20, RATE_CODE: 50, 9: 100}

# Settings are accepted for 10 s after it; the sensor that was measured needed none.
UNLOCK = bytes.fromhex("ffaa6988b5")
# Never followed by "save" (ff aa 00 00 00): it is set at every connection, and flash wears out.
SET_RATE = bytes([0xFF, 0xAA, RATE_REGISTER, RATE_CODE, 0])
ASK_RATE = bytes([0xFF, 0xAA, 0x27, RATE_REGISTER, 0])
ASK_BATTERY = bytes([0xFF, 0xAA, 0x27, BATTERY_REGISTER, 0])

_LONG_FRAME = 28
_TAIL = _LONG_FRAME - FRAME_BYTES  # what is left of a long frame where only 20 bytes fit
_MOST_TAILS = 3  # one may be a fault of the air

# A stream at the maker's 10 Hz gives as many in 5 s; an answer takes a few round trips.
_PATIENCE = 50  # samples
_MOST_TRIES = 3

_BATTERY_EVERY = 15_000  # samples, 5 min: a cell that lasts 10 h falls by one per cent in 6
_BATTERY_AGAIN = 1500  # 30 s, until it is known: right after a connection it may be 0

# Volts and per cent of the maker's example program (getEqPercent). The table in its protocol gives
# up to 15 per cent more for the same volts; of the two, the one that warns earlier.
_VOLTS = (3.4, 3.5, 3.68, 3.7, 3.73, 3.77, 3.79, 3.82, 3.87, 3.93, 3.96, 3.99)
_PERCENT = (0, 5, 10, 15, 20, 30, 40, 50, 60, 75, 90, 100)
_CELL_V = 3.0, 4.4  # a lithium cell is never outside: it has not been measured yet

_NOT_ONE_OF_THEM = (
    f"it sends frames of {_LONG_FRAME} bytes, as a vibration meter (WTVB01) or a logger "
    "(WT901SDCL) does: take a WT9011DCL, WT901BLE or BWT901BLE"
)


ADVERTISED, BUT_NOT = ("WT901", "BWT901BLE"), ("WT901SDCL",)
"""How names begin, and those that begin so too and belong to others of the maker's: they have the
same service and the same head of a frame, so neither says what they are."""


def _recognises(advertisement: Advertisement) -> bool:
    """Whether its name is one of these."""
    name = advertisement.name
    return name.startswith(ADVERTISED) and not name.startswith(BUT_NOT)


def _decode(data: bytes) -> Decoded:
    """Decode one notification of whole frames; it holds no time."""
    if not data or len(data) % FRAME_BYTES or not _aligned(data):
        raise ProtocolError(_NOT_ONE_OF_THEM if _is_long(data) else _nonsense(data))
    return Decoded(None, _in_g(_rows(data)))


class WitMotionConversation:
    """One connection: the rate is set and read back, then frames of motion and answers.

    Samples have no rate until the sensor has confirmed the one set: those still at another rate
    would set that of the whole recording.
    """

    def __init__(self) -> None:
        self._pending = b""  # the beginning of a frame, at most 19 bytes
        self._tails = 0
        self._fs: float | None = None
        self._tries = 1
        self._unconfirmed = 0  # samples since the rate was last set
        self._percent: int | None = None
        self._since_asked = 0  # samples since the battery was last asked for

    def open(self) -> list[Write]:
        """Set the rate, and request it and the battery."""
        return [*self._set_rate(), Write(COMMAND, ASK_BATTERY)]

    def feed(self, channel: str, data: bytes) -> list[Output]:
        """Take one notification; ProtocolError when it makes no sense."""
        if channel != DATA:
            raise ProtocolError(f"nothing is expected on channel {channel}")
        whole = self._whole(data)
        if whole is None:
            return [Refused(_NOT_ONE_OF_THEM)]
        rows = _rows(whole)
        outputs: list[Output] = []
        for row in rows[rows[:, 1] == REGISTER]:
            outputs += self._answered(row)
        samples = _in_g(rows)
        if len(samples):
            outputs += self._wait_for_rate(len(samples))
            outputs.append(Chunk(samples, self._fs, None))
        return outputs + self._mind_battery(len(samples))

    def restart(self) -> list[Write]:
        """Set the rate again: the only remedy for a silent stream."""
        return self._set_rate()

    def close(self) -> list[Write]:
        """Return nothing: it has a switch, but no command to stop."""
        return []

    def _whole(self, data: bytes) -> bytes | None:
        """Return the whole frames so far; None when they are of another kind of sensor."""
        joined = self._pending + data
        self._pending = b""
        if not _aligned(joined):
            self._tails += len(data) == _TAIL
            if _is_long(data) or self._tails >= _MOST_TAILS:
                self._tails = 0
                return None
            if not _aligned(data):
                raise ProtocolError(_nonsense(data))
            joined = data  # the rest of a frame was lost with its notification
        stop = len(joined) // FRAME_BYTES * FRAME_BYTES
        self._pending = joined[stop:]
        return joined[:stop]

    def _set_rate(self) -> list[Write]:
        return [Write(COMMAND, command) for command in (UNLOCK, SET_RATE, ASK_RATE)]

    def _answered(self, row: NDArray[np.uint8]) -> list[Output]:
        register, value = (int(n) for n in row[2:6].view("<u2"))
        if register == RATE_REGISTER:
            return self._told_rate(value)
        if register == BATTERY_REGISTER:
            return self._told_battery(value / 100)
        return []

    def _told_rate(self, code: int) -> list[Output]:
        if code == RATE_CODE:
            return self._begin()
        self._fs = None
        if self._tries < _MOST_TRIES:
            return self._try_again()
        self._tries = 1
        rate = f"{RATES_HZ[code]:g} Hz" if code in RATES_HZ else f"a rate of code {code}"
        return [Refused(f"it keeps to {rate}: set it to {RATE_HZ:g} Hz in the WitMotion app")]

    def _wait_for_rate(self, count: int) -> list[Output]:
        """Request the rate again when no answer came; in the end go on without one."""
        if self._fs is not None:
            return []
        self._unconfirmed += count
        if self._unconfirmed <= _PATIENCE:
            return []
        if self._tries < _MOST_TRIES:
            return self._try_again()
        note = f"the sensor does not report its rate; it was set to {RATE_HZ:g} Hz"
        return [Note(note), *self._begin()]

    def _try_again(self) -> list[Output]:
        self._tries += 1
        self._unconfirmed = 0
        return [*self._set_rate()]

    def _begin(self) -> list[Output]:
        if self._fs is not None:
            return []
        self._fs, self._tries, self._unconfirmed = RATE_HZ, 1, 0
        return [Started(RATE_HZ, RANGE_G)]

    def _told_battery(self, volts: float) -> list[Output]:
        if not _CELL_V[0] <= volts <= _CELL_V[1]:
            return []
        percent = round(float(np.interp(volts, _VOLTS, _PERCENT)))
        if percent == self._percent:
            return []
        self._percent = percent
        return [Battery(percent)]

    def _mind_battery(self, count: int) -> list[Output]:
        self._since_asked += count
        due = _BATTERY_AGAIN if self._percent is None else _BATTERY_EVERY
        if self._since_asked < due:
            return []
        self._since_asked = 0
        return [Write(COMMAND, ASK_BATTERY)]


def _aligned(data: bytes) -> bool:
    """Whether a frame begins at every twentieth byte."""
    kinds = {MOTION, REGISTER}
    return set(data[::FRAME_BYTES]) <= {HEAD} and set(data[1::FRAME_BYTES]) <= kinds


def _is_long(data: bytes) -> bool:
    """Whether it is frames of 28 bytes with the same head."""
    heads = set(data[::_LONG_FRAME]), set(data[1::_LONG_FRAME])
    return not len(data) % _LONG_FRAME and heads == ({HEAD}, {MOTION})


def _rows(frames: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(frames, np.uint8).reshape(-1, FRAME_BYTES)


def _in_g(rows: NDArray[np.uint8]) -> Samples:
    """Return the acceleration of the frames of motion, the first three of their nine numbers."""
    motion = rows[rows[:, 1] == MOTION, 2 : 2 + 2 * AXES]
    samples: Samples = motion.copy().view("<i2") * COUNT_G
    return samples


def _nonsense(data: bytes) -> str:
    head = data[:8].hex(" ") or "nothing"
    return f"{len(data)} bytes that begin with {head} are no frames of {FRAME_BYTES}"


WITMOTION = Family(
    name="witmotion",
    recognises=_recognises,
    converse=WitMotionConversation,
    decode=_decode,
    channels=(DATA,),  # the stream and the answers, all on one
    sheet=DataSheet(
        title="WitMotion WT9011DCL, WT901BLE, BWT901BLE",
        support=Support.SUPPORTED,
        evidence=TriedWith.REAL,
        fs=RATE_HZ,
        range_g=RANGE_G,
        floor_s=2 / RATE_HZ,  # two frames a notification at 50 Hz
        battery="voltage, asked for every five minutes",
        loss="no stamps, no counter: only a lost link or a silence of seconds",
        advice="An elastic strap holds it at an ankle. Charge it every day: owners report "
        "10 to 12 hours.",
        source="WitMotion, Bluetooth 5.0 communication protocol; WitBluetooth_BWT901BLE5_0",
    ),
)
