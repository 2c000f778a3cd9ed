"""The times of the hard recordings: scenes of one family, nights with much that is alike."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from firmware_sim.sealed import acts, bed, gait, held, ordinary, others, spastic, strokes
from firmware_sim.sealed.plan import CYCLE_S, Entry, Shares, cluster, moments, pick, series
from firmware_sim.sealed.recorder import Draw

LOOSE = 0.25
"""Share of the hard recordings with a slack strap."""

RAMPED: Final[Shares] = {
    held.ramped_flexor: 0.36, held.ramped_extensor: 0.22, held.sudden_flexor: 0.12,
    held.sudden_extensor: 0.10, held.stiffening: 0.12, held.held_with_clonus: 0.08,
}  # fmt: skip
ORDINARY: Final[Shares] = {
    acts.stretch: 0.24, acts.blanket: 0.2, acts.resettle: 0.14, acts.fidget: 0.08,
    ordinary.shift: 0.06, ordinary.turn: 0.06, strokes.kneading: 0.06, strokes.rubbing_feet: 0.06,
    others.partner_gets_out: 0.05, others.pet_walks: 0.05,
}  # fmt: skip
RHYTHMIC: Final[Shares] = {
    strokes.hand_scratches: 0.27, strokes.foot_scratches: 0.18, strokes.jiggling: 0.27,
    strokes.rubbing_feet: 0.1, strokes.kneading: 0.1, others.pet_licks: 0.08,
}  # fmt: skip
RINGS: Final[Shares] = {
    others.ring: 0.5, others.pet_jumps_up: 0.12, others.pet_walks: 0.1,
    others.partner_gets_out: 0.1, others.washing_machine: 0.06, others.train: 0.06, bed.buzz: 0.06,
}  # fmt: skip
SCENES: Final[Mapping[str, Shares]] = {
    "ramped-spasms": RAMPED,
    "ordinary-acts": ORDINARY,
    "rhythmic-acts": RHYTHMIC,
    "rings": RINGS,
}

NIGHT_SPASMS: Final[Shares] = {
    held.ramped_flexor: 0.22, held.ramped_extensor: 0.13, held.sudden_flexor: 0.12,
    held.sudden_extensor: 0.08, held.stiffening: 0.08, held.held_with_clonus: 0.08,
    spastic.clonus: 0.15, spastic.twitch: 0.14,
}  # fmt: skip
HOURLY: Final[Shares] = {
    ordinary.turn: 2.0, ordinary.shift: 1.5, ordinary.tremor: 0.15, acts.stretch: 0.7,
    acts.blanket: 1.0, acts.resettle: 1.5, acts.fidget: 0.25, strokes.hand_scratches: 0.6,
    strokes.foot_scratches: 0.3, strokes.jiggling: 0.3, strokes.rubbing_feet: 0.35,
    strokes.kneading: 0.1, others.ring: 1.2, bed.buzz: 0.15, bed.tap: 0.2,
}  # fmt: skip
"""Movements an hour of one who sleeps alone; every person's rate lies around it [estimate]."""
PARTNER: Final[Shares] = {bed.partner: 2.5, others.partner_gets_out: 0.2, others.ring: 0.8}
PET: Final[Shares] = {others.pet_jumps_up: 0.4, others.pet_walks: 0.6, others.pet_licks: 0.7}
HOUSE: Final[Shares] = {others.washing_machine: 0.15, others.train: 0.8}
WITH_PARTNER, WITH_PET, IN_A_LOUD_HOUSE, LIMPS, WITH_SERIES = 0.5, 0.3, 0.3, 0.6, 1 / 3
OUT_HOURLY, CLUSTERS_HOURLY = 0.18, 0.9


def scene(rng: np.random.Generator, name: str, duration_s: float) -> list[Entry]:
    """Return a scene of one family: stillness, pauses of 8 s to 4 minutes, movements."""
    entries: list[Entry] = []
    at_s = rng.uniform(12, 35)
    while at_s < duration_s:
        entries.append(Entry(at_s, ((0.0, pick(rng, SCENES[name])),)))
        at_s += float(np.clip(rng.lognormal(math.log(40), 0.7), 8, 240))
    return entries


