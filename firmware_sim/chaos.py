"""Random faults, reproducible from a seed."""

from __future__ import annotations

import numpy as np

from firmware_sim.faults import (
    Axis,
    Burst,
    ClockReset,
    Drift,
    Duplicates,
    Fault,
    Garbage,
    HostLoss,
    LinkDrop,
    OutOfRange,
    Overflow,
    SaturatedAxis,
    SlowLink,
    Stop,
    StuckAxis,
    Timed,
)

QUIET_S = (20.0, 90.0)
"""Between two faults: time to connect, to stream, and for a listener's alarms to resolve."""

AXES: tuple[Axis, ...] = ("x", "y", "z")


def chaos(seed: int, duration_s: float, *, sensor: int = 1) -> tuple[Fault, ...]:
    """Return random faults for one sensor's night; each has ended before the next begins.

    A listener can recover from each of them: none switches the sensor off.
    """
    chance = np.random.default_rng((seed, sensor))
    faults: list[Fault] = []
    at_s = 0.0
    while (at_s := round(at_s + chance.uniform(*QUIET_S), 1)) < duration_s:
        candidates = _candidates(chance, at_s)
        fault = candidates[int(chance.integers(len(candidates)))]
        faults.append(fault)
        at_s = fault.end_s
    return tuple(faults)


def _candidates(chance: np.random.Generator, at_s: float) -> tuple[Timed, ...]:
    """Return one random fault of every kind."""

    def between(low: float, high: float) -> float:
        return round(float(chance.uniform(low, high)), 1)

    axis = AXES[int(chance.integers(len(AXES)))]
    return (
        OutOfRange(at_s, between(0.5, 1.8)),  # shorter than the supervision timeout: late, not lost
        OutOfRange(at_s, between(3, 60)),
        LinkDrop(at_s, between(1, 60)),
        SlowLink(at_s, between(5, 60), interval_s=between(0.1, 0.6), lost_events=between(0, 0.5)),
        Burst(at_s, between(0.5, 4)),
        HostLoss(at_s, between(1, 20), share=0.5),
        Duplicates(at_s, between(5, 60)),
        Overflow(at_s, between(0.5, 5)),
        Drift(at_s, ppm=between(-500, 500)),
        ClockReset(at_s),
        StuckAxis(at_s, between(1, 20), axis=axis),
        SaturatedAxis(at_s, between(1, 20), axis=axis),
        Stop(at_s),
        Garbage(at_s, between(1, 20), what="random", share=0.3),
        Garbage(at_s, between(1, 20), what="truncated", share=0.3),
    )
