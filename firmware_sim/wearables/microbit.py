"""A virtual BBC micro:bit: accelerometer, a sample a notification, and buttons.

Like its runtime (codal-microbit-v2, MicroBitAccelerometerService.cpp and MicroBitButtonService.cpp:
what a button does without a connection is not told, and its last state stays). Pairing is left out:
the virtual radio does not support it.
"""

from __future__ import annotations

from firmware_sim.wearables.firmware import (
    Attribute,
    Can,
    Counts,
    Measuring,
    Say,
    Service,
    Wearable,
)

ACCELEROMETER_SERVICE = "e95d0753-251d-470a-a062-fa1922dfa9a8"
DATA = "e95dca4b-251d-470a-a062-fa1922dfa9a8"
PERIOD = "e95dfb24-251d-470a-a062-fa1922dfa9a8"

BUTTON_SERVICE = "e95d9882-251d-470a-a062-fa1922dfa9a8"
BUTTON_A = "e95dda90-251d-470a-a062-fa1922dfa9a8"
BUTTON_B = "e95dda91-251d-470a-a062-fa1922dfa9a8"

PERIODS_MS = (1, 2, 5, 10, 20, 80, 160, 640)
DEFAULT_PERIOD_MS = 20
RANGE_G = 8.0
"""Set by its program; the runtime's default of 2 g would clip a kick."""

_CONSONANTS, _VOWELS = "zvgpt", "uoiea"


class MicrobitFirmware:
    """The runtime's accelerometer service; it sends while there is a subscriber."""

    mtu = 23  # the micro:bit never asks for more
    frame_samples = 1
    services = (
        Service(
            ACCELEROMETER_SERVICE,
            (
                Attribute(DATA, Can.READ | Can.NOTIFY),
                Attribute(PERIOD, Can.READ | Can.WRITE),
            ),
        ),
        Service(
            BUTTON_SERVICE,
            (
                Attribute(BUTTON_A, Can.READ | Can.NOTIFY),
                Attribute(BUTTON_B, Can.READ | Can.NOTIFY),
            ),
        ),
    )

    def __init__(self, _trace_fs: int, *, period_ms: int = DEFAULT_PERIOD_MS) -> None:
        self._period_ms = period_ms
        self._last = bytes(6)
        self._listening = False
        self._button_a, self._heeded = b"\0", False
        self._measuring: Measuring | None = None

    @property
    def measuring(self) -> Measuring | None:
        """Return how it streams; None without a subscriber."""
        return self._measuring

    def read(self, channel: str) -> bytes:
        """Return the period, the state of a button, or the last sample."""
        if channel in (BUTTON_A, BUTTON_B):
            return self._button_a if channel == BUTTON_A else b"\0"
        return self._period_ms.to_bytes(2, "little") if channel == PERIOD else self._last

    def write(self, channel: str, data: bytes) -> list[Say]:
        """Set the nearest supported period."""
        if channel == PERIOD and len(data) >= 2:
            asked_ms = int.from_bytes(data[:2], "little")
            self._set_period(min(PERIODS_MS, key=lambda ms: abs(ms - asked_ms)))
        return []

    def listened(self, channel: str, on: bool) -> None:
        """Start or stop with the subscription."""
        if channel == DATA:
            self._listening = on
            self._measuring = self._measure()
        elif channel == BUTTON_A:
            self._heeded = on

    def link_lost(self) -> None:
        """Stop sending; the period stays, and so does what was said of a button."""
        self._listening = self._heeded = False
        self._measuring = None

    def frame(self, last_ns: int, counts: Counts) -> Say:  # noqa: ARG002
        """Encode a sample; a real micro:bit never sends more than one."""
        data = counts.astype("<i2").tobytes()
        self._last = data[-6:]
        return Say(DATA, data)

    def charge(self, percent: int) -> list[Say]:  # noqa: ARG002
        """Do nothing: a micro:bit does not report its battery."""
        return []

    def press(self, *, down: bool) -> list[Say]:
        """Press button A, or let it go: told to a subscriber only."""
        if not self._heeded:
            return []
        self._button_a = bytes((down,))
        return [Say(BUTTON_A, self._button_a)]

    def stop_by_itself(self) -> list[Say]:
        """Stop sending without notice."""
        self._measuring = None
        return []

    def _set_period(self, period_ms: int) -> None:
        if period_ms != self._period_ms:
            self._period_ms = period_ms
            self._measuring = self._measure()

    def _measure(self) -> Measuring | None:
        fs = max(1, 1000 // self._period_ms)  # whole Hz: 6 instead of 6.25, 1 instead of 1.56
        return Measuring(fs, RANGE_G) if self._listening else None


def _called(serial: int) -> str:
    """Return the advertised name: consonants and vowels in turn, a number in base five."""
    letters = ""
    for place in range(5):
        letters = (_VOWELS if place % 2 else _CONSONANTS)[serial % 5] + letters
        serial //= 5
    return f"BBC micro:bit [{letters}]"


MICROBIT = Wearable(name="microbit", called=_called, make=MicrobitFirmware)
