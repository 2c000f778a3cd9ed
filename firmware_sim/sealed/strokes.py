"""Rhythmic acts by will: scratching, a foot that jiggles, feet that rub, a cramp that is kneaded.

Each stroke is a pair of bursts of two opposed muscles, as in clonus; but the intervals come from a
plan (even, neither longer at first nor tied to a reflex's delay), strokes start at full size or
grow within two, and a hand's strokes reach the leg through its skin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from detector.events import Kind
from firmware_sim.sealed.bed import direction
from firmware_sim.sealed.muscle import (
    Array,
    degrees,
    either_sign,
    length,
    log_uniform,
    ragged,
    respond,
    step,
)
from firmware_sim.sealed.skeleton import ANKLE, HIP, KNEE, ROLL, SPIN, YAW, Motion, still

LEAD_S = 0.3
SETTLE_S = 2.5
REACH_S = 1.2
"""How long a limb takes to come to where it is scratched, and back [estimate]."""


@dataclass(frozen=True, slots=True, eq=False)
class Strokes:
    """Strokes to and fro.

    Parameters
    ----------
    drive : (m,), positive for one muscle and negative for the other
    ends_s : when the last one is over
    rhythm_hz : one over the median interval, pauses left out
    """

    drive: Array
    ends_s: float
    rhythm_hz: float


def hand_scratches(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw a hand that scratches the leg: 2.5-6 Hz, 1-10 s, with pauses; the leg may come up."""
    near = rng.random() < 0.5 and pose_rad[HIP] < 0.5
    begin_s = LEAD_S + (REACH_S if near else 0.0)
    strokes = _strokes(
        rng, rate_hz, at_hz=rng.uniform(2.5, 6.0), for_s=log_uniform(rng, 1.0, 10.0),
        begin_s=begin_s, uneven=rng.uniform(0.04, 0.16), bouts=int(rng.integers(1, 5)),
    )  # fmt: skip
    active_s = strokes.ends_s + (REACH_S if near else 0.0)
    angles = still(len(strokes.drive))
    _shake(rng, angles, strokes.drive, rate_hz, {
        KNEE: degrees(rng, 0.1, 1.5), SPIN: degrees(rng, -2.5, 2.5), YAW: degrees(rng, -1.2, 1.2),
        HIP: degrees(rng, -0.4, 0.4),
    })  # fmt: skip
    if near:
        _bend(rng, angles, rate_hz, strokes.ends_s, degrees(rng, 6, 30))
    nails = _skin(rng, strokes.drive, rate_hz)
    return Motion(
        kind=Kind.MOVEMENT, angles_rad=angles, push_g=nails * log_uniform(rng, 0.01, 0.3),
        active_s=active_s, peak_g=(0.03, 1.2), rhythm_hz=strokes.rhythm_hz,
        manner="scratching by hand",
    )  # fmt: skip


