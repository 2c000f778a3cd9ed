"""Plays planned movements on a resting limb and records them with a sensor.

Every movement draws from its own random stream, numbered by its place in the plan: a movement
appended to a plan leaves all others as they were, except for the posture it leaves the limb in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from detector.block import AXES, Samples
from detector.events import Kind
from firmware_sim.motion.act import Act, Played, play, truth_of
from firmware_sim.motion.kinematics import FINE_HZ, Curve, Vector, rotated
from firmware_sim.motion.limb import Limb, loosened, strap_on
from firmware_sim.motion.sensor import DrawSensor, Sensor, draw_sensor
from firmware_sim.motion.truth import Trace

Perform = Callable[[np.random.Generator, Limb], Act]

CHUNK = 1 << 17
"""Samples finished at a time: temporaries stay near 10 MB however long the night."""
LONGEST_S = 24 * 3600.0
"""A trace is held in memory: a day at 50 Hz is 100 MB."""
FS_HZ = (5.0, 250.0)
"""Half the fine grid at most, so that reading it between its points stays exact to 1 %."""
BREATH_G = (0.0002, 0.0015)
"""A leg on a mattress tilts by a fraction of a milli-g with each breath [estimate]."""
CREEP_RAD = 0.015
"""How far a resting limb sinks and slides between movements, about a degree [estimate]."""
LOOSENING = frozenset({Kind.TURN, Kind.MOVEMENT})
"""Kinds that may turn a loose strap round the limb; not a twitch, whose sensor must return."""
LOOSE_SLIP_DEG = (0.0, 12.0)
"""Rms turn of a loose strap round the limb at each movement [estimate]."""


class Stream(IntEnum):
    """Independent random streams of one seed."""

    LIMB = 0
    SENSOR = 1
    REST = 2
    NOISE = 3
    PLAN = 4
    ACT = 5
    JITTER = 6
    LOSS = 7
    SLIP = 8
    STRAP = 9
    WORN = 10


@dataclass(frozen=True, slots=True)
class Plan:
    """A movement at a true second of the recording, unless another one is still going on."""

    at_s: float
    perform: Perform


def stream(seed: int, name: Stream, number: int = 0) -> np.random.Generator:
    """Return a random stream, independent of the others of the same seed."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(name, number)))


def compose(
    plans: Sequence[Plan],
    *,
    scenario: str,
    seed: int,
    duration_s: float,
    fs: float,
    site: str,
    sensor: Sensor | DrawSensor = draw_sensor,
    loose: bool = False,
) -> Trace:
    """Record a resting limb on which the plans are played, in order of time.

    A plan that would begin before the one before it has ended, or end after the recording, is left
    out, of the samples and of the truth.

    Raises
    ------
    ValueError
        A duration, rate, site or sensor that cannot be simulated.
    """
    if not 0 < duration_s <= LONGEST_S:
        raise ValueError(f"duration_s must be above 0 and at most {LONGEST_S:g}, got {duration_s}")
    if not FS_HZ[0] <= fs <= FS_HZ[1]:
        raise ValueError(f"fs must be {FS_HZ[0]:g} to {FS_HZ[1]:g} Hz, got {fs}")
    limb = strap_on(stream(seed, Stream.LIMB), site)
    if not isinstance(sensor, Sensor):
        sensor = sensor(stream(seed, Stream.SENSOR), fs)
    if sensor.fs != fs:
        raise ValueError(f"the sensor runs at {sensor.fs:g} Hz, not at fs = {fs:g}")
    if loose:
        strap = stream(seed, Stream.STRAP)
        limb = loosened(strap, limb)
        sensor = replace(sensor, slip_deg=max(sensor.slip_deg, strap.uniform(*LOOSE_SLIP_DEG)))
    samples = np.empty((round(duration_s * fs), AXES))
    truth = []
    slips = [(0, 0)]
    written, free_s = 0, 0.0
    for number in sorted(range(len(plans)), key=lambda i: (plans[i].at_s, i)):
        at_s = plans[number].at_s
        if at_s < free_s:
            continue
        act = plans[number].perform(stream(seed, Stream.ACT, number), limb)
        played = play(act, limb)
        first = int(np.ceil(at_s * sensor.true_fs))
        stop = int(np.ceil((at_s + played.duration_s) * sensor.true_fs))
        if stop >= len(samples):
            continue
        samples[written:first] = limb.up
        moments = sensor.instants_s(stream(seed, Stream.JITTER, number), first, stop)
        samples[first:stop] = _at(played, moments - at_s)
        limb = replace(limb, up=played.up)
        written, free_s = stop, at_s + played.duration_s
        slips += [(first, stop)] if act.kind in LOOSENING else []
        truth.append(truth_of(act, played, at_s, sensor.true_fs / fs))
    samples[written:] = limb.up
    roll = _slipping(slips, sensor, stream(seed, Stream.SLIP))
    _finish(samples, sensor, seed, limb.along, roll)
    sensor.lose(stream(seed, Stream.LOSS), samples)
    return Trace(
        samples=samples,
        fs=fs,
        true_fs=sensor.true_fs,
        truth=tuple(truth),
        seed=seed,
        scenario=scenario,
        site=site,
        loose_strap=loose,
    )


