"""The PMD control point as a pure state machine: command in, answer out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from firmware_sim.wearables.firmware import Measuring
from firmware_sim.wearables.pmd import (
    ACC,
    FrameType,
    Setting,
    decode_settings,
    encode_settings,
)

SDK_MODE = 9
RESOLUTION_BITS = 16
CHANNELS = 3
COUNT_G_AT_8_G = 2.44e-4
"""The factor that a Verity Sense reports for frame type 0x80 at a range of 8 g."""

RESPONSE, FEATURES = 0xF0, 0x0F
NO_TYPE = 0xFF  # in responses to commands that concern no measurement
ONLINE_ACTIVE = 0x40


class Error(IntEnum):
    """Third byte of a response."""

    NONE = 0
    INVALID_OP = 1
    INVALID_TYPE = 2
    INVALID_LENGTH = 4
    INVALID_PARAMETER = 5
    ALREADY_IN_STATE = 6
    INVALID_RESOLUTION = 7
    INVALID_RATE = 8
    INVALID_RANGE = 9
    INVALID_CHANNELS = 11
    INVALID_STATE = 12


class Op(IntEnum):
    """First byte of a command."""

    GET_SETTINGS = 1
    START = 2
    STOP = 3
    GET_SDK_SETTINGS = 4
    GET_STATUS = 5
    GET_SDK_STATUS = 6


_KNOWN_OPS = frozenset(Op)


@dataclass(frozen=True, slots=True)
class Offer:
    """What a sensor can measure in one of its modes."""

    rates_hz: tuple[int, ...]
    ranges_g: tuple[int, ...]
    names_channels: bool

    def encoded(self) -> bytes:
        """Return the answer to a request for settings."""
        settings: list[tuple[Setting, Sequence[float]]] = [
            (Setting.RATE_HZ, self.rates_hz),
            (Setting.RESOLUTION_BITS, (RESOLUTION_BITS,)),
            (Setting.RANGE_G, self.ranges_g),
        ]
        return encode_settings(settings + [(Setting.CHANNELS, (CHANNELS,))] * self.names_channels)


@dataclass(frozen=True, slots=True)
class Model:
    """A family of Polar sensors. `sdk` is None where there is no SDK mode."""

    name: str  # the contract's device name
    advertised: str
    features: bytes
    normal: Offer
    sdk: Offer | None
    frame_types: tuple[FrameType, ...]  # the first is the usual one


VERITY_MODEL = Model(
    name="polar-verity-sense",
    advertised="Polar Sense",
    features=bytes((FEATURES, 0x6E, 0x02)),  # PPG, ACC, PPI, gyroscope, magnetometer; SDK mode
    normal=Offer((52,), (8,), names_channels=True),
    sdk=Offer((26, 52, 104, 208, 416), (2, 4, 8, 16), names_channels=True),
    frame_types=(FrameType.DELTA_MG, FrameType.DELTA_COUNTS),
)
H10_MODEL = Model(
    name="polar-h10",
    advertised="Polar H10",
    features=bytes((FEATURES, 0x05, 0x00)),  # ECG, ACC
    normal=Offer((25, 50, 100, 200), (2, 4, 8), names_channels=False),
    sdk=None,
    frame_types=(FrameType.RAW_MG,),
)


class ControlPoint:
    """State of one sensor's measurement service.

    A trace at a rate that no such sensor has is offered as it is, as the only rate in every mode:
    a deviation of the simulation, so that no sample need be altered.
    """

    def __init__(self, model: Model, trace_fs: int, frame_type: FrameType) -> None:
        genuine = model.normal.rates_hz + (model.sdk.rates_hz if model.sdk else ())
        self._foreign_fs = None if trace_fs in genuine else trace_fs
        self._model = model
        self._frame_type = frame_type
        self._in_sdk_mode = False
        self.measuring: Measuring | None = None

    def answer(self, command: bytes) -> bytes:
        """Execute a command; return the answer. `measuring` is the outcome."""
        op, about = command[:1], command[1] if len(command) > 1 else NO_TYPE
        if not op:
            return bytes((RESPONSE, 0, NO_TYPE, Error.INVALID_LENGTH, 0))
        try:
            parameters = self._obey(op[0], about, command[2:])
        except _RefusedError as refusal:
            return bytes((RESPONSE, op[0], about, refusal.error, 0))
        return bytes((RESPONSE, op[0], about, Error.NONE, 0)) + parameters

    def link_lost(self) -> None:
        """Stop measuring, as a real sensor does; SDK mode stays."""
        self.measuring = None

    def _lsb_g(self, range_g: int) -> float:
        if self._frame_type is FrameType.DELTA_COUNTS:
            return COUNT_G_AT_8_G * range_g / 8
        return 1e-3

    def _obey(self, op: int, about: int, rest: bytes) -> bytes:
        sdk = self._model.sdk
        if op not in _KNOWN_OPS or (op > Op.STOP and sdk is None):
            raise _RefusedError(Error.INVALID_OP)  # a traced H10 knows no operation above 3
        match op:
            case Op.GET_STATUS:
                return bytes((ACC | (ONLINE_ACTIVE if self.measuring else 0),))
            case Op.GET_SDK_STATUS:
                return bytes((self._in_sdk_mode,))
            case Op.START | Op.STOP if about == SDK_MODE and sdk is not None:
                return self._switch_sdk_mode(on=op == Op.START)
        if about != ACC:
            raise _RefusedError(Error.INVALID_TYPE)
        match op:
            case Op.START:
                return self._start(rest)
            case Op.STOP:
                return self._stop()
        return self._offer(sdk=self._in_sdk_mode or op == Op.GET_SDK_SETTINGS).encoded()

    def _stop(self) -> bytes:
        if self.measuring is None:
            raise _RefusedError(Error.INVALID_STATE)
        self.measuring = None
        return b""

    def _start(self, data: bytes) -> bytes:
        if self.measuring is not None:
            raise _RefusedError(Error.ALREADY_IN_STATE)
        try:
            asked = decode_settings(data)
        except ValueError as error:
            raise _RefusedError(Error.INVALID_PARAMETER) from error
        offer = self._offer(sdk=self._in_sdk_mode)
        fs = _chosen(asked, Setting.RATE_HZ, offer.rates_hz, Error.INVALID_RATE)
        range_g = _chosen(asked, Setting.RANGE_G, offer.ranges_g, Error.INVALID_RANGE)
        _chosen(asked, Setting.RESOLUTION_BITS, (RESOLUTION_BITS,), Error.INVALID_RESOLUTION)
        if Setting.CHANNELS in asked:
            _chosen(asked, Setting.CHANNELS, (CHANNELS,), Error.INVALID_CHANNELS)
        self.measuring = Measuring(fs, range_g, self._lsb_g(range_g))
        if self._frame_type is not FrameType.DELTA_COUNTS:
            return b""  # a sensor that sends mg names no factor (captures of a Verity Sense)
        return encode_settings([(Setting.FACTOR, (self._lsb_g(range_g),))])

    def _switch_sdk_mode(self, *, on: bool) -> bytes:
        if self.measuring is not None:
            raise _RefusedError(Error.INVALID_STATE)
        if self._in_sdk_mode == on:
            raise _RefusedError(Error.ALREADY_IN_STATE)
        self._in_sdk_mode = on
        return b""

    def _offer(self, *, sdk: bool) -> Offer:
        offer = self._model.sdk if sdk and self._model.sdk else self._model.normal
        if self._foreign_fs is None:
            return offer
        return Offer((self._foreign_fs,), offer.ranges_g, offer.names_channels)


class _RefusedError(Exception):
    def __init__(self, error: Error) -> None:
        super().__init__(error.name)
        self.error = error


def _chosen(
    asked: dict[Setting, tuple[float, ...]],
    setting: Setting,
    offered: tuple[int, ...],
    error: Error,
) -> int:
    values = asked.get(setting, ())
    if len(values) != 1:
        raise _RefusedError(Error.INVALID_PARAMETER)
    if values[0] not in offered:
        raise _RefusedError(error)
    return int(values[0])
