"""What sleepers and wakeful people do themselves: no spasm. Sizes and times are [estimate]s.

Stretches (pandiculation): 2 to 8 s, ramp 0.5 to 1.5 s, trembling. Scratching: by a hand 2.5 to
6 Hz, by the other foot 2 to 4 Hz. Jiggling 2 to 5 Hz. Massage 1 to 3 Hz. Periodic leg movements:
0.5 to 10 s (WASM 2016). Tremor 3.5 to 8 Hz.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from detector.events import Kind
from firmware_sim.torque.body import Leg, Person
from firmware_sim.torque.channels import (
    DRIVE_HZ,
    Act,
    Array,
    Channel,
    Posture,
    blank,
    log_uniform,
    times,
)  # fmt: skip
from firmware_sim.torque.lying import draw_posture, nudged
from firmware_sim.torque.muscle import hold, noise, noisy, oscillation, smooth, tremble

JOINTS = (Channel.HIP, Channel.KNEE, Channel.ANKLE)


def stretch(rng: np.random.Generator, leg: Leg, person: Person, lying: Posture) -> Act:
    """Return a voluntary stretch: extensors (seldom flexors), held trembling, let go."""
    held_s, rise_s, release_s = rng.uniform(1, 6), rng.uniform(0.5, 1.5), rng.uniform(0.4, 1.8)
    seconds = rise_s + held_s + release_s + 0.3
    drive = blank(seconds)
    shape = hold(seconds, at_s=0.05, rise_s=rise_s, held_s=held_s, release_s=release_s)
    shape *= 1 + 0.15 * noise(rng, len(shape), 0.5)
    torques = (rng.uniform(-40, 10), rng.uniform(10, 70), rng.choice([-1, 1], p=[0.6, 0.4]) *
               rng.uniform(5, 28))  # fmt: skip
    if rng.random() < 0.15:
        torques = (rng.uniform(20, 70), -rng.uniform(5, 40), rng.uniform(3, 15))
    for channel, torque in zip(JOINTS, torques, strict=True):
        own = person.strength * torque * shape
        drive[channel] = noisy(rng, own) + log_uniform(rng, 0.003, 0.06) * own * tremble(
            rng, len(own)
        )
    drive[Channel.TWIST] = rng.normal(0, 4) * shape
    return Act(
        kind=Kind.MOVEMENT, manner="stretch", drive=drive,
        after=nudged(rng, leg, lying, rng.choice([0.5, 4.0])), moves_s=(rise_s, seconds),
    )  # fmt: skip


def _bursts(rng: np.random.Generator, drive: Array, size: float, count: int) -> None:
    """Add voluntary pulls of random joints, one after the other."""
    seconds = drive.shape[1] / DRIVE_HZ
    for _ in range(count):
        shape = hold(
            seconds, at_s=rng.uniform(0, max(seconds - 1.2, 0.05)), rise_s=rng.uniform(0.2, 0.8),
            held_s=rng.uniform(0, 0.6), release_s=rng.uniform(0.2, 0.8),
        )  # fmt: skip
        for channel, most in zip(JOINTS, (36, 18, 5), strict=True):
            drive[channel] += noisy(rng, size * most * rng.uniform(-0.5, 1.0) * shape)
        drive[Channel.TWIST] += size * rng.normal(0, 6) * shape


def shift(rng: np.random.Generator, leg: Leg, person: Person, lying: Posture) -> Act:
    """Return a small shift of the leg."""
    seconds = rng.uniform(0.8, 3.0)
    drive = blank(seconds)
    _bursts(rng, drive, person.strength * log_uniform(rng, 0.15, 0.9), int(rng.integers(1, 4)))
    return Act(
        kind=Kind.MOVEMENT, manner="shift", drive=drive,
        after=nudged(rng, leg, lying, log_uniform(rng, 1, 10)), moves_s=(0.1, seconds + 0.3),
    )  # fmt: skip


def turn(rng: np.random.Generator, leg: Leg, person: Person, lying: Posture) -> Act:
    """Return a turn over, in one to four pushes of the whole body."""
    seconds = rng.uniform(1.5, 7.0)
    drive = blank(seconds)
    _bursts(rng, drive, person.strength * rng.uniform(0.25, 0.9), int(rng.integers(2, 6)))
    for _ in range(int(rng.integers(1, 5))):  # the body's weight comes down on the mattress
        at_s = rng.uniform(0.2, seconds)
        drive[Channel.BED] -= log_uniform(rng, 20, 250) * hold(
            seconds, at_s=at_s, rise_s=rng.uniform(0.03, 0.2), held_s=0.02, release_s=0.2
        )
    begins = rng.uniform(0.1, 0.4) * seconds
    after = draw_posture(rng, leg, other_than=lying)
    return Act(
        kind=Kind.TURN, manner="turn", drive=drive, after=after,
        moves_s=(begins, begins + rng.uniform(1.2, 4.0)), quiet_after_s=4.0,
    )  # fmt: skip


def reposition(rng: np.random.Generator, leg: Leg, person: Person, lying: Posture) -> Act:
    """Return a larger rearrangement in the same position."""
    act = shift(rng, leg, person, lying)
    drive = blank(rng.uniform(3, 10))
    _bursts(rng, drive, person.strength * log_uniform(rng, 0.2, 0.8), int(rng.integers(3, 8)))
    return replace(
        act, drive=drive, manner="repositioning", after=nudged(rng, leg, lying, 14),
        moves_s=(0.3, act.seconds + 1.0),
    )  # fmt: skip


def blanket(rng: np.random.Generator, leg: Leg, person: Person, lying: Posture) -> Act:
    """Return the blanket pulled over leg and sensor, mostly with a movement of the leg."""
    seconds = rng.uniform(1.0, 5.0)
    drive = blank(seconds)
    for _ in range(int(rng.integers(1, 5))):
        pull = hold(
            seconds, at_s=rng.uniform(0, seconds - 0.8), rise_s=rng.uniform(0.08, 0.4),
            held_s=rng.uniform(0.05, 0.8), release_s=rng.uniform(0.1, 0.4),
        )  # fmt: skip
        drive[Channel.PUSH] += rng.uniform(-25, 40) * pull
        drive[Channel.SIDE] += rng.uniform(-30, 30) * pull
        drive[Channel.TOE] += rng.uniform(-10, 15) * pull
        rubbed = np.convolve(noise(rng, len(pull), 20.0), [1.0], mode="same")
        drive[Channel.CASE] += log_uniform(rng, 0.05, 1.5) * pull * rubbed
    if rng.random() < 0.5:
        _bursts(rng, drive, person.strength * rng.uniform(0.1, 0.6), 1)
    return Act(
        kind=Kind.MOVEMENT, manner="blanket", drive=drive,
        after=nudged(rng, leg, lying, 1.5), moves_s=(0.1, seconds),
    )  # fmt: skip


def scratch(rng: np.random.Generator, *, foot: bool | None = None) -> Act:
    """Return scratching at a point of the shank: strokes, pauses, strokes."""
    if foot is None:
        foot = bool(rng.random() < 0.35)
    rounds = int(rng.integers(1, 5))
    pieces: list[Array] = []
    hz = rng.uniform(2, 4) if foot else rng.uniform(2.5, 6)
    size = log_uniform(rng, 2, 20) if foot else log_uniform(rng, 0.5, 10)
    along, across = rng.normal(0, 1, 2)
    for _ in range(rounds):
        piece = blank(log_uniform(rng, 1, 10 if rounds < 3 else 4))
        n = piece.shape[1]
        strokes = oscillation(
            rng, n, hz * rng.uniform(0.9, 1.1), stray=rng.uniform(0.03, 0.12),
            duty=rng.uniform(0.35, 0.65), uneven=rng.uniform(0.1, 0.4),
        )  # fmt: skip
        ramp = np.minimum(1, np.minimum(np.arange(n), np.arange(n)[::-1]) / DRIVE_HZ / 0.2)
        force = size * ramp * (strokes + 0.3 * noise(rng, n, 12.0))
        press = size * rng.uniform(0.2, 0.8) * ramp
        piece[Channel.PUSH] = along * force - press
        piece[Channel.SIDE] = across * force
        piece[Channel.CASE] = 0.03 * np.abs(force) * noise(rng, n, 25.0)
        pieces += [piece, blank(rng.uniform(0.3, 2.0))]
    return Act(
        kind=Kind.MOVEMENT, manner="scratching foot" if foot else "scratching hand",
        drive=np.concatenate(pieces[:-1], axis=1), rhythm_hz=hz,
    )  # fmt: skip


def jiggle(rng: np.random.Generator, person: Person) -> Act:
    """Return a foot that jiggles at will, fairly regularly."""
    seconds, hz = log_uniform(rng, 3, 60), rng.uniform(2, 5)
    drive = blank(seconds)
    n = drive.shape[1]
    ramp = np.minimum(1, np.minimum(np.arange(n), np.arange(n)[::-1]) / DRIVE_HZ / 0.7)
    stroke = ramp * oscillation(
        rng, n, hz, stray=rng.uniform(0.01, 0.06), duty=rng.uniform(0.4, 0.6),
        uneven=rng.uniform(0.03, 0.2),
    )  # fmt: skip
    size = person.strength * log_uniform(rng, 1, 10)
    drive[Channel.ANKLE] = size * stroke
    drive[Channel.TWIST] = size * rng.normal(0, 0.5) * stroke
    drive[Channel.KNEE] = size * rng.uniform(-0.4, 0.8) * stroke
    return Act(kind=Kind.MOVEMENT, manner="jiggling", drive=drive, rhythm_hz=hz)


def rub(rng: np.random.Generator, person: Person) -> Act:
    """Return feet rubbed against each other or along the sheet, 0.7 to 2.5 Hz."""
    seconds, hz = log_uniform(rng, 2, 15), rng.uniform(0.7, 2.5)
    drive = blank(seconds)
    n = drive.shape[1]
    ramp = np.minimum(1, np.minimum(np.arange(n), np.arange(n)[::-1]) / DRIVE_HZ / 0.4)
    stroke = person.strength * ramp * oscillation(rng, n, hz, stray=0.1, uneven=0.3)
    drive[Channel.KNEE] = log_uniform(rng, 1, 8) * stroke
    drive[Channel.HIP] = -rng.uniform(0.5, 1.2) * drive[Channel.KNEE]
    drive[Channel.SIDE] = log_uniform(rng, 0.5, 5) * stroke
    return Act(kind=Kind.MOVEMENT, manner="rubbing feet", drive=drive, rhythm_hz=hz)


def massage(rng: np.random.Generator) -> Act:
    """Return hands that knead a cramped calf, 1 to 3 Hz."""
    seconds, hz = log_uniform(rng, 4, 30), rng.uniform(1, 3)
    drive = blank(seconds)
    n = drive.shape[1]
    strokes = oscillation(rng, n, hz, stray=0.08, uneven=0.3, duty=rng.uniform(0.3, 0.6))
    ramp = np.minimum(1, np.minimum(np.arange(n), np.arange(n)[::-1]) / DRIVE_HZ / 0.5)
    drive[Channel.PUSH] = log_uniform(rng, 3, 25) * ramp * (strokes + rng.uniform(0, 1))
    drive[Channel.SIDE] = rng.normal(0, 6) * ramp * strokes
    drive[Channel.CASE] = 0.3 * ramp * np.abs(strokes) * noise(rng, n, 20.0)
    return Act(kind=Kind.MOVEMENT, manner="massage", drive=drive, rhythm_hz=hz)


def tremor(rng: np.random.Generator, person: Person) -> Act:
    """Return a tremor of the leg that waxes and wanes."""
    seconds, hz = log_uniform(rng, 4, 60), rng.uniform(3.5, 8)
    drive = blank(seconds)
    n, t = drive.shape[1], times(drive)
    waxing = smooth(np.clip(t / rng.uniform(0.4, 3), 0, 1)) * smooth(
        np.clip((seconds - t) / rng.uniform(0.5, 3), 0, 1)
    )
    swing = waxing * np.maximum(1 + 0.35 * noise(rng, n, 0.4), 0.1)
    size = person.strength * log_uniform(rng, 0.5, 7)
    beat = swing * oscillation(rng, n, hz, stray=0.03, uneven=0.1)
    drive[Channel.ANKLE] = size * beat
    drive[Channel.KNEE] = size * rng.uniform(-1, 1) * beat
    drive[Channel.TWIST] = size * rng.normal(0, 0.6) * np.roll(beat, int(rng.integers(0, 30)))
    return Act(kind=Kind.TREMOR, manner="tremor", drive=drive, rhythm_hz=hz)


def fidget(rng: np.random.Generator, leg: Leg, person: Person, lying: Posture) -> Act:
    """Return restless legs: many small movements of all kinds."""
    seconds = log_uniform(rng, 6, 40)
    drive = blank(seconds)
    _bursts(rng, drive, person.strength * log_uniform(rng, 0.1, 0.5), int(seconds))
    return Act(
        kind=Kind.MOVEMENT, manner="fidgeting", drive=drive, after=nudged(rng, leg, lying, 5),
        moves_s=(1.0, seconds),
    )  # fmt: skip


def periodic(
    rng: np.random.Generator, leg: Leg, person: Person, lying: Posture, *, size: float,
    lasts_s: float,
) -> Act:  # fmt: skip
    """Return one of a series of periodic leg movements: toes, ankle, knee and hip flex slowly."""
    lasts_s = float(np.clip(lasts_s * rng.lognormal(0, 0.3), 0.5, 6.0))
    rise_s = rng.uniform(0.25, 0.7)
    seconds = rise_s + lasts_s + 0.8
    drive = blank(seconds)
    shape = hold(
        seconds, at_s=0.05, rise_s=rise_s, held_s=max(lasts_s - rise_s - 0.4, 0.05),
        release_s=rng.uniform(0.4, 0.8),
    )  # fmt: skip
    size *= person.strength * rng.lognormal(0, 0.3)
    for channel, torque in zip(JOINTS, (45, -14, 14), strict=True):
        drive[channel] = noisy(rng, size * torque * rng.uniform(0.7, 1.3) * shape)
    return Act(
        kind=Kind.PLM, manner="periodic", drive=drive, after=nudged(rng, leg, lying, 0.3),
        moves_s=(rise_s, seconds),
    )  # fmt: skip
