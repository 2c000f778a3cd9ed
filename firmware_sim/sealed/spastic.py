"""Clonus, spasms, twitches and tonic pulls, from muscle forces."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from scipy import signal

from detector.events import Kind
from firmware_sim.sealed.muscle import (
    Array,
    band_noise,
    burst,
    degrees,
    either_sign,
    later,
    length,
    log_uniform,
    ragged,
    respond,
    sine_scale,
    step,
)
from firmware_sim.sealed.skeleton import (
    ANKLE,
    G_M_S2,
    HIP,
    KNEE,
    SPIN,
    YAW,
    Motion,
    comfortable,
    still,
)

LEAD_S = 0.25
SETTLE_S = 2.5
"""The least damped segment (1.3 Hz, 0.3) keeps 0.2 % of its swing after it."""

CLONUS_HZ = (5.6, 1.0, 3.6, 7.6)
"""Mean, spread and ends of the rhythm: Wallace 2005, Hidler and Rymer, Boyraz 2015."""
DUTY = (0.30, 0.45)
"""Share of a beat that its EMG burst fills [estimate]."""
FOOT_DEG = (0.8, 9.0)
"""Amplitude of the foot; engines of the research note swing up to 15-18 degrees when free."""
REACTION = (0.08, 0.35)
"""Share of the foot's swing that the shank takes up; research note: 0.1-0.5."""
TREMBLE_HZ = (7.0, 13.0)
TREMBLE_LEVER_M = 0.35


