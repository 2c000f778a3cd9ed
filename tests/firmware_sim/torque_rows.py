"""Random legs, postures and rows for the tests of `firmware_sim.torque`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from firmware_sim.torque import clonus, spastic
from firmware_sim.torque.body import SCALARS, Leg, Person, draw_leg, draw_person
from firmware_sim.torque.channels import Act, Array, Posture
from firmware_sim.torque.dynamics import simulate, stacked
from firmware_sim.torque.lying import draw_posture
from firmware_sim.torque.rows import Row, drive_of, row_of

Someone = tuple[Person, Leg, Posture]


def someone(seed: int, *, spastic: bool = True) -> Someone:
    rng = np.random.default_rng(seed)
    person = draw_person(rng, spastic=spastic)
    leg = draw_leg(rng, person)
    return person, leg, draw_posture(rng, leg)


def people(count: int) -> list[Someone]:
    return [someone(seed) for seed in range(count)]


def with_scalar(leg: Leg, name: str, value: float) -> Leg:
    scalars = leg.scalars.copy()
    scalars[SCALARS.index(name)] = value
    return replace(leg, scalars=scalars)


def rows_of(count: int, draw: Callable[[np.random.Generator, Someone], Act]) -> list[Row]:
    """One movement of each of so many people, longest first."""
    rows = []
    for seed, who in enumerate(people(count)):
        act = draw(np.random.default_rng(1000 + seed), who)
        rows.append(row_of(0.0, who[1], who[2], [(0.5, act)]))
    return sorted(rows, key=lambda row: -row.seconds)


def played(rows: list[Row]) -> list[Array]:
    return simulate(stacked([row.leg for row in rows]), [drive_of(row) for row in rows])


def beating_rows(count: int) -> list[Row]:
    """Bouts of clonus of both engines whose feet beat."""
    drawn = []
    for seed, (person, leg, posture) in enumerate(people(count)):
        rng = np.random.default_rng(2000 + seed)
        act = spastic.bout(rng, person, longest_s=6.0)
        choice = clonus.candidates(rng, leg, person) if act.engine == "reflex" else [leg]
        drawn.append((row_of(0.0, leg, posture, [(0.5, act)]), choice))
    legs = clonus.beating([choice for _, choice in drawn])
    rows = [
        replace(row, leg=leg) for (row, _), leg in zip(drawn, legs, strict=True) if leg is not None
    ]
    return sorted(rows, key=lambda row: -row.seconds)
