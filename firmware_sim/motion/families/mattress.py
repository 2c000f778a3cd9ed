"""A mattress with somebody on it: what strikes it rings at its own rate and dies away evenly.

x'' + 2 zeta omega x' + omega^2 x = force / mass with omega^2 = stiffness / mass. Beds with a person
on them ring at 2.5 to 9 Hz with 0.03 (springs) to 0.3 (foam) of critical damping [estimate, from
stiffness and mass]; a leg shares only part of the body's mass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from detector.events import Kind
from firmware_sim.motion.act import Act, log_uniform, with_peak
from firmware_sim.motion.families.shapes import anywhere, band_noise, edged
from firmware_sim.motion.kinematics import (
    FINE_HZ,
    STANDARD_GRAVITY,
    Curve,
    Motion,
    pushes,
    steps,
)
from firmware_sim.motion.limb import Limb

STIFFNESS = (2e3, 60e3)
"""N/m below a leg or a lying body [estimate]: foam to a hard spring core."""
MASS_KG = (4.0, 60.0)
"""Of what moves along: a leg, or half a body."""
RATE_HZ = (2.5, 9.0)
DAMPING = (0.03, 0.3)
KNOCK_G = (0.010, 0.250)
STRIKE_S = (0.01, 0.08)
"""How long what strikes touches the bed: a hand, a knee, a door's blow through the floor."""
FLESH_DAMPING = 0.08
"""What a leg on it adds to the springs: calf and thigh are soft [estimate]."""
DIRECT = 0.6
"""Most of a blow that reaches the leg itself, where it is struck nearby [estimate]."""
HUM_HZ = (6.0, 22.0)
"""A drum that spins at 400 to 1,300 turns a minute."""
HUM_G = (0.004, 0.030)
TRAIN_HZ = (5.0, 20.0)
"""What a floor passes on of a train or lorry (ISO 2631-2 weighs 1 to 80 Hz) [estimate]."""


@dataclass(frozen=True, slots=True)
class Mattress:
    """A bed as a leg on it moves.

    Parameters
    ----------
    stiffness : N/m
    mass_kg : what moves along
    damping : share of critical damping
    """

    stiffness: float
    mass_kg: float
    damping: float

    @property
    def rate_hz(self) -> float:
        """Return the rate at which it rings, Hz."""
        omega = np.sqrt(self.stiffness / self.mass_kg)
        return float(omega * np.sqrt(1 - self.damping**2) / (2 * np.pi))

    @property
    def dies_in_s(self) -> float:
        """Return the time in which a ring falls to 2 %, s."""
        return float(4 / (self.damping * np.sqrt(self.stiffness / self.mass_kg)))

    def shaken(self, force: Curve, direct: float = 1.0) -> Curve:
        """Return the acceleration for a force (n,) in N, in g; it must die away within n.

        `direct` is the share of the blow itself that reaches the leg: 0 where the bed is struck
        elsewhere, and only its springs pass it on.
        """
        omega = np.sqrt(self.stiffness / self.mass_kg) / FINE_HZ
        # Central differences: exact in what rests, 1 % in rate at 9 Hz.
        gain = 1 / (1 + self.damping * omega)
        b = np.array([1.0, -2.0, 1.0]) * gain
        a = [1.0, (omega**2 - 2) * gain, (1 - self.damping * omega) * gain]
        ring = lfilter(b, a, force) - (1 - direct) * force
        shaken: Curve = ring / (self.mass_kg * STANDARD_GRAVITY)
        return shaken


def draw_mattress(rng: np.random.Generator) -> Mattress:
    """Return a random bed that rings at 2.5 to 9 Hz."""
    damping = log_uniform(rng, *DAMPING)
    while True:
        bed = Mattress(log_uniform(rng, *STIFFNESS), log_uniform(rng, *MASS_KG), damping)
        if RATE_HZ[0] <= bed.rate_hz <= RATE_HZ[1]:
            return bed


def struck(
    rng: np.random.Generator,
    bed: Mattress,
    at_s: Sequence[float],
    *,
    touch_s: tuple[float, float] = STRIKE_S,
    variation: float = 0.3,
) -> Motion:
    """Return the ring of a bed that is struck at some moments, largest about 1 g, all along."""
    force = np.zeros(steps(max(at_s) + touch_s[1] + bed.dies_in_s) + 2)
    for moment in at_s:
        blow = np.sin(np.linspace(0, np.pi, max(3, steps(log_uniform(rng, *touch_s))))) ** 2
        first = steps(moment)
        force[first : first + len(blow)] += rng.lognormal(0, variation) * blow / blow.sum()
    ring = bed.shaken(force, rng.uniform(0.0, DIRECT) if rng.random() < 0.4 else 0.0)
    ring *= edged(len(ring), 0.0, 0.3 * bed.dies_in_s)
    ring /= np.abs(ring).max()
    # The leg rocks a little across the blow as well, at the same rate.
    along, across = anywhere(rng), rng.uniform(0.0, 0.5) * anywhere(rng)
    lag = steps(rng.uniform(0.0, 0.25) / bed.rate_hz)
    return pushes(np.outer(ring, along)).then(pushes(np.outer(ring, across)), lag)