def clonus(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw a run of 3 beats up to a minute of ankle clonus."""
    del pose_rad
    at_hz = _within(rng, *CLONUS_HZ)
    intervals_s = _intervals_s(rng, at_hz)
    beats_s = LEAD_S + np.concatenate([[0.0], np.cumsum(intervals_s[:-1])])
    active_s = float(beats_s[-1] + intervals_s[-1])
    samples = length(active_s + SETTLE_S, rate_hz)
    widths_s = rng.uniform(*DUTY) * intervals_s
    drive = ragged(rng, _train(beats_s, widths_s, _strengths(rng, len(beats_s)), samples, rate_hz))
    foot_rad = math.radians(log_uniform(rng, *FOOT_DEG))
    shank_rad = foot_rad * log_uniform(rng, *REACTION)
    shares = {
        ANKLE: -foot_rad,
        KNEE: shank_rad,
        HIP: shank_rad * rng.uniform(0.05, 0.4),
        YAW: shank_rad * rng.uniform(0.0, 0.4) * either_sign(rng),
        SPIN: shank_rad * rng.uniform(0.0, 0.6) * either_sign(rng),
    }
    twitch_s = rng.uniform(0.03, 0.06)
    angles = still(samples)
    for joint, amplitude_rad in shares.items():
        angle = respond(
            drive, rate_hz=rate_hz, twitch_s=twitch_s,
            natural_hz=rng.uniform(2.2, 5.0), damping=rng.uniform(0.2, 0.5),
        )  # fmt: skip
        moving = angle[: length(active_s, rate_hz)]
        angles[joint] = angle * amplitude_rad * sine_scale(moving, rate_hz=rate_hz, at_hz=at_hz)
    return Motion(
        kind=Kind.CLONUS, angles_rad=angles, active_s=active_s,
        peak_g=(0.04, rng.uniform(0.6, 2.0)),
        rhythm_hz=1 / float(np.median(np.diff(beats_s))), beats=len(beats_s),
    )  # fmt: skip


def spasm(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw a triple flexion or an extension that is held and let go, sometimes of 2-3 jerks."""
    hold_s = log_uniform(rng, 0.3, 12.0)
    release_s = log_uniform(rng, 0.1, 0.7)
    jerks = 1 if rng.random() < 0.8 else int(rng.integers(2, 4))
    gaps_s = rng.uniform(0.4, 0.8, jerks - 1)
    starts_s = LEAD_S + np.concatenate([[0.0], np.cumsum(gaps_s)])
    end_s = float(starts_s[-1]) + 0.2 + hold_s
    active_s = end_s + 2 * release_s
    samples = length(active_s + SETTLE_S, rate_hz)
    shape = np.zeros(samples)
    rise_s = rng.uniform(0.015, 0.07)
    for start_s in starts_s:  # each jerk on top of what the last one left standing
        shape += step(samples, rate_hz=rate_hz, start_s=start_s, rise_s=rise_s) / jerks
        shape += rng.uniform(0.0, 0.9) * burst(
            samples, rate_hz=rate_hz, start_s=start_s, width_s=rng.uniform(0.1, 0.25)
        )
    stays = rng.uniform(0.1, 0.5) if comfortable(pose_rad) and rng.random() < 0.3 else 0.0
    fatigue = rng.uniform(0.6, 1.0)
    shape *= np.interp(np.arange(samples) / rate_hz, [starts_s[-1] + 0.2, end_s], [1.0, fatigue])
    gone = step(samples, rate_hz=rate_hz, start_s=end_s, rise_s=2 * release_s)
    target = _flexion(rng) if rng.random() < 0.7 and pose_rad[HIP] < 0.5 else _extension(
        rng, pose_rad
    )  # fmt: skip
    held = shape * (1 - gone)
    angles = _pulled(rng, ragged(rng, held), target, rate_hz, natural_hz=(1.3, 2.8))
    angles += _pulled(rng, stays * gone, target, rate_hz, natural_hz=(1.3, 2.0))
    angles[KNEE] += tremble(rng, held, log_uniform(rng, 0.002, 0.025), rate_hz)
    return Motion(kind=Kind.SPASM, angles_rad=angles, active_s=active_s, peak_g=(0.08, 2.6))


def twitch(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw one short burst in one muscle: a jerk that returns within half a second."""
    del pose_rad
    active_s = LEAD_S + rng.uniform(0.025, 0.07)
    samples = length(active_s + 1.5, rate_hz)
    drive = burst(samples, rate_hz=rate_hz, start_s=LEAD_S, width_s=active_s - LEAD_S)
    main = int(rng.choice([ANKLE, KNEE, HIP, SPIN], p=[0.25, 0.4, 0.2, 0.15]))
    angles = still(samples)
    for joint, share in ((main, 1.0), (KNEE, 0.15), (YAW, rng.uniform(-0.3, 0.3))):
        angles[joint] += share * respond(
            drive, rate_hz=rate_hz, twitch_s=rng.uniform(0.02, 0.032),
            natural_hz=rng.uniform(3.0, 5.5), damping=rng.uniform(0.6, 1.0),
        )  # fmt: skip
    peak_g = log_uniform(rng, 0.04, 0.8)
    return Motion(kind=Kind.TWITCH, angles_rad=angles, active_s=active_s, peak_g=(peak_g, peak_g))


def tonic(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw a slow pull into another posture, held for 3 s and more with raised tremulousness."""
    rise_s, hold_s = rng.uniform(0.5, 2.0), log_uniform(rng, 3.0, 40.0)
    release_s = rng.uniform(0.8, 3.0)
    end_s = LEAD_S + rise_s + hold_s
    active_s = end_s + release_s
    samples = length(active_s + SETTLE_S, rate_hz)
    held = step(samples, rate_hz=rate_hz, start_s=LEAD_S, rise_s=rise_s)
    stays = rng.uniform(0.0, 0.9) if comfortable(pose_rad) else 0.0
    gone = step(samples, rate_hz=rate_hz, start_s=end_s, rise_s=release_s)
    target = rng.uniform(0.4, 0.9) * (
        _flexion(rng) if pose_rad[HIP] < 0.4 else _extension(rng, pose_rad)
    )
    pull = held * (1 - gone)
    angles = _pulled(rng, ragged(rng, pull), target, rate_hz, natural_hz=(1.4, 2.4))
    angles += _pulled(rng, stays * gone, target, rate_hz, natural_hz=(1.4, 2.0))
    angles[KNEE] += tremble(rng, pull, log_uniform(rng, 0.006, 0.03), rate_hz)
    return Motion(kind=Kind.TONIC, angles_rad=angles, active_s=active_s, peak_g=(0.02, 0.5))


def spasm_with_clonus(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw a spasm into whose hold, or within 1.5 s of whose end, a clonus falls: one event."""
    first, second = spasm(rng, rate_hz, pose_rad), clonus(rng, rate_hz, pose_rad)
    latest_s = min(first.active_s + 1.0, 4.0)
    after_s = rng.uniform(0.5, max(0.6, latest_s))
    shift = length(after_s, rate_hz)
    samples = max(first.angles_rad.shape[1], second.angles_rad.shape[1] + shift)
    angles = np.pad(
        first.angles_rad, ((0, 0), (0, samples - first.angles_rad.shape[1])), mode="edge"
    )
    angles[:, shift : shift + second.angles_rad.shape[1]] += second.angles_rad
    return replace(
        second, angles_rad=angles, active_s=max(first.active_s, after_s + second.active_s),
        peak_g=(0.08, 2.6), parts=(Kind.SPASM, Kind.CLONUS),
    )  # fmt: skip


def _intervals_s(rng: np.random.Generator, at_hz: float) -> Array:
    """Draw beats: unsustained (3-14) three times in five, else seconds to a minute."""
    unsustained = rng.random() < 0.6
    beats = int(rng.integers(3, 15)) if unsustained else int(at_hz * log_uniform(rng, 2.5, 55.0))
    number = np.arange(max(beats, 3))
    longer = rng.uniform(0.15, 0.4) * np.exp(-number / 1.4)  # 3 % of it is left at beat 5
    drift = rng.uniform(-0.04, 0.10) * number / max(len(number), 30)
    uneven = rng.uniform(0.015, 0.04) * _correlated(rng, len(number))
    return np.asarray((1 + longer + drift) * np.clip(1 + uneven, 0.85, 1.15) / at_hz)


def _strengths(rng: np.random.Generator, beats: int) -> Array:
    number = np.arange(beats)
    strengths = np.exp(rng.uniform(0.15, 0.30) * _correlated(rng, beats))
    strengths *= 1 - rng.uniform(0.2, 0.6) * np.exp(-number / rng.uniform(0.5, 1.5))
    if rng.random() < 0.6:  # wanes; else it stops at once
        strengths *= 1 - 0.75 * np.exp(-(beats - 1 - number) / rng.uniform(0.6, 2.5))
    waves = rng.uniform(0.0, 0.35) * np.sin(
        2 * math.pi * number / rng.uniform(15, 60) + rng.uniform(0, 2 * math.pi)
    )
    return np.asarray(strengths * (1 + waves))


def _correlated(rng: np.random.Generator, beats: int) -> Array:
    """Return unit-variance noise, one value per beat, with a correlation of 0.5 between beats."""
    noise = rng.standard_normal(beats + 8) * math.sqrt(1 - 0.5**2)
    return np.asarray(signal.lfilter([1.0], [1.0, -0.5], noise)[8:])


def _train(starts_s: Array, widths_s: Array, strengths: Array, samples: int, rate: float) -> Array:
    drive = np.zeros(samples)
    for start_s, width_s, strength in zip(starts_s, widths_s, strengths, strict=True):
        first, stop = int(start_s * rate), int((start_s + width_s) * rate) + 2
        part = np.clip((np.arange(first, stop) / rate - start_s) / width_s, 0.0, 1.0)
        drive[first:stop] += strength * np.sin(math.pi * part**0.8)  # rises faster than it falls
    return drive


def _pulled(
    rng: np.random.Generator,
    drive: Array,
    target_rad: Array,
    rate_hz: float,
    *,
    natural_hz: tuple[float, float],
) -> Array:
    """Return the angles of all joints that one drive moves, each with its own delay and inertia."""
    angles = still(len(drive))
    twitch_s = rng.uniform(0.03, 0.07)
    for joint in np.flatnonzero(target_rad):
        light = 1.8 if joint == ANKLE else 1.0
        delayed = later(drive, rate_hz=rate_hz, by_s=rng.uniform(0.0, 0.06))
        angles[joint] = target_rad[joint] * respond(
            delayed, rate_hz=rate_hz, twitch_s=twitch_s,
            natural_hz=light * rng.uniform(*natural_hz), damping=rng.uniform(0.3, 0.75),
        )  # fmt: skip
    return angles


def _flexion(rng: np.random.Generator) -> Array:
    """Draw hip, knee and ankle that bend together, (6,), rad; SCATS grades: 10 and 30 degrees."""
    hip = math.radians(log_uniform(rng, 3, 38))
    return np.array([
        hip, hip * rng.uniform(1.5, 2.3), degrees(rng, 3, 22), degrees(rng, -7, 7),
        degrees(rng, -10, 10), 0.0,
    ])  # fmt: skip


def _extension(rng: np.random.Generator, pose_rad: Array) -> Array:
    """Draw a leg that stretches and lifts, (6,), rad; further from a bent knee."""
    straighten = rng.uniform(0.3, 0.9)
    return np.array([
        -straighten * max(pose_rad[HIP], 0.0) + degrees(rng, 3, 12),
        -straighten * max(pose_rad[KNEE], 0.0), -degrees(rng, 8, 28), degrees(rng, -10, 4),
        degrees(rng, -8, 8), 0.0,
    ])  # fmt: skip


def tremble(rng: np.random.Generator, held: Array, rms_g: float, rate_hz: float) -> Array:
    """Return the tremulousness of a held muscle, as an angle; its rms is that at an ankle."""
    centre_hz = rng.uniform(*TREMBLE_HZ)
    noise = band_noise(rng, len(held), rate_hz=rate_hz, centre_hz=centre_hz, quality=4.0)
    envelope = respond(np.clip(held, 0, 1), rate_hz=rate_hz, twitch_s=0.05, natural_hz=3.0,
                       damping=1.0)  # fmt: skip
    return noise * envelope * rms_g * G_M_S2 / (TREMBLE_LEVER_M * (2 * math.pi * centre_hz) ** 2)


def _within(rng: np.random.Generator, mean: float, spread: float, low: float, high: float) -> float:
    while not low <= (drawn := rng.normal(mean, spread)) <= high:
        pass
    return float(drawn)
