"""Forward dynamics of many legs at once: a chain of three segments on a bed, 1,000 steps a second.

Thigh, shank and foot turn in one plane about a hip that the mattress carries. Angles are absolute,
from the line along the bed to the foot end, positive away from the mattress. Semi-implicit Euler.
The plane is upright for one who lies on the back and level for one who lies on the side: gravity
and the mattress' push fade with the cosine, friction on the sheet takes their place. Roll, pitch,
sideways sway and mattress are second-order followers. Only operations element by element: a row of
a batch has the bits of the same row alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from itertools import pairwise

import numpy as np

from firmware_sim.torque.body import GRAVITY, SCALARS, Leg
from firmware_sim.torque.channels import CHANNELS, DRIVE_HZ, Array, Channel
from firmware_sim.torque.contact import contact, lying

STEP_S = 0.001
HELD = round(1 / (STEP_S * DRIVE_HZ))
"""Steps for which one value of a drive acts."""
BLOCK = 100
"""Values of a drive between two looks at which rows are over: half a second."""
EVERY = 4
"""Steps between two records: 250 Hz."""
RECORD_HZ = 1 / (STEP_S * EVERY)
LIMIT_N_M = np.array([[250.0], [120.0], [50.0]])
LIMIT_DAMPING = np.array([[12.0], [4.0], [0.8]])
"""Stiffness and damping of hip, knee and ankle beyond their range, per rad."""
MOST_DELAY = 128
RECORDED = 21
"""Angles, rates and accelerations of segments (9), value, rate and acceleration of roll, pitch,
side and mattress (12)."""


def stacked(legs: Sequence[Leg]) -> Leg:
    """Return legs as one batch: the last axis of each array."""
    return Leg(**{
        f.name: np.stack([getattr(leg, f.name) for leg in legs], axis=-1) for f in fields(Leg)
    })  # fmt: skip


def simulate(legs: Leg, drives: Sequence[Array]) -> list[Array]:
    """Integrate each leg from rest through its drive.

    Parameters
    ----------
    legs : a batch, as `stacked` returns it
    drives : (CHANNELS, n) each, longest first, n a multiple of `BLOCK`

    Returns
    -------
    For each (RECORDED, m) at `RECORD_HZ`.

    Raises
    ------
    ValueError
        A drive is longer than the one before it.
    """
    lengths = [drive.shape[1] // BLOCK for drive in drives]
    if any(a < b for a, b in pairwise(lengths)):
        raise ValueError("the longest drive comes first")
    parts: list[list[Array]] = [[] for _ in drives]
    chains: _Chains | None = None
    for block in range(lengths[0] if lengths else 0):
        active = sum(length > block for length in lengths)
        drive = np.empty((BLOCK, CHANNELS, active))
        for row in range(active):
            drive[:, :, row] = drives[row][:, block * BLOCK : (block + 1) * BLOCK].T
        if chains is None:
            chains = _Chains(_first(legs, active), drive[0])
        elif active < chains.rows:
            chains.keep(active)
        seen = chains.advance(drive)
        for row in range(active):
            parts[row].append(seen[:, :, row].T)
    return [np.concatenate(part, axis=1) for part in parts]


def _first(legs: Leg, n: int) -> Leg:
    return Leg(**{
        f.name: np.ascontiguousarray(getattr(legs, f.name)[..., :n]) for f in fields(Leg)
    })  # fmt: skip


class _Chains:
    """Legs and how they move at the moment; the last axis of each array is the leg."""

    def __init__(self, leg: Leg, drive: Array) -> None:
        n = drive.shape[1]
        self.step = 0
        self.angles = np.cumsum(drive[Channel.SET_HIP : Channel.SET_ROLL], axis=0)
        self.rates = np.zeros((3, n))
        self.stage_1, self.stage_2 = np.zeros((4, n)), np.zeros((4, n))
        self.at, self.speed = np.zeros((4, n)), np.zeros((4, n))
        self.at[0], self.at[1] = drive[Channel.SET_ROLL], drive[Channel.SET_PITCH]
        self.fatigue, self.stretch = np.zeros(n), np.zeros((MOST_DELAY, n))
        bed = lying(leg, self.at[0], self.at[1], None)
        cos, sin = np.cos(self.angles), np.sin(self.angles)
        _, self.carried = contact(leg, (cos, sin), self.rates, bed, (self.at[3], self.speed[3]))
        self._prepare(leg)

    @property
    def rows(self) -> int:
        """Return how many legs there are."""
        return int(self.angles.shape[1])

    def keep(self, n: int) -> None:
        """Leave out all but the first n legs."""
        for name in (
            "angles", "rates", "stage_1", "stage_2", "at", "speed", "fatigue", "stretch", "carried",
        ):  # fmt: skip
            setattr(self, name, np.ascontiguousarray(getattr(self, name)[..., :n]))
        self._prepare(_first(self.leg, n))

    def _prepare(self, leg: Leg) -> None:
        n = self.rows
        self.leg = leg
        self.pace = STEP_S * leg.pace
        self.stiff, self.lazy, self.mobile = (leg.follow[i : i + 4] for i in (0, 4, 8))
        self.scalar = dict(zip(SCALARS, leg.scalars, strict=True))
        self.delay = np.round(self.scalar["delay_s"] / STEP_S).astype(np.int64)
        self.numbers = np.arange(n)
        self.reflexive = bool((self.scalar["gain"] > 0).any())  # elsewhere it adds nothing at all
        self.wanted, self.target, self.outer = (np.zeros((4, n)) for _ in range(3))
        self.coupling = np.ascontiguousarray(leg.coupling[[0, 2, 1]])  # pairs 12, 23, 31

    def advance(self, drives: Array) -> Array:
        """Go through one block of drives (BLOCK, CHANNELS, n); return (m, RECORDED, n)."""
        seen = np.empty((len(drives) * HELD // EVERY, RECORDED, drives.shape[2]))
        touched = bool(drives[:, [Channel.PUSH, Channel.TOE, Channel.HEEL]].any())
        number = 0
        for drive in drives:
            touch = drive[[Channel.PUSH, Channel.TOE, Channel.HEEL]] if touched else None
            bed = lying(self.leg, self.at[0], self.at[1], touch)
            weight = self._weight()
            resting = np.ascontiguousarray(drive[Channel.SET_HIP : Channel.SET_ROLL])
            bias = drive[Channel.BIAS_HIP :] * weight[2]
            self.wanted[:3] = drive[:3]
            self.outer[0], self.outer[2] = drive[Channel.TWIST], drive[Channel.SIDE]
            self.target[0], self.target[1] = drive[Channel.SET_ROLL], drive[Channel.SET_PITCH]
            load = drive[Channel.BED] + self.carried
            for _ in range(HELD):
                cos, sin = np.cos(self.angles), np.sin(self.angles)
                surface = self.at[3], self.speed[3]
                pull, carried = contact(self.leg, (cos, sin), self.rates, bed, surface)
                gaining = self._following(load - carried, weight[3])
                pull -= weight[0] * cos + weight[1] * sin
                pull -= weight[4] * gaining[3] * cos
                torque = self._torques(resting, bias, drive[Channel.REFLEX])
                pull += torque
                pull[:2] -= torque[1:]
                gains = self._accelerations(cos, sin, pull)
                if self.step % EVERY == 0:
                    row = seen[number]
                    row[0:3], row[3:6] = self.angles, self.rates
                    row[6], row[7], row[8] = gains
                    row[9:13], row[13:17], row[17:21] = self.at, self.speed, gaining
                    number += 1
                self.rates += STEP_S * np.stack(gains)
                self.angles += STEP_S * self.rates
                self.speed += STEP_S * gaining
                self.at += STEP_S * self.speed
                self.step += 1
        return seen

    def _weight(self) -> tuple[Array, Array, Array, Array, Array]:
        """Return gravity's moments by cosine and sine, lying share, sine of roll, hip's moments."""
        moments, cos_roll = self.leg.moments, np.cos(self.at[0])
        cos_pitch = np.cos(self.at[1])
        lies = np.minimum(np.maximum(cos_pitch, 0.0), 1.0)
        return (
            moments * (GRAVITY * cos_roll * cos_pitch),
            moments * (GRAVITY * np.sin(self.at[1])),
            lies,
            np.sin(self.at[0]),
            moments * (self.scalar["hip_share"] * lies * cos_roll),
        )

    def _following(self, load: Array, sin_roll: Array) -> Array:
        """Return the accelerations of roll, pitch, side and mattress under a load in N."""
        self.outer[3] = load
        self.target[2] = self.at[3] * sin_roll
        gaining = self.outer * self.mobile
        gaining -= self.lazy * self.speed
        gaining -= self.stiff * (self.at - self.target)
        return gaining

    def _torques(self, resting: Array, bias: Array, excited: Array) -> Array:
        """Return the joints' torques: muscles, the resting posture, stiffness, limits, reflex."""
        leg = self.leg
        joints, turning = self.angles.copy(), self.rates.copy()
        joints[1:] -= self.angles[:2]
        turning[1:] -= self.rates[:2]
        if self.reflexive:
            self._reflex(turning[2], joints[2] - resting[2], excited)
        self.stage_1 += self.pace * (self.wanted - self.stage_1)
        self.stage_2 += self.pace * (self.stage_1 - self.stage_2)
        torque = self.stage_2[:3] + bias
        torque += leg.stiffness * (resting - joints)
        torque -= leg.damping * turning
        beyond = joints - np.minimum(np.maximum(joints, leg.lowest), leg.highest)
        if beyond.any():
            torque -= LIMIT_N_M * beyond + LIMIT_DAMPING * (beyond != 0.0) * turning
        torque[2] -= self.stage_2[3]
        return torque

    def _reflex(self, turning: Array, stretched: Array, excited: Array) -> None:
        """Let the triceps surae answer a stretch: delayed, above a threshold, saturated, tiring."""
        scalar = self.scalar
        strongest = scalar["strongest"]
        self.stretch[self.step % MOST_DELAY] = turning + scalar["length_gain"] * stretched
        felt = self.stretch[(self.step - self.delay) % MOST_DELAY, self.numbers]
        over = np.maximum(felt - scalar["threshold"] - self.fatigue, 0.0)
        asked = scalar["gain"] * excited * over
        self.wanted[3] = strongest * asked / (strongest + asked)
        tired = scalar["tiring"] * self.stage_2[3] / strongest
        self.fatigue += STEP_S * (tired - scalar["recovery"] * self.fatigue)

    def _accelerations(self, cos: Array, sin: Array, pull: Array) -> tuple[Array, Array, Array]:
        """Solve the equations of motion for the segments' angular accelerations."""
        first, second, third = self.leg.diagonal
        cos_b, sin_b = cos[_NEXT], sin[_NEXT]
        m12, m23, m13 = self.coupling * (cos * cos_b + sin * sin_b)
        h12, h23, h31 = self.coupling * (sin * cos_b - cos * sin_b)
        w1, w2, w3 = self.rates * self.rates
        q1 = pull[0] - h12 * w2 + h31 * w3
        q2 = pull[1] + h12 * w1 - h23 * w3
        q3 = pull[2] - h31 * w1 + h23 * w2
        l21, l31 = m12 / first, m13 / first
        d2 = second - l21 * m12
        rest = m23 - l31 * m12
        l32 = rest / d2
        d3 = third - l31 * m13 - l32 * rest
        q2 -= l21 * q1
        q3 -= l31 * q1 + l32 * q2
        a3 = q3 / d3
        a2 = q2 / d2 - l32 * a3
        return q1 / first - l21 * a2 - l31 * a3, a2, a3


_NEXT = [1, 2, 0]
