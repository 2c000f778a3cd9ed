"""Polar Measurement Data (PMD): the bytes of frames, settings and responses, and their values.

Facts from Polar's "Online measurement" specification v1.0 (August 2024) and from captures that
owners of the sensors published; no code of Polar's SDK, whose licence is not open source.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from detector.block import AXES, Samples
from detector.errors import ProtocolError

PMD_SERVICE = "fb005c80-02e7-f387-1cad-8acd2d8df0c8"
PMD_CONTROL = "fb005c81-02e7-f387-1cad-8acd2d8df0c8"
PMD_DATA = "fb005c82-02e7-f387-1cad-8acd2d8df0c8"

DEFAULT_FACTOR_G = 2.44e-4  # 8 g in 16 bits; sensors that run at 8 g leave the factor out
# The widest range that any of the family offers is 16 g; the rest is for a factor's rounding.
WIDEST_G = 16.1


class PmdCommand(IntEnum):
    """First byte of what is written to the control point."""

    GET_SETTINGS = 0x01
    START = 0x02
    STOP = 0x03


class Measurement(IntEnum):
    """What can be measured, as far as it matters here."""

    ACCELERATION = 0x02
    SDK_MODE = 0x09  # switched on and off as if it were a measurement


class Setting(IntEnum):
    """Key of a setting in a settings or start message."""

    RATE = 0x00  # Hz
    RESOLUTION = 0x01  # bits
    RANGE = 0x02  # g
    RANGE_MILLI = 0x03
    CHANNELS = 0x04
    FACTOR = 0x05  # g a count, float
    SECURITY = 0x06


RESPONSE = 0xF0
STOPPED_BY_SENSOR = 0x01
OK, ALREADY_IN_STATE = 0, 6
ERRORS = {
    1: "unknown command",
    2: "unknown measurement",
    3: "not supported",
    4: "wrong length",
    5: "wrong parameter",
    6: "already in this state",
    7: "wrong resolution",
    8: "wrong rate",
    9: "wrong range",
    10: "MTU too small",
    11: "wrong number of channels",
    12: "not possible in its present state",
    13: "it lies in its charger",
    14: "its memory is full",
}

_HEADER = struct.Struct("<BQB")  # measurement, ns since 2000-01-01 of the last sample, frame type
_MG_WIDTHS = {0x00: 1, 0x01: 2, 0x02: 3}  # uncompressed frame type -> bytes an axis, in mg
_COMPRESSED_COUNTS, _COMPRESSED_MG = 0x80, 0x81
_SETTING_WIDTHS = {
    Setting.RATE: 2,
    Setting.RESOLUTION: 2,
    Setting.RANGE: 2,
    Setting.RANGE_MILLI: 4,
    Setting.CHANNELS: 1,
    Setting.FACTOR: 4,
    Setting.SECURITY: 16,
}
_WIDEST_DELTA_BITS = 32  # 17 would do for 16-bit samples; int64 sums cannot overflow below this


@dataclass(frozen=True, slots=True)
class Response:
    """Answer of the sensor to a command."""

    command: int
    measurement: int
    status: int  # 0 is success
    parameters: bytes

    @property
    def reason(self) -> str:
        """Reason of a refusal, in words."""
        return ERRORS.get(self.status, f"error {self.status}")


def decode_frame(data: bytes, factor_g: float = DEFAULT_FACTOR_G) -> tuple[int, Samples]:
    """Return the time of the last sample, ns since 2000-01-01, and the samples, (n, 3) in g.

    `factor_g` is the weight of one count in frames of type 0x80; the others come in mg.

    Raises
    ------
    ProtocolError
        Not an acceleration frame, cut short, or no movement a sensor can measure.
    """
    if len(data) < _HEADER.size:
        raise ProtocolError(f"PMD frame: header cut short at byte {len(data)} of {_HEADER.size}")
    measurement, t_ns, kind = _HEADER.unpack_from(data)
    if measurement & 0x3F != Measurement.ACCELERATION:
        raise ProtocolError(f"PMD frame: measurement {measurement & 0x3F} is not acceleration (2)")
    payload = data[_HEADER.size :]
    if kind in _MG_WIDTHS:
        samples = _plain(payload, _MG_WIDTHS[kind]) / 1000
    elif kind == _COMPRESSED_COUNTS:
        samples = _compressed(payload) * factor_g
    elif kind == _COMPRESSED_MG:
        samples = _compressed(payload) / 1000
    else:
        raise ProtocolError(f"PMD frame: unknown frame type 0x{kind:02x} at byte 9")
    peak_g = float(np.abs(samples).max())
    if peak_g > WIDEST_G:
        raise ProtocolError(f"PMD frame: {peak_g:.4g} g is beyond any range of the sensor (16 g)")
    return t_ns, samples


def parse_response(data: bytes) -> Response:
    """Read a control point response; the flag for further messages is not needed here.

    Raises
    ------
    ProtocolError
        It is cut short or no response.
    """
    if len(data) < 4 or data[0] != RESPONSE:
        raise ProtocolError(f"PMD control point: no response in {data[:8].hex(' ') or 'no bytes'}")
    return Response(data[1], data[2], data[3], bytes(data[5:]))


def parse_settings(parameters: bytes) -> dict[Setting, tuple[float, ...]]:
    """Return the settings that a sensor offers or has chosen: a list of values for each.

    Raises
    ------
    ProtocolError
        An unknown key (its length is unknown too), a value cut short, or no finite factor.
    """
    settings: dict[Setting, tuple[float, ...]] = {}
    at = 0
    while at < len(parameters):
        key, count = parameters[at], parameters[at + 1 : at + 2]
        if key not in _SETTING_WIDTHS or not count:
            raise ProtocolError(f"PMD settings: no setting 0x{key:02x} at byte {at}")
        width = _SETTING_WIDTHS[Setting(key)]
        at += 2
        values = parameters[at : at + width * count[0]]
        if len(values) < width * count[0]:
            raise ProtocolError(f"PMD settings: setting 0x{key:02x} cut short at byte {at}")
        at += len(values)
        settings[Setting(key)] = tuple(
            _value(Setting(key), values[i : i + width]) for i in range(0, len(values), width)
        )
    return settings


def start_acceleration(choice: Mapping[Setting, int]) -> bytes:
    """Return the command that starts the stream with one value for each setting named."""
    command = bytes([PmdCommand.START, Measurement.ACCELERATION])
    for setting, value in choice.items():
        command += bytes([setting, 1]) + value.to_bytes(_SETTING_WIDTHS[setting], "little")
    return command


def _value(setting: Setting, data: bytes) -> float:
    if setting is not Setting.FACTOR:
        return int.from_bytes(data, "little")
    factor: float = struct.unpack("<f", data)[0]
    if not (math.isfinite(factor) and factor > 0):
        raise ProtocolError(f"PMD settings: factor {factor} is no positive number")
    return factor


def _plain(payload: bytes, width: int) -> NDArray[np.float64]:
    if not payload or len(payload) % (AXES * width):
        raise ProtocolError(
            f"PMD frame: {len(payload)} bytes of samples are no multiple of {AXES * width}"
        )
    octets = np.frombuffer(payload, np.uint8).reshape(-1, AXES, width).astype(np.int64)
    octets[..., -1] -= (octets[..., -1] & 0x80) << 1  # the top byte carries the sign
    return np.asarray((octets << (8 * np.arange(width))).sum(axis=-1), np.float64)


def _compressed(payload: bytes) -> NDArray[np.float64]:
    """Sum up a reference and its blocks of {bits, count, differences with the axes in turn}."""
    if len(payload) < 2 * AXES:
        raise ProtocolError(f"PMD frame: reference cut short at byte {len(payload)} of {2 * AXES}")
    steps = [np.frombuffer(payload, "<i2", AXES).astype(np.int64).reshape(1, AXES)]
    at = 2 * AXES
    while at < len(payload):
        if at + 2 > len(payload):
            raise ProtocolError(f"PMD frame: block header cut short at byte {_HEADER.size + at}")
        bits, count = payload[at], payload[at + 1]
        if not 1 <= bits <= _WIDEST_DELTA_BITS:
            raise ProtocolError(f"PMD frame: {bits}-bit differences at byte {_HEADER.size + at}")
        size = -(-bits * count * AXES // 8)
        at += 2
        if at + size > len(payload):
            raise ProtocolError(
                f"PMD frame: block of {size} bytes at byte {_HEADER.size + at} is cut short, "
                f"{len(payload) - at} are there"
            )
        steps.append(_differences(payload[at : at + size], bits, count))
        at += size
    return np.concatenate(steps).cumsum(axis=0).astype(np.float64)


def _differences(block: bytes, bits: int, count: int) -> NDArray[np.int64]:
    """Two's complement numbers of `bits` bits, lowest bit first, as (count, 3)."""
    flat = np.unpackbits(
        np.frombuffer(block, np.uint8), bitorder="little", count=bits * count * AXES
    )
    weights = 1 << np.arange(bits, dtype=np.int64)
    weights[-1] = -weights[-1]
    values: NDArray[np.int64] = flat.reshape(count, AXES, bits) @ weights
    return values
