"""Other movements of a leg at night: tremor, periodic movements, turns, scratching, a walk."""

from __future__ import annotations

import math

import numpy as np
from scipy import signal

from detector.events import Kind
from firmware_sim.sealed.bed import mattress
from firmware_sim.sealed.muscle import (
    Array,
    band_noise,
    burst,
    degrees,
    either_sign,
    length,
    log_uniform,
    ragged,
    respond,
    sine_scale,
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
    lying,
    still,
)

LEAD_S = 0.3
SETTLE_S = 3.0
AS_IT_COMES = (0.0, math.inf)
"""No limits to the peak, for movements with an end pose: scaling would change that pose."""
STANDING_RAD = np.array([-math.pi / 2, 0.05, math.pi / 2, 0.0, 0.0, 0.0])


def tremor(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw a bout of tremor: band-limited noise that waxes and wanes, along an ellipse."""
    del pose_rad
    lasting_s, fade_s = log_uniform(rng, 4.0, 90.0), rng.uniform(0.8, 3.0)
    active_s = LEAD_S + lasting_s + fade_s
    samples = length(active_s + 1.0, rate_hz)
    at_hz = rng.uniform(3.6, 7.2)
    quality = rng.uniform(8.0, 18.0)
    grown = step(samples, rate_hz=rate_hz, start_s=LEAD_S, rise_s=fade_s)
    grown *= 1 - step(samples, rate_hz=rate_hz, start_s=LEAD_S + lasting_s, rise_s=fade_s)
    source = band_noise(rng, samples, rate_hz=rate_hz, centre_hz=at_hz, quality=quality)
    amplitude_rad = math.radians(log_uniform(rng, 0.01, 0.2))
    angles = still(samples)
    for joint, share in (
        (KNEE, 1.0), (ANKLE, rng.uniform(0.5, 2.0)), (SPIN, rng.uniform(0.2, 0.9)),
        (YAW, rng.uniform(0.1, 0.6)), (HIP, rng.uniform(0.05, 0.3)),
    ):  # fmt: skip
        own = band_noise(rng, samples, rate_hz=rate_hz, centre_hz=at_hz, quality=quality)
        moved = respond(
            source + 0.3 * own, rate_hz=rate_hz, twitch_s=0.04,
            natural_hz=rng.uniform(2.0, 6.0), damping=rng.uniform(0.3, 0.7),
        )  # fmt: skip
        scale = share * amplitude_rad * sine_scale(moved, rate_hz=rate_hz, at_hz=at_hz)
        angles[joint] = grown * moved * scale
    return Motion(
        kind=Kind.TREMOR, angles_rad=angles, active_s=active_s, peak_g=(0.025, 0.45),
        rhythm_hz=at_hz,
    )  # fmt: skip


def periodic(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw one movement of a periodic series: 250-700 ms up, held, let go."""
    del pose_rad
    rise_s, hold_s = rng.uniform(0.25, 0.7), log_uniform(rng, 0.2, 3.2)
    fall_s = rng.uniform(0.3, 0.8)
    active_s = LEAD_S + rise_s + hold_s + fall_s
    samples = length(active_s + 1.8, rate_hz)
    drive = step(samples, rate_hz=rate_hz, start_s=LEAD_S, rise_s=rise_s)
    drive *= 1 - step(samples, rate_hz=rate_hz, start_s=active_s - fall_s, rise_s=fall_s)
    if rng.random() < 0.25 and hold_s > 0.6:  # a second contraction on top of the first
        drive += 0.6 * burst(samples, rate_hz=rate_hz, start_s=LEAD_S + rise_s, width_s=0.5)
    dorsiflexion = degrees(rng, 3, 15)
    target = {ANKLE: dorsiflexion, HIP: dorsiflexion * rng.uniform(0.2, 0.8)}
    target |= {KNEE: 2 * target[HIP], SPIN: degrees(rng, -3, 3)}
    drive = ragged(rng, drive)
    angles = still(samples)
    for joint, angle_rad in target.items():
        angles[joint] = angle_rad * respond(
            drive, rate_hz=rate_hz, twitch_s=0.07, natural_hz=rng.uniform(1.8, 3.0),
            damping=rng.uniform(0.6, 0.9),
        )  # fmt: skip
    return Motion(kind=Kind.PLM, angles_rad=angles, active_s=active_s, peak_g=(0.02, 0.4))


def turn(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw a turn: the body rolls in 2-4 pushes, the limb follows, and something lands."""
    return _repose(rng, rate_hz, pose_rad, lying(rng), pushes=int(rng.integers(2, 5)))


def shift(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw a small change of place in bed: one or two pushes, a few degrees."""
    aim = pose_rad + rng.uniform(0.1, 0.4) * (lying(rng) - pose_rad)
    aim[ROLL] = pose_rad[ROLL] + degrees(rng, -15, 15)
    return _repose(rng, rate_hz, pose_rad, aim, pushes=int(rng.integers(1, 3)))


def scratch(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw a few seconds of rubbing or scratching: uneven strokes to and fro, 2.2-5.5 a second."""
    del pose_rad
    at_hz = rng.uniform(2.2, 5.5)
    strokes = max(4, round(at_hz * rng.uniform(1.5, 7.0)))
    intervals_s = np.clip(rng.normal(1.0, 0.16, strokes), 0.6, 1.5) / at_hz
    starts_s = LEAD_S + np.cumsum(intervals_s) - intervals_s[0]
    active_s = float(starts_s[-1] + intervals_s[-1])
    samples = length(active_s + 1.5, rate_hz)
    drive = np.zeros(samples)
    for start_s, whole_s in zip(starts_s, intervals_s, strict=True):
        half_s = whole_s * rng.uniform(0.4, 0.6)
        force = rng.uniform(0.5, 1.5)
        drive += force * burst(samples, rate_hz=rate_hz, start_s=start_s, width_s=half_s)
        back_s = start_s + half_s
        drive -= force * burst(samples, rate_hz=rate_hz, start_s=back_s, width_s=whole_s - half_s)
    angles = still(samples)
    for joint in (KNEE, SPIN, YAW):
        angles[joint] = degrees(rng, -1.5, 1.5) * respond(
            ragged(rng, drive), rate_hz=rate_hz, twitch_s=0.03,
            natural_hz=rng.uniform(2.0, 4.0), damping=rng.uniform(0.4, 0.8),
        )  # fmt: skip
    return Motion(kind=Kind.MOVEMENT, angles_rad=angles, active_s=active_s, peak_g=(0.05, 0.7))


def walk_out(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw getting up and walking away: the limb ends upright."""
    return _walk(rng, rate_hz, STANDING_RAD - pose_rad, stand_s=1.0, walking_s=4.5)


def walk_back(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw walking back and lying down in a new pose."""
    return _walk(rng, rate_hz, lying(rng) - pose_rad, stand_s=None, walking_s=0.5)


def _walk(
    rng: np.random.Generator,
    rate_hz: float,
    change_rad: Array,
    *,
    stand_s: float | None,
    walking_s: float,
) -> Motion:
    """Draw 8-27 strides from `walking_s` on; the pose changes at `stand_s`, or after the last."""
    stride_hz, strides = rng.uniform(0.75, 0.95), int(rng.integers(8, 28))
    stop_s = LEAD_S + walking_s + strides / stride_hz
    active_s = stop_s + 0.8 if stand_s is not None else stop_s + 4.0
    samples = length(active_s + SETTLE_S, rate_hz)
    repose_s = stand_s if stand_s is not None else stop_s + 1.0
    stance = step(samples, rate_hz=rate_hz, start_s=repose_s, rise_s=1.8)
    angles = np.stack([
        change * respond(stance, rate_hz=rate_hz, twitch_s=0.1, natural_hz=rng.uniform(0.9, 1.4),
                         damping=0.9)
        for change in change_rad
    ])  # fmt: skip
    strikes = np.zeros(samples)
    drive = {HIP: np.zeros(samples), KNEE: np.zeros(samples), ANKLE: np.zeros(samples)}
    for number in range(strides):
        toe_off_s = LEAD_S + walking_s + (number + rng.normal(0.0, 0.015)) / stride_hz
        for joint, angle_deg, delay, width in (  # of a stride; swing is its last 40 %
            (HIP, 30.0, 0.0, 0.75), (KNEE, 75.0, 0.0, 0.34), (ANKLE, -22.0, -0.1, 0.22),
            (ANKLE, 10.0, 0.12, 0.25),
        ):  # fmt: skip
            drive[joint] += math.radians(angle_deg * rng.uniform(0.85, 1.15)) * burst(
                samples, rate_hz=rate_hz, start_s=toe_off_s + delay / stride_hz,
                width_s=width / stride_hz,
            )  # fmt: skip
        for share, strength in ((0.42, 1.0), (0.92, 0.3)):  # own heel, then the other one
            at_s = toe_off_s + share / stride_hz
            strikes += (
                strength
                * rng.uniform(0.7, 1.3)
                * burst(samples, rate_hz=rate_hz, start_s=at_s, width_s=0.03)
            )
    for joint, pull in drive.items():
        angles[joint] += respond(pull, rate_hz=rate_hz, twitch_s=0.05, natural_hz=2.2, damping=0.8)
    shock = mattress(strikes, rate_hz=rate_hz, natural_hz=rng.uniform(9, 16), damping=0.3)
    push_g = np.outer(shock * rng.uniform(0.6, 1.6), [rng.uniform(-0.4, 0.4), 0.2, 1.0])
    return Motion(
        kind=Kind.MOVEMENT, angles_rad=angles, push_g=push_g, active_s=active_s,
        peak_g=AS_IT_COMES,
    )  # fmt: skip


def _repose(
    rng: np.random.Generator, rate_hz: float, pose_rad: Array, aim_rad: Array, *, pushes: int
) -> Motion:
    change = aim_rad - pose_rad
    change[ROLL] = math.remainder(change[ROLL], 2 * math.pi)
    starts_s = LEAD_S + np.cumsum(rng.uniform(0.3, 1.1, pushes)) - 0.3
    active_s = float(starts_s[-1]) + 1.4
    samples = length(active_s + SETTLE_S, rate_hz)
    angles = still(samples)
    for joint in (HIP, KNEE, ANKLE, YAW, SPIN, ROLL):
        shares = rng.dirichlet(np.full(pushes, 1.5))
        lag_s = 0.0 if joint == ROLL else rng.uniform(0.0, 0.4)
        drive = np.zeros(samples)
        for start_s, share in zip(starts_s, shares, strict=True):
            rise_s = rng.uniform(0.3, 0.9)
            drive += share * step(samples, rate_hz=rate_hz, start_s=start_s + lag_s, rise_s=rise_s)
        lift = rng.uniform(0.0, 0.15) * burst(
            samples, rate_hz=rate_hz, start_s=LEAD_S, width_s=active_s
        )
        angles[joint] = respond(
            change[joint] * drive + abs(change[joint]) * lift, rate_hz=rate_hz,
            twitch_s=rng.uniform(0.06, 0.12), natural_hz=rng.uniform(0.9, 1.5),
            damping=rng.uniform(0.75, 1.0),
        )  # fmt: skip
    landing = burst(samples, rate_hz=rate_hz, start_s=active_s - 0.15, width_s=0.09)
    landed = mattress(landing, rate_hz=rate_hz, natural_hz=rng.uniform(3, 8), damping=0.35)
    push_g = np.outer(landed, log_uniform(rng, 0.02, 0.2) * np.array([0.2, 0.3, 1.0]))
    rubbing = signal.lfilter(*signal.butter(2, [0.8, 7.0], "band", fs=rate_hz),
                             rng.standard_normal((3, samples)), axis=1)  # fmt: skip
    busy = burst(samples, rate_hz=rate_hz, start_s=LEAD_S, width_s=active_s - LEAD_S)
    push_g += (rubbing * busy * rng.uniform(0.02, 0.1) * either_sign(rng)).T
    return Motion(
        kind=Kind.TURN, angles_rad=angles, push_g=push_g, active_s=active_s, peak_g=AS_IT_COMES
    )