def foot_scratches(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw one leg that scratches the other, 2-4 Hz; the sensor is on either of them."""
    worn_on_the_mover = rng.random() < 0.5
    begin_s = LEAD_S + REACH_S
    strokes = _strokes(
        rng, rate_hz, at_hz=rng.uniform(2.0, 4.0), for_s=log_uniform(rng, 1.0, 12.0),
        begin_s=begin_s, uneven=rng.uniform(0.03, 0.15), bouts=int(rng.integers(1, 4)),
    )  # fmt: skip
    angles = still(len(strokes.drive))
    if worn_on_the_mover:
        knee = degrees(rng, 2, 12)
        _shake(rng, angles, strokes.drive, rate_hz, {
            KNEE: knee, HIP: knee * rng.uniform(0.2, 0.6), ANKLE: knee * rng.uniform(-0.5, 0.5),
            SPIN: degrees(rng, -3, 3),
        })  # fmt: skip
        bent = degrees(rng, 4, 25) if pose_rad[HIP] < 0.5 else degrees(rng, -10, -3)
        _bend(rng, angles, rate_hz, strokes.ends_s, bent)
    else:
        _shake(rng, angles, strokes.drive, rate_hz, {
            KNEE: degrees(rng, 0.2, 2), YAW: degrees(rng, -2, 2), SPIN: degrees(rng, -4, 4),
        })  # fmt: skip
    size_g = log_uniform(rng, 0.005, 0.12 if worn_on_the_mover else 0.3)
    return Motion(
        kind=Kind.MOVEMENT, angles_rad=angles, push_g=_skin(rng, strokes.drive, rate_hz) * size_g,
        active_s=strokes.ends_s + REACH_S, peak_g=(0.04, 1.5), rhythm_hz=strokes.rhythm_hz,
        manner="scratching by other foot",
    )  # fmt: skip


def jiggling(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw a foot that jiggles by will, 2-5 Hz for 3-60 s: up and down, or rolled on the heel."""
    del pose_rad
    strokes = _strokes(
        rng, rate_hz, at_hz=rng.uniform(2.0, 5.0), for_s=log_uniform(rng, 3.0, 60.0),
        begin_s=LEAD_S, uneven=log_uniform(rng, 0.015, 0.08),
        bouts=1 if rng.random() < 0.7 else int(rng.integers(2, 5)),
    )  # fmt: skip
    angles = still(len(strokes.drive))
    foot = degrees(rng, 3, 14)
    rolled = rng.random() < 0.45
    shares = (
        {SPIN: foot, YAW: foot * rng.uniform(0.05, 0.4), ANKLE: foot * rng.uniform(-0.3, 0.3)}
        if rolled
        else {ANKLE: foot, KNEE: -foot * log_uniform(rng, 0.05, 0.4),
              HIP: foot * rng.uniform(0.0, 0.1), SPIN: foot * rng.uniform(-0.2, 0.2)}
    )  # fmt: skip
    _shake(rng, angles, strokes.drive, rate_hz, shares)
    return Motion(
        kind=Kind.MOVEMENT, angles_rad=angles, active_s=strokes.ends_s, peak_g=(0.03, 1.0),
        rhythm_hz=strokes.rhythm_hz, manner="foot jiggling",
    )  # fmt: skip


def rubbing_feet(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw feet that rub each other, 1-3 Hz for 2-15 s."""
    del pose_rad
    strokes = _strokes(
        rng, rate_hz, at_hz=rng.uniform(1.0, 3.0), for_s=log_uniform(rng, 2.0, 15.0),
        begin_s=LEAD_S, uneven=rng.uniform(0.05, 0.2), bouts=int(rng.integers(1, 4)),
    )  # fmt: skip
    angles = still(len(strokes.drive))
    slide = degrees(rng, 1, 7)
    _shake(rng, angles, strokes.drive, rate_hz, {
        HIP: slide * rng.uniform(0.3, 0.6), KNEE: slide, ANKLE: slide * rng.uniform(-1.5, 1.5),
        SPIN: slide * rng.uniform(-1, 1), YAW: slide * rng.uniform(-0.4, 0.4),
    })  # fmt: skip
    size_g = log_uniform(rng, 0.005, 0.1)
    return Motion(
        kind=Kind.MOVEMENT, angles_rad=angles, push_g=_skin(rng, strokes.drive, rate_hz) * size_g,
        active_s=strokes.ends_s, peak_g=(0.03, 0.9), rhythm_hz=strokes.rhythm_hz,
        manner="rubbing feet",
    )  # fmt: skip


def kneading(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw hands that knead a cramped calf, 1-3 Hz for 5-40 s, the leg drawn up to them."""
    strokes = _strokes(
        rng, rate_hz, at_hz=rng.uniform(1.0, 3.0), for_s=log_uniform(rng, 5.0, 40.0),
        begin_s=LEAD_S + REACH_S, uneven=rng.uniform(0.08, 0.2), bouts=int(rng.integers(1, 6)),
    )  # fmt: skip
    angles = still(len(strokes.drive))
    _shake(rng, angles, np.clip(strokes.drive, -0.3, None), rate_hz, {
        KNEE: degrees(rng, 0.5, 4), ANKLE: degrees(rng, -5, 5), SPIN: degrees(rng, -4, 4),
        YAW: degrees(rng, -2, 2),
    })  # fmt: skip
    bent = degrees(rng, 8, 35) if pose_rad[HIP] < 0.4 else degrees(rng, -2, 6)
    _bend(rng, angles, rate_hz, strokes.ends_s, bent)
    angles[ROLL] += degrees(rng, -8, 8) * _there(len(strokes.drive), rate_hz, strokes.ends_s)
    size_g = log_uniform(rng, 0.01, 0.12)
    return Motion(
        kind=Kind.MOVEMENT, angles_rad=angles, push_g=_skin(rng, strokes.drive, rate_hz) * size_g,
        active_s=strokes.ends_s + REACH_S, peak_g=(0.04, 1.0), rhythm_hz=strokes.rhythm_hz,
        manner="cramp massage",
    )  # fmt: skip


def _strokes(
    rng: np.random.Generator,
    rate_hz: float,
    *,
    at_hz: float,
    for_s: float,
    begin_s: float,
    uneven: float,
    bouts: int,
) -> Strokes:
    """Draw strokes of two opposed muscles in some bouts with pauses of 0.3-2 s between."""
    count = max(4, round(at_hz * for_s))
    slower = 1 + rng.uniform(-0.1, 0.15) * np.arange(count) / count
    intervals_s = np.clip(rng.normal(1.0, uneven, count), 0.6, 1.5) * slower / at_hz
    starts_s = begin_s + np.cumsum(intervals_s) - intervals_s[0]
    for pause in rng.integers(2, max(3, count - 1), bouts - 1):
        starts_s[pause:] += rng.uniform(0.3, 2.0)
    ends_s = float(starts_s[-1] + intervals_s[-1])
    drive = np.zeros(length(ends_s + REACH_S + SETTLE_S, rate_hz))
    there, one_sided = rng.uniform(0.35, 0.65), rng.uniform(0.0, 1.0)
    strengths = np.clip(rng.normal(1.0, rng.uniform(0.03, 0.25), count), 0.3, 1.8)
    strengths[:2] *= rng.uniform(0.5, 1.0, 2)
    for start_s, whole_s, force in zip(starts_s, intervals_s, strengths, strict=True):
        for at_s, width_s, sign in (
            (start_s, there * whole_s, 1.0), (start_s + there * whole_s, (1 - there) * whole_s,
                                              -one_sided),
        ):  # fmt: skip
            first, stop = int(at_s * rate_hz), int((at_s + width_s) * rate_hz) + 2
            part = np.clip((np.arange(first, stop) / rate_hz - at_s) / width_s, 0.0, 1.0)
            drive[first:stop] += sign * force * np.sin(math.pi * part) ** 2
    return Strokes(drive, ends_s, 1 / float(np.median(intervals_s)))


def _shake(
    rng: np.random.Generator, angles: Array, drive: Array, rate_hz: float, shares: dict[int, float]
) -> None:
    """Add what the strokes do to some joints, each with its own inertia, in place."""
    ragged_drive = ragged(rng, drive)
    for joint, size_rad in shares.items():
        angles[joint] += size_rad * respond(
            ragged_drive, rate_hz=rate_hz, twitch_s=rng.uniform(0.03, 0.06),
            natural_hz=rng.uniform(2.0, 5.0), damping=rng.uniform(0.4, 0.9),
        )  # fmt: skip


def _there(samples: int, rate_hz: float, ends_s: float) -> Array:
    """Return 1 while a limb is where it is scratched, 0 before and after."""
    come = step(samples, rate_hz=rate_hz, start_s=LEAD_S, rise_s=REACH_S)
    gone = step(samples, rate_hz=rate_hz, start_s=ends_s, rise_s=REACH_S)
    there = respond(come * (1 - gone), rate_hz=rate_hz, twitch_s=0.08, natural_hz=1.8, damping=0.9)
    return np.asarray(there)


def _bend(
    rng: np.random.Generator, angles: Array, rate_hz: float, ends_s: float, hip_rad: float
) -> None:
    """Bend (or stretch) hip and knee while the leg is scratched, in place."""
    there = _there(angles.shape[1], rate_hz, ends_s)
    angles[HIP] += hip_rad * there
    angles[KNEE] += hip_rad * rng.uniform(1.6, 2.2) * there
    angles[SPIN] += hip_rad * rng.uniform(-0.4, 0.4) * there


def _skin(rng: np.random.Generator, drive: Array, rate_hz: float) -> Array:
    """Return what strokes over the skin push, (m, 3), peak 1: their force, and rough contact."""
    touching = np.abs(drive)
    rough = touching * rng.standard_normal(len(drive)) * rng.uniform(0.1, 1.0)
    tissue_hz, damping = rng.uniform(6.0, 16.0), rng.uniform(0.2, 0.5)
    moved = respond(drive * either_sign(rng) + rough, rate_hz=rate_hz, twitch_s=0.006,
                    natural_hz=tissue_hz, damping=damping)  # fmt: skip
    return np.outer(moved / max(float(np.max(np.abs(moved))), 1e-12), direction(rng))
