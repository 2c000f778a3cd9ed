"""What moves the bed from outside: rings of a mattress, a partner, a pet, machines and trains."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from firmware_sim.sealed.bed import direction, outside, slow
from firmware_sim.sealed.muscle import (
    Array,
    band_noise,
    burst,
    degrees,
    length,
    log_uniform,
    respond,
    step,
    swing,
)
from firmware_sim.sealed.skeleton import HIP, ROLL, Motion, still

LEAD_S = 0.3
RING_HZ = (2.5, 9.0)
"""Of somebody on springs or slats: 20-90 kg on 5-60 kN/m."""
RING_DAMPING = (0.03, 0.3)
"""Steel springs ring longest, latex and foam least [estimate]."""
PAW_G = (0.006, 0.06)


def ring(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw 1-6 blows after which bed and limb ring at the bed's own rates, unequal along axes."""
    del pose_rad
    blows = 1 if rng.random() < 0.6 else int(rng.integers(2, 7))
    gaps_s = log_uniform(rng, 0.25, 2.5) * rng.uniform(0.6, 1.5, blows)
    starts_s = LEAD_S + np.cumsum(gaps_s) - gaps_s[0]
    natural_hz, damping = log_uniform(rng, *RING_HZ), log_uniform(rng, *RING_DAMPING)
    active_s = float(starts_s[-1]) + 0.25 + _rings_s(natural_hz, damping)
    samples = length(active_s + _rings_s(natural_hz, damping) + 1.0, rate_hz)
    force = np.zeros(samples)
    for start_s in starts_s:
        force += rng.uniform(0.3, 1.0) * burst(
            samples, rate_hz=rate_hz, start_s=start_s, width_s=log_uniform(rng, 0.02, 0.25)
        )
    main = _rung(force, rate_hz, natural_hz, damping)
    along = direction(rng)
    along[2] += 1.0  # up and down above all
    push_g = np.outer(main, along)
    second_hz = natural_hz * rng.uniform(1.3, 2.6)  # rocking, and the frame
    second = _rung(force, rate_hz, min(second_hz, 20.0), min(2 * damping, 0.5))
    push_g += rng.uniform(0.0, 0.5) * np.outer(second, direction(rng))
    return outside(push_g, active_s, log_uniform(rng, 0.012, 0.5), manner="mattress ring")


