"""Plans of hard nights: the old movements and the new ones side by side, at estimated rates.

As in `night`, movements gather where sleep is light. How often people stretch, jiggle or are
visited by a cat has not been counted in public; each rate is an estimate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import numpy as np

from firmware_sim.motion import night, rhythms, spasm
from firmware_sim.motion.act import Act, log_uniform
from firmware_sim.motion.clonus import Engine, bout
from firmware_sim.motion.families import gait, held, mattress, others, voluntary
from firmware_sim.motion.families.mattress import Mattress, draw_mattress
from firmware_sim.motion.scene import Perform, Plan

LOOSE_SHARE = 0.25
"""Share of nights with a loose strap [estimate]."""
PER_H: dict[Perform, float] = {
    voluntary.stretch: 0.8,
    voluntary.blanket: 2.0,
    voluntary.scratch_steadily: 0.7,
    voluntary.scratch_by_foot: 0.4,
    voluntary.rub: 0.7,
    voluntary.jiggle: 0.4,
    voluntary.massage: 0.1,
    mattress.hum: 0.05,
    mattress.train: 0.2,
}
ON_THE_BED_PER_H: dict[Callable[..., Act], float] = {
    mattress.knock: 1.5,
    mattress.knocks: 0.5,
    others.partner_gets_out: 0.15,
}
"""These ring at the rate of the night's own bed."""
PET_PER_H: dict[Callable[..., Act], float] = {others.jump: 0.6, others.walk: 0.8, others.lick: 0.4}
WITH_PET = 0.35
"""Share of nights with a pet on the bed."""
WITH_HEMIPARESIS = 0.4
"""Share of nights whose wearer walks with a stiff leg."""
OLD_SPASMS = 0.4
"""Share of spasms that are those of `night`."""
FEWEST_CLUSTERS = 3
FEWEST_SEVERE = 60
MOST_SEVERE = 100
RUNS = (2, 5)
"""Runs of one spasm after another in a severe night."""
PAUSE_S = (2.0, 60.0)
"""From one spasm of a run to the next, log-uniform."""
RINGING_S = 6.0
"""Room for the ring of the loosest strap."""
BUSY_SHARE = 0.45
"""Most of a night that runs may fill."""


def plan(rng: np.random.Generator, duration_s: float, fs: float, engine: Engine) -> list[Plan]:
    """Return a random plan of a night with spasms in clusters."""
    bed = draw_mattress(rng)
    series = _periodic(rng, duration_s) if rng.random() < night.WITH_PERIODIC else []
    plans = _walks(rng, duration_s)
    for start in _cluster_starts(rng, duration_s, series):
        followed = rng.uniform(*spasm.FOLLOWED_BY_CLONUS)
        plans += [
            each if rng.random() < OLD_SPASMS else Plan(each.at_s, _any(rng, followed, engine, bed))
            for each in night.cluster(rng, float(start), engine)
        ]
    return night.around(series, plans + _everyday(rng, duration_s, fs, bed))


def without_spasms(rng: np.random.Generator, duration_s: float, fs: float) -> list[Plan]:
    """Return a random plan with everything that resembles a spasm, and not one spasm."""
    bed = draw_mattress(rng)
    series = _periodic(rng, duration_s) if rng.random() < night.WITH_PERIODIC else []
    plans = _walks(rng, duration_s)
    return night.around(series, plans + _everyday(rng, duration_s, fs, bed))


