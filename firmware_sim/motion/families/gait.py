"""A hemiparetic walk to the bathroom: slow, the stiff leg swung round in a half circle.

Stride 0.4 to 0.75 Hz (0.3 to 0.7 m/s after a stroke or in MS), the swing of the affected leg longer
and its stance shorter, little bending at the knee, the hip swung out (circumduction), toes that
drag, a flat or slapping foot instead of a heel strike (Perry & Burnfield 2010; sizes estimated).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.interpolate import PchipInterpolator

from detector.block import AXES, Samples
from detector.events import Kind
from firmware_sim.motion.act import Act
from firmware_sim.motion.families.shapes import band_noise, edged
from firmware_sim.motion.kinematics import (
    FINE_HZ,
    Curve,
    Motion,
    damped_ring,
    pushes,
    rotation,
    smooth_step,
    steps,
)
from firmware_sim.motion.limb import Limb
from firmware_sim.motion.rhythms import STRIKE, SWING, swung

STRIDE_HZ = (0.4, 0.75)
STRIDE_CV = (0.04, 0.12)
SWING_SHARE = (0.40, 0.55)
"""Share of a stride in which the affected foot is off the ground; 0.4 is usual."""
SWING_DEG = (10.0, 24.0)
CIRCLED_DEG = (3.0, 12.0)
STRIKE_G = (0.1, 0.6)
DRAG_G = (0.01, 0.08)
OTHER_LEG = 0.5
"""Share of walks that the sensor sees from the better leg: the same strides, usual in form."""


def walk(rng: np.random.Generator, limb: Limb, *, each_way_s: float = 25.0) -> Act:
    """Get up, walk away, stand for a while, walk back, lie down, all of it slowly."""
    affected = rng.random() >= OTHER_LEG
    upright = -limb.along
    motion = swung(limb, limb.up, upright, rng.uniform(3.0, 6.0))
    out, back = (_gait(rng, limb, each_way_s, affected=affected) for _ in range(2))
    side = np.cross(limb.along, rng.standard_normal(AXES))
    down = swung(limb, upright, side / np.linalg.norm(side), rng.uniform(2.5, 5.0))
    for pause_s, part in ((1.5, out), (rng.uniform(4.0, 15.0), back), (2.0, down)):
        motion = motion.then(part, len(motion) + steps(pause_s))
    return Act(kind=Kind.MOVEMENT, motion=motion, manner="hemiparetic gait")


def _gait(rng: np.random.Generator, limb: Limb, seconds: float, *, affected: bool) -> Motion:
    stride_hz = rng.uniform(*STRIDE_HZ)
    strides = max(2, round(seconds * stride_hz))
    lengths_s = rng.lognormal(0, rng.uniform(*STRIDE_CV), strides) / stride_hz
    lifted = rng.uniform(*SWING_SHARE) if affected else rng.uniform(0.25, 0.38)
    edges = np.concatenate([[0.0], np.cumsum(lengths_s)])
    lands = edges[:-1] + lifted * lengths_s
    t = np.arange(steps(edges[-1])) / FINE_HZ
    # Forward while it is off the ground, back below the body while it stands.
    knots = np.sort(np.concatenate([edges, lands]))
    to_and_fro = (1 - np.cos(np.pi * PchipInterpolator(knots, np.arange(len(knots)))(t))) / 2
    size = PchipInterpolator(lands, rng.uniform(0.8, 1.0, strides))(np.clip(t, lands[0], lands[-1]))
    forward = SWING[limb.site] * np.radians(rng.uniform(*SWING_DEG)) * size * to_and_fro
    motion = rotation(limb.joint, forward * edged(len(t), 1.0, 1.0))
    ground = _landings(rng, limb, lands, len(t), affected=affected)
    if affected:
        swinging, since = _swinging(t, edges, lands)
        circled = np.radians(rng.uniform(*CIRCLED_DEG)) * np.sin(np.pi * since) ** 2
        motion = motion.then(rotation(limb.side, SWING[limb.site] * circled), 0)
        dragging = band_noise(rng, len(t), (3.0, 25.0), STRIKE[limb.site] * rng.uniform(*DRAG_G))
        ground[: len(t)] += dragging * (swinging * np.sin(np.pi * since) ** 0.5)[:, np.newaxis]
    return motion.then(pushes(ground), 0)


def _swinging(t: Curve, edges_s: Curve, lands_s: Curve) -> tuple[Curve, Curve]:
    """Return whether the foot is off the ground, 0 or 1, and how far its swing has come."""
    stride = np.clip(np.searchsorted(edges_s, t, side="right") - 1, 0, len(lands_s) - 1)
    since = np.clip((t - edges_s[stride]) / (lands_s[stride] - edges_s[stride]), 0.0, 1.0)
    return (since < 1).astype(np.float64), since


def _landings(
    rng: np.random.Generator, limb: Limb, lands_s: Curve, n: int, *, affected: bool
) -> Samples:
    """Return the blows of the foot, a slap's double where it is weak, and of the other foot."""
    ring = damped_ring(steps(0.35), rng.uniform(7, 13), rng.uniform(0.04, 0.08))
    ring *= (1 - smooth_step(len(ring))) / np.abs(ring).max()
    strike_g = STRIKE[limb.site] * rng.uniform(*STRIKE_G)
    slap_s = rng.uniform(0.08, 0.2) if affected else 0.0
    blows = [(at_s, 1.0) for at_s in lands_s] + [
        ((a + b) / 2 + 0.1, rng.uniform(0.1, 0.3)) for a, b in pairwise(lands_s)
    ]
    blows += [(at_s + slap_s, 0.6) for at_s in lands_s] if affected else []
    blow = np.zeros(n + steps(0.8) + len(ring))
    for at_s, share in blows:
        first = steps(at_s)
        blow[first : first + len(ring)] += strike_g * share * rng.uniform(0.5, 1.2) * ring
    return np.outer(blow, -limb.along)
