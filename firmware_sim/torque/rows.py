"""Rows of a batch: movements that follow closely, as one drive from rest to rest.

Movements further apart than `APART_S` are rows of their own: the posture in which each begins is
known beforehand, because the resting posture that a movement leaves is part of the movement. Where
friction keeps a leg a little beside it, the leg creeps there while nothing happens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from firmware_sim.torque.body import Leg
from firmware_sim.torque.channels import (
    CHANNELS,
    DRIVE_HZ,
    FORCES,
    Act,
    Array,
    Channel,
    Posture,
)  # fmt: skip
from firmware_sim.torque.contact import resting_torques
from firmware_sim.torque.dynamics import BLOCK
from firmware_sim.torque.muscle import smooth

LEAD_S = 0.2
"""Rest before the first movement of a row."""


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A movement in a row, at seconds from its first step."""

    at_s: float
    act: Act


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """Movements of one leg.

    Parameters
    ----------
    at_s : true second of the night at which the row begins
    rest : posture at first
    """

    at_s: float
    leg: Leg
    rest: Posture
    placed: tuple[Placed, ...]

    @property
    def seconds(self) -> float:
        """Return the length, rest at the end included, in whole blocks."""
        last = self.placed[-1]
        least = last.at_s + last.act.seconds + last.act.quiet_after_s
        return float(np.ceil(least * DRIVE_HZ / BLOCK) * BLOCK / DRIVE_HZ)


def row_of(at_s: float, leg: Leg, rest: Posture, acts: Sequence[tuple[float, Act]]) -> Row:
    """Return a row; each movement comes with the rest before it, s."""
    placed, now_s = [], LEAD_S
    for gap_s, act in acts:
        now_s += gap_s
        placed.append(Placed(now_s, act))
        now_s += act.seconds + act.quiet_after_s
    return Row(at_s, leg, rest, tuple(placed))


def drive_of(row: Row) -> Array:
    """Return what acts on the leg, (CHANNELS, n)."""
    n = round(row.seconds * DRIVE_HZ)
    drive = np.zeros((CHANNELS, n))
    t = np.arange(n) / DRIVE_HZ
    postures = [row.rest]
    postures += [p.act.after for p in row.placed if p.act.after is not None]
    described = np.array([[*p.joints, p.roll] for p in postures]).T
    single = Leg(**{
        name: getattr(row.leg, name)[..., np.newaxis] for name in Leg.__dataclass_fields__
    })  # fmt: skip
    held = np.concatenate([
        resting_torques(single, described[:3, i : i + 1], described[3, i : i + 1])
        for i in range(len(postures))
    ], axis=1)  # fmt: skip
    state = np.concatenate([described, held])  # 4 angles, 3 torques, by posture
    now = np.repeat(state[:, :1], n, axis=1)
    number = 0
    for placed in row.placed:
        act, first = placed.act, round(placed.at_s * DRIVE_HZ)
        drive[:FORCES, first : first + act.drive.shape[1]] += act.drive
        if act.pitch is not None:
            drive[Channel.SET_PITCH, first : first + len(act.pitch)] = act.pitch
        if act.after is not None:
            number += 1
            from_s, to_s = act.moves_s
            share = smooth(np.clip((t - placed.at_s - from_s) / max(to_s - from_s, 0.2), 0, 1))
            now += share * (state[:, number] - state[:, number - 1])[:, np.newaxis]
    drive[Channel.SET_HIP : Channel.SET_ROLL + 1] = now[:4]
    drive[Channel.BIAS_HIP :] = now[4:]
    return drive
