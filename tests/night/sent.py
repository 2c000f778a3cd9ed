"""Packets that a sensor sends, and what a night says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from detector.alert import Alert
from detector.block import utc_of
from detector.devices.profile import Battery, Chunk
from detector.devices.stream import LinkUp, Packet, Reading

from .evening import FS, UTC_NS, S, motion, night

PACKET = 50


@dataclass(frozen=True)
class Sent:
    """A packet, by its number: `lost` does not come, `garbage` comes without samples."""

    number: int
    lost: bool = False
    garbage: bool = False


def told(
    packets: Sequence[Sent],
    *,
    stamped: bool = True,
    rate: float = 1.0,
    percent: int | None = 90,
    twice: bool = False,
    driver: str = "polar-verity-sense",
) -> list[tuple[float, Alert]]:
    """What a night says of one sensor, and after how many seconds; a tick each second."""
    one, alerts = night(sensors=1), list[Alert]()
    still = motion("quiet", 1, 300.0)
    level = () if percent is None else (Battery(percent),)
    one.gather(Reading(LinkUp(1, driver, "C0:5E", "Polar", S, UTC_NS + S), level))
    for place, sent in enumerate(packets):
        at = round((sent.number + 2) * S / rate)
        one.pass_time(at, UTC_NS + at, sensor=0)
        begin = sent.number * PACKET % (len(still) - PACKET)
        stamp = 7 * S + sent.number * S if stamped else None
        chunk = Chunk(still[begin : begin + PACKET], FS, stamp)
        packet = Packet(1, "fb005c82", b"", at, UTC_NS + at)
        for _ in range(0 if sent.lost else 2 if twice else 1):
            one.gather(Reading(packet, () if sent.garbage else (chunk,)))
        if place % 60 == 59:  # analysed together, which is quicker; said when it was known
            alerts += one.look(at, UTC_NS + at).alerts
    alerts += one.look(at, UTC_NS + at).alerts
    begun = utc_of(UTC_NS)
    return [((each.at - begun).total_seconds(), each) for each in alerts if each.at is not None]


def first(alerts: list[tuple[float, Alert]], kind: str) -> float | None:
    return next((at for at, each in alerts if each.kind == kind), None)


def flapping(on: int, off: int, count: int, *, late: int = 0) -> list[Sent]:
    gone = [number >= late and (number - late) % (on + off) >= on for number in range(count)]
    return [Sent(number, lost=lost) for number, lost in enumerate(gone)]
