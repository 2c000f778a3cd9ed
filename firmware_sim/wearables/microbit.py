"""A virtual BBC micro:bit: its accelerometer service, a sample a notification.

Like its runtime (codal-microbit-v2, MicroBitAccelerometerService.cpp). Pairing is left out: the
virtual radio does not support it.
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
    )

    def __init__(self, _trace_fs: int, *, period_ms: int = DEFAULT_PERIOD_MS) -> None:
        self._period_ms = period_ms
        self._last = bytes(6)
        self._listening = False
        self._measuring: Measuring | None = None

    @property
    def measuring(self) -> Measuring | None:
        """Return how it streams; None without a subscriber."""
        return self._measuring

    def read(self, channel: str) -> bytes:
        """Return the period, or the last sample."""
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

    def link_lost(self) -> None:
        """Stop sending; the period stays."""
        self._listening = False
        self._measuring = None

    def frame(self, last_ns: int, counts: Counts) -> Say:  # noqa: ARG002
        """Encode a sample; a real micro:bit never sends more than one."""
        data = counts.astype("<i2").tobytes()
        self._last = data[-6:]
        return Say(DATA, data)

    def charge(self, percent: int) -> list[Say]:  # noqa: ARG002
        """Do nothing: a micro:bit does not report its battery."""
        return []

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
