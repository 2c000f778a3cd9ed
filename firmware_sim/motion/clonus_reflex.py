"""Clonus engine (a): a delayed stretch reflex whose loop with an inertial foot oscillates.

I theta'' + b theta' + k theta = -T, with T a rectified, saturated, delayed stretch response through
a second-order muscle (Hidler & Rymer, IEEE 887937: long delays and excitable motoneurons make a
stable limit cycle). The rhythm is not set anywhere: it follows from delay, muscle and load, and
falls as the load grows. Shares no waveform code with `clonus_pulse`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import tanh
from typing import Self

import numpy as np

from firmware_sim.motion.kinematics import FINE_HZ, Curve

STEP_S = 0.001
"""Fine enough: halving it moves the rhythm by less than 0.05 Hz."""
KICK_S = 0.06
"""How long the first stretch takes: a foot that slips or is pushed, not a hammer."""
WEAKEST_BEAT = 0.2
"""A swing slower than this share of the bout's median stretch is passive ringing, not a beat."""
SETTLING_S = 1.2
"""Passive ringing after the reflex has ended: five time constants of the slackest ankle drawn."""


@dataclass(frozen=True, slots=True)
class Ankle:
    """An ankle with its stretch reflex, in SI units.

    Parameters
    ----------
    inertia : kg m^2, the foot and what rests on it
    damping : N m s / rad
    stiffness : N m / rad
    delay_s : stretch to muscle, the reflex loop's nerve time
    muscle_s : time constant of each of the muscle's two stages
    gain : N m s / rad, torque for stretch velocity; half of it per 0.5 rad for stretch length
    strongest : N m, where the reflex saturates
    """

    inertia: float = 0.02
    damping: float = 0.6
    stiffness: float = 30.0
    delay_s: float = 0.040
    muscle_s: float = 0.035
    gain: float = 25.0
    strongest: float = 22.0

    def loaded(self, factor: float) -> Self:
        """Return the same reflex with a larger load."""
        return replace(self, inertia=self.inertia * factor)


def draw_ankle(rng: np.random.Generator) -> Ankle:
    """Return a random ankle with clonus at 3 to 7 Hz; ranges are the signal note's section 5."""
    ankle = Ankle(
        stiffness=rng.uniform(25.0, 40.0),
        delay_s=rng.uniform(0.035, 0.050),
        muscle_s=rng.uniform(0.030, 0.045),
        strongest=rng.uniform(15.0, 25.0),
    )
    return ankle.loaded(rng.uniform(1.0, 3.0))


def swing(rng: np.random.Generator, ankle: Ankle, seconds: float) -> tuple[Curve, Curve]:
    """Return the foot's angle (n,) in rad on the fine grid and the beats' edges (beats + 1,) in s.

    The reflex is excited by one stretch, held for `seconds`, and then fades at once or within half
    a second (the limb's angle has changed).
    """
    n = round((seconds + SETTLING_S) / STEP_S)
    t = np.arange(n) * STEP_S
    fade_s = rng.choice([0.02, rng.uniform(0.1, 0.5)])
    held = np.clip((seconds - t) / fade_s + 1, 0.0, 1.0)
    # Excitability varies by about a tenth within half a second: beats differ in size.
    knots = 1 + 0.12 * rng.standard_normal(round(n * STEP_S / 0.5) + 2)
    excitability = held * np.interp(t, np.arange(len(knots)) * 0.5, knots)
    angle, rate = oscillate(ankle, excitability, kick=rng.uniform(2.0, 6.0))
    edges = _beat_edges(rate) * STEP_S
    every = round(1 / (FINE_HZ * STEP_S))
    return angle[::every], edges


def oscillate(ankle: Ankle, excitability: Curve, kick: float) -> tuple[Curve, Curve]:
    """Integrate from rest through a stretch by `kick` rad/s; angle in rad, rate in rad/s, (n,).

    Semi-implicit Euler at `STEP_S`; positive angles stretch the calf.
    """
    n, delay = len(excitability), round(ankle.delay_s / STEP_S)
    angle, rate = [0.0] * n, [0.0] * n
    excited, torque = 0.0, 0.0
    theta, omega = 0.0, 0.0
    kicked = np.zeros(n)
    blow = np.sin(np.linspace(0.0, np.pi, round(KICK_S / STEP_S)))
    kicked[: len(blow)] = (kick * blow / blow.sum())[:n]
    kicks = kicked.tolist()
    pace = STEP_S / ankle.muscle_s
    excitable = excitability.tolist()
    for i in range(n):
        angle[i], rate[i] = theta, omega
        stretch = rate[i - delay] + 2 * max(angle[i - delay], 0.0) if i >= delay else 0.0
        wanted = ankle.strongest * tanh(max(ankle.gain * stretch, 0.0) / ankle.strongest)
        excited += pace * (excitable[i] * wanted - excited)
        torque += pace * (excited - torque)
        pull = -torque - ankle.damping * omega - ankle.stiffness * theta
        omega += STEP_S * pull / ankle.inertia + kicks[i]
        theta += STEP_S * omega
    return np.array(angle), np.array(rate)


def _beat_edges(rate: Curve) -> Curve:
    """Find the steps at which stretches begin, from the first to the end of the last strong one."""
    turns = np.flatnonzero((rate[:-1] < 0) & (rate[1:] >= 0)) + 1
    edges = np.concatenate([[0], turns])
    strength = np.maximum.reduceat(rate, edges)[:-1]
    strong = np.flatnonzero(strength >= WEAKEST_BEAT * np.median(strength))
    return edges[: strong[-1] + 2].astype(np.float64)
