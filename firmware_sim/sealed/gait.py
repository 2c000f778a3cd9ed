"""A hemiparetic walk: one stiff leg that swings around, and the other that hurries for it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy import signal

from detector.events import Kind
from firmware_sim.sealed.bed import mattress
from firmware_sim.sealed.muscle import Array, burst, degrees, either_sign, length, respond, step
from firmware_sim.sealed.ordinary import AS_IT_COMES, STANDING_RAD
from firmware_sim.sealed.skeleton import ANKLE, HIP, KNEE, ROLL, YAW, Motion, lying, still

LEAD_S = 0.3
SETTLE_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """How one leg steps; angles in rad, shares of a stride.

    Parameters
    ----------
    hip, knee, ankle : largest flexion in swing; the ankle's is negative where the foot drops
    around : how far it swings outwards
    swing : share of the stride in the air
    strike : of the landing, 1 for a healthy heel
    drags : how much the toes scrape
    """

    hip: float
    knee: float
    ankle: float
    around: float
    swing: float
    strike: float
    drags: float

    @classmethod
    def paretic(cls, rng: np.random.Generator) -> Self:
        """Return a stiff-kneed leg that is circumducted (Kerrigan 2000 [recalled]: knee < 35)."""
        return cls(
            hip=degrees(rng, 10, 24), knee=degrees(rng, 6, 34), ankle=-degrees(rng, 3, 18),
            around=degrees(rng, 6, 20), swing=rng.uniform(0.42, 0.55),
            strike=rng.uniform(0.2, 0.7), drags=rng.uniform(0.0, 1.0),
        )  # fmt: skip

    @classmethod
    def sound(cls, rng: np.random.Generator) -> Self:
        """Return the other leg: a short, quick swing between two long stances."""
        return cls(
            hip=degrees(rng, 18, 34), knee=degrees(rng, 45, 68), ankle=degrees(rng, 3, 12),
            around=degrees(rng, -2, 3), swing=rng.uniform(0.25, 0.35),
            strike=rng.uniform(0.7, 1.2), drags=0.0,
        )  # fmt: skip


def limp_out(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw getting up and limping away: the limb ends upright."""
    return _limp(rng, rate_hz, STANDING_RAD - pose_rad, out=True)


def limp_back(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw limping back and lying down in a new pose, the leg lifted in at the end."""
    return _limp(rng, rate_hz, lying(rng) - pose_rad, out=False)


def _limp(rng: np.random.Generator, rate_hz: float, change_rad: Array, *, out: bool) -> Motion:
    """Draw 6-30 strides, after standing up or before lying down."""
    stride_s, strides = rng.uniform(1.25, 2.4), int(rng.integers(6, 31))
    leg = Leg.paretic(rng) if rng.random() < 0.7 else Leg.sound(rng)
    walks_s = LEAD_S + (rng.uniform(4.0, 7.0) if out else 0.4)
    lasting_s = np.clip(rng.normal(1.0, rng.uniform(0.03, 0.12), strides), 0.7, 1.4) * stride_s
    starts_s = walks_s + np.cumsum(lasting_s) - lasting_s[0]
    stops_s = float(starts_s[-1] + lasting_s[-1])
    rises_s = rng.uniform(1.8, 3.5)
    active_s = stops_s + (0.8 if out else rises_s + 2.0)
    samples = length(active_s + SETTLE_S, rate_hz)
    stance = step(
        samples, rate_hz=rate_hz, start_s=LEAD_S + 0.5 if out else stops_s + 1.0, rise_s=rises_s
    )
    angles = np.stack([
        change * respond(stance, rate_hz=rate_hz, twitch_s=0.1, natural_hz=rng.uniform(0.9, 1.4),
                         damping=0.9)
        for change in change_rad
    ])  # fmt: skip
    swings, strikes, scraping = still(samples), np.zeros(samples), np.zeros(samples)
    for start_s, whole_s in zip(starts_s, lasting_s, strict=True):
        air_s = leg.swing * whole_s
        swung = {HIP: leg.hip, KNEE: leg.knee, ANKLE: leg.ankle, YAW: leg.around}
        for joint, size in swung.items():
            width_s = air_s * (0.85 if joint == KNEE else 1.15)
            swings[joint] += size * rng.uniform(0.8, 1.2) * burst(
                samples, rate_hz=rate_hz, start_s=start_s, width_s=width_s
            )  # fmt: skip
        hiked = burst(samples, rate_hz=rate_hz, start_s=start_s, width_s=1.1 * air_s)
        swings[ROLL] += leg.around * rng.uniform(0.2, 0.4) * hiked
        own_s, other_s = start_s + air_s, start_s + rng.uniform(0.85, 0.95) * whole_s
        for at_s, strength in ((own_s, leg.strike), (other_s, 0.3)):
            strikes += strength * rng.uniform(0.6, 1.3) * burst(
                samples, rate_hz=rate_hz, start_s=at_s, width_s=0.035
            )  # fmt: skip
        if leg.drags:  # the forefoot slaps, then the toes scrape on the next swing
            slap_s = own_s + rng.uniform(0.05, 0.12)
            strikes += 0.5 * leg.strike * burst(
                samples, rate_hz=rate_hz, start_s=slap_s, width_s=0.03
            )  # fmt: skip
            scraping += leg.drags * burst(
                samples, rate_hz=rate_hz, start_s=start_s, width_s=0.7 * air_s
            )
    natural_hz = rng.uniform(1.8, 2.4)
    for joint, drive in enumerate(swings):
        angles[joint] += respond(
            drive, rate_hz=rate_hz, twitch_s=0.06, natural_hz=natural_hz, damping=0.85
        )
    shock = mattress(strikes, rate_hz=rate_hz, natural_hz=rng.uniform(8, 15), damping=0.3)
    push_g = np.outer(
        shock * rng.uniform(0.4, 1.3), [1.0, rng.uniform(0.05, 0.3) * either_sign(rng), 0.25]
    )
    rough = signal.lfilter(*signal.butter(2, [4.0, 14.0], "band", fs=rate_hz),
                           rng.standard_normal((samples, 3)), axis=0)  # fmt: skip
    push_g += rough / float(np.std(rough)) * (scraping * rng.uniform(0.01, 0.1))[:, np.newaxis]
    return Motion(
        kind=Kind.MOVEMENT, angles_rad=angles, push_g=push_g, active_s=active_s,
        peak_g=AS_IT_COMES, rhythm_hz=1 / float(math.fsum(lasting_s) / strides),
        manner="hemiparetic gait",
    )  # fmt: skip
