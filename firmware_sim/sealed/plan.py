"""The times of movements: short scenarios, and whole nights with their cycles and clusters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from firmware_sim.sealed import bed, ordinary, spastic
from firmware_sim.sealed.recorder import Draw

CYCLE_S = 90 * 60.0
"""Length of a sleep cycle; people move at its end."""
REST_S = 2.0
"""Least stillness between two movements: the contract joins what is less than 1 s apart."""
SERIES_S = (11.0, 84.0)
"""Onset to onset, s: WASM's 10-90 with room for a clock that is 3 % off and the onset's rule."""

Shares = Mapping[Draw, float]

SPASMS: Final[Shares] = {spastic.spasm: 0.6, spastic.twitch: 0.4}
NIGHT_SPASMS: Final[Shares] = {
    spastic.spasm: 0.33, spastic.twitch: 0.22, spastic.clonus: 0.22,
    spastic.spasm_with_clonus: 0.13, spastic.tonic: 0.10,
}  # fmt: skip
MIXED: Final[Shares] = {
    spastic.spasm_with_clonus: 0.4, spastic.clonus: 0.1, spastic.spasm: 0.1, spastic.twitch: 0.1,
    spastic.tonic: 0.1, ordinary.shift: 0.05, ordinary.turn: 0.05, ordinary.tremor: 0.05,
    bed.bump: 0.05,
}  # fmt: skip
KNOCKS: Final[Shares] = {bed.bump: 0.45, bed.partner: 0.25, bed.tap: 0.15, bed.buzz: 0.15}
TURNING: Final[Shares] = {ordinary.turn: 0.6, ordinary.shift: 0.4}

SCENARIOS: Final[Mapping[str, Shares]] = {
    "clonus": {spastic.clonus: 1.0},
    "spasms": SPASMS,
    "tonic": {spastic.tonic: 1.0},
    "mixed": MIXED,
    "tremor": {ordinary.tremor: 1.0},
    "turning": TURNING,
    "knocks": KNOCKS,
}

HOURLY: Final[Shares] = {
    ordinary.turn: 2.5, ordinary.shift: 3.0, ordinary.scratch: 0.9, ordinary.tremor: 0.6,
    bed.bump: 1.5, bed.partner: 2.5, bed.buzz: 0.5, bed.tap: 0.4,
}  # fmt: skip
"""Movements an hour that a night of one who does not spasm has [estimate; turns: 2-4 an hour]."""
CLUSTERS_HOURLY = 1.4
"""With some 4 spasms each: between PSFS 2 (< 1 an hour) and 4 (> 10 an hour)."""
SERIES_HOURLY = 0.55


@dataclass(frozen=True, slots=True)
class Entry:
    """A group of movements.

    Parameters
    ----------
    at_s : not before this
    steps : seconds from the onset of the one before, and the movement
    """

    at_s: float
    steps: tuple[tuple[float, Draw], ...]


def scenario(rng: np.random.Generator, name: str, duration_s: float) -> list[Entry]:
    """Return a short scenario: stillness, uneven pauses of 6 s to 5 minutes, and its movements."""
    if name == "plm":
        return _in_a_row(rng, duration_s)
    drawn: list[Entry] = []
    at_s = rng.uniform(15, 40)
    while at_s < duration_s:
        drawn.append(Entry(at_s, ((0.0, pick(rng, SCENARIOS[name])),)))
        at_s += float(np.clip(rng.lognormal(math.log(35), 0.8), 6, 300))
    return drawn


def night(rng: np.random.Generator, duration_s: float, *, spasms: bool) -> list[Entry]:
    """Return a night: cycles, awakenings, series early on, and clusters of spasms if wanted."""
    hours = duration_s / 3600
    entries = [
        Entry(at_s, ((0.0, draw),))
        for draw, hourly in HOURLY.items()
        for at_s in moments(rng, _count(rng, hourly * hours), duration_s)
    ]
    for at_s in rng.uniform(0.02, 0.55, _count(rng, SERIES_HOURLY * hours)) * duration_s:
        entries.append(Entry(float(at_s), series(rng)))
    for at_s in rng.uniform(0.3, 0.85, _count(rng, 0.12 * hours)) * duration_s:
        away_s = rng.uniform(60, 240)
        entries.append(Entry(
            float(at_s), ((0.0, ordinary.walk_out), (away_s, ordinary.walk_back))
        ))  # fmt: skip
    if spasms:
        woken = [entry.at_s for entry in entries if entry.steps[0][1] is ordinary.turn]
        for at_s in moments(rng, _count(rng, CLUSTERS_HOURLY * hours), duration_s):
            after_turn = rng.random() < 0.4  # a stretch sets muscles off
            begin_s = float(rng.choice(woken)) + rng.uniform(5, 40) if after_turn else at_s
            entries.append(Entry(begin_s, cluster(rng, NIGHT_SPASMS)))
    return sorted(entries, key=lambda entry: entry.at_s)


def moments(rng: np.random.Generator, count: int, duration_s: float) -> Sequence[float]:
    """Draw moments; three in five fall near the end of a cycle or the first 20 minutes."""
    anywhere = rng.uniform(0, duration_s, count)
    ends = np.arange(0.0, duration_s + CYCLE_S, CYCLE_S)
    gathered = np.abs(rng.choice(ends, count) + rng.normal(0.0, 500.0, count))
    chosen = np.where(rng.random(count) < 0.6, gathered, anywhere)
    return [float(at_s) for at_s in np.where(chosen < duration_s, chosen, anywhere)]


def cluster(rng: np.random.Generator, shares: Shares) -> tuple[tuple[float, Draw], ...]:
    """Draw 1 to about 15 spasms, at exponential (so unsteady) intervals of some 40 s."""
    count = min(1 + int(rng.poisson(rng.gamma(1.3, 2.3))), 15)
    return tuple((4.0 + float(rng.exponential(40.0)), pick(rng, shares)) for _ in range(count))


def series(rng: np.random.Generator) -> tuple[tuple[float, Draw], ...]:
    """Draw 5-40 periodic movements, log-normal around a mode of 15-25 s (research note 5)."""
    spread = rng.uniform(0.15, 0.35)
    middle = math.log(rng.uniform(15, 25)) + spread**2
    count = round(5 * 8 ** rng.random())
    intervals_s = np.clip(rng.lognormal(middle, spread, count), *SERIES_S)
    return tuple((float(interval_s), ordinary.periodic) for interval_s in intervals_s)


def _in_a_row(rng: np.random.Generator, duration_s: float) -> list[Entry]:
    entries: list[Entry] = []
    at_s = rng.uniform(15, 40)
    while at_s < duration_s:
        row = series(rng)
        entries.append(Entry(at_s, row))
        at_s += sum(interval_s for interval_s, _ in row) + rng.uniform(120, 300)
    return entries


def _count(rng: np.random.Generator, expected: float) -> int:
    return max(1, int(rng.poisson(expected)))


def pick(rng: np.random.Generator, shares: Shares) -> Draw:
    """Draw a movement by its share."""
    draws = list(shares)
    return draws[int(rng.choice(len(draws), p=np.array(list(shares.values()))))]
