"""Voluntary acts in bed that resemble spasms and clonus: stretching, scratching, jiggling, rubbing.

Rates, sizes and times are estimates: none of it has been counted in bed. Strokes of a practised
act are nearly as even as a clonus (a few per cent), so that evenness does not tell them apart.
"""

from __future__ import annotations

import numpy as np

from detector.block import AXES
from detector.events import Kind
from firmware_sim.motion import bed
from firmware_sim.motion.act import Act, arriving, log_uniform, no_stronger, sign, with_peak
from firmware_sim.motion.families.shapes import (
    anywhere,
    band_noise,
    edged,
    risen,
    stroked,
    wander,
)
from firmware_sim.motion.kinematics import (
    FINE_HZ,
    Curve,
    Hinge,
    pushes,
    rotation,
    smooth_step,
    steps,
)
from firmware_sim.motion.limb import Limb

STRETCH_S = (2.0, 8.0)
STRETCH_RAMP_S = (0.5, 1.5)
STRETCH_DEG = (3.0, 25.0)
STRETCH_TREMBLE_HZ = (7.0, 13.0)
STRETCH_TREMBLE_G = (0.003, 0.040)
"""A strong voluntary contraction trembles at 8 to 12 Hz, as a spasm's hold does [estimate]."""
STRETCH_MOST_G = 0.5
AT_WILL = ("least jerk", "late")
HAND_HZ = (2.5, 6.0)
OTHER_FOOT_HZ = (2.0, 4.0)
JIGGLE_HZ = (2.0, 5.0)
JIGGLE_DEG = (2.0, 12.0)
JIGGLE_CV = (0.015, 0.07)
RUB_HZ = (1.0, 3.0)
SCRATCH_G = (0.02, 0.25)
JIGGLE_G = (0.04, 0.8)
BLANKET_G = (0.02, 0.25)


def stretch(rng: np.random.Generator, limb: Limb) -> Act:
    """Stretch and yawn: straighten slowly, tremble with the effort, let go; at times shift."""
    rise, fall = (risen(rng, steps(rng.uniform(*STRETCH_RAMP_S)), AT_WILL) for _ in range(2))
    whole_s = rng.uniform(*STRETCH_S)
    hold = max(steps(whole_s) - len(rise) - len(fall), steps(0.5))
    kept = rng.choice([0.0, rng.uniform(0.0, 0.4)])
    angle = np.concatenate([rise, np.ones(hold), 1 - (1 - kept) * fall])
    effort = np.concatenate([rise, np.ones(hold), 1 - fall])
    effort = np.clip(effort, 0.0, 1.0) ** rng.uniform(
        1.0, 3.0
    )  # it trembles towards the end of the reach
    angle = angle + 0.05 * effort * wander(rng, len(angle), 0.6)
    radians = np.radians(log_uniform(rng, *STRETCH_DEG)) * sign(rng)
    shaking = band_noise(rng, len(angle), STRETCH_TREMBLE_HZ, log_uniform(rng, *STRETCH_TREMBLE_G))
    motion = rotation(_oblique(rng, limb), radians * angle)
    motion = motion.then(rotation(limb.side, rng.uniform(-0.4, 0.4) * radians * angle), 0)
    motion = motion.then(pushes(shaking * effort[:, np.newaxis]), 0)
    if rng.random() < 0.3:
        motion = motion.then(bed.shift(rng, limb).motion, len(motion) + steps(rng.uniform(-0.3, 1)))
    motion = arriving(no_stronger(motion, limb, STRETCH_MOST_G), limb, limb.lifting)
    return Act(kind=Kind.MOVEMENT, motion=motion, manner="stretch")


