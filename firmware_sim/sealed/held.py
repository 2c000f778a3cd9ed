"""Spasms that ramp up or strike, are held for long, tire, tremble, and let go or drop."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy import signal

from detector.events import Kind
from firmware_sim.sealed.contact import Bedded
from firmware_sim.sealed.muscle import (
    Array,
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
    still,
)
from firmware_sim.sealed.spastic import clonus, tremble

LEAD_S = 0.3
SETTLE_S = 3.5
SUDDEN_S, RAMPED_S = (0.1, 0.3), (0.3, 3.0)
"""Rise of the force: issue 12's two families; the limb follows later by its inertia."""
HOLD_S = (0.5, 60.0)
UNEVEN = (0.05, 0.4)
"""Spread of a rectified EMG around its envelope; stiff muscles pass more of it [estimate]."""
ELSEWHERE = 0.25
"""Share of spasms after which the leg slides or tips to another place [estimate]."""
PEAK_G = (0.0, 3.0)
ON_ITS_SIDE_RAD = math.radians(45)


def sudden_flexor(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw a leg that is jerked up and held: hip, knee and ankle bend."""
    return _pull(rng, rate_hz, pose_rad, flexor=True, sudden=True)


def ramped_flexor(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw a leg that is slowly drawn up and held."""
    return _pull(rng, rate_hz, pose_rad, flexor=True, sudden=False)


def sudden_extensor(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw a leg that kicks straight, the foot pointed, and stays so."""
    return _pull(rng, rate_hz, pose_rad, flexor=False, sudden=True)


def ramped_extensor(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw a leg that slowly stiffens straight, the foot pointed."""
    return _pull(rng, rate_hz, pose_rad, flexor=False, sudden=False)


def stiffening(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw muscles that pull against each other for 3-40 s: little turns, much trembles."""
    del pose_rad
    rise_s, hold_s = rng.uniform(0.3, 2.5), log_uniform(rng, 3.0, 40.0)
    end_s = LEAD_S + rise_s + hold_s
    release_s = rng.uniform(0.5, 3.0)
    active_s = end_s + release_s
    samples = length(active_s + SETTLE_S, rate_hz)
    pull = step(samples, rate_hz=rate_hz, start_s=LEAD_S, rise_s=rise_s)
    pull *= _tired(rng, samples, rate_hz, LEAD_S + rise_s, end_s)
    pull *= 1 - step(samples, rate_hz=rate_hz, start_s=end_s, rise_s=release_s)
    small = math.radians(log_uniform(rng, 0.3, 4.0))
    shares = (
        (HIP, rng.uniform(-0.5, 0.5)), (KNEE, either_sign(rng)), (ANKLE, rng.uniform(-2.0, 2.0)),
        (YAW, rng.uniform(-0.3, 0.3)), (SPIN, rng.uniform(-0.4, 0.4)),
    )  # fmt: skip
    angles = still(samples)
    for joint, share in shares:
        angles[joint] = small * share * respond(
            ragged(rng, pull), rate_hz=rate_hz, twitch_s=rng.uniform(0.04, 0.09),
            natural_hz=rng.uniform(1.6, 3.5), damping=rng.uniform(0.3, 0.9),
        )  # fmt: skip
    rms_g = log_uniform(rng, 0.008, 0.06)
    angles[KNEE] += tremble(rng, pull, rms_g, rate_hz)
    angles[SPIN] += tremble(rng, pull, rms_g * rng.uniform(0.1, 0.8), rate_hz)
    return Motion(
        kind=Kind.TONIC, angles_rad=angles, active_s=active_s, peak_g=(0.02, 0.6),
        manner="stiffness",
    )  # fmt: skip


def held_with_clonus(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw a spasm whose stretch of the calf sets off a clonus: in its hold, or at its release."""
    pull = FAMILIES[int(rng.integers(len(FAMILIES)))](rng, rate_hz, pose_rad)
    beats = clonus(rng, rate_hz, pose_rad)
    in_hold = rng.random() < 0.6
    latest_s = pull.active_s if in_hold else pull.active_s + 0.8
    earliest_s = LEAD_S + 0.5 if in_hold else pull.active_s - 0.3
    after_s = rng.uniform(earliest_s, max(latest_s, earliest_s + 0.1))
    shift = length(after_s, rate_hz)
    samples = max(pull.angles_rad.shape[1], beats.angles_rad.shape[1] + shift)
    lasting = samples - pull.angles_rad.shape[1]
    angles = np.pad(pull.angles_rad, ((0, 0), (0, lasting)), mode="edge")
    angles[:, shift : shift + beats.angles_rad.shape[1]] += beats.angles_rad
    return replace(
        beats, angles_rad=angles, active_s=max(pull.active_s, after_s + beats.active_s),
        peak_g=PEAK_G, parts=(Kind.SPASM, Kind.CLONUS), manner=f"{pull.manner}, then clonus",
    )  # fmt: skip


def _pull(
    rng: np.random.Generator, rate_hz: float, pose_rad: Array, *, flexor: bool, sudden: bool
) -> Motion:
    lifted = abs(math.remainder(pose_rad[ROLL], 2 * math.pi)) < ON_ITS_SIDE_RAD and bool(
        rng.random() < 0.65
    )
    target_rad = _drawn_up(rng, pose_rad) if flexor else _kicked(rng, pose_rad, lifted=lifted)
    pull, active_s = _force(rng, rate_hz, sudden=sudden)
    uneven = 1.0 + log_uniform(rng, *UNEVEN) * rng.standard_normal(len(pull))
    force = contract(pull * uneven, rate_hz=rate_hz, twitch_s=rng.uniform(0.03, 0.08))
    angles = _carried(rng, force, target_rad, rate_hz, lifted=lifted and target_rad[HIP] > 0.03)
    if rng.random() < ELSEWHERE:
        _slide(rng, angles, rate_hz, active_s)
    if not comfortable(pose_rad + angles[:, -1]):  # nobody lies so: the limb is put back
        back = step(len(pull), rate_hz=rate_hz, start_s=active_s - 0.2, rise_s=1.6)
        angles -= angles[:, -1:] * back
    if rng.random() < 0.6:
        angles[KNEE] += tremble(rng, np.clip(pull, 0, 1), log_uniform(rng, 0.002, 0.04), rate_hz)
        if rng.random() < 0.5:
            rms_g = log_uniform(rng, 0.002, 0.02)
            angles[SPIN] += tremble(rng, np.clip(pull, 0, 1), rms_g, rate_hz)
    manner = f"{'sudden' if sudden else 'ramped'} {'flexor' if flexor else 'extensor'}"
    return Motion(
        kind=Kind.SPASM, angles_rad=angles, active_s=active_s, peak_g=PEAK_G, manner=manner
    )


def _slide(rng: np.random.Generator, angles: Array, rate_hz: float, active_s: float) -> None:
    """Let the leg come to lie elsewhere while or after the muscles let go, in place."""
    slid = step(
        angles.shape[1], rate_hz=rate_hz, start_s=active_s - rng.uniform(0.1, 1.0),
        rise_s=log_uniform(rng, 0.25, 1.8),
    )  # fmt: skip
    slid = respond(slid, rate_hz=rate_hz, twitch_s=0.04, natural_hz=rng.uniform(1.2, 2.5),
                   damping=rng.uniform(0.5, 1.0))  # fmt: skip
    for joint, most_deg in ((HIP, 6.0), (KNEE, 14.0), (YAW, 8.0), (SPIN, 14.0)):
        angles[joint] += degrees(rng, -most_deg, most_deg) * slid


def _force(rng: np.random.Generator, rate_hz: float, *, sudden: bool) -> tuple[Array, float]:
    """Draw how strongly the muscles pull, and when they are quiet again, s."""
    rise_s = rng.uniform(*SUDDEN_S) if sudden else log_uniform(rng, *RAMPED_S)
    hold_s = log_uniform(rng, *HOLD_S)
    end_s = LEAD_S + rise_s + hold_s
    drops = rng.random() < 0.45
    release_s = log_uniform(rng, 0.05, 0.35) if drops else rng.uniform(1.0, 4.0)
    samples = length(end_s + release_s + SETTLE_S, rate_hz)
    pull = risen(rng, samples, rate_hz, rise_s)
    for _ in range(int(rng.poisson(1.0))):  # a jerk on top of what is held
        pull += rng.uniform(0.1, 0.8) * burst(
            samples, rate_hz=rate_hz, start_s=rng.uniform(LEAD_S + 0.3, max(end_s, LEAD_S + 0.4)),
            width_s=rng.uniform(0.12, 0.5),
        )  # fmt: skip
    pull *= _tired(rng, samples, rate_hz, LEAD_S + rise_s, end_s)
    if rng.random() < 0.4:  # the hold heaves, at no one rate
        slow_hz = log_uniform(rng, 0.4, 3.0)
        b, a = signal.butter(2, slow_hz, fs=rate_hz)
        heaving = signal.lfilter(b, a, rng.standard_normal(samples))
        spread = max(float(np.std(heaving)), 1e-12)
        pull *= np.clip(1 + rng.uniform(0.05, 0.35) * heaving / spread, 0.2, 1.8)
    steps = 1 if drops or rng.random() < 0.7 else int(rng.integers(2, 5))
    each_s = release_s / steps  # in one go, or giving way step by step
    left = rng.dirichlet(np.full(steps, 3.0))
    for number, share in enumerate(left):
        at_s = end_s + number * each_s
        gone = step(samples, rate_hz=rate_hz, start_s=at_s, rise_s=each_s * rng.uniform(0.5, 1.0))
        left[number] = share
        pull = pull * (1 - gone * share / float(np.sum(left[number:])))
    return pull, end_s + release_s


def risen(rng: np.random.Generator, samples: int, rate_hz: float, rise_s: float) -> Array:
    """Draw a rise to 1 within a time: as half a cosine, as charging, as a power, or in steps."""
    seconds = np.arange(samples) / rate_hz - LEAD_S
    part = np.clip(seconds / rise_s, 0.0, 1.0)
    shape = int(rng.integers(4))
    if shape == 0:
        return step(samples, rate_hz=rate_hz, start_s=LEAD_S, rise_s=rise_s)
    if shape == 1:
        return np.asarray((1 - np.exp(-3 * part)) / (1 - math.exp(-3)))
    if shape == 2:
        return np.asarray(part ** rng.uniform(0.7, 2.5))
    recruited = int(rng.integers(2, 6))
    starts_s = LEAD_S + np.sort(rng.uniform(0, 0.75 * rise_s, recruited))
    starts_s += LEAD_S - starts_s[0]
    shares = rng.dirichlet(np.full(recruited, 2.0))
    return sum(
        (
            share * step(samples, rate_hz=rate_hz, start_s=at_s, rise_s=0.25 * rise_s)
            for at_s, share in zip(starts_s, shares, strict=True)
        ),
        start=np.zeros(samples),
    )


def _tired(
    rng: np.random.Generator, samples: int, rate_hz: float, full_s: float, end_s: float
) -> Array:
    """Draw how a held force fades: towards 35-100 % with its own time constant."""
    rest = rng.uniform(0.35, 1.0)
    held_s = np.clip(np.arange(samples) / rate_hz - full_s, 0.0, end_s - full_s)
    return np.asarray(rest + (1 - rest) * np.exp(-held_s / log_uniform(rng, 2.0, 40.0)))


def _carried(
    rng: np.random.Generator, force: Array, target_rad: Array, rate_hz: float, *, lifted: bool
) -> Array:
    """Return the angles of all joints: the leading one lies on the bed, the others follow."""
    lead = HIP if lifted else int(np.argmax(np.abs(target_rad[:ROLL])))
    size = abs(float(target_rad[lead]))
    limb = Bedded.drawn(rng, lifted=lifted)
    way = limb.moved(force, target_rad=size, rate_hz=rate_hz) / size
    angles = still(len(force))
    for joint in map(int, np.flatnonzero(target_rad)):
        tied = {HIP: 1.0, KNEE: rng.uniform(0.6, 1.0), ANKLE: rng.uniform(0.0, 0.3)}.get(joint, 0.5)
        tied = 1.0 if joint == lead else tied
        own = respond(
            force, rate_hz=rate_hz, twitch_s=0.02,
            natural_hz=(2.0 if joint == ANKLE else 1.0) * rng.uniform(1.6, 3.0),
            damping=rng.uniform(0.35, 0.9),
        )  # fmt: skip
        angles[joint] = target_rad[joint] * (tied * way + (1 - tied) * own)
    return angles


def _drawn_up(rng: np.random.Generator, pose_rad: Array) -> Array:
    """Draw a triple flexion, (6,), rad; from a bent leg there is less left to bend."""
    room = 1.0 if pose_rad[HIP] < 0.35 else 0.5
    hip = room * math.radians(log_uniform(rng, 2.0, 45.0))
    return np.array([
        hip, hip * rng.uniform(1.4, 2.2), degrees(rng, 2, 25), degrees(rng, -8, 8),
        degrees(rng, -12, 12), 0.0,
    ])  # fmt: skip


def _kicked(rng: np.random.Generator, pose_rad: Array, *, lifted: bool) -> Array:
    """Draw an extension, (6,), rad: the knee straightens as far as it is bent, the foot points."""
    share = rng.uniform(0.4, 1.0)
    raised = math.radians(log_uniform(rng, 2.0, 15.0)) if lifted else 0.0
    hip = raised if lifted else -share * max(float(pose_rad[HIP]), 0.0) - degrees(rng, 0.5, 4)
    return np.array([
        hip, -share * max(float(pose_rad[KNEE]), 0.0), -degrees(rng, 6, 32),
        degrees(rng, -12, 3), degrees(rng, -10, 10), 0.0,
    ])  # fmt: skip


FAMILIES: tuple[Callable[[np.random.Generator, float, Array], Motion], ...] = (
    sudden_flexor, ramped_flexor, sudden_extensor, ramped_extensor,
)  # fmt: skip
