"""From simulated rows to a recording: rest between them, the truth, the sensor's errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detector.block import Samples
from firmware_sim.motion.sensor import Sensor
from firmware_sim.motion.truth import Trace, Truth
from firmware_sim.torque import clonus
from firmware_sim.torque.channels import DRIVE_HZ, Array, Channel
from firmware_sim.torque.dynamics import RECORD_HZ
from firmware_sim.torque.muscle import smooth
from firmware_sim.torque.rows import Row
from firmware_sim.torque.wearing import Worn, felt

ONSET_SHARE, ONSET_FLOOR_G = 0.02, 0.003
"""As `firmware_sim.motion.act` defines onset and end."""
SEEN_G = 0.010
"""A movement that changes the force by less has no truth."""
SLIDES_G = 0.3
"""A loose strap may slide in a movement as strong."""
FADE_S = 0.5
NOT_FAR = float(np.cos(np.radians(14)))
RESTLESS_G = 0.015
"""A leg that caught on the sheet and moves as much at the end of its row has not come to rest."""
BREATH_G = (0.0002, 0.0015)
PULSE_G = (0.00005, 0.0006)
CREEP_RAD = 0.012
"""How far a resting leg sinks and slides in the course of minutes [estimate]."""


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """One recording's sensor and random streams: rest, moments and noise, strap."""

    seed: int
    scenario: str
    site: str
    duration_s: float
    worn: Worn
    sensor: Sensor
    rest: np.random.Generator
    noise: np.random.Generator
    strap: np.random.Generator


@dataclass(frozen=True, slots=True, eq=False)
class _Force:
    """What the sensor feels in one row at `RECORD_HZ`, noise left out; gravity at both ends."""

    at_s: float
    total: Samples
    size: Array
    hums: Array

    @property
    def end_s(self) -> float:
        return self.at_s + len(self.total) / RECORD_HZ


def record(
    rows: Sequence[Row], drives: Sequence[Array], seen: Sequence[Array], setting: Setting
) -> Trace:
    """Return the recording of rows in order of time, which begin and end at rest."""
    clock = setting.sensor.true_fs / setting.sensor.fs
    forces: list[_Force] = []
    truth: list[Truth] = []
    slid = 0.0
    for row, drive, state in zip(rows, drives, seen, strict=True):
        force, slid = _force(row, drive, state, setting, slid)
        told = _truths(row, state, force, clock, setting.worn.loose)
        if told is None:
            continue
        forces.append(force)
        truth += told
    samples = _sampled(forces, setting)
    return Trace(
        samples=samples, fs=setting.sensor.fs, true_fs=setting.sensor.true_fs, truth=tuple(truth),
        seed=setting.seed, scenario=setting.scenario, site=setting.site,
    )  # fmt: skip


def _force(
    row: Row, drive: Array, state: Array, setting: Setting, slid: float
) -> tuple[_Force, float]:
    n = state.shape[1]
    t = np.arange(n) / RECORD_HZ
    case = np.interp(t, np.arange(drive.shape[1]) / DRIVE_HZ, drive[Channel.CASE])
    gravity, moving = felt(state, row.leg, setting.worn, case, np.full(n, slid))
    size = np.sqrt((moving**2).sum(axis=1))
    slide = np.full(n, slid)
    if setting.worn.loose:
        wish, side = setting.strap.random(), setting.strap.normal(0, np.radians(9))
        if size.max() > SLIDES_G and wish < 0.5:
            slide += side * smooth(np.clip((t - t[int(size.argmax())]) / 0.25, 0, 1))
            gravity, moving = felt(state, row.leg, setting.worn, case, slide)
            size = np.sqrt((moving**2).sum(axis=1))
    # What is left of a motion at the end of a row is nothing: the rest that follows is exact.
    fade = np.clip((t[-1] - t) / FADE_S, 0, 1)
    hums = np.array([
        (p.at_s + h.from_s, p.at_s + h.to_s, h.hz, h.size) for p in row.placed for h in p.act.hums
    ]).reshape(-1, 4)  # fmt: skip
    total = gravity + moving * fade[:, np.newaxis]
    return _Force(row.at_s, total, size, hums), float(slide[-1])