def blanket(rng: np.random.Generator, limb: Limb) -> Act:
    """Pull the blanket: one to four tugs that drag at the leg and rustle."""
    motion = pushes(np.zeros((1, AXES)))
    for _ in range(int(rng.integers(1, 5))):
        n = steps(rng.uniform(0.4, 1.6))
        size = edged(n, rng.uniform(0.1, 0.4), rng.uniform(0.1, 0.5))
        dragging = band_noise(rng, n, (0.6, 5.0), 1.0)
        rustle = band_noise(rng, n, (6.0, 20.0), rng.uniform(0.1, 0.6))
        drag = pushes((dragging + rustle) * size[:, np.newaxis] * rng.uniform(0.4, 1.0))
        turned = np.radians(rng.uniform(0.5, 6.0)) * sign(rng) * smooth_step(n)
        if rng.random() < 0.6:  # the leg rolls back as the cloth slackens
            turned = turned - turned[-1] * np.append(np.zeros(n // 2), smooth_step(n - n // 2))
        tug = drag.then(rotation(limb.roll, turned), 0)
        motion = motion.then(tug, len(motion) + steps(rng.uniform(0.1, 1.2)))
    motion = with_peak(motion, limb, log_uniform(rng, *BLANKET_G))
    return Act(kind=Kind.MOVEMENT, motion=motion, manner="blanket")


def scratch_steadily(rng: np.random.Generator, limb: Limb, *, longest_s: float = 40.0) -> Act:
    """Scratch the leg with a hand at a steady rate: runs of 1 to 10 s with pauses."""
    rate_hz = log_uniform(rng, *HAND_HZ)
    runs = _runs(rng, rate_hz, (1.0, 10.0), longest_s, variation=rng.uniform(0.03, 0.12))
    return _strokes_of(rng, limb, runs, rate_hz, most_rad=0.003, manner="steady scratching")


def scratch_by_foot(rng: np.random.Generator, limb: Limb, *, longest_s: float = 30.0) -> Act:
    """Scratch the leg with the other foot: slower, and heavier, so that the leg turns with it."""
    rate_hz = log_uniform(rng, *OTHER_FOOT_HZ)
    runs = _runs(rng, rate_hz, (1.0, 8.0), longest_s, variation=rng.uniform(0.05, 0.15))
    return _strokes_of(rng, limb, runs, rate_hz, most_rad=0.03, manner="scratching by foot")


def rub(rng: np.random.Generator, limb: Limb, *, longest_s: float = 40.0) -> Act:
    """Rub a foot against the other, or on the sheet."""
    rate_hz = log_uniform(rng, *RUB_HZ)
    runs = _runs(rng, rate_hz, (1.5, 12.0), longest_s, variation=rng.uniform(0.05, 0.2))
    return _strokes_of(rng, limb, runs, rate_hz, most_rad=0.05, manner="rubbing")


def massage(rng: np.random.Generator, limb: Limb, *, longest_s: float = 60.0) -> Act:
    """Knead a cramped calf with both hands."""
    rate_hz = log_uniform(rng, *RUB_HZ)
    runs = _runs(rng, rate_hz, (3.0, 30.0), longest_s, variation=rng.uniform(0.08, 0.25))
    return _strokes_of(rng, limb, runs, rate_hz, most_rad=0.04, manner="massage")


def jiggle(rng: np.random.Generator, limb: Limb, *, longest_s: float = 60.0) -> Act:
    """Jiggle a foot while awake: begun within a few beats, fairly regular, ended at will."""
    rate_hz = log_uniform(rng, *JIGGLE_HZ)
    seconds = log_uniform(rng, 3.0, max(longest_s, 3.1))
    curve = stroked(rng, rate_hz, seconds, variation=rng.uniform(*JIGGLE_CV), reach=0.7)
    n = len(curve)
    curve *= np.clip(1 + 0.2 * wander(rng, n, 1.5), 0.3, None)
    curve *= edged(n, rng.uniform(0.5, 4.0) / rate_hz, rng.uniform(0.5, 3.0) / rate_hz)
    angle = np.radians(log_uniform(rng, *JIGGLE_DEG)) * curve * sign(rng)
    motion = rotation(_oblique(rng, limb), angle)
    lag = steps(rng.uniform(0.0, 0.25) / rate_hz)
    motion = motion.then(rotation(limb.side, rng.uniform(0.0, 0.8) * angle), lag)
    motion = no_stronger(motion, limb, log_uniform(rng, *JIGGLE_G))
    return Act(
        kind=Kind.MOVEMENT,
        motion=arriving(motion, limb, limb.shaking),
        rhythm_hz=rate_hz,
        manner="jiggling",
    )


def _runs(
    rng: np.random.Generator,
    rate_hz: float,
    run_s: tuple[float, float],
    longest_s: float,
    *,
    variation: float,
) -> Curve:
    """Return one to four runs of strokes with pauses, (n,), 1 at most."""
    curve = np.zeros(0)
    for _ in range(int(rng.integers(1, 5))):
        seconds = log_uniform(rng, run_s[0], max(min(run_s[1], longest_s), run_s[0] + 0.1))
        run = stroked(
            rng, rate_hz * rng.lognormal(0, 0.05), seconds, variation=variation, reach=0.6
        )
        run *= edged(len(run), 0.5 / rate_hz, 0.5 / rate_hz)
        pause = np.zeros(steps(rng.uniform(0.3, 2.5)))
        if len(curve) and len(curve) + len(run) > steps(longest_s):
            break
        curve = np.concatenate([curve, run, pause])
    return curve


def _strokes_of(
    rng: np.random.Generator,
    limb: Limb,
    runs: Curve,
    rate_hz: float,
    *,
    most_rad: float,
    manner: str,
) -> Act:
    """Return a leg that is pushed to and fro, and turns a little as it is."""
    along, across = anywhere(rng), anywhere(rng)
    # Skin and leg resist: the push is the stroke's acceleration, smoothed by the flesh.
    swept = np.gradient(np.gradient(runs)) * (FINE_HZ / (2 * np.pi * rate_hz)) ** 2
    lag = steps(rng.uniform(0.0, 0.3) / rate_hz)
    motion = pushes(np.outer(swept, along))
    motion = motion.then(pushes(np.outer(swept, rng.uniform(0.0, 0.6) * across)), lag)
    motion = with_peak(motion, limb, log_uniform(rng, *SCRATCH_G))
    turned = rotation(limb.roll, sign(rng) * rng.uniform(0.0, most_rad) * runs)
    motion = no_stronger(motion.then(turned, 0), limb, 2 * SCRATCH_G[1])
    return Act(kind=Kind.MOVEMENT, motion=motion, rhythm_hz=rate_hz, manner=manner)


def _oblique(rng: np.random.Generator, limb: Limb) -> Hinge:
    tilt = rng.uniform(-0.5, 0.5)
    axis = np.cos(tilt) * limb.joint.axis + np.sin(tilt) * limb.side.axis
    return Hinge(axis, limb.joint.arm_m)
