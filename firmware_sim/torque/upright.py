"""Getting up, walking and lying down again: a leg that hangs from the hip, swung by its muscles.

Cadence 0.75 to 1.05 strides a second, heel strikes of 100 to 500 N [estimate]. Hemiparetic gait:
slower, the leg stiff and swung in an arc (circumduction), heel strike soft.
"""

from __future__ import annotations

import numpy as np

from detector.events import Kind
from firmware_sim.torque.body import Leg, Person
from firmware_sim.torque.channels import (
    DRIVE_HZ,
    Act,
    Channel,
    Posture,
    blank,
    log_uniform,
    times,
)  # fmt: skip
from firmware_sim.torque.lying import draw_posture
from firmware_sim.torque.muscle import hold, noise, noisy, smooth


def walk(
    rng: np.random.Generator, leg: Leg, person: Person, lying: Posture, *,
    hemiparetic: bool | None = None,
) -> Act:  # fmt: skip
    """Return rising, walking there and back with a pause, and lying down in a new posture."""
    if hemiparetic is None:
        hemiparetic = bool(person.spastic and rng.random() < 0.5)
    there_s, pause_s = rng.uniform(6, 20), rng.uniform(4, 15)
    rise_s, fall_s = rng.uniform(2.5, 5), rng.uniform(3, 6)
    walks = [(rise_s, rise_s + there_s)]
    walks.append((walks[0][1] + pause_s, walks[0][1] + pause_s + there_s))
    seconds = walks[1][1] + fall_s
    drive = blank(seconds)
    t, n = times(drive), drive.shape[1]
    up = smooth(np.clip((t - 0.5) / (rise_s - 1), 0, 1))
    up *= 1 - smooth(np.clip((t - walks[1][1] - 0.5) / (fall_s - 1.5), 0, 1))
    pitch = up * (np.pi / 2 + 0.04 * noise(rng, n, 0.4))
    hz = rng.uniform(0.4, 0.7) if hemiparetic else rng.uniform(0.75, 1.05)
    for from_s, to_s in walks:
        on = smooth(np.clip((t - from_s) / 0.8, 0, 1)) * smooth(np.clip((to_s - t) / 0.8, 0, 1))
        rate = hz * (1 + (0.08 if hemiparetic else 0.03) * noise(rng, n, 0.5))
        phase = np.cumsum(rate * on) / DRIVE_HZ
        swing = np.sin(2 * np.pi * phase)
        lift = np.maximum(np.sin(2 * np.pi * (phase + 0.13)), 0) ** 2
        size = person.strength * (0.7 if hemiparetic else 1.0)
        drive[Channel.HIP] += noisy(rng, on * size * (14 + 38 * swing))
        drive[Channel.KNEE] -= on * size * (6 if hemiparetic else 24) * lift
        drive[Channel.ANKLE] += on * size * rng.uniform(2, 8) * (lift - 0.5 * (swing < 0))
        strike = np.exp(-(((phase % 1.0 - 0.45) * (1 / hz) / rng.uniform(0.015, 0.05)) ** 2))
        drive[Channel.HEEL] += on * size * log_uniform(rng, 12, 50 if hemiparetic else 110) * strike
        if hemiparetic:
            drive[Channel.SIDE] += on * rng.uniform(20, 60) * np.maximum(swing, 0)
            drive[Channel.TWIST] += on * rng.uniform(2, 8) * np.maximum(swing, 0)
    for at_s in (0.3, walks[1][1] + 0.6):  # legs over the edge, and back
        shape = hold(seconds, at_s=at_s, rise_s=0.5, held_s=0.5, release_s=0.8)
        drive[Channel.HIP] += person.strength * rng.uniform(20, 60) * shape
        drive[Channel.KNEE] -= person.strength * rng.uniform(5, 25) * shape
        drive[Channel.TWIST] += rng.normal(0, 8) * shape
        drive[Channel.BED] -= rng.uniform(50, 400) * shape
    return Act(
        kind=Kind.MOVEMENT, manner="hemiparetic walk" if hemiparetic else "walk", drive=drive,
        pitch=pitch, after=draw_posture(rng, leg, other_than=lying),
        moves_s=(walks[1][1] - 0.5 * pause_s - there_s, seconds - 0.5), quiet_after_s=5.0,
    )  # fmt: skip
