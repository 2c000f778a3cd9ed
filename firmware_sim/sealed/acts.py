"""Ordinary acts of who lies awake: stretching, the blanket, restlessness, kneading a cramp."""

from __future__ import annotations

import math

import numpy as np
from scipy import signal

from detector.events import Kind
from firmware_sim.sealed.bed import mattress
from firmware_sim.sealed.contact import Bedded
from firmware_sim.sealed.muscle import (
    Array,
    band_noise,
    burst,
    contract,
    degrees,
    either_sign,
    length,
    log_uniform,
    ragged,
    respond,
    step,
)
from firmware_sim.sealed.skeleton import (
    ANKLE,
    HIP,
    KNEE,
    ROLL,
    SPIN,
    YAW,
    Motion,
    comfortable,
    lying,
    still,
)
from firmware_sim.sealed.spastic import tremble

LEAD_S = 0.3
SETTLE_S = 3.0
EFFORT_HZ = (7.0, 12.0)
"""Tremor of strong effort; physiological tremor's band (Elble and Randall 1976 [recalled])."""


def stretch(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw a pandiculation: legs and body stretch for 2-8 s, tremble at the height, let go."""
    rise_s, whole_s = rng.uniform(0.5, 1.5), rng.uniform(2.0, 8.0)
    release_s = rng.uniform(0.3, 1.6)
    end_s = LEAD_S + max(whole_s, rise_s + 0.6)
    samples = length(end_s + release_s + SETTLE_S, rate_hz)
    effort = step(samples, rate_hz=rate_hz, start_s=LEAD_S, rise_s=rise_s)
    if rng.random() < 0.4:  # a second, stronger go
        again_s = rng.uniform(LEAD_S + rise_s, end_s - 0.3)
        more = step(samples, rate_hz=rate_hz, start_s=again_s, rise_s=0.8)
        effort *= rng.uniform(0.5, 0.8) + 0.4 * more
    effort *= 1 - step(samples, rate_hz=rate_hz, start_s=end_s, rise_s=release_s)
    toes = degrees(rng, 8, 35) * (1.0 if rng.random() < 0.35 else -1.0)
    target = np.array([
        -rng.uniform(0.4, 1.0) * max(float(pose_rad[HIP]), 0.0) - degrees(rng, 0.5, 4),
        -rng.uniform(0.5, 1.0) * max(float(pose_rad[KNEE]), 0.0) - degrees(rng, 0, 2),
        toes, degrees(rng, -6, 6), degrees(rng, -8, 8), degrees(rng, -6, 6),
    ])  # fmt: skip
    force = contract(ragged(rng, effort), rate_hz=rate_hz, twitch_s=rng.uniform(0.06, 0.1))
    sliding = Bedded.drawn(rng, lifted=False)
    lead_rad = float(np.max(np.abs(target[:ANKLE])))
    way = sliding.moved(force, target_rad=lead_rad, rate_hz=rate_hz) / lead_rad
    angles = still(samples)
    for joint in range(len(target)):
        own = respond(
            force, rate_hz=rate_hz, twitch_s=0.05, natural_hz=rng.uniform(1.2, 2.4),
            damping=rng.uniform(0.6, 1.0),
        )  # fmt: skip
        angles[joint] = target[joint] * (way if joint in {HIP, KNEE} else own)
    if not comfortable(pose_rad + angles[:, -1]):
        back = step(samples, rate_hz=rate_hz, start_s=end_s + release_s, rise_s=1.2)
        angles -= angles[:, -1:] * back
    if rng.random() < 0.8:
        shaking = band_noise(rng, samples, rate_hz=rate_hz, centre_hz=rng.uniform(*EFFORT_HZ),
                             quality=rng.uniform(2.0, 6.0))  # fmt: skip
        angles[ANKLE] += degrees(rng, 0.005, 0.06) * shaking * np.clip(force, 0, 1.5) ** 2
        strongest_g = log_uniform(rng, 0.003, 0.05)
        angles[KNEE] += tremble(rng, np.clip(effort, 0, 1) ** 2, strongest_g, rate_hz)
    return Motion(
        kind=Kind.MOVEMENT, angles_rad=angles, active_s=end_s + release_s, peak_g=(0.02, 1.0),
        manner="stretch",
    )  # fmt: skip


def blanket(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw a blanket that hands tug over the legs, sticking and slipping, or that a foot lifts."""
    del pose_rad
    tugs = int(rng.integers(1, 6))
    gaps_s = rng.uniform(0.5, 1.6, tugs)
    starts_s = LEAD_S + np.cumsum(gaps_s) - gaps_s[0]
    widths_s = rng.uniform(0.3, 1.1, tugs)
    active_s = float(np.max(starts_s + widths_s))
    samples = length(active_s + SETTLE_S, rate_hz)
    tugging, kicking = np.zeros(samples), np.zeros(samples)
    for start_s, width_s in zip(starts_s, widths_s, strict=True):
        tug = burst(samples, rate_hz=rate_hz, start_s=start_s, width_s=width_s)
        tugging += rng.uniform(0.4, 1.0) * tug
        if rng.random() < 0.4:
            kicking += rng.uniform(0.3, 1.0) * tug
    angles = still(samples)
    with_foot = rng.uniform(0.2, 1.0)
    for joint, low_deg, high_deg in (
        (HIP, 1.0, 9.0), (KNEE, 1.0, 14.0), (ANKLE, -6.0, 8.0), (YAW, -5.0, 5.0), (SPIN, -6.0, 6.0),
    ):  # fmt: skip
        pull = with_foot * kicking if joint in {HIP, KNEE, ANKLE} else 0.5 * tugging
        angles[joint] = degrees(rng, low_deg, high_deg) * respond(
            ragged(rng, pull), rate_hz=rate_hz, twitch_s=rng.uniform(0.05, 0.09),
            natural_hz=rng.uniform(1.3, 2.6), damping=rng.uniform(0.5, 0.9),
        )  # fmt: skip
    rubbing = _rubbing(rng, samples, rate_hz) * tugging[:, np.newaxis]
    slips = np.zeros(samples)  # cloth that sticks lets go at once, 3-12 times a second
    at_s = LEAD_S
    while at_s < active_s:
        slips += rng.uniform(-0.3, 1.0) * burst(
            samples, rate_hz=rate_hz, start_s=at_s, width_s=rng.uniform(0.03, 0.12)
        )
        at_s += 1 / log_uniform(rng, 3.0, 12.0)
    along = np.outer(slips * tugging, [1.0, rng.uniform(-0.5, 0.5), rng.uniform(-0.3, 0.8)])
    push_g = rubbing * log_uniform(rng, 0.01, 0.12) + along * log_uniform(rng, 0.005, 0.12)
    return Motion(
        kind=Kind.MOVEMENT, angles_rad=angles, push_g=push_g, active_s=active_s,
        peak_g=(0.015, 0.8), manner="blanket",
    )  # fmt: skip


def fidget(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw half a minute of restlessness: many small moves of joints that never quite agree."""
    moves = int(rng.integers(5, 40))
    gaps_s = np.clip(rng.exponential(rng.uniform(0.6, 1.8), moves), 0.15, 5.0)
    starts_s = LEAD_S + np.cumsum(gaps_s) - gaps_s[0]
    active_s = float(starts_s[-1]) + 1.2
    samples = length(active_s + SETTLE_S, rate_hz)
    drives, there_and_back = still(samples), still(samples)
    for start_s in starts_s:
        joint = int(
            rng.choice([HIP, KNEE, ANKLE, YAW, SPIN, ROLL], p=[0.15, 0.2, 0.3, 0.1, 0.2, 0.05])
        )
        size = either_sign(rng) * math.radians(log_uniform(rng, 0.5, 10.0))
        rise_s = log_uniform(rng, 0.12, 0.9)
        if rng.random() < 0.6:
            there_and_back[joint] += size * burst(
                samples, rate_hz=rate_hz, start_s=start_s, width_s=2 * rise_s
            )
        elif abs(drives[joint, -1] + size) < math.radians(8):
            drives[joint] += size * step(samples, rate_hz=rate_hz, start_s=start_s, rise_s=rise_s)
    homeward = step(samples, rate_hz=rate_hz, start_s=active_s - 0.8, rise_s=0.8)
    if not comfortable(pose_rad + drives[:, -1]):
        drives -= drives[:, -1:] * homeward
    angles = np.stack([
        respond(stays + ragged(rng, returns), rate_hz=rate_hz, twitch_s=rng.uniform(0.05, 0.1),
                natural_hz=rng.uniform(1.4, 2.8), damping=rng.uniform(0.5, 0.95))
        for stays, returns in zip(drives, there_and_back, strict=True)
    ])  # fmt: skip
    return Motion(
        kind=Kind.MOVEMENT, angles_rad=angles, active_s=active_s + 0.3, peak_g=(0.03, 0.7),
        manner="fidgeting",
    )  # fmt: skip


def resettle(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw somebody who draws up or stretches the leg by will and leaves it there, in 0.6-2.5 s."""
    aim = lying(rng)
    aim[ROLL] = pose_rad[ROLL] + degrees(rng, -4, 4)
    change = aim - pose_rad
    lasting_s = rng.uniform(0.6, 2.5)
    active_s = LEAD_S + lasting_s + 0.3
    samples = length(active_s + SETTLE_S, rate_hz)
    angles = still(samples)
    for joint in range(len(change)):
        begin_s = LEAD_S + rng.uniform(0.0, 0.25)
        reached = step(samples, rate_hz=rate_hz, start_s=begin_s, rise_s=lasting_s)
        lifted = rng.uniform(0.0, 0.25) * burst(
            samples, rate_hz=rate_hz, start_s=begin_s, width_s=lasting_s
        )
        angles[joint] = change[joint] * respond(
            reached + lifted, rate_hz=rate_hz, twitch_s=rng.uniform(0.06, 0.12),
            natural_hz=rng.uniform(1.2, 2.0), damping=rng.uniform(0.75, 1.0),
        )  # fmt: skip
    put_down = burst(samples, rate_hz=rate_hz, start_s=active_s - 0.2, width_s=0.12)
    landed = mattress(put_down, rate_hz=rate_hz, natural_hz=log_uniform(rng, 3.0, 9.0),
                      damping=rng.uniform(0.15, 0.4))  # fmt: skip
    busy = burst(samples, rate_hz=rate_hz, start_s=LEAD_S, width_s=active_s - LEAD_S)
    push_g = np.outer(landed, log_uniform(rng, 0.01, 0.2) * np.array([0.2, 0.2, 1.0]))
    push_g += _rubbing(rng, samples, rate_hz) * (busy * log_uniform(rng, 0.005, 0.06))[:, None]
    return Motion(
        kind=Kind.MOVEMENT, angles_rad=angles, push_g=push_g, active_s=active_s,
        peak_g=(0.0, math.inf), manner="repositioning",
    )  # fmt: skip


def _rubbing(rng: np.random.Generator, samples: int, rate_hz: float) -> Array:
    """Return the noise of cloth on skin and cloth, (m, 3), of unit rms."""
    b, a = signal.butter(2, [0.9, rng.uniform(6.0, 14.0)], "band", fs=rate_hz)
    noise = signal.lfilter(b, a, rng.standard_normal((samples, 3)), axis=0)
    return np.asarray(noise / max(float(np.std(noise)), 1e-12))
