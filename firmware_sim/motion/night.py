"""The plan of a night: what happens when, in cycles of ninety minutes, spasms in clusters.

Signal note, section 5: 7 to 10 h, still in 94 to 98 % of frames, 2 to 4 turns an hour, movements
and spasms gathered where sleep is light and after getting up (Poisson clusters of gamma size).
How many spasms a night holds is not known from public recordings [estimate].
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import numpy as np

from firmware_sim.motion import bed, knocks, rhythms, spasm
from firmware_sim.motion.clonus import Engine, bout
from firmware_sim.motion.kinematics import Curve
from firmware_sim.motion.scene import Perform, Plan

HOURS = (7.0, 10.0)
CYCLE_S = 5400.0
TURNS_PER_H = (2.0, 4.0)
CLUSTERS = 6.0
"""Mean number of spasm clusters a night [estimate]."""
CLUSTER_SHAPE, CLUSTER_MEAN = 1.2, 3.0
"""Gamma size of a cluster: mostly one to three spasms, sometimes ten [estimate]."""
WITH_PERIODIC = 0.32
"""Share of nights with periodic leg movements (Sparasci 2021: 31.6 % of 76 people with MS)."""
SETTLED_S = 60.0
"""Nothing in the first minute: a detector may learn the wearer's rest."""


def draw_hours(rng: np.random.Generator) -> float:
    """Draw how long the night is."""
    return float(rng.uniform(*HOURS))


def plan(rng: np.random.Generator, duration_s: float, fs: float, engine: Engine) -> list[Plan]:
    """Draw everything that shall happen; where two collide the scene keeps the earlier."""
    hours = duration_s / 3600
    rising = _moments(rng, rng.poisson(hours / 4), duration_s)
    starts = _moments(rng, rng.poisson(CLUSTERS * hours / 8), duration_s)
    after_rising = rising + rng.uniform(120, 600, len(rising))
    plans = [Plan(float(at_s), _rising(rng)) for at_s in rising]
    for start in (*starts, *after_rising[rng.random(len(rising)) < 0.5]):
        plans += _cluster(rng, float(start), engine)
    if rng.random() < WITH_PERIODIC:
        for start in _moments(rng, 1 + rng.poisson(2), duration_s):
            plans += periodic(rng, float(start), CYCLE_S)
    per_hour: Iterable[tuple[float, Perform]] = (
        (rng.uniform(*TURNS_PER_H), bed.turn),
        (10.0, bed.shift),
        (5.0, knocks.bed_knock),
        (2.0, rhythms.scratch),
        (0.15, rhythms.tremor),
        (0.3, lambda rng, limb: knocks.phone_buzz(rng, limb, fs)),
    )
    for rate, perform in per_hour:
        count = rng.poisson(rate * hours)
        plans += [Plan(float(t), perform) for t in _moments(rng, count, duration_s)]
    return plans


def periodic(rng: np.random.Generator, start_s: float, within_s: float) -> list[Plan]:
    """Draw one series of periodic leg movements that begins at `start_s`."""
    habit = bed.draw_habit(rng)
    movement = partial(bed.leg_movement, habit=habit)
    return [Plan(start_s + float(t), movement) for t in bed.series_onsets_s(rng, within_s)]


def _cluster(rng: np.random.Generator, start_s: float, engine: Engine) -> list[Plan]:
    size = max(1, round(rng.gamma(CLUSTER_SHAPE, CLUSTER_MEAN / CLUSTER_SHAPE)))
    gaps_s = 20 + rng.exponential(60, size)
    followed = rng.uniform(*spasm.FOLLOWED_BY_CLONUS)
    times = start_s + np.cumsum(gaps_s) - gaps_s[0]
    return [Plan(float(t), _any_spasm(rng, followed, engine)) for t in times]


def _any_spasm(rng: np.random.Generator, followed: float, engine: Engine) -> Perform:
    kind = rng.choice(["spasm", "clonus", "twitch", "tonic"], p=[0.45, 0.2, 0.25, 0.1])
    if kind == "clonus":
        return lambda rng, limb: bout(rng, limb, engine=engine)
    if kind == "twitch":
        return spasm.twitch
    if kind == "tonic":
        return spasm.tonic
    if rng.random() < followed:
        return lambda rng, limb: spasm.mixed(rng, limb, engine=engine)
    return spasm.spasm


def _rising(rng: np.random.Generator) -> Perform:
    each_way_s = rng.uniform(20, 60)
    return lambda rng, limb: rhythms.walk(rng, limb, each_way_s=each_way_s)


def _moments(rng: np.random.Generator, count: int, duration_s: float) -> Curve:
    """Draw moments that gather at the ends of sleep cycles."""
    minutes = np.arange(SETTLED_S, max(duration_s, SETTLED_S + 1), 60.0)
    light = 0.3 + ((1 + np.cos(2 * np.pi * minutes / CYCLE_S)) / 2) ** 2
    at = rng.choice(minutes, size=count, p=light / light.sum())
    return np.sort(at + rng.uniform(0, 60, count))
