"""Movement of the sensor through mattress and strap, without movement of the leg's own.

Ranges are the signal note's section 5: bed partner and taps 10 to 200 mg, damped 2 to 20 Hz behind
a mattress; a phone's motor at 130 to 180 Hz, which a slow sensor sees folded below half its rate.
A partner who turns over moves the mattress for seconds and leaves it tilted differently.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, sosfilt

from detector.block import AXES
from detector.events import Kind
from firmware_sim.motion.act import Act, log_uniform, sign, with_peak
from firmware_sim.motion.kinematics import (
    FINE_HZ,
    Curve,
    damped_ring,
    pushes,
    rotation,
    smooth_step,
    steps,
)
from firmware_sim.motion.limb import Limb

KNOCK_G = (0.010, 0.200)
KNOCK_HZ = (2.0, 20.0)
PARTNER_HZ = (0.8, 6.0)
"""A heavy body turns slowly, and the mattress passes little above 6 Hz."""
PARTNER_S = (1.5, 6.0)
SAG_DEG = (0.1, 1.0)
"""By how much a mattress tilts a leg when the person beside it changes position [estimate]."""
BUZZ_HZ = (130.0, 180.0)
BUZZ_G = (0.010, 0.100)


def bed_knock(rng: np.random.Generator, limb: Limb) -> Act:
    """Return taps on the bed, or a drop onto it: one to four decaying shakes."""
    shakes = [_shake(rng) for _ in range(int(rng.integers(1, 5)))]
    starts = np.cumsum([0, *(steps(rng.uniform(0.15, 0.9)) for _ in shakes[1:])])
    motion = pushes(shakes[0])
    for at, shake in zip(starts[1:], shakes[1:], strict=True):
        motion = motion.then(pushes(shake), int(at))
    motion = with_peak(motion, limb, log_uniform(rng, *KNOCK_G))
    return Act(kind=Kind.VIBRATION, motion=motion, manner="knock")


def bed_partner(rng: np.random.Generator, limb: Limb) -> Act:
    """Return a bed partner's turn: seconds of irregular rocking, and a new tilt of the mattress."""
    n = steps(rng.uniform(*PARTNER_S))
    band = butter(2, PARTNER_HZ, "bandpass", fs=FINE_HZ, output="sos")
    rocking = sosfilt(band, rng.standard_normal((n, AXES)), axis=0)
    humps = 0.4 + 0.6 * np.abs(np.sin(np.linspace(0, np.pi * int(rng.integers(1, 4)), n)))
    edge = smooth_step(min(steps(0.4), n // 3))
    humps[: len(edge)] *= edge
    humps[-len(edge) :] *= edge[::-1]
    motion = with_peak(pushes(rocking * humps[:, np.newaxis]), limb, log_uniform(rng, *KNOCK_G))
    sag = sign(rng) * np.radians(rng.uniform(*SAG_DEG)) * smooth_step(n)
    return Act(
        kind=Kind.VIBRATION, motion=motion.then(rotation(limb.roll, sag), 0), manner="bed partner"
    )


def phone_buzz(rng: np.random.Generator, limb: Limb, fs: float) -> Act:
    """Return two to five buzzes of a phone on the mattress, aliased as in an unfiltered sensor."""
    motor_hz = rng.uniform(*BUZZ_HZ)
    folded_hz = abs(motor_hz - round(motor_hz / fs) * fs)
    on, off = steps(rng.uniform(0.4, 1.0)), steps(rng.uniform(0.3, 0.8))
    edge = smooth_step(steps(0.03))
    ring = np.concatenate([edge, np.ones(on), edge[::-1], np.zeros(off)])
    bursts = np.tile(ring, int(rng.integers(2, 6)))
    # Where the alias is at 0 Hz (150 Hz at 50 Hz) only a constant remains, as in a real sensor.
    hum = np.sin(2 * np.pi * max(folded_hz, 0.2) * np.arange(len(bursts)) / FINE_HZ)
    motion = pushes(np.outer(bursts * hum, _direction(rng)))
    motion = with_peak(motion, limb, log_uniform(rng, *BUZZ_G))
    return Act(kind=Kind.VIBRATION, motion=motion, manner="buzz")


def _shake(rng: np.random.Generator) -> Curve:
    frequency_hz = log_uniform(rng, *KNOCK_HZ)
    ring = damped_ring(steps(0.8), frequency_hz, rng.uniform(0.8, 2.0) / frequency_hz)
    ring *= 1 - smooth_step(len(ring))
    # The mattress lets the slow part through: first-order at 6 Hz.
    size = log_uniform(rng, 0.3, 1.0) / np.hypot(1, frequency_hz / 6)
    return np.outer(ring * size, _direction(rng))


def _direction(rng: np.random.Generator) -> Curve:
    direction = rng.standard_normal(AXES)
    unit: Curve = direction / np.linalg.norm(direction)
    return unit
