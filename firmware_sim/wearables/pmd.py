"""Polar Measurement Data (PMD), sensor side: acceleration frames and settings as bytes.

Facts: Polar's `online_measurement.pdf` (v1.0, August 2024) and captures of real sensors.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from firmware_sim.wearables.firmware import Counts

ACC = 2
BLOCK_DELTAS = 12
"""Deltas that share one bit width; a real Verity puts two to four such blocks into a frame."""


class FrameType(IntEnum):
    """Encoding of the samples of a frame; bit 7 means compressed."""

    RAW_MG = 0x01
    DELTA_COUNTS = 0x80  # times the factor in the start response
    DELTA_MG = 0x81


class Setting(IntEnum):
    """Identifiers of the settings list (type, count, values)."""

    RATE_HZ = 0
    RESOLUTION_BITS = 1
    RANGE_G = 2
    CHANNELS = 4
    FACTOR = 5


_VALUE_FORMAT = {
    Setting.RATE_HZ: "<H",
    Setting.RESOLUTION_BITS: "<H",
    Setting.RANGE_G: "<H",
    Setting.CHANNELS: "<B",
    Setting.FACTOR: "<f",
}


def encode_frame(frame_type: FrameType, last_ns: int, counts: Counts) -> bytes:
    """Write one data frame.

    Parameters
    ----------
    last_ns : sensor's time of the last sample, ns since 2000-01-01
    counts : (n, 3), n >= 1
    """
    header = struct.pack("<BQB", ACC, last_ns, frame_type)
    if frame_type is FrameType.RAW_MG:
        return header + bytes(counts.astype("<i2"))
    wide = counts.astype(np.int32)  # a delta may need 17 bits
    deltas = wide[1:] - wide[:-1]
    body = bytes(counts[0].astype("<i2"))
    for at in range(0, len(deltas), BLOCK_DELTAS):
        body += _delta_block(deltas[at : at + BLOCK_DELTAS])
    return header + body


def encode_settings(settings: Iterable[tuple[Setting, Sequence[float]]]) -> bytes:
    """Write a settings list, each entry as type, count and its little-endian values."""
    return b"".join(
        bytes((setting, len(values)))
        + b"".join(struct.pack(_VALUE_FORMAT[setting], value) for value in values)
        for setting, values in settings
    )


def decode_settings(data: bytes) -> dict[Setting, tuple[float, ...]]:
    """Read a settings list.

    Raises
    ------
    ValueError
        An unknown setting, or an entry that is cut short.
    """
    settings: dict[Setting, tuple[float, ...]] = {}
    at = 0
    while at < len(data):
        if at + 2 > len(data):
            raise ValueError("settings end after a type")
        setting, count = Setting(data[at]), data[at + 1]
        value_format = _VALUE_FORMAT[setting]
        stop = at + 2 + count * struct.calcsize(value_format)
        if stop > len(data):
            raise ValueError(f"setting {setting.name} is cut short")
        settings[setting] = tuple(
            v for (v,) in struct.iter_unpack(value_format, data[at + 2 : stop])
        )
        at = stop
    return settings


def _delta_block(deltas: NDArray[np.int32]) -> bytes:
    """Bit width, count, then the deltas channel by channel, least significant bit first."""
    bits = 1 + max(int(d if d >= 0 else ~d).bit_length() for d in (deltas.min(), deltas.max()))
    wire = (deltas.reshape(-1, 1) >> np.arange(bits)) & 1
    return (
        bytes((bits, len(deltas))) + np.packbits(wire.astype(np.uint8), bitorder="little").tobytes()
    )
