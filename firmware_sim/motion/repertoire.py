"""Sets of movements by name: what a scenario plays in turn, or what is put into a recording."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from firmware_sim.motion import bed, clonus, knocks, restless, rhythms, spasm
from firmware_sim.motion.act import Act
from firmware_sim.motion.clonus import Engine
from firmware_sim.motion.limb import Limb
from firmware_sim.motion.scene import Perform


@dataclass(frozen=True, slots=True)
class Occasion:
    """The place of a movement in a recording.

    Parameters
    ----------
    slot_s : time until the next movement; a movement and the rest after it fit into 20 s or more
    fs : Hz, which decides how a buzz is folded
    engine : clonus engine
    """

    slot_s: float
    fs: float
    engine: Engine


@dataclass(frozen=True, slots=True)
class Repertoire:
    """Movements that follow one another, and the usual time from one to the next."""

    usual_slot_s: float
    acts: Callable[[Occasion], list[Perform]]


def _spasms(at: Occasion) -> list[Perform]:
    def held(rng: np.random.Generator, limb: Limb) -> Act:
        return spasm.spasm(rng, limb, longest_hold_s=0.3 * at.slot_s)

    def pulled(rng: np.random.Generator, limb: Limb) -> Act:
        return spasm.tonic(rng, limb, longest_s=0.4 * at.slot_s)

    return [held, spasm.twitch, held, pulled]


def _clonus(at: Occasion) -> list[Perform]:
    longest_s = min(0.6 * at.slot_s, clonus.LONGEST_S)
    return [lambda rng, limb: clonus.bout(rng, limb, engine=at.engine, longest_s=longest_s)]


def _mixed(at: Occasion) -> list[Perform]:
    # Jerk, hold and letting go take 14 s at most.
    longest_s = min(0.6 * (at.slot_s - 14.0), clonus.LONGEST_S)
    return [lambda rng, limb: spasm.mixed(rng, limb, engine=at.engine, longest_s=longest_s)]


def _tonic(at: Occasion) -> list[Perform]:
    return [lambda rng, limb: spasm.tonic(rng, limb, longest_s=0.5 * at.slot_s)]


def _tremor(at: Occasion) -> list[Perform]:
    return [lambda rng, limb: rhythms.tremor(rng, limb, longest_s=0.7 * at.slot_s)]


def _abrupt_tremor(at: Occasion) -> list[Perform]:
    return [lambda rng, limb: rhythms.abrupt_tremor(rng, limb, longest_s=0.7 * at.slot_s)]


def _turning(_at: Occasion) -> list[Perform]:
    return [bed.turn, bed.shift, bed.turn, knocks.bed_knock]


def _knocks(at: Occasion) -> list[Perform]:
    def buzz(rng: np.random.Generator, limb: Limb) -> Act:
        return knocks.phone_buzz(rng, limb, at.fs)

    return [knocks.bed_partner, knocks.bed_knock, buzz]


def _scratching(at: Occasion) -> list[Perform]:
    return [lambda rng, limb: rhythms.scratch(rng, limb, longest_s=0.6 * at.slot_s)]


def _restless(at: Occasion) -> list[Perform]:
    def fidget(rng: np.random.Generator, limb: Limb) -> Act:
        return restless.fidget(rng, limb, longest_s=0.5 * at.slot_s)

    def cycle(rng: np.random.Generator, limb: Limb) -> Act:
        return restless.cycle(rng, limb, longest_s=0.5 * at.slot_s)

    return [fidget, restless.reposition, cycle]


REPERTOIRES: Mapping[str, Repertoire] = {
    "spasms": Repertoire(30.0, _spasms),
    "clonus": Repertoire(30.0, _clonus),
    "mixed": Repertoire(40.0, _mixed),
    "twitch": Repertoire(30.0, lambda _: [spasm.twitch]),
    "tonic": Repertoire(40.0, _tonic),
    "tremor": Repertoire(40.0, _tremor),
    "abrupt-tremor": Repertoire(40.0, _abrupt_tremor),
    "turning": Repertoire(40.0, _turning),
    "knocks": Repertoire(30.0, _knocks),
    "scratching": Repertoire(40.0, _scratching),
    "restless": Repertoire(40.0, _restless),
}