def _truths(row: Row, state: Array, force: _Force, clock: float, loose: bool) -> list[Truth] | None:
    """Return the truths of a row's movements that can be seen; None if the row cannot be used.

    A clonus does not beat, or the leg has not come to rest. Where it turned far, the row stays and
    is faded out: nothing could bridge it.
    """
    turned = float((force.total[0] * force.total[-1]).sum())
    if force.size[-round(FADE_S * RECORD_HZ) :].max() > RESTLESS_G and turned > NOT_FAR:
        return None
    told = []
    stops = [p.at_s for p in row.placed[1:]] + [row.seconds]
    for placed, stop_s in zip(row.placed, stops, strict=True):
        act = placed.act
        first, stop = round(placed.at_s * RECORD_HZ) - 5, round(stop_s * RECORD_HZ) - 5
        part, size = force.total[first:stop], force.size[first:stop]
        peak_g = float(size.max())
        from_start = np.sqrt(((part - part[0]) ** 2).sum(axis=1))
        from_end = np.sqrt(((part - part[-1]) ** 2).sum(axis=1))
        hummed = max((h.size / 9.81 for h in act.hums), default=0.0)
        found = None
        if act.beats_s is not None:
            from_s, to_s = (placed.at_s + s for s in act.beats_s)
            found = clonus.beats(state[2] - state[1], from_s, to_s)
            if found is None:
                return None
        if max(from_start.max(), hummed) < SEEN_G:
            if found is not None:
                return None
            continue
        least_g = max(ONSET_SHARE * peak_g, ONSET_FLOOR_G)
        onset_s = (first + int((from_start > least_g).argmax())) / RECORD_HZ
        end_s = (stop - 1 - int((from_end[::-1] > least_g).argmax())) / RECORD_HZ
        if hummed:
            onset_s, end_s = placed.at_s, placed.at_s + act.hums[-1].to_s
            peak_g = max(peak_g, hummed)
        if found is not None and act.parts is None:
            onset_s, end_s = found.onset_s, found.end_s
        rhythm_hz = act.rhythm_hz if found is None else found.hz
        told.append(Truth(
            onset_s=(row.at_s + onset_s) * clock,
            duration_s=max(end_s - onset_s, 1 / RECORD_HZ) * clock,
            kind=act.kind,
            peak_g=peak_g,
            rhythm_hz=None if rhythm_hz is None else rhythm_hz / clock,
            beats=None if found is None else found.count,
            parts=act.parts,
            engine=act.engine,
            manner=act.manner + (", loose strap" if loose else ""),
        ))  # fmt: skip
    return told


def _sampled(forces: Sequence[_Force], setting: Setting) -> Samples:
    """Return the samples: rows where something moves, slow drift from one to the next between."""
    sensor = setting.sensor
    n = round(setting.duration_s * sensor.fs)
    moments = sensor.instants_s(setting.noise, 0, n)
    knots = [0.0]
    ups = [forces[0].total[0] if forces else _up(setting)]
    for force in forces:
        knots += [force.at_s, force.end_s]
        ups += [force.total[0], force.total[-1]]
    known = np.array(ups)
    samples = np.stack([np.interp(moments, knots, axis) for axis in known.T], axis=1)
    samples /= np.sqrt((samples**2).sum(axis=1, keepdims=True))
    for force in forces:
        first, stop = np.searchsorted(moments, [force.at_s, force.end_s])
        grid = force.at_s + np.arange(len(force.total)) / RECORD_HZ
        within = moments[first:stop]
        for axis in range(3):
            samples[first:stop, axis] = np.interp(within, grid, force.total[:, axis])
        for from_s, to_s, hz, size in force.hums:
            on = (within > force.at_s + from_s) & (within < force.at_s + to_s)
            wave = size / 9.81 * on * np.sin(2 * np.pi * hz * within)
            samples[first:stop] += wave[:, np.newaxis] * setting.worn.touched
    _rest(samples, moments, setting.rest)
    samples = sensor.read(setting.noise, samples)
    sensor.lose(setting.noise, samples)
    return samples


def _up(setting: Setting) -> Array:
    up = setting.rest.standard_normal(3)
    return np.asarray(up / np.sqrt((up**2).sum()))


def _rest(samples: Samples, moments: Array, rng: np.random.Generator) -> None:
    """Add breath, pulse and creep, in place."""
    end_s = float(moments[-1]) + 300.0
    knots = np.arange(-1.0, end_s, 4.0)
    breath = np.cumsum(4.0 * rng.uniform(0.2, 0.3, len(knots)))
    phase = np.interp(moments, knots, breath)
    beat_knots = np.arange(-1.0, end_s, 10.0)
    heart = np.cumsum(10.0 * rng.uniform(0.85, 1.25) * rng.uniform(0.93, 1.07, len(beat_knots)))
    beat = np.interp(moments, beat_knots, heart) % 1.0
    pulse = np.exp(-(((beat - 0.2) / 0.05) ** 2)) - 0.6 * np.exp(-(((beat - 0.32) / 0.07) ** 2))
    creep_knots = np.arange(-1.0, end_s, 90.0)
    tilt_axis, push_axis = rng.standard_normal((2, 3))
    tilt_axis *= rng.uniform(*BREATH_G) / np.sqrt((tilt_axis**2).sum())
    push_axis *= rng.uniform(*PULSE_G) / np.sqrt((push_axis**2).sum())
    kicks = rng.standard_normal((len(creep_knots), 3))
    creep = np.zeros_like(kicks)
    for i in range(1, len(kicks)):
        creep[i] = 0.9 * creep[i - 1] + CREEP_RAD * 0.44 * kicks[i]
    wave = np.sin(2 * np.pi * phase)
    tilt = [
        wave * tilt_axis[axis] + np.interp(moments, creep_knots, creep[:, axis])
        for axis in range(3)
    ]
    x, y, z = samples[:, 0].copy(), samples[:, 1].copy(), samples[:, 2].copy()
    samples[:, 0] += tilt[1] * z - tilt[2] * y + pulse * push_axis[0]
    samples[:, 1] += tilt[2] * x - tilt[0] * z + pulse * push_axis[1]
    samples[:, 2] += tilt[0] * y - tilt[1] * x + pulse * push_axis[2]
