"""Clonus: two engines that must beat by themselves, and how beats are read off the ankle's angle.

(a) "reflex": a delayed stretch reflex of the triceps surae on a foot with inertia; its rhythm
follows from delay, muscle and load (Hidler & Rymer 1999). It is started by a stretch and ends when
threshold and gain have tired, when the spinal cord stops it or when the stretch is taken off.
(b) "oscillator": a spinal rhythm that the load does not change (Walsh 1976; Wallace 2005). First
intervals longer, settled by beat 5 (Boyraz 2015).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.signal import butter, sosfiltfilt

from firmware_sim.torque.body import SCALARS, Leg, Person
from firmware_sim.torque.channels import DRIVE_HZ, Array, log_uniform
from firmware_sim.torque.dynamics import RECORD_HZ, STEP_S
from firmware_sim.torque.muscle import noise

HZ = (3.0, 8.0)
"""Beats outside are no clonus, and are drawn again."""
LEAST_BEATS = 3
LEAST_RAD = 0.006
"""Swing of the ankle below which nothing beats."""
CANDIDATES = 24
SCREEN_HZ = (3.2, 7.7)
SCREEN_S = 3.0
TOUCHED = ("delay_s", "gain", "length_gain", "threshold", "strongest", "tiring", "recovery")


@dataclass(frozen=True, slots=True)
class Beats:
    """What beats: seconds of the first beat's start and the last one's end, and their rhythm."""

    onset_s: float
    end_s: float
    count: int
    hz: float


def candidates(rng: np.random.Generator, leg: Leg, person: Person) -> list[Leg]:
    """Return legs with random stretch reflexes; which of them beat, `beating` finds out."""
    found = []
    for _ in range(CANDIDATES):
        scalars = leg.scalars.copy()
        drawn = {
            "delay_s": rng.uniform(0.030, 0.070),
            "gain": log_uniform(rng, 5.0, 60.0),
            "length_gain": rng.uniform(0.5, 4.0),
            "threshold": rng.uniform(0.02, 0.5),
            "strongest": person.strength * log_uniform(rng, 1.0, 9.0),
            "tiring": rng.choice([0.0, log_uniform(rng, 0.05, 1.5)]),
            "recovery": rng.uniform(0.05, 0.4),
        }
        for name, value in drawn.items():
            scalars[SCALARS.index(name)] = value
        pace = leg.pace.copy()
        pace[3] = 1 / rng.uniform(0.018, 0.045)
        found.append(replace(leg, scalars=scalars, pace=pace))
    return found


def beating(choices: Sequence[Sequence[Leg]]) -> list[Leg | None]:
    """Return of each set of candidates the first that beats by itself, None without one.

    A foot alone, kicked once: the whole leg beats a little slower or faster, but then beats.
    """
    legs = [leg for choice in choices for leg in choice if len(choice) > 1]
    rates = iter(_screened(legs).tolist() if legs else [])
    found: list[Leg | None] = []
    for choice in choices:
        if len(choice) == 1:  # nothing to choose: it need not beat
            found.append(choice[0])
            continue
        tried = [(leg, next(rates)) for leg in choice]
        found.append(next((leg for leg, hz in tried if SCREEN_HZ[0] < hz < SCREEN_HZ[1]), None))
    return found


def _screened(legs: Sequence[Leg]) -> Array:
    """Return the rate in Hz at which each foot still beats after `SCREEN_S`, 0 if it does not."""
    scalars = np.stack([leg.scalars for leg in legs], axis=-1)
    delay_s, gain, length_gain, threshold, strongest = (
        scalars[SCALARS.index(name)] for name in TOUCHED[:5]
    )
    # What the shank gives way: the foot's own inertia is a little less effective.
    inertia = np.array([leg.diagonal[2] for leg in legs])
    stiffness = np.array([leg.stiffness[2] for leg in legs])
    damping = np.array([leg.damping[2] for leg in legs])
    pace = STEP_S * np.array([leg.pace[3] for leg in legs])
    delay, rows = np.round(delay_s / STEP_S).astype(np.int64), np.arange(len(legs))
    n, steps = len(legs), round(SCREEN_S / STEP_S)
    past, seen = np.zeros((128, n)), np.zeros((steps, n))
    angle, rate, one, two = np.zeros(n), np.full(n, 3.0), np.zeros(n), np.zeros(n)
    for step in range(steps):
        past[step % 128] = rate + length_gain * angle
        felt = gain * np.maximum(past[(step - delay) % 128, rows] - threshold, 0.0)
        one += pace * (strongest * felt / (strongest + felt) - one)
        two += pace * (one - two)
        rate += STEP_S * (-two - damping * rate - stiffness * angle) / inertia
        angle += STEP_S * rate
        seen[step] = angle
    late = seen[steps // 3 :] - seen[steps // 3 :].mean(axis=0)
    rising = ((late[:-1] < 0) & (late[1:] >= 0)).sum(axis=0)
    size = np.abs(late[-1000:]).max(axis=0)
    return np.asarray(np.where(size > 3 * LEAST_RAD, rising / (len(late) * STEP_S), 0.0))


def pulses(rng: np.random.Generator, seconds: float, hz: float) -> Array:
    """Return a spinal oscillator's drive of unit size, positive plantar flexes, (n,)."""
    n = max(1, round(seconds * DRIVE_HZ))
    t = np.arange(n) / DRIVE_HZ
    longer = rng.uniform(0.1, 0.4) * np.exp(-t * hz / rng.uniform(1.0, 2.5))
    drift = 1 - rng.uniform(-0.05, 0.15) * t / max(seconds, 1.0)
    rate = hz * drift / (1 + longer) * (1 + 0.03 * noise(rng, n, 0.8))
    phase = np.cumsum(rate) / DRIVE_HZ
    width = rng.uniform(0.3, 0.55)
    within = phase % 1.0
    burst = np.where(within < width, np.sin(np.pi * within / width), 0.0)
    sizes = np.maximum(1 + 0.2 * rng.standard_normal(int(phase[-1]) + 2), 0.2)
    growth = 1 - np.exp(-(phase + 0.3) / rng.uniform(0.3, 2.0))
    waves = 1 + rng.choice([0.0, rng.uniform(0.2, 0.6)]) * np.sin(
        2 * np.pi * rng.uniform(0.15, 0.6) * t + rng.uniform(0, 6)
    )
    wane = np.exp(-t / seconds * rng.choice([0.0, rng.uniform(0.5, 3.0)]))
    return np.asarray(burst * sizes[phase.astype(np.int64)] * growth * waves * wane)


