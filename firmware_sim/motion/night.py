"""The plan of a night: what happens when, in cycles of ninety minutes, spasms in clusters.

Signal note, section 5: 7 to 10 h, still in 94 to 98 % of frames, 2 to 4 turns an hour, movements
and spasms gathered where sleep is light and after getting up (Poisson clusters of gamma size).
How many spasms a night holds is not known from public recordings [estimate].
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np

from firmware_sim.motion import bed, knocks, restless, rhythms, spasm
from firmware_sim.motion.clonus import Engine, bout
from firmware_sim.motion.kinematics import Curve
from firmware_sim.motion.scene import Perform, Plan

HOURS = (7.0, 10.0)
CYCLE_S = 5400.0
TURNS_PER_H = (2.0, 4.0)
PER_H: dict[Perform, float] = {
    bed.shift: 10.0,
    knocks.bed_knock: 4.0,
    knocks.bed_partner: 2.0,
    rhythms.scratch: 2.0,
    restless.fidget: 1.0,
    restless.reposition: 0.5,
    rhythms.tremor: 0.5,
}
"""Mean number of each in any night; all but shifts and tremor are estimates."""
BUZZES_PER_H = 0.3
HOURS_BETWEEN_WALKS = 4.0
"""Once or twice a night to the bathroom."""
CLUSTERS = 6.0
"""Mean number of spasm clusters a night [estimate]."""
CLUSTER_SHAPE, CLUSTER_MEAN = 1.2, 3.0
"""Gamma size of a cluster: mostly one to three spasms, sometimes ten [estimate]."""
WITH_PERIODIC = 0.32
"""Share of nights with periodic leg movements (Sparasci 2021: 31.6 % of 76 people with MS)."""
MOST_SERIES = 3
"""Most periodic series in a night that has any."""
SERIES_S = 0.6 * CYCLE_S
"""A series lies within one sleep cycle and is over when the next may begin."""
CLEAR_S = 180.0
"""Before a series nothing else begins: the longest walk is over by then."""
SETTLED_S = 60.0
"""Nothing in the first minute: a detector may learn the wearer's rest."""


def draw_hours(rng: np.random.Generator) -> float:
    """Draw how long the night is."""
    return float(rng.uniform(*HOURS))


def plan(rng: np.random.Generator, duration_s: float, fs: float, engine: Engine) -> list[Plan]:
    """Return a random plan of a night; where two overlap the scene keeps the earlier."""
    hours = duration_s / 3600
    rising = moments(rng, rng.poisson(hours / HOURS_BETWEEN_WALKS), duration_s)
    starts = moments(rng, rng.poisson(CLUSTERS * hours / 8), duration_s)
    after_rising = rising + rng.uniform(120, 600, len(rising))
    plans = _walks(rng, rising)
    for start in (*starts, *after_rising[rng.random(len(rising)) < 0.5]):
        plans += cluster(rng, float(start), engine)
    count = int(rng.integers(1, MOST_SERIES + 1)) if rng.random() < WITH_PERIODIC else 0
    series = draw_series(rng, count, duration_s)
    return around(series, plans + scattered(rng, duration_s, fs))


def without_spasms(rng: np.random.Generator, duration_s: float, fs: float) -> list[Plan]:
    """Return a random plan with everything that resembles a spasm, and not one spasm."""
    hours = duration_s / 3600
    rising = moments(rng, rng.poisson(hours / HOURS_BETWEEN_WALKS), duration_s)
    series = draw_series(rng, int(rng.integers(1, MOST_SERIES + 1)), duration_s)
    return around(series, _walks(rng, rising) + scattered(rng, duration_s, fs))


def periodic(rng: np.random.Generator, start_s: float, within_s: float) -> list[Plan]:
    """Draw one series of periodic leg movements that begins at `start_s`."""
    habit = bed.draw_habit(rng)
    movement = partial(bed.leg_movement, habit=habit)
    return [Plan(start_s + float(t), movement) for t in bed.series_onsets_s(rng, within_s)]


def scattered(rng: np.random.Generator, duration_s: float, fs: float) -> list[Plan]:
    """Draw what happens in any night, at its rate."""
    hours = duration_s / 3600
    per_hour: Iterable[tuple[float, Perform]] = (
        (rng.uniform(*TURNS_PER_H), bed.turn),
        *((rate, perform) for perform, rate in PER_H.items()),
        (BUZZES_PER_H, lambda rng, limb: knocks.phone_buzz(rng, limb, fs)),
    )
    return [
        Plan(float(at_s), perform)
        for rate, perform in per_hour
        for at_s in moments(rng, rng.poisson(rate * hours), duration_s)
    ]


def draw_series(rng: np.random.Generator, count: int, duration_s: float) -> list[list[Plan]]:
    """Draw periodic series, each in a sleep cycle of its own."""
    cycles = max(1, int(duration_s / CYCLE_S))
    chosen = rng.choice(cycles, size=min(count, cycles), replace=False)
    series = []
    for first_s in np.sort(chosen) * CYCLE_S + SETTLED_S:
        room_s = min(CYCLE_S, duration_s - first_s)
        within_s = min(SERIES_S, 0.5 * room_s)
        start_s = first_s + rng.uniform(0.0, 0.9 * (room_s - within_s - SETTLED_S))
        series.append(periodic(rng, start_s, within_s))
    return series


def around(series: Sequence[Sequence[Plan]], others: Sequence[Plan]) -> list[Plan]:
    """Return the plan without what would interrupt a series, so that its truth is periodic."""
    spans = [(each[0].at_s - CLEAR_S, each[-1].at_s) for each in series]
    apart = [p for p in others if not any(start <= p.at_s <= end for start, end in spans)]
    return apart + [movement for each in series for movement in each]


def _walks(rng: np.random.Generator, rising_s: Curve) -> list[Plan]:
    return [Plan(float(at_s), _walk(rng.uniform(20, 60))) for at_s in rising_s]


def _walk(each_way_s: float) -> Perform:
    return lambda rng, limb: rhythms.walk(rng, limb, each_way_s=each_way_s)


def cluster(rng: np.random.Generator, start_s: float, engine: Engine) -> list[Plan]:
    """Draw one cluster of spasms that begins at `start_s`."""
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


def moments(rng: np.random.Generator, count: int, duration_s: float) -> Curve:
    """Draw moments that gather at the ends of sleep cycles."""
    minutes = np.arange(SETTLED_S, max(duration_s, SETTLED_S + 1), 60.0)
    light = 0.3 + ((1 + np.cos(2 * np.pi * minutes / CYCLE_S)) / 2) ** 2
    at = rng.choice(minutes, size=count, p=light / light.sum())
    return np.sort(at + rng.uniform(0, 60, count))
