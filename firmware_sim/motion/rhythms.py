"""Rhythmic movement that is not clonus: tremor, scratching, and a simple walk.

Simulated stand-ins with known truth. Where a real recording exists (walking above all), score on
that instead: the walk here has the period and the impacts of gait, not its variety.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from detector.block import AXES, Samples
from detector.events import Kind
from firmware_sim.motion.act import Act, log_uniform, with_peak
from firmware_sim.motion.kinematics import (
    FINE_HZ,
    Curve,
    Hinge,
    Motion,
    Vector,
    damped_ring,
    pushes,
    rotation,
    smooth_step,
    steps,
)
from firmware_sim.motion.limb import Limb

TREMOR_HZ = (3.5, 7.0)
TREMOR_G = (0.02, 0.40)
"""MS tremor reaches 2.6 g at the wrist (Teufl 2021); a leg in bed shows far less [estimate]."""
ABRUPT_S = (0.15, 0.5)
"""A tremor that starts at once, as a clonus does: the hardest to tell from one."""
STRIDE_HZ = (0.8, 1.1)
"""Slow indoor walking, one leg's stride."""
# Share of the shank's swing and of the heel's impact at each site [estimates].
SWING = {"foot": 1.4, "ankle": 1.0, "calf": 1.0, "thigh": 0.8, "wrist": 0.7, "trunk": 0.15}
STRIKE = {"foot": 1.3, "ankle": 1.0, "calf": 0.8, "thigh": 0.5, "wrist": 0.2, "trunk": 0.25}


def tremor(rng: np.random.Generator, limb: Limb, *, longest_s: float = 30.0) -> Act:
    """Shake steadily on an elliptical path that waxes, wanes and starts without a jerk."""
    return _tremor(rng, limb, longest_s)


def abrupt_tremor(rng: np.random.Generator, limb: Limb, *, longest_s: float = 30.0) -> Act:
    """Shake as a tremor does, but at full size within half a second."""
    return replace(_tremor(rng, limb, longest_s, begun_s=ABRUPT_S), manner="abrupt")


def _tremor(
    rng: np.random.Generator,
    limb: Limb,
    longest_s: float,
    begun_s: tuple[float, float] | None = None,
) -> Act:
    """Swell and fade over 20 to 45 % of the whole, unless it is to begin faster."""
    rhythm_hz = rng.uniform(*TREMOR_HZ)
    n = steps(log_uniform(rng, 4.0, max(longest_s, 4.1)))
    t = np.arange(n) / FINE_HZ
    swell = steps(rng.uniform(0.2, 0.45) * n / FINE_HZ)
    begun = swell if begun_s is None else steps(rng.uniform(*begun_s))
    size = np.ones(n)
    size[:begun] = smooth_step(begun)
    size[n - swell :] = smooth_step(swell)[::-1]
    size *= 1 + 0.35 * np.sin(2 * np.pi * rng.uniform(0.15, 0.5) * t + rng.uniform(0, 6.3))
    wander = 0.02 * np.sin(2 * np.pi * rng.uniform(0.1, 0.3) * t + rng.uniform(0, 6.3))
    phase = 2 * np.pi * np.cumsum(rhythm_hz * (1 + wander)) / FINE_HZ
    sideways = rng.uniform(0.3, 1.0)
    motion = rotation(limb.joint, size * np.sin(phase)).then(
        rotation(limb.side, sideways * size * np.cos(phase)), 0
    )
    return Act(
        kind=Kind.TREMOR,
        motion=with_peak(motion, limb, limb.shaken_g(log_uniform(rng, *TREMOR_G))),
        rhythm_hz=rhythm_hz,
    )