def beats(ankle: Array, from_s: float, to_s: float) -> Beats | None:
    """Read beats off an ankle's angle at `RECORD_HZ`: its longest run of like swings.

    A beat begins where the stretch begins, at a turn of the angle; a swing below a quarter of the
    strong ones is passive ringing. None below `LEAST_BEATS` beats or outside `HZ`.
    """
    first = max(0, round(from_s * RECORD_HZ))
    part = ankle[first : round(to_s * RECORD_HZ)]
    if len(part) < 100:
        return None
    band = butter(2, (2.0, 14.0), "bandpass", fs=RECORD_HZ, output="sos")
    swing = sosfiltfilt(band, part)
    low = np.flatnonzero((swing[1:-1] <= swing[:-2]) & (swing[1:-1] < swing[2:])) + 1
    if len(low) < LEAST_BEATS + 1:
        return None
    sizes = np.maximum.reduceat(swing, low)[:-1] - swing[low[:-1]]
    strong = np.quantile(sizes, 0.8)
    good = (sizes > max(0.25 * strong, LEAST_RAD)) & (sizes < 4 * strong)
    gaps = np.diff(low) / RECORD_HZ
    good &= (gaps > 0.10) & (gaps < 0.42)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], good, [False])).astype(int)))
    runs = sorted(zip(edges[::2], edges[1::2], strict=True), key=lambda run: run[0] - run[1])
    if not runs or runs[0][1] - runs[0][0] < LEAST_BEATS:
        return None
    start, stop = runs[0]
    hz = float(1 / np.median(gaps[start:stop]))
    if not HZ[0] <= hz <= HZ[1]:
        return None
    onset_s, end_s = (first + low[start]) / RECORD_HZ, (first + low[stop]) / RECORD_HZ
    return Beats(float(onset_s), float(end_s), int(stop - start), hz)
