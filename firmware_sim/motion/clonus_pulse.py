"""Clonus engine (b): a train of pulses with the timing measured in people.

Plantarflexion 45 % and dorsiflexion 55 % of a beat, the first interval longer, steady from beat 5
on (Boyraz 2015, Arch PMR 58:568), 3 to 8 Hz; the rest is the signal note's section 5. No mechanics:
the rhythm is set and the limb follows. Shares no waveform code with `clonus_reflex`.
"""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

from firmware_sim.motion.kinematics import FINE_HZ, Curve

RHYTHM_HZ = (3.8, 7.8)
"""Steady rhythm; even the slow first three beats of the slowest bout stay above 3 Hz."""
FLEXION_SHARE = 0.45
FEWEST_BEATS = 3
SETTLED_BEAT = 5
"""From this beat on the intervals no longer shorten."""
DRIFT_BEATS = 40
"""The drift of 5 to 15 % takes a bout of at least this many beats: it is slow."""
DYING = np.array([0.7, 0.45, 0.25])
"""Sizes of the last beats of a decaying bout, an exponential with 1.9 beats to 1/e."""


def intervals_s(rng: np.random.Generator, rhythm_hz: float, beats: int) -> Curve:
    """Return the length of each beat (beats,): early chirp, then a slow drift to slower."""
    first = rng.uniform(0.2, 0.4)
    drift = rng.uniform(0.05, 0.15)
    beat = np.arange(beats)
    settling = 1 + first * np.clip(1 - beat / (SETTLED_BEAT - 1), 0.0, None)
    late = np.clip(beat - (SETTLED_BEAT - 1), 0, None)
    slowing = 1 / (1 - drift * late / max(beats - SETTLED_BEAT, DRIFT_BEATS))
    # Settled beats vary by 1 %; the first ones do not, so that each is shorter than the last.
    jitter = np.where(late > 0, 1 + 0.01 * rng.standard_normal(beats), 1.0)
    return settling * slowing * jitter / rhythm_hz


def swing(rng: np.random.Generator, rhythm_hz: float, beats: int) -> tuple[Curve, Curve]:
    """Return the angle (n,) on the fine grid, about 1 at most, and beat edges (beats + 1,) in s.

    Raises
    ------
    ValueError
        Fewer beats than a clonus has.
    """
    if beats < FEWEST_BEATS:
        raise ValueError(f"a clonus has at least {FEWEST_BEATS} beats, got {beats}")
    lengths = intervals_s(rng, rhythm_hz, beats)
    edges = np.concatenate([[0.0], np.cumsum(lengths)])
    tops = edges[:-1] + FLEXION_SHARE * lengths
    sizes = _sizes(rng, beats)
    t = np.arange(round(edges[-1] * FINE_HZ) + 1) / FINE_HZ
    # A smooth phase through each edge and each peak: no discontinuities at half cycles.
    knots = np.sort(np.concatenate([edges, tops]))
    phase = PchipInterpolator(knots, np.pi * np.arange(len(knots)))(np.minimum(t, edges[-1]))
    size = PchipInterpolator(tops, sizes)(np.clip(t, tops[0], tops[-1]))
    return size * (1 - np.cos(phase)) / 2, edges


def _sizes(rng: np.random.Generator, beats: int) -> Curve:
    """Return random beat sizes: growth over 1 to 3 beats, variation of 0.2, decay or abrupt end."""
    sizes = np.clip(1 + 0.2 * rng.standard_normal(beats), 0.4, 1.6)
    growth = int(rng.integers(1, 4))
    sizes *= np.clip((1 + np.arange(beats)) / growth, 0.4, 1.0)
    if rng.random() < 0.5 and beats > len(DYING) + growth:
        sizes[-len(DYING) :] *= DYING
    return sizes
