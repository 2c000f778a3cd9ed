"""What others do to the bed: partner, pet, knocks that ring at the mattress' own rate, machines.

Forces on the mattress in N, from masses and what moves them [estimate]; how much of them reaches
the sensor is the mattress' and the leg's affair.
"""

from __future__ import annotations

import numpy as np

from detector.events import Kind
from firmware_sim.torque.channels import (
    DRIVE_HZ,
    Act,
    Channel,
    Hum,
    blank,
    log_uniform,
    times,
)  # fmt: skip
from firmware_sim.torque.muscle import hold, noise, oscillation


def knock(rng: np.random.Generator, *, repeated: bool | None = None) -> Act:
    """Return one knock or several against the bed: the mattress rings."""
    if repeated is None:
        repeated = bool(rng.random() < 0.35)
    count = int(rng.integers(2, 9)) if repeated else 1
    gap_s = rng.uniform(0.25, 1.2)
    seconds = 0.4 + count * gap_s
    drive = blank(seconds)
    t = times(drive)
    size = log_uniform(rng, 12, 300)
    for i in range(count):
        at_s = 0.03 + i * gap_s * rng.uniform(0.95, 1.05)
        width_s = rng.uniform(0.008, 0.06)
        blow = size * rng.uniform(0.7, 1.2) * np.exp(-(((t - at_s) / width_s) ** 2))
        drive[Channel.BED] -= blow
        drive[Channel.SIDE] += 0.05 * rng.normal() * blow
    return Act(
        kind=Kind.MOVEMENT, manner="ring" if not repeated else "repeated ring", drive=drive,
        quiet_after_s=4.0,
    )  # fmt: skip


def partner(rng: np.random.Generator, *, out: bool = False) -> Act:
    """Return a partner who turns over, or gets out of or into bed."""
    seconds = rng.uniform(3, 10) if out else rng.uniform(1.5, 6)
    drive = blank(seconds)
    for _ in range(int(rng.integers(3, 9))):
        drive[Channel.BED] -= rng.uniform(-0.6, 1) * log_uniform(rng, 20, 250) * hold(
            seconds, at_s=rng.uniform(0, seconds - 0.7), rise_s=rng.uniform(0.05, 0.4),
            held_s=rng.uniform(0, 0.5), release_s=rng.uniform(0.1, 0.5),
        )  # fmt: skip
    drive[Channel.BED] += (
        rng.uniform(10, 60)
        * noise(rng, drive.shape[1], 4.0)
        * hold(seconds, at_s=0.1, rise_s=0.4, held_s=seconds - 1.2, release_s=0.5)
    )
    if out:
        at_s = rng.uniform(0.3, 0.8) * seconds
        weight = hold(seconds, at_s=at_s, rise_s=0.35, held_s=0.2, release_s=0.8)
        drive[Channel.BED] += log_uniform(rng, 40, 400) * weight
    return Act(
        kind=Kind.MOVEMENT, manner="partner gets out" if out else "partner turns", drive=drive,
        quiet_after_s=4.0,
    )  # fmt: skip


def pet(rng: np.random.Generator) -> Act:
    """Return a pet that jumps up, walks about or licks itself (3 to 5 Hz)."""
    manner = str(rng.choice(["pet jumps up", "pet walks", "pet licks itself"]))
    kg = log_uniform(rng, 3, 20)
    if manner == "pet licks itself":
        seconds, hz = log_uniform(rng, 3, 40), rng.uniform(3, 5)
        drive = blank(seconds)
        n = drive.shape[1]
        ramp = np.minimum(1, np.minimum(np.arange(n), np.arange(n)[::-1]) / DRIVE_HZ / 0.5)
        strokes = oscillation(rng, n, hz, stray=0.05, uneven=0.3)
        drive[Channel.BED] = kg * rng.uniform(0.3, 2.5) * ramp * strokes
        drive[Channel.PUSH] = rng.choice([0.0, 0.15]) * drive[Channel.BED]  # it leans on the leg
        return Act(kind=Kind.MOVEMENT, manner=manner, drive=drive, rhythm_hz=hz)
    seconds = rng.uniform(1.5, 3) if manner == "pet jumps up" else rng.uniform(2, 10)
    drive = blank(seconds)
    t = times(drive)
    steps = 4 if manner == "pet jumps up" else int(3 * seconds)
    for step in range(steps):
        at_s = 0.1 + (0.25 if manner == "pet jumps up" else 0.3) * step * rng.uniform(0.9, 1.1)
        size = kg * (rng.uniform(6, 25) if step < 2 and manner == "pet jumps up" else 3)
        blow = size * np.exp(-(((t - at_s) / rng.uniform(0.03, 0.07)) ** 2))
        drive[Channel.BED] -= blow
        drive[Channel.SIDE] += rng.choice([0.0, 0.1]) * blow
    return Act(kind=Kind.MOVEMENT, manner=manner, drive=drive, quiet_after_s=4.0)


def buzz(rng: np.random.Generator) -> Act:
    """Return a phone that rings on the bed: 130 to 180 Hz in pulses."""
    count, on_s, off_s = int(rng.integers(1, 8)), rng.uniform(0.3, 1.2), rng.uniform(0.4, 1.5)
    seconds = count * (on_s + off_s)
    size = log_uniform(rng, 0.15, 4.0)
    hz = rng.uniform(130, 180)
    hums = tuple(
        Hum(i * (on_s + off_s), i * (on_s + off_s) + on_s, hz * rng.uniform(0.995, 1.005), size)
        for i in range(count)
    )
    return Act(kind=Kind.VIBRATION, manner="phone buzz", drive=blank(seconds), hums=hums)


def machine(rng: np.random.Generator) -> Act:
    """Return a washing machine's spin or a passing train, felt through the floor."""
    train = bool(rng.random() < 0.5)
    seconds = rng.uniform(8, 30) if train else rng.uniform(20, 60)
    drive = blank(seconds)
    t, n = times(drive), drive.shape[1]
    swell = np.sin(np.pi * t / seconds) ** 2 if train else hold(
        seconds, at_s=0.2, rise_s=4, held_s=seconds - 9, release_s=4
    )  # fmt: skip
    size = log_uniform(rng, 3, 40)
    if train:
        drive[Channel.BED] = size * swell * noise(rng, n, rng.uniform(8, 20))
    else:
        hz = rng.uniform(8, 22) * (1 + 0.02 * noise(rng, n, 0.3))
        drive[Channel.BED] = size * swell * np.sin(2 * np.pi * np.cumsum(hz) / DRIVE_HZ)
    return Act(
        kind=Kind.VIBRATION, manner="passing train" if train else "washing machine", drive=drive
    )
