"""A virtual Bangle.js 2 that runs OpenSeizureDetector's source.

Like the watch app (BangleSD, `widget.js` 0.16): services, formats and the buffer it sends.
"""

from __future__ import annotations

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

OSD_SERVICE = "000085e9-0000-1000-8000-00805f9b34fb"
ACCELERATION = "000085e9-0001-1000-8000-00805f9b34fb"
BATTERY = "000085e9-0002-1000-8000-00805f9b34fb"
WATCH_ID = "000085e9-0003-1000-8000-00805f9b34fb"
APP_VERSION = "000085e9-0004-1000-8000-00805f9b34fb"
FORMAT = "000085e9-0005-1000-8000-00805f9b34fb"
HEART_SERVICE = "0000180d-0000-1000-8000-00805f9b34fb"
HEART_RATE = "00002a37-0000-1000-8000-00805f9b34fb"
NORDIC_UART = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
"""Espruino's console: the only service that a Bangle.js advertises by itself."""

MAGNITUDE_8_BIT, MAGNITUDE_16_BIT, THREE_AXES = 0, 1, 3
RATE_HZ = 25
RANGE_G = 4.0
BUFFER_BYTES = 20
"""The app fills 18 of them with three samples, and sends all."""


class OpenSeizureFirmware:
    """The watch's Bluetooth side; it sends while there is a subscriber.

    Parameters
    ----------
    _trace_fs : ignored: the app has one fixed rate
    format_code : as set on the watch
    """

    mtu = 23  # the smallest possible; what it sends fits
    frame_samples = 3
    services = (
        Service(
            OSD_SERVICE,
            (
                Attribute(ACCELERATION, Can.READ | Can.NOTIFY),
                Attribute(BATTERY, Can.READ | Can.NOTIFY),
                Attribute(WATCH_ID, Can.READ),
                Attribute(APP_VERSION, Can.READ),
                Attribute(FORMAT, Can.READ),
            ),
        ),
        Service(HEART_SERVICE, (Attribute(HEART_RATE, Can.READ | Can.NOTIFY),)),
    )

    def __init__(self, _trace_fs: int, *, format_code: int = THREE_AXES) -> None:
        self._format = format_code
        self._values = {
            ACCELERATION: bytes(BUFFER_BYTES),
            BATTERY: b"\0",  # until it is measured
            WATCH_ID: b"BangleJs",
            APP_VERSION: b"0.16",
            FORMAT: bytes((format_code,)),
            HEART_RATE: b"\x06\0",
        }
        self._measuring: Measuring | None = None

    @property
    def measuring(self) -> Measuring | None:
        """Return how it streams; None without a subscriber."""
        return self._measuring

    def read(self, channel: str) -> bytes:
        """Return the last value."""
        return self._values[channel]

    def write(self, channel: str, data: bytes) -> list[Say]:  # noqa: ARG002
        """Ignore it: nothing can be written."""
        return []

    def listened(self, channel: str, on: bool) -> None:
        """Start or stop with the subscription."""
        if channel == ACCELERATION:
            self._measuring = Measuring(RATE_HZ, RANGE_G) if on else None

    def link_lost(self) -> None:
        """Stop sending."""
        self._measuring = None

    def frame(self, last_ns: int, counts: Counts) -> Say:  # noqa: ARG002
        """Encode samples as one notification; the real app always sends three."""
        data = _encode(self._format, counts)
        self._values[ACCELERATION] = data
        return Say(ACCELERATION, data)

    def charge(self, percent: int) -> list[Say]:
        """Notify the battery level."""
        self._values[BATTERY] = bytes((percent,))
        return [Say(BATTERY, self._values[BATTERY])]

    def stop_by_itself(self) -> list[Say]:
        """Stop sending without notice."""
        self._measuring = None
        return []


def _encode(format_code: int, counts: Counts) -> bytes:
    """Return samples in mg in this format, in the app's buffer if there are three."""
    if format_code == THREE_AXES:
        data = counts.astype("<i2").tobytes()
    else:
        magnitudes = np.linalg.norm(counts.astype(np.float64), axis=1)
        if format_code == MAGNITUDE_8_BIT:
            data = np.clip(magnitudes * 64 / 1000, 0, 255).astype(np.uint8).tobytes()
        else:
            data = np.rint(magnitudes).astype("<u2").tobytes()
    whole = len(counts) == OpenSeizureFirmware.frame_samples
    return data.ljust(BUFFER_BYTES, b"\0") if whole else data


def openseizure(format_code: int = THREE_AXES) -> Wearable:
    """Return a watch with this format in its settings."""
    return Wearable(
        name="openseizure",
        called=lambda serial: f"Bangle.js {serial & 0xFFFF:04x}",
        make=partial(OpenSeizureFirmware, format_code=format_code),
        advertises=(NORDIC_UART,),
    )


OPENSEIZURE = openseizure()
