"""Sudden spasms, twitches, tonic pulls, and spasms that end in clonus.

Ranges are the signal note's section 5 (Thomas 2014 for the types: unit, tonic, clonus, mixed).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.signal import butter, sosfilt

from detector.block import AXES, Samples
from detector.events import Kind
from firmware_sim.motion import clonus
from firmware_sim.motion.act import PEAK_G, Act, arriving, log_uniform, peak_of, sign, with_peak
from firmware_sim.motion.kinematics import (
    FINE_HZ,
    Curve,
    Hinge,
    Motion,
    damped_ring,
    pushes,
    rotation,
    smooth_step,
    steps,
)
from firmware_sim.motion.limb import Limb

FLEXOR_DEG = (8.0, 60.0)
EXTENSOR_DEG = (5.0, 30.0)
RISE_S = (0.12, 0.45)
HOLD_S = (0.3, 20.0)
TREMULOUS_HZ = (7.0, 13.0)
TREMULOUS_G = (0.002, 0.030)
TWITCH_S = 0.5
"""Longest twitch from rest to rest, as the contract defines it."""
RINGING_S = 0.15
"""How long a limb swings after a twitch, where there is time."""
FOLLOWED_BY_CLONUS = (0.2, 0.4)
"""Share of spasms that clonus follows."""


def spasm(rng: np.random.Generator, limb: Limb, *, longest_hold_s: float = HOLD_S[1]) -> Act:
    """Kick out or draw up a limb, hold it trembling, and let it back slowly or in part."""
    hold_s = log_uniform(rng, HOLD_S[0], max(longest_hold_s, 0.4))
    return Act(kind=Kind.SPASM, motion=_jerked_and_held(rng, limb, hold_s))


def mixed(
    rng: np.random.Generator,
    limb: Limb,
    *,
    engine: clonus.Engine = "both",
    longest_s: float = 20.0,
) -> Act:
    """Let a limb held by a spasm fall into clonus within a second and a half: one event."""
    beating = clonus.bout(rng, limb, engine=engine, longest_s=longest_s)
    gap_s = rng.uniform(0.5, 1.5)
    hold_s = gap_s + clonus.lasting_s(beating) + rng.uniform(0.1, 1.0)
    held = _jerked_and_held(rng, limb, hold_s)
    return replace(
        beating,
        motion=held.then(beating.motion, steps(gap_s)),
        onset_s=None,
        end_s=None,
        parts=(Kind.SPASM, Kind.CLONUS),
    )


def twitch(rng: np.random.Generator, limb: Limb) -> Act:
    """Jerk with 30 to 90 ms half width and be back within half a second."""
    half_s = rng.uniform(0.03, 0.09)
    # Half of each slope lies above half height: 4 half widths in all, quicker out than back.
    out, back = smooth_step(steps(1.6 * half_s)), 1 - smooth_step(steps(2.4 * half_s))
    left = steps(TWITCH_S) - len(out) - len(back)
    ring = damped_ring(min(steps(RINGING_S), left), rng.uniform(4, 10), rng.uniform(0.03, 0.06))
    size = rng.uniform(0.05, 0.2)
    angle = np.concatenate([out, back, size * ring * (1 - smooth_step(len(ring)))])
    motion = rotation(_oblique(rng, limb), angle)
    return Act(
        kind=Kind.TWITCH,
        motion=with_peak(motion, limb, limb.shaken_g(log_uniform(rng, 0.04, 0.8))),
        end_s=len(motion) / FINE_HZ,
    )


def tonic(rng: np.random.Generator, limb: Limb, *, longest_s: float = 20.0) -> Act:
    """Pull a posture within 0.5 to 2 s and hold it trembling, without return."""
    pull = smooth_step(steps(rng.uniform(0.5, 2.0)))
    hold = np.ones(steps(log_uniform(rng, 3.0, max(longest_s, 3.1))))
    held = np.concatenate([pull, hold])
    drift = rotation(_oblique(rng, limb), held * np.radians(rng.uniform(3, 20)) * sign(rng))
    # Clearly above rest: under 5 mg it would be isometric stiffness, which cannot be measured.
    tremble = tremulousness(rng, len(held), log_uniform(rng, 0.005, TREMULOUS_G[1]))
    tremble *= (held * _faded(len(held)))[:, np.newaxis]
    return Act(kind=Kind.TONIC, motion=arriving(drift.then(pushes(tremble), 0), limb, limb.lifting))


def tremulousness(rng: np.random.Generator, n: int, rms_g: float) -> Samples:
    """Make irregular 7 to 13 Hz shaking of a held muscle, (n, 3), of a size over all axes."""
    band = butter(2, TREMULOUS_HZ, "bandpass", fs=FINE_HZ, output="sos")
    lead = steps(1.0)  # lets the filter settle
    noise = sosfilt(band, rng.standard_normal((n + lead, AXES)), axis=0)[lead:]
    shaking: Samples = noise * (rms_g / np.sqrt((noise**2).sum(axis=1).mean()))
    return shaking


def _jerked_and_held(rng: np.random.Generator, limb: Limb, hold_s: float) -> Motion:
    """Return random angle and speed whose jerk is measurable and possible for a limb."""
    for _ in range(50):
        motion = _jerk(rng, limb, hold_s)
        if PEAK_G[0] <= peak_of(motion, limb) <= PEAK_G[1]:
            return arriving(motion, limb, limb.lifting)
    return arriving(with_peak(motion, limb, log_uniform(rng, *PEAK_G)), limb, limb.lifting)


def _jerk(rng: np.random.Generator, limb: Limb, hold_s: float) -> Motion:
    flexor = rng.random() < 0.7
    degrees = log_uniform(rng, *(FLEXOR_DEG if flexor else EXTENSOR_DEG))
    out = smooth_step(steps(rng.uniform(*RISE_S)))
    kept = rng.choice([0.0, rng.uniform(0.1, 0.6)])
    back = 1 - (1 - kept) * smooth_step(steps(rng.uniform(1.0, 4.0)))
    angle = np.concatenate([out, np.ones(steps(hold_s)), back])
    since_landing = len(out) * 3 // 4
    ring = damped_ring(len(angle) - since_landing, rng.uniform(2.5, 6), rng.uniform(0.12, 0.3))
    angle[since_landing:] += rng.uniform(0.02, 0.10) * ring
    angle *= np.radians(degrees) * (1 if flexor else -1)
    tremble = tremulousness(rng, len(angle), log_uniform(rng, *TREMULOUS_G))
    tremble *= _while_held(len(out), steps(hold_s), len(back))[:, np.newaxis]
    return rotation(_oblique(rng, limb), angle).then(pushes(tremble), 0)


def _while_held(out: int, hold: int, back: int) -> Curve:
    """Return 1 while the muscle holds, faded in at its onset and out at its release."""
    return np.concatenate([smooth_step(out), np.ones(hold), 1 - smooth_step(back)])


def _faded(n: int) -> Curve:
    tail = min(n, steps(0.5))
    return np.concatenate([np.ones(n - tail), 1 - smooth_step(tail)])


def _oblique(rng: np.random.Generator, limb: Limb) -> Hinge:
    """Return the segment's joint tilted at random: two joints take part, differently each time."""
    tilt = rng.uniform(-0.4, 0.4)
    axis = np.cos(tilt) * limb.joint.axis + np.sin(tilt) * limb.side.axis
    return Hinge(axis, limb.joint.arm_m)