def partner_gets_out(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw a partner who sits up and leaves: rumble, a last push off, and a mattress that rises."""
    del pose_rad
    lasting_s = rng.uniform(2.0, 7.0)
    active_s = LEAD_S + lasting_s
    natural_hz, damping = log_uniform(rng, 2.5, 6.0), log_uniform(rng, 0.06, 0.3)
    samples = length(active_s + 1.6 * _rings_s(natural_hz, damping) + 1.5, rate_hz)
    moving = burst(samples, rate_hz=rate_hz, start_s=LEAD_S, width_s=lasting_s)
    push_g = _rumble(rng, moving, rate_hz=rate_hz, natural_hz=natural_hz, damping=damping)
    off = burst(samples, rate_hz=rate_hz, start_s=active_s - 0.25, width_s=0.2)
    push_g += rng.uniform(0.5, 3.0) * np.outer(
        _rung(off, rate_hz, natural_hz, damping), [0.2, 0.4, 1.0]
    )
    push_g *= log_uniform(rng, 0.012, 0.2) / float(np.max(np.abs(push_g)))
    shaken = outside(push_g, active_s, 1.0, manner="partner gets out")
    return _leaning(rng, shaken, rate_hz=rate_hz, most_deg=3.0)


def pet_jumps_up(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw an animal of 3-10 kg that lands on the bed, and the few steps after it."""
    del pose_rad
    natural_hz, damping = log_uniform(rng, 3.0, 9.0), log_uniform(rng, 0.05, 0.3)
    steps, step_hz = int(rng.integers(0, 12)), rng.uniform(2.5, 6.0)
    active_s = LEAD_S + 0.3 + steps / step_hz
    samples = length(active_s + 1.6 * _rings_s(natural_hz, damping) + 0.5, rate_hz)
    force = sum(
        (
            rng.uniform(0.5, 1.0)
            * burst(samples, rate_hz=rate_hz, start_s=LEAD_S + delay_s, width_s=0.07)
            for delay_s in (0.0, rng.uniform(0.04, 0.12))  # front paws, hind paws
        ),
        start=np.zeros(samples),
    )
    force += 0.2 * _paws(
        rng, samples, rate_hz=rate_hz, begin_s=LEAD_S + 0.4, steps=steps, step_hz=step_hz
    )
    push_g = np.outer(_rung(force, rate_hz, natural_hz, damping), [0.2, 0.2, 1.0])
    push_g *= log_uniform(rng, 0.02, 0.35) / float(np.max(np.abs(push_g)))
    shaken = outside(push_g, active_s, 1.0, manner="pet jumps up")
    return _leaning(rng, shaken, rate_hz=rate_hz, most_deg=1.2)


def pet_walks(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw paws beside or over the leg: 2.5-6 light blows a second for 2-10 s."""
    del pose_rad
    step_hz = rng.uniform(2.5, 6.0)
    steps = max(4, round(step_hz * rng.uniform(2.0, 10.0)))
    active_s = LEAD_S + steps / step_hz
    natural_hz, damping = log_uniform(rng, 3.0, 12.0), rng.uniform(0.12, 0.4)
    samples = length(active_s + 1.6 * _rings_s(natural_hz, damping) + 0.5, rate_hz)
    force = _paws(rng, samples, rate_hz=rate_hz, begin_s=LEAD_S, steps=steps, step_hz=step_hz)
    passing = burst(samples, rate_hz=rate_hz, start_s=LEAD_S - 1.0, width_s=steps / step_hz + 2.0)
    push_g = np.outer(_rung(force * passing, rate_hz, natural_hz, damping), [0.3, 0.3, 1.0])
    return outside(push_g, active_s, log_uniform(rng, *PAW_G), manner="pet walks")


def pet_licks(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw an animal against the leg that licks itself or scratches, 3-5 Hz, with pauses."""
    del pose_rad
    licks_hz = rng.uniform(3.0, 5.0)
    licks = max(6, round(licks_hz * log_uniform(rng, 3.0, 30.0)))
    intervals_s = np.clip(rng.normal(1.0, rng.uniform(0.04, 0.12), licks), 0.6, 1.5) / licks_hz
    intervals_s += (rng.random(licks) < 0.06) * rng.uniform(0.4, 2.0, licks)
    starts_s = LEAD_S + np.cumsum(intervals_s) - intervals_s[0]
    active_s = float(starts_s[-1] + intervals_s[-1])
    samples = length(active_s + 1.5, rate_hz)
    force = np.zeros(samples)
    for start_s in starts_s:
        width_s = rng.uniform(0.4, 0.8) / licks_hz
        first, stop = int(start_s * rate_hz), int((start_s + width_s) * rate_hz) + 1
        part = np.clip((np.arange(first, stop) / rate_hz - start_s) / width_s, 0.0, 1.0)
        force[first:stop] += rng.uniform(0.5, 1.0) * np.sin(math.pi * part) ** 2
    moved = _rung(force, rate_hz, rng.uniform(3.0, 7.0), rng.uniform(0.2, 0.6))
    push_g = np.outer(moved, direction(rng))
    licking = outside(push_g, active_s, log_uniform(rng, 0.006, 0.05), manner="pet licks itself")
    return replace(licking, rhythm_hz=licks_hz)


def washing_machine(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw a drum that spins up through the bed's resonances, and its hum of 8-23 Hz.

    An unbalance pushes with the square of its speed; floor and bed pass it as resonators.
    """
    del pose_rad
    spins_hz, lasting_s = rng.uniform(8.0, 23.0), log_uniform(rng, 20.0, 180.0)
    up_s, down_s = rng.uniform(6.0, 25.0), rng.uniform(4.0, 15.0)
    active_s = LEAD_S + up_s + lasting_s + down_s
    samples = length(active_s + 2.0, rate_hz)
    speed = step(samples, rate_hz=rate_hz, start_s=LEAD_S, rise_s=up_s)
    speed -= step(samples, rate_hz=rate_hz, start_s=active_s - down_s, rise_s=down_s)
    seconds = np.arange(samples) / rate_hz
    speed *= 1 + 0.02 * np.sin(2 * math.pi * rng.uniform(0.05, 0.3) * seconds)
    phase = 2 * math.pi * np.cumsum(spins_hz * speed) / rate_hz
    push_g = np.zeros((samples, 3))
    for natural_hz in (log_uniform(rng, 4.0, 9.0), log_uniform(rng, 10.0, 25.0)):
        force = speed**2 * np.sin(phase + rng.uniform(0, 2 * math.pi))
        moved = swing(force, rate_hz=rate_hz, natural_hz=natural_hz, damping=rng.uniform(0.05, 0.3))
        push_g += np.outer(moved, direction(rng))
    return outside(push_g, active_s, log_uniform(rng, 0.006, 0.04), manner="washing machine")


def train(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw a train or lorry that passes: 4-25 s of hum at 5-30 Hz that swells and fades."""
    del pose_rad
    lasting_s = rng.uniform(4.0, 25.0)
    active_s = LEAD_S + lasting_s
    samples = length(active_s + 1.0, rate_hz)
    passing = burst(samples, rate_hz=rate_hz, start_s=LEAD_S, width_s=lasting_s)
    if rng.random() < 0.5:  # bogies one after another
        seconds = np.arange(samples) / rate_hz
        passing = passing * (1 + 0.7 * np.sin(2 * math.pi * rng.uniform(0.6, 2.5) * seconds)) / 1.7
    push_g = np.zeros((samples, 3))
    for _ in range(int(rng.integers(1, 4))):
        hum = band_noise(rng, samples, rate_hz=rate_hz, centre_hz=log_uniform(rng, 5.0, 30.0),
                         quality=rng.uniform(2.0, 10.0))  # fmt: skip
        push_g += np.outer(hum * passing, direction(rng))
    return outside(push_g, active_s, log_uniform(rng, 0.006, 0.03), manner="passing train")


def _rings_s(natural_hz: float, damping: float) -> float:
    """Return how long a resonator rings to a fiftieth."""
    return 4.0 / (2 * math.pi * natural_hz * damping)


def _rung(force: Array, rate_hz: float, natural_hz: float, damping: float) -> Array:
    """Return the acceleration of a bed that a force shakes, scaled to a peak of 1."""
    moved = swing(force, rate_hz=rate_hz, natural_hz=natural_hz, damping=damping)
    moved = moved - slow(moved, rate_hz)
    return np.asarray(moved / max(float(np.abs(moved).max(initial=0.0)), 1e-12))


def _rumble(
    rng: np.random.Generator,
    moving: Array,
    *,
    rate_hz: float,
    natural_hz: float,
    damping: float,
) -> Array:
    """Return uneven pushes along all axes through a mattress, (m, 3)."""
    sway = np.stack([
        _rung(moving * rng.standard_normal(len(moving)), rate_hz, natural_hz, damping)
        for _ in range(3)
    ], axis=1)  # fmt: skip
    return np.asarray(sway / max(float(np.std(sway)), 1e-12) * 0.3)


def _paws(
    rng: np.random.Generator,
    samples: int,
    *,
    rate_hz: float,
    begin_s: float,
    steps: int,
    step_hz: float,
) -> Array:
    """Return light, uneven blows one after another."""
    force = np.zeros(samples)
    at_s = begin_s
    for _ in range(steps):
        width_s = rng.uniform(0.05, 0.12)
        force += rng.uniform(0.3, 1.0) * burst(
            samples, rate_hz=rate_hz, start_s=at_s, width_s=width_s
        )
        at_s += float(np.clip(rng.normal(1.0, 0.15), 0.5, 1.6)) / step_hz
    return force


def _leaning(
    rng: np.random.Generator,
    shaken: Motion,
    *,
    rate_hz: float,
    most_deg: float,
) -> Motion:
    """Return a movement of the bed after which it lies a little otherwise under the limb."""
    samples = len(shaken.angles_rad[ROLL])
    at_s = shaken.active_s - 0.5
    tilt = step(samples, rate_hz=rate_hz, start_s=at_s, rise_s=0.5)
    tilted = respond(tilt, rate_hz=rate_hz, twitch_s=0.05, natural_hz=1.6, damping=0.8)
    angles = still(samples)
    angles[ROLL] = degrees(rng, -most_deg, most_deg) * tilted
    angles[HIP] = degrees(rng, -0.3, 0.3) * most_deg * tilted
    return replace(shaken, angles_rad=angles, peak_g=(0.0, 1.0))  # a tilt must not be scaled