def scratch(rng: np.random.Generator, limb: Limb, *, longest_s: float = 40.0) -> Act:
    """Scratch near the sensor: two to five bursts of uneven strokes, fewer where time is short."""
    curve = np.zeros(0)
    for _ in range(int(rng.integers(2, 6))):
        strokes = 1 / rng.uniform(2.5, 6.0) * rng.lognormal(0, 0.2, int(rng.integers(4, 14)))
        burst, pause = _strokes(rng, strokes), np.zeros(steps(rng.uniform(0.2, 1.2)))
        if len(curve) and len(curve) + len(burst) > steps(longest_s):
            break
        curve = np.concatenate([curve, burst, pause])
    along = np.cross(limb.along, rng.standard_normal(AXES))
    motion = pushes(np.outer(curve, along / np.linalg.norm(along)))
    motion = with_peak(motion, limb, log_uniform(rng, 0.02, 0.15))
    return Act(kind=Kind.MOVEMENT, motion=motion, manner="scratching")


def walk(rng: np.random.Generator, limb: Limb, *, each_way_s: float = 20.0) -> Act:
    """Get up, walk away, stand for a while, walk back, lie down: a simple simulated gait."""
    upright = -limb.along  # the sensor's reading on a standing leg
    rise = swung(limb, limb.up, upright, rng.uniform(2.0, 3.5))
    out, back = _gait(rng, limb, each_way_s), _gait(rng, limb, each_way_s)
    side = np.cross(limb.along, rng.standard_normal(AXES))
    down = swung(limb, upright, side / np.linalg.norm(side), rng.uniform(2.0, 3.5))
    motion = rise
    for pause_s, part in ((1.0, out), (rng.uniform(4.0, 15.0), back), (1.5, down)):
        motion = motion.then(part, len(motion) + steps(pause_s))
    return Act(kind=Kind.MOVEMENT, motion=motion, manner="walk")


def swung(limb: Limb, start: Vector, end: Vector, seconds: float) -> Motion:
    """Return the turn of the leg that changes the sensor's reading from `start` to `end`."""
    axis = np.cross(end, start)
    sine = float(np.linalg.norm(axis))
    angle = float(np.arctan2(sine, end @ start))
    hinge = Hinge(axis / max(sine, 1e-9), limb.joint.arm_m)
    return rotation(hinge, angle * smooth_step(steps(seconds)))


def _strokes(rng: np.random.Generator, lengths_s: Curve) -> Curve:
    sizes = rng.uniform(0.5, 1.0, len(lengths_s))
    return np.concatenate(
        [
            size * np.sin(np.linspace(0, 2 * np.pi, steps(length), endpoint=False))
            for size, length in zip(sizes, lengths_s, strict=True)
        ]
    )


def _gait(rng: np.random.Generator, limb: Limb, seconds: float) -> Motion:
    """Return the shank's swing by 20 to 30 degrees with heel strikes, the other foot's weaker."""
    stride_hz = rng.uniform(*STRIDE_HZ)
    strides = max(2, round(seconds * stride_hz))
    lengths = (1 + 0.03 * rng.standard_normal(strides)) / stride_hz
    edges = np.concatenate([[0.0], np.cumsum(lengths)])
    t = np.arange(steps(edges[-1])) / FINE_HZ
    phase = 2 * np.pi * np.interp(t, edges, np.arange(strides + 1))
    ends = np.clip(np.minimum(t, t[-1] - t) / 1.0, 0, 1)
    swing = np.radians(rng.uniform(20, 30)) * (np.sin(phase) + 0.3 * np.sin(2 * phase + 0.8))
    angle = SWING[limb.site] * ends**2 * (3 - 2 * ends) * (swing - swing[0])
    blows = STRIKE[limb.site] * _heel_strikes(rng, limb, edges)
    return rotation(limb.joint, angle).then(pushes(blows), 0)


def _heel_strikes(rng: np.random.Generator, limb: Limb, edges_s: Curve) -> Samples:
    ring = damped_ring(steps(0.35), rng.uniform(9, 14), 0.06)
    ring *= (1 - smooth_step(len(ring))) / np.abs(ring).max()
    strike_g = rng.uniform(0.3, 0.9)
    blow = np.zeros(steps(edges_s[-1]) + len(ring))
    for start, end in pairwise(edges_s):
        for at_s, share in ((start, 1.0), ((start + end) / 2, 0.15)):
            at = steps(at_s)
            blow[at : at + len(ring)] += strike_g * share * rng.uniform(0.7, 1.2) * ring
    return np.outer(blow, -limb.along)
