"""External forces on a resting limb: a mattress, a partner, knocks and a phone."""

from __future__ import annotations

import math

import numpy as np
from scipy import signal

from detector.events import Kind
from firmware_sim.sealed.muscle import Array, burst, length, log_uniform, swing
from firmware_sim.sealed.skeleton import Motion, still

LEAD_S = 0.2
BUZZ_HZ = (130.0, 180.0)
"""Frequencies of a phone's motor; sampling aliases them into the band."""


def mattress(force: Array, *, rate_hz: float, natural_hz: float, damping: float) -> Array:
    """Pass a force through the bed as a second-order low-pass, scaled to a peak of 1."""
    moved = swing(force, rate_hz=rate_hz, natural_hz=natural_hz, damping=damping)
    return moved / max(float(np.abs(moved).max(initial=0.0)), 1e-12)


def bump(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw one to three blows on mattress or frame: the bed rings at 2.5-14 Hz."""
    del pose_rad
    starts_s = LEAD_S + np.cumsum(rng.uniform(0.2, 0.9, int(rng.integers(1, 4)))) - 0.2
    samples = length(float(starts_s[-1]) + 2.5, rate_hz)
    force = sum(
        (
            rng.uniform(0.4, 1.0)
            * burst(samples, rate_hz=rate_hz, start_s=at_s, width_s=rng.uniform(0.03, 0.1))
            for at_s in starts_s
        ),
        start=np.zeros(samples),
    )
    moved = mattress(force, rate_hz=rate_hz, natural_hz=log_uniform(rng, 2.5, 14.0),
                     damping=rng.uniform(0.12, 0.4))  # fmt: skip
    moved -= slow(moved, rate_hz)
    return outside(moved[:, np.newaxis] * direction(rng), float(starts_s[-1]) + 0.1,
                    log_uniform(rng, 0.015, 0.3))  # fmt: skip


def partner(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw a partner who turns: 1-4 s of rumble below 6 Hz through the mattress."""
    del pose_rad
    active_s = LEAD_S + rng.uniform(1.0, 4.0)
    samples = length(active_s + 1.5, rate_hz)
    moving = burst(samples, rate_hz=rate_hz, start_s=LEAD_S, width_s=active_s - LEAD_S)
    natural_hz, damping = rng.uniform(2.0, 5.5), rng.uniform(0.15, 0.4)
    sway = [
        swing(moving * rng.standard_normal(samples), rate_hz=rate_hz, natural_hz=natural_hz,
              damping=damping)
        for _ in range(3)
    ]  # fmt: skip
    return outside(np.stack(sway, axis=1), active_s, log_uniform(rng, 0.01, 0.12))


def tap(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw something that hits the sensor itself: 8-25 ms."""
    del pose_rad
    width_s = rng.uniform(0.008, 0.025)
    samples = length(LEAD_S + 1.0, rate_hz)
    blow = burst(samples, rate_hz=rate_hz, start_s=LEAD_S, width_s=width_s)
    return outside(blow[:, np.newaxis] * direction(rng), LEAD_S + width_s,
                    log_uniform(rng, 0.08, 1.5))  # fmt: skip


def buzz(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
    """Draw a phone in the bed that buzzes in its pattern of 0.2-0.9 s pulses."""
    del pose_rad
    on_s, off_s, pulses = rng.uniform(0.2, 0.9), rng.uniform(0.1, 0.9), int(rng.integers(1, 9))
    active_s = LEAD_S + pulses * (on_s + off_s) - off_s
    samples = length(active_s + 0.8, rate_hz)
    seconds = np.arange(samples) / rate_hz
    inside = (seconds >= LEAD_S) & (seconds < active_s)
    on = inside & (np.mod(seconds - LEAD_S, on_s + off_s) < on_s)
    spin_up = signal.lfilter([1 - math.exp(-1 / (0.03 * rate_hz))],
                             [1, -math.exp(-1 / (0.03 * rate_hz))], on.astype(float))  # fmt: skip
    wander = 1 + 0.01 * np.sin(2 * math.pi * rng.uniform(0.3, 1.0) * seconds)
    turning = 2 * math.pi * np.cumsum(rng.uniform(*BUZZ_HZ) * wander) / rate_hz
    return outside((spin_up * np.sin(turning))[:, np.newaxis] * direction(rng), active_s,
                    log_uniform(rng, 0.01, 0.15))  # fmt: skip


def outside(push_g: Array, active_s: float, peak_g: float, *, manner: str | None = None) -> Motion:
    """Return a movement that comes through the bed and leaves the limb in its pose."""
    return Motion(
        kind=Kind.VIBRATION, angles_rad=still(len(push_g)), push_g=push_g, active_s=active_s,
        peak_g=(peak_g, peak_g), manner=manner,
    )  # fmt: skip


def direction(rng: np.random.Generator) -> Array:
    """Draw a direction in space, a unit vector."""
    drawn = rng.standard_normal(3)
    return np.asarray(drawn / math.sqrt(float(np.sum(drawn**2))))


def slow(moved: Array, rate_hz: float) -> Array:
    """Keep what is below 0.7 Hz: a bed cannot accelerate one way for long."""
    return np.asarray(signal.lfilter(*signal.butter(1, 0.7, fs=rate_hz), moved))
