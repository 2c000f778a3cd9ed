"""Postures in which a leg rests: on the back with the leg flat or the knee up, or on the side."""

from __future__ import annotations

import numpy as np

from firmware_sim.torque.body import BALL, HEEL, HIP_HEIGHT_M, Leg
from firmware_sim.torque.channels import Posture

NAMES, SHARES = ("supine", "hook-lying", "side"), (0.42, 0.08, 0.50)
"""Most sleep is on the side; a knee that is up does not stay so for long [estimate]."""
SUNK_M = (0.004, 0.014)
"""How deep a heel lies in the mattress."""


def draw_posture(
    rng: np.random.Generator, leg: Leg, *, other_than: Posture | None = None
) -> Posture:
    """Return a random posture; of another kind than the given one, if one is given."""
    shares = np.array([
        0.0 if other_than is not None and name == other_than.name == "side" else share
        for name, share in zip(NAMES, SHARES, strict=True)
    ])  # fmt: skip
    name = NAMES[int(rng.choice(3, p=shares / shares.sum()))]
    side = rng.choice([-1.0, 1.0])
    if name == "side":
        joints = (rng.uniform(0.05, 1.0), -rng.uniform(0.1, 1.5), 1.57 - rng.uniform(0.1, 0.7))
        return Posture(joints, side * np.radians(rng.uniform(68, 95)), name)
    hip = rng.uniform(0.6, 1.0) if name == "hook-lying" else rng.uniform(-0.02, 0.2)
    foot = 1.57 - rng.uniform(0.05, 0.65)
    roll = np.radians(rng.normal(0, 12 if name == "supine" else 4))
    return _on_the_bed(
        rng, leg, hip=hip, ankle=foot, roll=float(np.clip(roll, -0.5, 0.5)), name=name
    )


def nudged(rng: np.random.Generator, leg: Leg, posture: Posture, degrees: float) -> Posture:
    """Return the posture, slid a little: what a movement leaves of it."""
    hip, knee, ankle = np.array(posture.joints) + np.radians(degrees) * rng.standard_normal(3)
    roll = posture.roll + 0.5 * np.radians(degrees) * rng.standard_normal()
    if posture.name == "side":
        joints = (
            float(np.clip(hip, 0.0, 1.3)), float(np.clip(knee, -1.8, -0.05)),
            float(np.clip(ankle, 0.85, 1.8)),
        )  # fmt: skip
        return Posture(joints, float(roll), "side")
    low, high = (0.5, 1.1) if posture.name == "hook-lying" else (-0.03, 0.3)
    ankle = float(np.clip(ankle, 0.85, 1.8))
    hip, roll = float(np.clip(hip, low, high)), float(np.clip(roll, -0.55, 0.55))
    return _on_the_bed(rng, leg, hip=hip, ankle=ankle, roll=roll, name=posture.name)


def _on_the_bed(
    rng: np.random.Generator, leg: Leg, *, hip: float, ankle: float, roll: float, name: str
) -> Posture:
    """Return a posture whose heel or sole lies in the mattress, `SUNK_M` deep."""
    wanted = -HIP_HEIGHT_M - rng.uniform(*SUNK_M)
    shank = 0.0
    for _ in range(8):
        foot = shank + ankle
        lowest = min(
            leg.along[3 * p + 2] * np.sin(foot) + leg.across[3 * p + 2] * np.cos(foot)
            for p in (HEEL, BALL)
        )
        drop = (wanted - lowest - leg.lengths[0] * np.sin(hip)) / leg.lengths[1]
        shank = float(np.arcsin(np.clip(drop, -0.97, 0.5)))
    knee = float(np.clip(shank - hip, -2.3, -0.03))
    return Posture((float(hip), knee, float(ankle)), roll, name)
