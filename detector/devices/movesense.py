"""Movesense sensors (HR+, HR2, MD, Flash) by the GATT SensorData Protocol (GSP), version 1.

Facts, and where each is from:

- commands, answers, data in one or two parts: the maker's specification GD-77 (movesense.com,
  `docs/esw/gatt_sensordata_protocol`) and its sample firmware `gatt_sensordata_app`, of which
  older ones do not answer a subscription that succeeds, send the status 507 with its high byte
  first, and put 150 bytes of data into a first part
- the time is that of the packet's first sample, in ms; m/s²; 501 for a rate that it does not
  have: the maker's `acc.yaml`, as kept by JonasPrimbs/movesense-ble-ecg-firmware (22bffc7e)
- HELLO is answered without a status; the range is 8 g (steps of 0.244 mg), its g is 9.807 m/s²,
  four samples a packet: read off a packet of a real sensor at rest, and its answers, that
  sensein/movesense-py published. A driver that calls the unit mg (noduslabs/
  movesense-nodejs-driver) contradicts both: hence the unit is checked

Not verified: that every firmware answers an UNSUBSCRIBE, and that every model stays at 8 g.
"""

from __future__ import annotations

import struct
from enum import Enum, IntEnum

import numpy as np

from detector.block import AXES, Samples
from detector.devices.counters import unwrapped
from detector.devices.family import BATTERY_LEVEL, Family, battery_level
from detector.devices.profile import (
    Advertisement,
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

GSP_SERVICE = "34802252-7185-4d5d-b431-630e7050e8f0"
GSP_COMMAND = "34800001-7185-4d5d-b431-630e7050e8f0"
GSP_DATA = "34800002-7185-4d5d-b431-630e7050e8f0"
RATE_HZ = 52  # the highest at which its accelerometer saves power (movesense.com, best practices)
RANGE_G = 8
PATH = f"/Meas/Acc/{RATE_HZ}"

HELLO_REFERENCE = (
    0xFF  # answers name the client's reference; this one, of 1 to 254, belongs to no stream
)
_VERSION = 1
_GREETING = b"Hello"  # what the sample firmware answers instead of its version

_SAMPLE_BYTES = 4 * AXES
_HEAD = struct.Struct("<BBI")  # kind, reference, ms since it was switched on
# A first part carries this much; what is shorter and leaves bytes over was cut on its way.
_FIRST_PART_BYTES = 2 + 150
_WIDEST_G = 16.1  # the widest range of the family is 16 g; the rest is for rounding
_SAMPLES_OF_PROOF = RATE_HZ  # whatever shakes it, for a second it neither flies nor seems to lie
_REST_TOLERANCE = 0.15  # offsets of such chips are below 0.1 g
_WEIGHTLESS = 0.05  # free fall, in any unit: no unit can be found


class GspCommand(IntEnum):
    """First byte of what is written."""

    HELLO = 0
    SUBSCRIBE = 1
    UNSUBSCRIBE = 2


class GspPacket(IntEnum):
    """First byte of what is notified."""

    ANSWER = 1
    DATA = 2
    DATA_PART2 = 3


class GspUnit(Enum):
    """What the samples may be in; the value is how much of it makes 1 g."""

    MS2 = 9.807  # the firmware's: real samples are whole steps of 0.244 mg with no other
    MG = 1000.0
    G = 1.0


_UNIT_NAMES = {GspUnit.MS2: "m/s²", GspUnit.MG: "mg", GspUnit.G: "g"}

_UPDATE = "update its firmware (2.3 or newer) in the Movesense Showcase app"
_REMEDIES = {
    400: _UPDATE,
    403: "close the phone app that uses it",
    404: _UPDATE,
    409: "end the recording that its app has begun",
    501: _UPDATE,
    503: "close the phone app that uses it",
    507: "all its streams are in use: take its battery out for a moment",
}


def _recognises(advertisement: Advertisement) -> bool:
    """Whether it is named Movesense, or advertises GSP (the maker's firmware does not)."""
    named = advertisement.name.startswith("Movesense ")
    return named or GSP_SERVICE in advertisement.services


def _decode(data: bytes) -> Decoded:
    """Decode one data notification; the time is the first sample's, since it was switched on.

    The unit is judged by this one alone.
    """
    if len(data) >= 1 and data[0] != GspPacket.DATA:
        raise ProtocolError(f"GSP: {data[0]} is no data (2); parts and answers have no samples")
    _, t_ms, values = parse_data(data)
    samples, _ = UnitCheck().in_g(values)
    return Decoded(t_ms * 1_000_000, samples)


def parse_data(data: bytes) -> tuple[int, int, Samples]:
    """Return the reference, the ms of the first sample, and the samples, (n, 3), in their own unit.

    `data` is a whole notification, or both parts joined.

    Raises
    ------
    ProtocolError
        It is cut short, holds no samples, or something that is no number.
    """
    if len(data) < _HEAD.size:
        raise ProtocolError(f"GSP data: header cut short at byte {len(data)} of {_HEAD.size}")
    _, reference, t_ms = _HEAD.unpack_from(data)
    size = len(data) - _HEAD.size
    if size == 0 or size % _SAMPLE_BYTES:
        raise ProtocolError(
            f"GSP data: {len(data)} bytes do not end with a sample ({_HEAD.size} and "
            f"{_SAMPLE_BYTES} for each); where it was cut by the smallest MTU (20 bytes), {_UPDATE}"
        )
    values = np.frombuffer(data, "<f4", offset=_HEAD.size)
    if not np.isfinite(values).all():
        raise ProtocolError("GSP data: a sample is no finite number")
    return reference, t_ms, values.astype(np.float64).reshape(-1, AXES)


class UnitCheck:
    """Finds the samples' unit by their size, since a sensor at rest measures 1 g.

    The units are a factor of ten and more apart, so that any movement but free fall will do. One
    that was chosen during a kick is put right within a second, and one in which the sensor lay
    still for a second is final.
    """

    def __init__(self) -> None:
        self._unit: GspUnit | None = None
        self._certain = False
        self._at_rest = self._against = (
            0  # samples in a row that confirm it, and that contradict it
        )

    def in_g(self, values: Samples) -> tuple[Samples, Note | None]:
        """Return samples in g; and a note where the unit is not the documented one.

        Raises
        ------
        ProtocolError
            In this unit they are beyond any range of the sensor.
        """
        note = None if self._certain else self._judge(values)
        samples = values / (self._unit or GspUnit.MS2).value
        peak_g = float(np.abs(samples).max())
        if peak_g > _WIDEST_G:
            raise ProtocolError(f"GSP data: {peak_g:.4g} g is beyond any range of the sensor (16)")
        return samples, note

    def _judge(self, values: Samples) -> Note | None:
        weight = float(np.median(np.linalg.norm(values, axis=1)))
        if weight < _WEIGHTLESS:
            self._at_rest = self._against = 0
            return None
        likeliest = min(GspUnit, key=lambda unit: abs(np.log(weight / unit.value)))
        before = self._unit
        if before is not None and likeliest is not before:
            self._at_rest, self._against = 0, self._against + len(values)
            if self._against < _SAMPLES_OF_PROOF:
                return None
        self._unit, self._against = likeliest, 0
        lies = abs(weight / likeliest.value - 1) <= _REST_TOLERANCE
        self._at_rest = self._at_rest + len(values) if lies else 0
        self._certain = self._at_rest >= _SAMPLES_OF_PROOF
        return _news_of(likeliest, before)


class MovesenseConversation:
    """One connection: HELLO, a subscription, then packets of samples.

    What it makes of packets depends only on what the sensor sent, never on whether `restart` was
    called: a replay gets the same answers without writing.
    """

    def __init__(self) -> None:
        self._reference = 1
        self._taken: set[int] = set()  # references that the sensor showed to know, at most 254
        self._started = False
        self._first_part = b""
        self._t_ms: int | None = None
        self._unit = UnitCheck()

    def open(self) -> list[Write]:
        """Return HELLO and a subscription at once: answers are not guaranteed to arrive (GD-77)."""
        return [Write(GSP_COMMAND, bytes((GspCommand.HELLO, HELLO_REFERENCE))), self._subscribe()]

    def feed(self, channel: str, data: bytes) -> list[Output]:
        """Take one notification; ProtocolError when it makes no sense."""
        if channel == BATTERY_LEVEL:
            return [battery_level(data)]
        if channel != GSP_DATA:
            raise ProtocolError(f"nothing is expected on channel {channel}")
        if len(data) < 2:
            raise ProtocolError(f"GSP: notification cut short at byte {len(data)} of 2")
        kind, reference = data[0], data[1]
        if kind == GspPacket.ANSWER:
            return self._answered(reference, data[2:])
        if kind not in (GspPacket.DATA, GspPacket.DATA_PART2):
            raise ProtocolError(f"GSP: unknown kind of notification {kind} at byte 0")
        if not 0 < reference < HELLO_REFERENCE:
            raise ProtocolError(f"GSP: no stream has the reference {reference}")
        return self._streamed(bytes(data))

    def restart(self) -> list[Write]:
        """Subscribe with a fresh reference, after unsubscribing the old one where it was taken."""
        before = self._reference
        self._reference = before % (HELLO_REFERENCE - 1) + 1
        taken = [_unsubscribe(before)] if before in self._taken else []
        return [*taken, self._subscribe()]

    def close(self) -> list[Write]:
        """Unsubscribe, so that its accelerometer is switched off."""
        return [_unsubscribe(self._reference)]

    def _subscribe(self) -> Write:
        return Write(GSP_COMMAND, bytes((GspCommand.SUBSCRIBE, self._reference)) + PATH.encode())

    def _answered(self, reference: int, body: bytes) -> list[Output]:
        if reference == HELLO_REFERENCE:
            if not body or body[0] == _VERSION or body.startswith(_GREETING):
                return []
            return [
                Note(f"the sensor uses version {body[0]} of GSP, of which only 1 is known here")
            ]
        status = _status(body)
        if status < 400:
            self._taken.add(reference)
            return self._begin()
        if reference in self._taken:
            return []  # what streamed cannot be refused any more: this answers its end
        remedy = _REMEDIES.get(status, "take its battery out for a moment")
        return [Refused(f"the sensor does not stream {PATH} (status {status}); {remedy}")]

    def _streamed(self, data: bytes) -> list[Output]:
        if data[0] == GspPacket.DATA_PART2:
            data = self._join(data)
        # A first part whose second never came is given up: the time stamps show what is missing.
        self._first_part = b""
        if len(data) >= _FIRST_PART_BYTES and (len(data) - _HEAD.size) % _SAMPLE_BYTES:
            if data[0] == GspPacket.DATA_PART2:
                raise ProtocolError(f"GSP data: both parts, {len(data)} bytes, end within a sample")
            self._first_part = data
            return []
        reference, raw_ms, values = parse_data(data)
        samples, note = self._unit.in_g(values)
        self._taken.add(reference)
        self._t_ms = unwrapped(raw_ms, self._t_ms, 32)
        last_ns = self._t_ms * 1_000_000 + round((len(samples) - 1) / RATE_HZ * 1e9)
        noted: list[Output] = [] if note is None else [note]
        return [*self._begin(), *noted, Chunk(samples, float(RATE_HZ), last_ns)]

    def _join(self, second: bytes) -> bytes:
        """Return both parts as one packet, still marked as a second part."""
        first, self._first_part = self._first_part, b""
        if not first or first[1] != second[1]:
            raise ProtocolError(f"GSP data: a second part of stream {second[1]} without its first")
        return second[:2] + first[2:] + second[2:]

    def _begin(self) -> list[Output]:
        if self._started:
            return []
        self._started = True
        return [Started(float(RATE_HZ), float(RANGE_G))]


def _unsubscribe(reference: int) -> Write:
    return Write(GSP_COMMAND, bytes((GspCommand.UNSUBSCRIBE, reference)))


def _status(body: bytes) -> int:
    """Read an HTTP status; some firmware sends its high byte first, which none can be taken for."""
    if len(body) >= 2:
        for status in (int.from_bytes(body[:2], "little"), int.from_bytes(body[:2], "big")):
            if 100 <= status < 600:
                return status
    raise ProtocolError(f"GSP answer: no status in {body[:8].hex(' ') or 'no bytes'}")


def _news_of(unit: GspUnit, before: GspUnit | None) -> Note | None:
    shown = f"the sensor's weight at rest shows that it sends {_UNIT_NAMES[unit]}"
    if unit is before or (before is None and unit is GspUnit.MS2):
        return None
    if before is None:
        return Note(f"{shown}, where m/s² is usual")
    return Note(f"{shown}; until now it was read as {_UNIT_NAMES[before]}")


MOVESENSE = Family(
    name="movesense",
    recognises=_recognises,
    converse=MovesenseConversation,
    decode=_decode,
    channels=(GSP_DATA,),  # for answers and data
    optional_channels=(BATTERY_LEVEL,),
    sheet=DataSheet(
        title="Movesense HR+, HR2, MD, Flash",
        support=Support.SUPPORTED,
        evidence=TriedWith.REAL,
        fs=RATE_HZ,
        range_g=RANGE_G,
        floor_s=0.08,  # four samples a packet
        battery="standard service",
        loss="time stamps: to the sample",
        advice="Small enough for a strap at an ankle; its coin cell is not recharged. Its firmware "
        "must be 2.3 or newer (Movesense Showcase app), and that app closed.",
        source="Movesense GD-77 (GATT SensorData Protocol 1.0) and acc.yaml; a packet that "
        "sensein/movesense-py published",
    ),
)
