"""Likely spasms: flexor and extensor, sudden and ramped, tonic pulls, twitches and clonus.

Shapes: signal note, section 5, and issue 12: ramps of 0.3 to 3 s, holds of 0.5 to 60 s, tremble,
jerks on top of one another, a slow release or a leg that falls. Torques are a fifth to four fifths
of what such joints can pull voluntarily (hip 120, knee 100, ankle 60 N m [recalled]) [estimate].
"""

from __future__ import annotations

import numpy as np

from detector.events import Kind
from firmware_sim.torque import clonus
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
from firmware_sim.torque.lying import nudged
from firmware_sim.torque.muscle import hold, noise, noisy, tremble

FLEXOR = ((12, 65), (-30, -4), (2, 12))
"""N m at hip, knee and ankle: drawn up."""
EXTENSOR = ((-40, 8), (10, 60), (-20, -4))
"""Kicked straight, the foot pointing."""
LONGEST_S = 60.0


def _pulled(
    rng: np.random.Generator, person: Person, drive: Array, shape: Array, pattern: str, *,
    share: float = 1.0,
) -> None:  # fmt: skip
    """Add torques of one pattern to a drive; each joint follows the shape with its own delay."""
    ranges = FLEXOR if pattern == "flexor" else EXTENSOR
    for channel, bounds in zip((Channel.HIP, Channel.KNEE, Channel.ANKLE), ranges, strict=True):
        lag = int(rng.uniform(0, 0.08) * DRIVE_HZ)
        own = np.concatenate([np.zeros(lag), shape[: len(shape) - lag]])
        torque = share * person.strength * rng.uniform(*bounds) * rng.uniform(0.6, 1.15)
        drive[channel] += noisy(rng, torque * own)
        drive[channel] += log_uniform(rng, 0.002, 0.06) * torque * own * tremble(rng, len(own))


def spasm(
    rng: np.random.Generator, leg: Leg, person: Person, lying: Posture, *, manner: str,
) -> Act:  # fmt: skip
    """Return a spasm; `manner` is "sudden flexor", "ramped extensor" and so on."""
    speed, pattern = manner.split()
    rise_s = rng.uniform(0.1, 0.3) if speed == "sudden" else log_uniform(rng, 0.3, 3.0)
    held_s = log_uniform(rng, 0.5, LONGEST_S)
    falls = rng.random() < 0.35
    release_s = log_uniform(rng, 0.08, 0.3) if falls else rng.uniform(1.0, 4.0)
    seconds = rise_s + held_s + release_s + 0.4
    drive = blank(seconds)
    shape = hold(
        seconds, at_s=0.05, rise_s=rise_s, held_s=held_s, release_s=release_s,
        power=rng.uniform(0.7, 1.6), fatigue=rng.uniform(0, 0.6),
    )  # fmt: skip
    _pulled(rng, person, drive, shape, pattern)
    for _ in range(rng.integers(1, 6) if rng.random() < 0.35 else 0):  # jerks on top
        jerk = hold(
            seconds, at_s=rng.uniform(0, rise_s + held_s), rise_s=rng.uniform(0.08, 0.25),
            held_s=rng.uniform(0.05, 0.5), release_s=rng.uniform(0.15, 1.0),
        )  # fmt: skip
        _pulled(rng, person, drive, jerk, pattern, share=rng.uniform(0.15, 0.6))
    drive[Channel.TWIST] += person.strength * rng.normal(0, 4) * shape
    return Act(
        kind=Kind.SPASM,
        manner=manner,
        drive=drive,
        after=nudged(rng, leg, lying, rng.choice([0.3, 3.0, 10.0])),
        moves_s=(rise_s, seconds),
        quiet_after_s=4.5,
    )


