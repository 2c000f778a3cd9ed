"""A bout of clonus as measured by a leg-worn sensor, from either of the two engines."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from detector.events import Kind
from firmware_sim.motion import clonus_pulse, clonus_reflex
from firmware_sim.motion.act import PEAK_G, Act, log_uniform, with_peak
from firmware_sim.motion.kinematics import FINE_HZ, Curve, Motion, rotation, steps
from firmware_sim.motion.limb import Limb

Engine = Literal["reflex", "pulse", "both"]
ENGINES: tuple[Engine, ...] = get_args(Engine)

LONGEST_S = 60.0
"""Rarely longer (Wallace 2005: up to 30 s, two of six people above a minute)."""
UNSUSTAINED = 0.3
"""Share of bouts that end after 3 to 8 beats [own estimate]."""
MOST_SIDEWAYS = 0.8
"""Second axis against the first: the main axis keeps 0.6 to 1 of the power (signal note, 5)."""


def bout(
    rng: np.random.Generator,
    limb: Limb,
    *,
    engine: Engine = "both",
    longest_s: float = LONGEST_S,
    seconds: float | None = None,
    peak_g: float | None = None,
) -> Act:
    """Return a random bout; `seconds` and `peak_g` (at the sensor) are drawn unless given.

    Raises
    ------
    ValueError
        There is no such engine.
    """
    if engine not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(ENGINES)}, got {engine!r}")
    chosen = str(rng.choice(["reflex", "pulse"]))
    chosen = chosen if engine == "both" else engine
    if seconds is None:
        brief = rng.random() < UNSUSTAINED
        seconds = rng.uniform(0.6, 1.5) if brief else log_uniform(rng, 1.5, max(longest_s, 1.6))
    angle, edges = _swing(rng, chosen, seconds)
    rhythm_hz = float(1 / np.median(np.diff(edges)))
    motion = _elliptic(rng, limb, angle, rhythm_hz)
    peak_g = limb.shaken_g(log_uniform(rng, *PEAK_G)) if peak_g is None else peak_g
    return Act(
        kind=Kind.CLONUS,
        motion=with_peak(motion, limb, peak_g),
        onset_s=float(edges[0]),
        end_s=float(edges[-1]),
        rhythm_hz=rhythm_hz,
        beats=len(edges) - 1,
        engine=chosen,
    )


def _swing(rng: np.random.Generator, engine: str, seconds: float) -> tuple[Curve, Curve]:
    if engine == "pulse":
        rhythm_hz = rng.uniform(*clonus_pulse.RHYTHM_HZ)
        beats = max(clonus_pulse.FEWEST_BEATS, round(seconds * rhythm_hz))
        return clonus_pulse.swing(rng, rhythm_hz, beats)
    ankle = clonus_reflex.draw_ankle(rng)
    # The slowest ankle (3 Hz) needs a second for the three beats that make a clonus.
    return clonus_reflex.swing(rng, ankle, max(seconds, 1.0))


def _elliptic(rng: np.random.Generator, limb: Limb, angle: Curve, rhythm_hz: float) -> Motion:
    """Return the angles with a second joint that follows up to a quarter beat later."""
    lag = steps(rng.uniform(0.0, 0.25) / rhythm_hz)
    motion = rotation(limb.joint, angle)
    return motion.then(rotation(limb.side, angle * rng.uniform(0.0, MOST_SIDEWAYS)), lag)


def lasting_s(act: Act) -> float:
    """Return the seconds on the fine grid, before any ring-down."""
    return len(act.motion) / FINE_HZ
