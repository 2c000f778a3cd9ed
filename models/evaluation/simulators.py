"""Recordings of the three simulators by name and seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from firmware_sim.motion import Trace, scenario
from firmware_sim.sealed import sealed
from firmware_sim.torque import night as torque_night

OWN, SEALED, TORQUE = "own", "sealed", "torque"


def traces_of(
    generator: str,
    name: str,
    seeds: Sequence[int],
    minutes: float,
    *,
    engine: str = "both",
    site: str = "ankle",
) -> Iterator[Trace]:
    """Return one recording for each seed, one at a time; `engine` is for our own generator."""
    for seed in seeds:
        if generator == SEALED:
            yield sealed(name, seed=seed, duration_s=60 * minutes, site=site)
        elif generator == TORQUE:
            yield torque_night(
                seed=seed,
                duration_s=60 * minutes,
                site=site,
                spastic=name != "night-without-spasms",
                severe=name == "severe-night",
            )
        else:
            yield scenario(
                name,
                seed=seed,
                duration_s=60 * minutes,
                site=site,
                engine=engine,  # type: ignore[arg-type] # checked by scenario
            )
