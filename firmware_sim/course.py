"""When each of a sensor's faults begins and ends, and their combined effect at a moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import ceil, inf

from firmware_sim.faults import (
    BatteryDrain,
    Burst,
    Drift,
    Duplicates,
    Fault,
    HostLoss,
    Instant,
    LinkDrop,
    OutOfRange,
    SlowLink,
    Spell,
    Timed,
    WrongRate,
)
from firmware_sim.link import IDEAL, Reception

HOURS_PER_BATTERY_PERCENT = 0.2
"""A charge lasts about 20 h, between the makers' figures and what owners report."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment at which a fault begins (or happens), or ends."""

    at_s: float
    fault: Timed
    begins: bool


def moments(faults: Iterable[Fault], until_s: float) -> tuple[Moment, ...]:
    """Return the changes up to `until_s`, in order; at one moment ends come before beginnings."""
    found = []
    for fault in faults:
        if isinstance(fault, Timed) and fault.at_s < until_s:
            found.append(Moment(fault.at_s, fault, begins=True))
        if isinstance(fault, Spell) and fault.at_s < until_s and fault.end_s < inf:
            found.append(Moment(min(fault.end_s, until_s), fault, begins=False))
    return tuple(sorted(found, key=lambda moment: (moment.at_s, moment.begins)))


def reception(active: Iterable[Fault]) -> Reception:
    """Return how well a sensor is received under these faults."""
    heard = IDEAL
    for fault in active:
        match fault:
            case OutOfRange() | LinkDrop():
                heard = replace(heard, in_range=False)
            case SlowLink():
                heard = replace(
                    heard,
                    interval_s=fault.interval_s,
                    pdus_per_event=fault.pdus_per_event,
                    lost_events=fault.lost_events,
                )
            case Burst():
                heard = replace(heard, held=True)
            case HostLoss():
                heard = replace(heard, lost_notifications=fault.share)
            case Duplicates():
                heard = replace(heard, copies=2)
    return heard


def clock_factor(active: Iterable[Fault], drift_ppm: float) -> float:
    """Return the factor by which a sensor's clock runs too fast; the latest drift applies."""
    factor = 1.0
    for fault in active:
        match fault:
            case Drift():
                drift_ppm = fault.ppm
            case WrongRate():
                factor *= 1 + fault.percent / 100
    return factor * (1 + drift_ppm * 1e-6)


def charge_percent(full: int, faults: Iterable[Fault], now_s: float) -> int:
    """Return the charge of a battery that held `full` at the start, whole per cent."""
    left = full - now_s / 3600 / HOURS_PER_BATTERY_PERCENT
    for fault in faults:
        if isinstance(fault, BatteryDrain) and now_s > fault.at_s:
            left *= max(0.0, 1 - (now_s - fault.at_s) / fault.for_s)
    return max(0, ceil(left))


def happened(active: list[Fault], moment: Moment) -> list[Fault]:
    """Return the faults that are active after a moment."""
    if moment.begins:
        superseded = type(moment.fault) if isinstance(moment.fault, Instant) else None
        return [fault for fault in active if type(fault) is not superseded] + [moment.fault]
    return [fault for fault in active if fault is not moment.fault]
