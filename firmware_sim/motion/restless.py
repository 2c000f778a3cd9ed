"""Voluntary movement of restless legs: fidgeting feet, new positions, cycling in the air.

Voluntary movement, made of least-jerk strokes (Flash & Hogan 1985) that are never quite alike. No
recording of it in bed is public: rates, angles and limits are estimates beside their reasons.
"""

from __future__ import annotations

import numpy as np

from detector.events import Kind
from firmware_sim.motion import bed
from firmware_sim.motion.act import Act, arriving, log_uniform, no_stronger, sign
from firmware_sim.motion.kinematics import Curve, rotation, smooth_step, steps
from firmware_sim.motion.limb import Limb

FIDGET_HZ = (0.7, 2.8)
"""To and fro: slower is a change of position, faster cannot be kept up without intent."""
FIDGET_DEG = (3.0, 15.0)
FIDGET_CV = 0.15
"""Variation of stroke times; a clonus has a few per cent."""
FIDGET_MOST_G = (0.05, 0.5)
"""Nobody fidgets with full force, and the shank takes part only a little."""
REPOSITION_DEG = (15.0, 60.0)
"""A knee that is drawn up or stretched out again."""
REPOSITION_S = (0.6, 2.0)
CYCLING_HZ = (0.6, 1.4)
CYCLING_DEG = (10.0, 30.0)
CYCLING_CV = 0.04
"""As even as walking."""
CYCLING_MOST_G = 1.0


def fidget(rng: np.random.Generator, limb: Limb, *, longest_s: float = 30.0) -> Act:
    """Wiggle a foot: one to five runs of uneven strokes with pauses."""
    angle = np.zeros(1)
    for _ in range(int(rng.integers(1, 6))):
        run = _to_and_fro(
            rng,
            half_s=0.5 / rng.uniform(*FIDGET_HZ),
            radians=np.radians(log_uniform(rng, *FIDGET_DEG)),
            strokes=2 * int(rng.integers(2, 7)),
            variation=FIDGET_CV,
        )
        pause = np.zeros(steps(rng.uniform(0.3, 2.0)))
        if len(angle) > 1 and len(angle) + len(run) > steps(longest_s):
            break
        angle = np.concatenate([angle, run, pause])
    most_g = log_uniform(rng, *FIDGET_MOST_G)
    motion = no_stronger(rotation(limb.joint, angle), limb, most_g)
    motion = arriving(motion, limb, limb.shaking)
    return Act(kind=Kind.MOVEMENT, motion=motion, manner="fidgeting")


def reposition(rng: np.random.Generator, limb: Limb) -> Act:
    """Draw a knee up or stretch it out, in one to three goes; the heel may thump down."""
    way = sign(rng)
    parts = [np.zeros(1)]
    for _ in range(int(rng.integers(1, 4))):
        go = way * np.radians(rng.uniform(*REPOSITION_DEG)) / 2
        rest = np.zeros(steps(rng.uniform(0.1, 0.8)))
        parts.append(parts[-1][-1] + go * smooth_step(steps(rng.uniform(*REPOSITION_S))))
        parts.append(parts[-1][-1] + rest)
    motion = rotation(limb.joint, np.concatenate(parts))
    if rng.random() < 0.5:
        motion = motion.then(bed.bump(rng), len(motion) - 1)
    return Act(kind=Kind.TURN, motion=arriving(motion, limb, limb.lifting), manner="reposition")


def cycle(rng: np.random.Generator, limb: Limb, *, longest_s: float = 20.0) -> Act:
    """Cycle as if on a bicycle, against restless legs or a cramp."""
    hz = rng.uniform(*CYCLING_HZ)
    seconds = log_uniform(rng, 5.0, max(longest_s, 5.1))
    angle = _to_and_fro(
        rng,
        half_s=0.5 / hz,
        radians=np.radians(rng.uniform(*CYCLING_DEG)),
        strokes=2 * max(2, int(seconds * hz)),
        variation=CYCLING_CV,
    )
    motion = no_stronger(rotation(limb.joint, angle), limb, CYCLING_MOST_G)
    return Act(kind=Kind.MOVEMENT, motion=arriving(motion, limb, limb.lifting), manner="cycling")


def _to_and_fro(
    rng: np.random.Generator, *, half_s: float, radians: float, strokes: int, variation: float
) -> Curve:
    """Go from 0 to alternating sides and back to 0, in strokes of varying time and reach."""
    sides = np.where(np.arange(strokes) % 2, -1.0, 1.0)
    ends = np.append(sides * radians * rng.uniform(0.7, 1.0, strokes), 0.0)
    times_s = half_s * rng.lognormal(0, variation, strokes + 1)
    starts = np.concatenate([[0.0], ends[:-1]])
    return np.concatenate(
        [
            start + (end - start) * smooth_step(steps(time_s))
            for start, end, time_s in zip(starts, ends, times_s, strict=True)
        ]
    )
