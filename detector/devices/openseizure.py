"""OpenSeizureDetector's BLE source, as its app for the Bangle.js 2 watch offers it.

Facts from the project's description (BangleSD, `OpenSeizureDetector.md` and `README.md`; Android
app, "BLE Data Source Specification (BLE2)") and from what the watch app does (`widget.js` 0.16 and
0.20). No bytes of a real watch were at hand.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detector.block import AXES, Samples
from detector.devices.family import Family, battery_level
from detector.devices.profile import (
    Advertisement,
    Battery,
    Chunk,
    DataSheet,
    Decoded,
    Output,
    Refused,
    Started,
    Support,
    TriedWith,
    Write,
)
from detector.errors import ProtocolError

SERVICE = "000085e9-0000-1000-8000-00805f9b34fb"
ACCELERATION = "000085e9-0001-1000-8000-00805f9b34fb"
BATTERY = "000085e9-0002-1000-8000-00805f9b34fb"
WATCH_ID = "000085e9-0003-1000-8000-00805f9b34fb"
APP_VERSION = "000085e9-0004-1000-8000-00805f9b34fb"
FORMAT = "000085e9-0005-1000-8000-00805f9b34fb"

RATE_HZ = 25.0  # the app sets the watch's sensor and its polling to it; the source knows no other
RANGE_G = 4.0  # Espruino sets the KX023 so (CNTL1, GSEL 01), and takes 8192 counts for 1 g

MAGNITUDE_8_BIT, MAGNITUDE_16_BIT, THREE_AXES = 0, 1, 3
_MAGNITUDES = (MAGNITUDE_8_BIT, MAGNITUDE_16_BIT)

_SAMPLE_BYTES = 2 * AXES
_THREE_SAMPLES = 3 * _SAMPLE_BYTES  # samples of one notification
# `widget.js` fills 18 bytes of a buffer of 20 and sends the buffer, whatever the format.
_WHOLE_BUFFER = 20
WIDEST_G = 16.1  # the widest range of any such part is 16 g; the rest is for rounding

_MOST_SENSELESS = 17  # notifications, 2 s: no free fall lasts so long
_LONGEST_VERSION = 20  # bytes by the description

# What Espruino advertises by itself (bluetooth.c): its console, and a keyboard where there is one.
_UART = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
_KEYBOARD = "00001812-0000-1000-8000-00805f9b34fb"

_SET_FORMAT = (
    "on the watch, choose Settings, Apps, OSD, ACC_FMT 3, then hold its button until it restarts"
)


def _recognises(advertisement: Advertisement) -> bool:
    """Whether it names the service, or is a Bangle.js that names only what all of them do.

    The app does not ask for its service to be advertised: one without the app looks the same, and
    only a connection tells. Those with other firmware (our open frame) name a service.
    """
    services = advertisement.services
    usual = _UART in services and services <= {_UART, _KEYBOARD}
    return SERVICE in services or (usual and advertisement.name.startswith("Bangle.js"))


class OpenSeizureConversation:
    """One connection: the format, then acceleration for as long as it is subscribed to."""

    def __init__(self) -> None:
        self._format: int | None = None  # None while the watch has not reported it
        self._version = ""
        self._percent: int | None = None
        # Numbers that no sensor seems to have measured wait for the next ones: passed on at once,
        # they would count as live data.
        self._senseless: list[NDArray[np.int16]] = []

    def open(self) -> list[Write]:
        """Return nothing: no command is needed."""
        return []

    def feed(self, channel: str, data: bytes) -> list[Output]:
        """Take one notification; ProtocolError when it makes no sense."""
        if channel == ACCELERATION:
            return self._measured(data)
        if channel == FORMAT:
            return self._told_format(data)
        if channel == BATTERY:
            return self._charged(data)
        if channel == APP_VERSION:
            self._version = _text(data)
            return []
        raise ProtocolError(f"nothing is expected on channel {channel}")

    def restart(self) -> list[Write]:
        """Return nothing: the watch takes no commands, only a new link makes it begin anew."""
        return []

    def close(self) -> list[Write]:
        """Return nothing: it stops without a subscriber."""
        return []

    def _told_format(self, data: bytes) -> list[Output]:
        if len(data) != 1:
            raise ProtocolError(f"format: {data[:8].hex(' ') or 'nothing'} is not one byte")
        self._format = data[0]
        if self._format == THREE_AXES:
            return [Started(RATE_HZ, RANGE_G)]
        if self._format in _MAGNITUDES:
            return [
                Refused(
                    f"it sends how strong the movement is (format {self._format}), not where it "
                    f"goes: {_SET_FORMAT}"
                )
            ]
        return [Refused(f"it sends in format {self._format}, which is unknown: {_SET_FORMAT}")]

    def _measured(self, data: bytes) -> list[Output]:
        if self._format not in (None, THREE_AXES):
            raise ProtocolError(f"acceleration in format {self._format} cannot be used")
        if self._format is None and len(data) != _THREE_SAMPLES:
            # Twenty bytes are what an app before 0.13 sends, which has no formats: magnitudes.
            raise ProtocolError(
                f"{len(data)} bytes of acceleration may be of any format, and the watch does not "
                "say of which: update its app"
            )
        counts = _counts(data)
        self._senseless.append(counts)
        fault = self._fault(counts)
        if fault is not None and len(self._senseless) < _MOST_SENSELESS:
            return []
        counts, self._senseless = np.concatenate(self._senseless), []
        return [Chunk(_in_g(counts), RATE_HZ, None)] if fault is None else [Refused(fault)]

    def _fault(self, counts: NDArray[np.int16]) -> str | None:
        """Return why these numbers seem to be no measurement; None if they may be one."""
        if len(counts) * _SAMPLE_BYTES != _THREE_SAMPLES:
            return None  # another firmware than the app that is known for it
        if not counts.any():
            version = f" ({self._version})" if self._version else ""
            return (
                f"its app{version} sends zeros instead of measurements, as version 0.20 does: "
                "load another version from the app loader"
            )
        if (np.diff(counts.reshape(-1)) == 1).all():
            return (
                "its app counts instead of measuring: on the watch, switch off Settings, Apps, "
                "OSD, TEST_MODE"
            )
        return None

    def _charged(self, data: bytes) -> list[Output]:
        percent = battery_level(data).percent
        # The level comes with every notification, and is 0 until the app has read it once.
        if percent in (0, self._percent):
            return []
        self._percent = percent
        return [Battery(percent)]


def _counts(data: bytes) -> NDArray[np.int16]:
    """Return three axes in mg, (n, 3)."""
    if len(data) == _WHOLE_BUFFER:
        data = data[:_THREE_SAMPLES]
    if not data or len(data) % _SAMPLE_BYTES:
        raise ProtocolError(
            f"{len(data)} bytes of acceleration are no multiple of {_SAMPLE_BYTES}: the format is "
            "not 3"
        )
    return np.frombuffer(data, "<i2").reshape(-1, AXES).astype(np.int16)


def _in_g(counts: NDArray[np.int16]) -> Samples:
    samples: Samples = counts / 1000.0
    peak_g = float(np.abs(samples).max())
    if peak_g > WIDEST_G:
        raise ProtocolError(f"{peak_g:.4g} g is beyond any range of such a sensor (16 g)")
    return samples


def _text(data: bytes) -> str:
    """Return a short text that a watch sends of itself, to be shown to people."""
    text = data.rstrip(b"\0")
    if len(text) > _LONGEST_VERSION or not text.isascii() or not text.decode().isprintable():
        raise ProtocolError(f"version: {data[:8].hex(' ')} … is no short text")
    return text.decode()


OPENSEIZURE = Family(
    name="openseizure",
    recognises=_recognises,
    converse=OpenSeizureConversation,
    decode=lambda data: Decoded(None, _in_g(_counts(data))),  # of format 3
    read_first=(FORMAT,),  # decides what the bytes of acceleration mean
    channels=(ACCELERATION,),  # sent as soon as it is subscribed to
    optional_channels=(BATTERY, APP_VERSION),  # a battery level of its own
    sheet=DataSheet(
        title="Bangle.js 2 with OpenSeizureDetector's app",
        support=Support.TRYING,
        evidence=TriedWith.SIMULATED,
        fs=RATE_HZ,
        range_g=RANGE_G,
        floor_s=3 / RATE_HZ,  # three samples a notification
        battery="characteristic of its own",
        loss="no stamps, no counter: only a lost link or a silence of seconds",
        advice="Set the app to send three axes (Settings, Apps, OSD, ACC_FMT 3), and leave its "
        "TEST_MODE off. Its strap is made for a wrist; an ankle needs a longer one.",
        source="OpenSeizureDetector/BangleSD, OpenSeizureDetector.md and widget.js; "
        "Android_Pebble_SD, BLE2 specification",
    ),
)