def knock(rng: np.random.Generator, limb: Limb, *, bed: Mattress | None = None) -> Act:
    """Strike the bed once; it rings at its own rate."""
    return _knocked(rng, limb, bed, [0.0], "mattress ring")


def knocks(rng: np.random.Generator, limb: Limb, *, bed: Mattress | None = None) -> Act:
    """Strike the bed two to eight times, at times in step with its ring."""
    bed = bed or draw_mattress(rng)
    count = int(rng.integers(2, 9))
    if rng.random() < 0.3:  # somebody who rocks with it, or a bed against a wall
        gap_s = rng.integers(1, 4) / bed.rate_hz
        gaps_s = gap_s * rng.lognormal(0, 0.04, count - 1)
    else:
        gaps_s = rng.uniform(0.2, 1.5, count - 1)
    return _knocked(rng, limb, bed, [0.0, *np.cumsum(gaps_s)], "repeated mattress ring")


def hum(rng: np.random.Generator, limb: Limb, *, longest_s: float = 120.0) -> Act:
    """Hum with a washing machine that speeds up, spins and slows down."""
    n = steps(log_uniform(rng, 10.0, max(longest_s, 10.1)))
    t = np.arange(n) / n
    spin_hz = log_uniform(rng, *HUM_HZ)
    ramp = np.interp(t, (0.0, rng.uniform(0.1, 0.4), rng.uniform(0.7, 0.95), 1.0), (0.4, 1, 1, 0.4))
    bed = draw_mattress(rng)
    phase = 2 * np.pi * np.cumsum(spin_hz * ramp) / FINE_HZ
    # An unbalanced drum pushes with the square of its rate; passing the bed's own rate it swells.
    shake = bed.shaken(ramp**2 * np.sin(phase) * edged(n, 1.5, 2.0))
    motion = pushes(np.outer(shake * edged(n, 0.5, 1.0), anywhere(rng)))
    motion = with_peak(motion, limb, log_uniform(rng, *HUM_G))
    return Act(kind=Kind.VIBRATION, motion=motion, manner="washing machine")


def train(rng: np.random.Generator, limb: Limb, *, longest_s: float = 40.0) -> Act:
    """Shake with a passing train: noise of the floor that swells and fades."""
    n = steps(rng.uniform(6.0, max(longest_s, 7.0)))
    low_hz = rng.uniform(TRAIN_HZ[0], 0.7 * TRAIN_HZ[1])
    noise = band_noise(rng, n, (low_hz, low_hz * rng.uniform(1.15, 1.4)), 1.0)
    swell = edged(n, rng.uniform(0.3, 0.5) * n / FINE_HZ, 0.5 * n / FINE_HZ)
    motion = with_peak(pushes(noise * swell[:, np.newaxis]), limb, log_uniform(rng, *HUM_G))
    return Act(kind=Kind.VIBRATION, motion=motion, manner="passing train")


def landing(bed: Mattress, height_m: float, weight_share: float) -> tuple[Curve, float]:
    """Drop a limb onto a bed: it falls, sinks in, and may leave it again before it rests.

    The bed pushes only while it is touched, with its spring from where an unloaded surface lies,
    and damps the more the deeper it is pressed (Hunt & Crossley 1975).

    Parameters
    ----------
    height_m : above where it comes to rest; a leg still half on the bed starts below its surface
    weight_share : share of gravity that pulls; the rest is held by muscle, blanket and the knee

    Returns
    -------
    Upward acceleration (n,), g, at rest at its end, and the seconds until the blow.
    """
    omega = 2 * np.pi * bed.rate_hz
    damping = max(bed.damping, FLESH_DAMPING)
    pull = weight_share * STANDARD_GRAVITY
    surface = pull / omega**2
    x, v = height_m, 0.0
    n = steps(np.sqrt(2 * x / pull) + max(1.0, 6 / (damping * omega)))
    upward = np.empty(n)
    for i in range(n):
        a = -pull
        if x < surface:
            depth = (surface - x) / surface
            a += max(0.0, omega**2 * (surface - x) - 2 * damping * omega * depth * v)
        upward[i] = a
        v += a / FINE_HZ
        x += v / FINE_HZ
    # The release is not instantaneous: muscles let go within 60 ms.
    upward *= edged(n, 0.06, 0.4) / STANDARD_GRAVITY
    return upward, float(upward.argmax() / FINE_HZ)


def _knocked(
    rng: np.random.Generator, limb: Limb, bed: Mattress | None, at_s: Sequence[float], manner: str
) -> Act:
    motion = struck(rng, bed or draw_mattress(rng), at_s)
    return Act(
        kind=Kind.VIBRATION,
        motion=with_peak(motion, limb, log_uniform(rng, *KNOCK_G)),
        manner=manner,
    )