def tonic(rng: np.random.Generator, leg: Leg, person: Person, lying: Posture) -> Act:
    """Return a pull against the leg's own stiffness: it hardly moves, trembling 3 to 40 s."""
    held_s, rise_s, release_s = log_uniform(rng, 3, 40), rng.uniform(0.5, 2.5), rng.uniform(1, 4)
    seconds = rise_s + held_s + release_s + 0.3
    drive = blank(seconds)
    shape = hold(seconds, at_s=0.05, rise_s=rise_s, held_s=held_s, release_s=release_s)
    pattern = "flexor" if rng.random() < 0.4 else "extensor"
    _pulled(rng, person, drive, shape, pattern, share=rng.uniform(0.08, 0.22))
    shaking = person.strength * log_uniform(rng, 0.1, 1.2) * shape
    drive[Channel.ANKLE] += shaking * tremble(rng, len(shape))
    drive[Channel.KNEE] += 2 * shaking * tremble(rng, len(shape))
    return Act(
        kind=Kind.TONIC, manner=f"stiff {pattern}", drive=drive,
        after=nudged(rng, leg, lying, 0.3), moves_s=(rise_s + held_s, seconds),
    )  # fmt: skip


def twitch(rng: np.random.Generator, person: Person) -> Act:
    """Return one short contraction of one or all joints' muscles."""
    drive = blank(0.6)
    shape = hold(0.6, at_s=0.02, rise_s=0.03, held_s=rng.uniform(0.0, 0.05), release_s=0.04)
    pattern = "flexor" if rng.random() < 0.6 else "extensor"
    size = log_uniform(rng, 0.05, 0.8)
    if rng.random() < 0.4:
        drive[Channel.ANKLE] += rng.choice([-1, 1]) * 30 * size * person.strength * shape
    else:
        _pulled(rng, person, drive, shape, pattern, share=size)
    return Act(kind=Kind.TWITCH, manner=f"{pattern} twitch", drive=drive, quiet_after_s=2.0)


def bout(
    rng: np.random.Generator, person: Person, *, after_spasm: str | None = None,
    longest_s: float = 60.0,
) -> Act:  # fmt: skip
    """Return a clonus of either engine, by itself or at the end of a spasm."""
    lasts_s = log_uniform(rng, 0.9, longest_s)
    engine = "reflex" if rng.random() < 0.5 else "oscillator"
    lead_s = rng.uniform(0.6, 3.0) if after_spasm else 0.0
    seconds = lead_s + lasts_s + rng.uniform(0.4, 1.2)
    drive = blank(seconds)
    t = times(drive)
    if after_spasm:
        pull = hold(
            seconds, at_s=0.05, rise_s=rng.uniform(0.1, 0.4), held_s=lead_s,
            release_s=rng.uniform(0.2, 1.5), fatigue=0.3,
        )  # fmt: skip
        _pulled(rng, person, drive, pull, after_spasm, share=0.7)
    begins, ends = lead_s + 0.05, lead_s + lasts_s
    if engine == "reflex":
        fade_s = rng.choice([0.03, rng.uniform(0.2, 1.5)])
        drive[Channel.REFLEX] = np.clip((ends - t) / fade_s + 1, 0, 1) * (t >= 0.5 * lead_s)
        drive[Channel.REFLEX] *= np.maximum(1 + 0.12 * noise(rng, len(t), 0.5), 0)
        kick = hold(
            seconds, at_s=begins, rise_s=rng.uniform(0.03, 0.10), held_s=0.03, release_s=0.06
        )
        drive[Channel.TOE] += log_uniform(rng, 8, 40) * kick
        stretched = hold(
            seconds, at_s=begins, rise_s=0.2, held_s=max(lasts_s - 0.2, 0.1), release_s=0.1
        )
        drive[Channel.TOE] += rng.choice([0.0, rng.uniform(5, 25)]) * stretched
    else:
        hz = rng.uniform(3.4, 7.4)
        burst = clonus.pulses(rng, max(lasts_s, 3.5 / hz), hz)
        first = round(begins * DRIVE_HZ)
        burst = burst[: drive.shape[1] - first]
        size = person.strength * log_uniform(rng, 2.0, 14.0)
        drive[Channel.ANKLE, first : first + len(burst)] -= size * burst
        share = rng.uniform(0, 0.35)
        drive[Channel.KNEE, first : first + len(burst)] += share * size * burst
    return Act(
        kind=Kind.CLONUS,
        manner=f"{after_spasm} spasm with clonus" if after_spasm else "clonus",
        drive=drive,
        beats_s=(max(0.0, begins - 0.1), ends + 0.8),
        parts=(Kind.SPASM, Kind.CLONUS) if after_spasm else None,
        engine=engine,
    )