def severe(rng: np.random.Generator, duration_s: float, fs: float, engine: Engine) -> list[Plan]:
    """Return a random plan of a night of one spasm after another: 60 at least, in a few runs.

    Each has the room it needs; nothing else breaks into a run.
    """
    bed = draw_mattress(rng)
    runs = int(rng.integers(RUNS[0], RUNS[1] + 1))
    least_s = held.MOST_S + RINGING_S + held.HOLD_S[0] + PAUSE_S[0]
    most = min(MOST_SEVERE, int(BUSY_SHARE * duration_s / least_s))
    count = int(rng.integers(FEWEST_SEVERE, most + 1))
    holds_s = np.array([log_uniform(rng, *held.HOLD_S) for _ in range(count)])
    pauses_s = np.array([log_uniform(rng, *PAUSE_S) for _ in range(count)])
    room_s = BUSY_SHARE * duration_s - count * (held.MOST_S + RINGING_S)
    shrunk = min(1.0, room_s / (holds_s.sum() + pauses_s.sum()))
    holds_s, pauses_s = np.maximum(shrunk * holds_s, held.HOLD_S[0]), shrunk * pauses_s
    slots_s = holds_s + held.MOST_S + RINGING_S + pauses_s
    blocks = np.array_split(np.arange(count), runs)
    free_s = duration_s - slots_s.sum() - (runs + 1) * night.CLEAR_S
    spans, plans = [], []
    at_s = 0.0
    for block, before_s in zip(
        blocks, free_s * rng.dirichlet(np.full(runs + 1, 2.0)), strict=False
    ):
        at_s += float(before_s) + night.CLEAR_S
        first_s = at_s
        for number in block:
            pull = held.Pull(hold_s=float(holds_s[number]))
            plans.append(Plan(at_s, partial(held.spasm, pull=pull, bed=bed)))
            at_s += float(slots_s[number])
        spans.append((first_s - night.CLEAR_S, at_s))
    others_of_night = plan(rng, duration_s, fs, engine)
    apart = [
        each
        for each in others_of_night
        if not any(start <= each.at_s <= end for start, end in spans)
    ]
    return plans + apart


def _periodic(rng: np.random.Generator, duration_s: float) -> list[list[Plan]]:
    return night.draw_series(rng, int(rng.integers(1, night.MOST_SERIES)), duration_s)


def _cluster_starts(
    rng: np.random.Generator, duration_s: float, series: list[list[Plan]]
) -> list[float]:
    """Draw when clusters of spasms begin: a few at least, none in a periodic series."""
    hours = duration_s / 3600
    count = max(FEWEST_CLUSTERS, int(rng.poisson(night.CLUSTERS * hours / 8)))
    spans = [(each[0].at_s - night.CLEAR_S, each[-1].at_s) for each in series]
    starts = night.moments(rng, 4 * count, duration_s)
    apart = [float(s) for s in starts if not any(a <= s <= b for a, b in spans)]
    return [apart[int(i)] for i in np.sort(rng.permutation(len(apart))[:count])]


def _everyday(rng: np.random.Generator, duration_s: float, fs: float, bed: Mattress) -> list[Plan]:
    return night.scattered(rng, duration_s, fs) + _scattered(rng, duration_s, bed)


def _scattered(rng: np.random.Generator, duration_s: float, bed: Mattress) -> list[Plan]:
    hours = duration_s / 3600
    pet = PET_PER_H if rng.random() < WITH_PET else {}
    per_hour: Iterable[tuple[float, Perform]] = (
        *((rate, perform) for perform, rate in PER_H.items()),
        *((rate, partial(perform, bed=bed)) for perform, rate in (ON_THE_BED_PER_H | pet).items()),
    )
    return [
        Plan(float(at_s), perform)
        for rate, perform in per_hour
        for at_s in night.moments(rng, rng.poisson(rate * hours), duration_s)
    ]


def _walks(rng: np.random.Generator, duration_s: float) -> list[Plan]:
    walk = gait.walk if rng.random() < WITH_HEMIPARESIS else rhythms.walk
    count = rng.poisson(duration_s / 3600 / night.HOURS_BETWEEN_WALKS)
    return [
        Plan(float(at_s), partial(walk, each_way_s=rng.uniform(15, 50)))
        for at_s in night.moments(rng, count, duration_s)
    ]


def _any(rng: np.random.Generator, followed: float, engine: Engine, bed: Mattress) -> Perform:
    kind = rng.choice(["spasm", "clonus", "twitch", "stiffness"], p=[0.6, 0.15, 0.15, 0.1])
    if kind == "clonus":
        return partial(bout, engine=engine)
    if kind == "twitch":
        return spasm.twitch
    if kind == "stiffness":
        return held.stiffness
    if rng.random() < followed:
        return partial(
            held.with_clonus, engine=engine, bed=bed, longest_s=log_uniform(rng, 3.0, 30.0)
        )
    return partial(held.spasm, bed=bed)
