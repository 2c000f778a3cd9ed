"""What acts on a leg: muscle torques, forces from outside and resting postures, as curves in time.

An `Act` is what a movement's performer wants; `firmware_sim.torque.dynamics` finds out what comes
of it. Torques are those of the nerves: muscle lags behind them by its activation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from detector.events import Kind

Array = NDArray[np.float64]

DRIVE_HZ = 200.0
"""Rate of the curves; muscle passes less than 10 Hz of them, a blow is 5 ms at least."""


class Channel(IntEnum):
    """Rows of a drive. Torques in N m, positive: hip flexes, knee extends, ankle dorsiflexes."""

    HIP = 0
    KNEE = 1
    ANKLE = 2
    REFLEX = 3
    """0 to 1: share of the stretch reflex's gain that the spinal cord lets through."""
    TWIST = 4
    """N m, turns the leg about its long axis."""
    SIDE = 5
    """N on the shank, across the leg's plane."""
    PUSH = 6
    """N on the shank, away from the bed of one who lies on the back."""
    TOE = 7
    """N on the ball of the foot, towards the head."""
    HEEL = 8
    """N on the heel, towards the head: the floor under a walker."""
    BED = 9
    """N on the mattress, upwards."""
    CASE = 10
    """m/s^2 at the sensor's case: what touches the sensor itself."""
    SET_HIP = 11
    SET_KNEE = 12
    SET_ANKLE = 13
    """rad, the angles in which the leg rests."""
    SET_ROLL = 14
    """rad, 0 on the back, pi/2 on the side."""
    SET_PITCH = 15
    """rad, 0 in bed, pi/2 upright."""
    BIAS_HIP = 16
    BIAS_KNEE = 17
    BIAS_ANKLE = 18
    """N m that hold the resting posture against what gravity and the bed leave over."""


CHANNELS = len(Channel)
FORCES = Channel.SET_HIP
"""Channels below this one are forces of an act; those above describe a posture."""


@dataclass(frozen=True, slots=True)
class Posture:
    """How a leg rests.

    Parameters
    ----------
    joints : hip, knee and ankle, rad
    roll : rad, 0 on the back
    name : supine, hook-lying or side
    """

    joints: tuple[float, float, float]
    roll: float
    name: str


@dataclass(frozen=True, slots=True)
class Hum:
    """A sinusoid of the bed too fast for a limb: m/s^2 at the sensor, between two seconds."""

    from_s: float
    to_s: float
    hz: float
    size: float


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Act:
    """A movement as it is meant.

    Parameters
    ----------
    drive : (FORCES, n) at `DRIVE_HZ`
    pitch : (n,), rad; None while lying
    after : the posture in which the leg is left, None for the one before
    moves_s : from when to when the resting posture changes
    beats_s : between which moments a clonus may beat; None without one
    quiet_after_s : least time in which the leg comes to rest
    """

    kind: Kind
    manner: str
    drive: Array
    pitch: Array | None = None
    after: Posture | None = None
    moves_s: tuple[float, float] = (0.0, 1.0)
    beats_s: tuple[float, float] | None = None
    rhythm_hz: float | None = None
    parts: tuple[Kind, ...] | None = None
    engine: str | None = None
    hums: tuple[Hum, ...] = field(default=())
    quiet_after_s: float = 3.0

    @property
    def seconds(self) -> float:
        """Return how long its forces last."""
        return float(self.drive.shape[1] / DRIVE_HZ)


def blank(seconds: float) -> Array:
    """Return a drive without any force, (FORCES, n)."""
    return np.zeros((FORCES, max(1, round(seconds * DRIVE_HZ))))


def times(drive: Array) -> Array:
    """Return the moments of a drive, s."""
    return np.arange(drive.shape[1]) / DRIVE_HZ


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Return a random value whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