def _at(played: Played, moments_s: Curve) -> Samples:
    grid = np.arange(len(played.force_g)) / FINE_HZ
    return np.stack([np.interp(moments_s, grid, axis) for axis in played.force_g.T], axis=1)


def _slipping(
    slips: Sequence[tuple[int, int]], sensor: Sensor, rng: np.random.Generator
) -> tuple[Curve, Curve]:
    """Return random turns of the strap round the limb: sample indices and angles in rad, (m,).

    Straight between them: it turns while the limb moves, and stays.
    """
    turns = np.radians(sensor.slip_deg) * rng.standard_normal(len(slips))
    turns[0] = 0.0  # as it was put on
    turned = np.cumsum(turns)
    return np.ravel(slips).astype(np.float64), np.column_stack([turned - turns, turned]).ravel()


def _finish(
    samples: Samples, sensor: Sensor, seed: int, along: Vector, roll: tuple[Curve, Curve]
) -> None:
    """Add breathing, creep and slip, and the sensor's errors; in place, chunk by chunk."""
    rest, noise = stream(seed, Stream.REST), stream(seed, Stream.NOISE)
    seconds = len(samples) / sensor.true_fs
    breath_knots_s = np.arange(0.0, seconds + 8.0, 4.0)
    breath = np.cumsum(4.0 * rest.uniform(0.2, 0.3, len(breath_knots_s)))
    breath_axis = rest.standard_normal(AXES)
    breath_axis *= rest.uniform(*BREATH_G) / np.linalg.norm(breath_axis)
    creep_knots_s = np.arange(0.0, seconds + 240.0, 120.0)
    creep = CREEP_RAD * _wander(rest, len(creep_knots_s))
    for first in range(0, len(samples), CHUNK):
        part = samples[first : first + CHUNK]
        t = np.arange(first, first + len(part)) / sensor.true_fs
        tilt = np.outer(np.sin(2 * np.pi * np.interp(t, breath_knots_s, breath)), breath_axis)
        for axis in range(AXES):
            tilt[:, axis] += np.interp(t, creep_knots_s, creep[:, axis])
        part += np.cross(tilt, part)
        if roll[1].any():
            at = np.arange(first, first + len(part))
            part[:] = rotated(part, along, np.interp(at, *roll))
        part[:] = sensor.read(noise, part)


def _wander(rng: np.random.Generator, n: int) -> Samples:
    """Return a slow random walk of unit spread, correlated over some ten knots, (n, 3)."""
    walk = np.zeros((n, AXES))
    kicks = rng.standard_normal((n, AXES))
    for i in range(1, n):
        walk[i] = 0.9 * walk[i - 1] + np.sqrt(1 - 0.9**2) * kicks[i]
    return walk
