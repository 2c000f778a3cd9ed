"""Who else moves the bed: a pet that jumps up, walks and licks itself; a partner who gets out.

Cats lap and lick at 3 to 4 strokes a second (Reis 2010), dogs a little faster, a few mg to tens of
mg through a mattress [estimate].
"""

from __future__ import annotations

import numpy as np

from detector.events import Kind
from firmware_sim.motion import knocks
from firmware_sim.motion.act import Act, log_uniform, sign, with_peak
from firmware_sim.motion.families.mattress import Mattress, draw_mattress, struck
from firmware_sim.motion.families.shapes import anywhere, edged, stroked
from firmware_sim.motion.kinematics import Motion, pushes, rotation, smooth_step, steps
from firmware_sim.motion.limb import Limb

JUMP_G = (0.02, 0.30)
STEP_G = (0.006, 0.060)
STEPS_HZ = (1.5, 4.5)
"""Paws a second of a small animal that walks on a bed."""
LICK_HZ = (3.0, 5.0)
LICK_G = (0.005, 0.040)
PAW_S = (0.03, 0.15)
"""A paw is softer than a knock."""
RISE_G = (0.02, 0.25)
RISE_SAG_DEG = (0.3, 2.0)
"""By how much a leg tilts when a second body leaves the mattress [estimate]."""


def jump(rng: np.random.Generator, limb: Limb, *, bed: Mattress | None = None) -> Act:
    """Jump onto the bed: four paws within a quarter of a second, then a few steps."""
    bed = bed or draw_mattress(rng)
    paws = np.sort(rng.uniform(0.0, 0.25, int(rng.integers(2, 5))))
    motion = struck(rng, bed, list(paws - paws[0]), touch_s=PAW_S)
    motion = with_peak(motion, limb, log_uniform(rng, *JUMP_G))
    if rng.random() < 0.6:
        motion = motion.then(_steps(rng, limb, bed), steps(rng.uniform(0.4, 1.5)))
    sag = rotation(
        limb.roll, sign(rng) * np.radians(rng.uniform(0.0, 0.4)) * smooth_step(steps(0.4))
    )
    return Act(kind=Kind.VIBRATION, motion=motion.then(sag, 0), manner="pet jump")


def walk(rng: np.random.Generator, limb: Limb, *, bed: Mattress | None = None) -> Act:
    """Walk over the bed: soft steps, some of them beside the leg."""
    return Act(
        kind=Kind.VIBRATION,
        motion=_steps(rng, limb, bed or draw_mattress(rng)),
        manner="pet walking",
    )


def lick(
    rng: np.random.Generator, limb: Limb, *, longest_s: float = 40.0, bed: Mattress | None = None
) -> Act:
    """Lick its fur: even strokes for 3 to 40 s, with pauses to swallow."""
    bed = bed or draw_mattress(rng)
    rate_hz = log_uniform(rng, *LICK_HZ)
    curve = np.zeros(0)
    for _ in range(int(rng.integers(1, 7))):
        seconds = log_uniform(rng, 1.5, max(min(15.0, longest_s), 1.6))
        hz = rate_hz * rng.lognormal(0, 0.04)
        run = stroked(rng, hz, seconds, variation=rng.uniform(0.02, 0.08), reach=0.5)
        run *= edged(len(run), 0.3, 0.3)
        if len(curve) and len(curve) + len(run) > steps(longest_s):
            break
        curve = np.concatenate([curve, run, np.zeros(steps(rng.uniform(0.4, 2.5)))])
    curve = np.append(curve, np.zeros(steps(bed.dies_in_s)))
    shake = bed.shaken(curve) * edged(len(curve), 0.0, 0.3)
    motion = with_peak(pushes(np.outer(shake, anywhere(rng))), limb, log_uniform(rng, *LICK_G))
    return Act(kind=Kind.VIBRATION, motion=motion, rhythm_hz=rate_hz, manner="pet licking")


def partner_gets_out(rng: np.random.Generator, limb: Limb, *, bed: Mattress | None = None) -> Act:
    """Sit up and leave the bed: seconds of rocking, a blow as the weight is gone, another tilt."""
    bed = bed or draw_mattress(rng)
    rocking = knocks.bed_partner(rng, limb).motion
    blow = with_peak(struck(rng, bed, [0.0], touch_s=(0.1, 0.3)), limb, log_uniform(rng, *RISE_G))
    motion = rocking.then(blow, len(rocking) - steps(rng.uniform(0.0, 0.5)))
    lifted = np.radians(rng.uniform(*RISE_SAG_DEG)) * smooth_step(steps(rng.uniform(0.3, 1.0)))
    motion = motion.then(rotation(limb.roll, sign(rng) * lifted), len(rocking) - steps(0.5))
    return Act(kind=Kind.VIBRATION, motion=motion, manner="partner gets out")


def _steps(rng: np.random.Generator, limb: Limb, bed: Mattress) -> Motion:
    count = int(rng.integers(4, 15))
    gaps_s = rng.lognormal(0, 0.2, count - 1) / log_uniform(rng, *STEPS_HZ)
    at_s = [0.0, *np.cumsum(gaps_s)]
    motion = struck(rng, bed, at_s, touch_s=PAW_S, variation=0.6)
    return with_peak(motion, limb, log_uniform(rng, *STEP_G))