def night(rng: np.random.Generator, duration_s: float, *, spasms: bool) -> list[Entry]:
    """Return a night of one person, with their habits, company and house."""
    hours = duration_s / 3600
    entries = [
        Entry(at_s, ((0.0, draw),))
        for draw, hourly in _habits(rng).items()
        for at_s in moments(rng, int(rng.poisson(hourly * hours)), duration_s)
    ]
    if rng.random() < WITH_SERIES:
        for at_s in rng.uniform(0.02, 0.55, 1 + int(rng.poisson(0.4 * hours))) * duration_s:
            entries.append(Entry(float(at_s), series(rng)))
    out, back = (
        (gait.limp_out, gait.limp_back)
        if rng.random() < LIMPS
        else (ordinary.walk_out, ordinary.walk_back)
    )
    for at_s in rng.uniform(0.25, 0.9, int(rng.poisson(OUT_HOURLY * hours))) * duration_s:
        away_s = rng.uniform(60, 300)
        entries.append(Entry(float(at_s), ((0.0, out), (away_s, back))))
    if spasms:
        woken = [each.at_s for each in entries if each.steps[0][1] in {ordinary.turn, back, out}]
        for at_s in moments(rng, 1 + int(rng.poisson(CLUSTERS_HOURLY * hours)), duration_s):
            after_turn = bool(woken) and rng.random() < 0.35
            begin_s = float(rng.choice(woken)) + rng.uniform(5, 60) if after_turn else at_s
            entries.append(Entry(begin_s, cluster(rng, NIGHT_SPASMS)))
    return sorted(entries, key=lambda entry: entry.at_s)


def severe_night(rng: np.random.Generator, duration_s: float) -> list[Entry]:
    """Return a night of one spasm after another: 8-16 an hour through hours of it, and the rest.

    Spells of 20-100 minutes begin at the ends of cycles; in one, spasms follow at exponential
    intervals of 0.6-3 minutes.
    """
    entries = night(rng, duration_s, spasms=True)
    wanted = round(duration_s / 3600 * rng.uniform(9.0, 16.0))
    while wanted > 0:
        count = min(wanted, int(rng.integers(12, 40)))
        pause_s = rng.uniform(35.0, 180.0)
        steps = tuple(
            (6.0 + float(rng.exponential(pause_s)), pick(rng, NIGHT_SPASMS)) for _ in range(count)
        )
        lasting_s = math.fsum(interval_s for interval_s, _ in steps)
        ends = np.arange(0.0, duration_s, CYCLE_S)
        at_s = abs(float(rng.choice(ends) + rng.normal(0.0, 600.0)))
        at_s = min(at_s, max(duration_s - 1.4 * lasting_s, 30.0))
        for interval_s, draw in steps:  # apart, so that what else moves falls between
            entries.append(Entry(at_s, ((0.0, draw),)))
            at_s += interval_s
        wanted -= count
    return sorted(entries, key=lambda entry: entry.at_s)


def _habits(rng: np.random.Generator) -> dict[Draw, float]:
    """Draw how often this person, company and house do what, an hour."""
    restless = _around(rng, 1.5)
    rates = {draw: restless * hourly * _around(rng, 2.0)
             for draw, hourly in HOURLY.items()}  # fmt: skip
    for share, extra in ((WITH_PARTNER, PARTNER), (WITH_PET, PET), (IN_A_LOUD_HOUSE, HOUSE)):
        if rng.random() < share:
            for draw, hourly in extra.items():
                rates[draw] = rates.get(draw, 0.0) + hourly * _around(rng, 1.5)
    return rates


def _around(rng: np.random.Generator, factor: float) -> float:
    """Return a factor between one over a number and that number."""
    return float(np.exp(rng.uniform(-math.log(factor), math.log(factor))))
