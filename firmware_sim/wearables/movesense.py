"""A virtual Movesense: the GATT SensorData Protocol (GSP), and acceleration in m/s².

Facts: the maker's specification GD-77, its `acc.yaml` and sample firmware `gatt_sensordata_app`,
and a packet of a real sensor (sensein/movesense-py), which gives the size of a count.
"""

from __future__ import annotations

import struct

from firmware_sim.wearables.firmware import (
    BATTERY,
    BATTERY_LEVEL,
    Attribute,
    Can,
    Counts,
    Measuring,
    Say,
    Service,
    Wearable,
)

GSP_SERVICE = "34802252-7185-4d5d-b431-630e7050e8f0"
GSP_COMMAND = "34800001-7185-4d5d-b431-630e7050e8f0"
GSP_DATA = "34800002-7185-4d5d-b431-630e7050e8f0"
ADVERTISED = "0000fdf3-0000-1000-8000-00805f9b34fb"
"""What real ones advertise; GSP itself shows only after connecting."""

HELLO, SUBSCRIBE, UNSUBSCRIBE = 0, 1, 2
ANSWER, DATA, DATA_PART2 = 1, 2, 3
OK, BAD_REQUEST, NOT_FOUND, NO_SUCH_RATE, NO_ROOM = 200, 400, 404, 501, 507
ACCELERATION = "/Meas/Acc/"
RATES_HZ = (13, 26, 52, 104, 208, 416, 833, 1666)
MOST_STREAMS = 4
FIRST_PART = 150
"""Octets of data in a first part; what a packet has beyond goes into a second."""

COUNT_G, MS2_PER_G = 2.44e-4, 9.807
RANGE_G = 32767 * COUNT_G
"""What 16 bits of such counts hold: a little less than the 8 g that the range is called."""
BOOT_MS = 122_371
"""Shown when the stream first starts: an arbitrary moment since its battery was put in."""

GREETING = b"\x01" + b"\0".join(
    (b"213000000001", b"Movesense HR+", b"0C8CDC000001", b"GATT sensor data", b"2.3.0", b"")
)
"""Version of GSP, serial number, product, address, program and its version."""


def encode_data(reference: int, first_ms: int, counts: Counts) -> bytes:
    """Write one packet; `first_ms` is the time of its first sample, of which 32 bits are sent."""
    values = (counts * COUNT_G * MS2_PER_G).astype("<f4")
    return struct.pack("<BBI", DATA, reference, first_ms % 2**32) + values.tobytes()


def in_parts(packet: bytes) -> list[bytes]:
    """Return a packet as the notifications that carry it: one, or two where it is long."""
    head, body = packet[:2], packet[2:]
    if len(body) <= FIRST_PART:
        return [packet]
    return [head + body[:FIRST_PART], bytes((DATA_PART2, head[1])) + body[FIRST_PART:]]


class MovesenseFirmware:
    """One sensor's firmware; it streams its newest subscription.

    Parameters
    ----------
    answers : whether a subscription that succeeds is answered; older firmware is silent
    """

    mtu = 161
    frame_samples = 4
    services = (
        Service(GSP_SERVICE, (Attribute(GSP_COMMAND, Can.WRITE), Attribute(GSP_DATA, Can.NOTIFY))),
        BATTERY,
    )

    def __init__(self, *, answers: bool = True) -> None:
        self._answers = answers
        self._streams: dict[int, Measuring] = {}  # by reference, the newest last
        self._percent = 100

    @property
    def measuring(self) -> Measuring | None:
        """Return how it streams; None while it does not."""
        return next(reversed(self._streams.values()), None)

    def read(self, _channel: str) -> bytes:
        """Return the battery's level, all that can be read."""
        return bytes((self._percent,))

    def write(self, _channel: str, data: bytes) -> list[Say]:
        """Execute a command; one without a reference cannot be answered."""
        if len(data) < 2:
            return []
        command, reference, rest = data[0], data[1], data[2:]
        if command == HELLO:
            return [Say(GSP_DATA, bytes((ANSWER, reference)) + GREETING)]
        if command == SUBSCRIBE and reference:
            status = self._subscribe(reference, rest)
        elif command == UNSUBSCRIBE:
            status = OK if self._streams.pop(reference, None) else NOT_FOUND
        else:
            status = BAD_REQUEST
        if status == OK and not self._answers:
            return []
        return [Say(GSP_DATA, struct.pack("<BBH", ANSWER, reference, status))]

    def listened(self, channel: str, on: bool) -> None:
        """Do nothing: a stream starts by a command, not by the subscription."""

    def link_lost(self) -> None:
        """End all streams, as a real sensor does."""
        self._streams.clear()

    def frame(self, last_ns: int, counts: Counts) -> Say:
        """Encode one packet of the newest stream, undivided."""
        reference, measuring = next(reversed(self._streams.items()))
        first_ns = last_ns - (len(counts) - 1) * 1_000_000_000 // measuring.fs
        return Say(GSP_DATA, encode_data(reference, BOOT_MS + first_ns // 1_000_000, counts))

    def charge(self, percent: int) -> list[Say]:
        """Notify the battery level."""
        self._percent = percent
        return [Say(BATTERY_LEVEL, bytes((percent,)))]

    def stop_by_itself(self) -> list[Say]:
        """Stop sending: the protocol has no message for it."""
        self._streams.clear()
        return []

    def _subscribe(self, reference: int, path: bytes) -> int:
        kind, rate = path[: len(ACCELERATION)], path[len(ACCELERATION) :]
        if kind != ACCELERATION.encode() or not rate.isdigit():
            return NOT_FOUND
        if rate not in (b"%d" % fs for fs in RATES_HZ):
            return NO_SUCH_RATE
        if reference not in self._streams and len(self._streams) == MOST_STREAMS:
            return NO_ROOM
        self._streams.pop(reference, None)
        self._streams[reference] = Measuring(int(rate), RANGE_G, COUNT_G)
        return OK


MOVESENSE = Wearable(
    name="movesense",
    called=lambda serial: f"Movesense 21{serial:010d}",
    # The central chooses among its own rates; a trace at another rate is resampled.
    make=lambda _trace_fs: MovesenseFirmware(),
    advertises=(ADVERTISED,),
)
