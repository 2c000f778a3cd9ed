"""Sets of movements by name: what a scenario plays in turn, or what is put into a recording."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from firmware_sim.motion import bed, clonus, knocks, restless, rhythms, spasm
from firmware_sim.motion.act import Act
from firmware_sim.motion.clonus import Engine
from firmware_sim.motion.families import gait, held, mattress, others, voluntary
from firmware_sim.motion.limb import Limb
from firmware_sim.motion.scene import Perform

RINGS_ON_S = 11.0
"""Lead, last pause and the ring of the loosest strap, in a slot as short as may be."""


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


def _ramped(at: Occasion) -> list[Perform]:
    room_s = max(at.slot_s - held.MOST_S - 5.0, 1.0)

    def pulled(*, flexor: bool, sudden: bool) -> Perform:
        pull = held.Pull(flexor=flexor, sudden=sudden, longest_hold_s=min(room_s, held.HOLD_S[1]))
        return partial(held.spasm, pull=pull)

    return [
        pulled(flexor=True, sudden=False),
        pulled(flexor=True, sudden=True),
        pulled(flexor=False, sudden=False),
        partial(held.stiffness, longest_s=0.5 * at.slot_s),
        pulled(flexor=False, sudden=True),
        partial(
            held.with_clonus,
            engine=at.engine,
            longest_s=min(0.5 * room_s, clonus.LONGEST_S),
        ),
    ]


def _stretching(_at: Occasion) -> list[Perform]:
    return [voluntary.stretch, voluntary.blanket]


def _jiggling(at: Occasion) -> list[Perform]:
    return [partial(voluntary.jiggle, longest_s=min(0.7 * at.slot_s, at.slot_s - RINGS_ON_S))]


def _rubbing(at: Occasion) -> list[Perform]:
    acts = (
        voluntary.scratch_steadily,
        voluntary.scratch_by_foot,
        voluntary.rub,
        voluntary.massage,
    )
    longest_s = min(0.6 * at.slot_s, at.slot_s - RINGS_ON_S)
    return [partial(act, longest_s=longest_s) for act in acts]


def _rings(at: Occasion) -> list[Perform]:
    return [
        mattress.knock,
        mattress.knocks,
        partial(mattress.hum, longest_s=0.7 * at.slot_s),
        mattress.knock,
        mattress.knocks,
        partial(mattress.train, longest_s=0.7 * at.slot_s),
    ]


def _pet(at: Occasion) -> list[Perform]:
    licks = partial(others.lick, longest_s=0.6 * at.slot_s)
    return [others.jump, licks, others.walk, others.partner_gets_out]


def _loose_strap(at: Occasion) -> list[Perform]:
    """Return what makes a loose strap ring: ordinary movement, and the spasms it hides."""
    short = held.Pull(longest_hold_s=max(0.25 * at.slot_s, 1.0))
    return [
        bed.turn,
        partial(held.spasm, pull=short),
        bed.shift,
        knocks.bed_knock,
        spasm.twitch,
        voluntary.blanket,
        partial(clonus.bout, engine=at.engine, longest_s=0.5 * at.slot_s),
        restless.reposition,
    ]


def _hemiparetic(at: Occasion) -> list[Perform]:
    # Getting up, standing and lying down take 32 s at most, and both ways vary by a tenth.
    return [partial(gait.walk, each_way_s=min(30.0, max(3.0, (at.slot_s - 45.0) / 2.4)))]


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
    "ramped": Repertoire(75.0, _ramped),
    "stretching": Repertoire(30.0, _stretching),
    "jiggling": Repertoire(40.0, _jiggling),
    "rubbing": Repertoire(40.0, _rubbing),
    "rings": Repertoire(40.0, _rings),
    "pet": Repertoire(40.0, _pet),
    "loose-strap": Repertoire(40.0, _loose_strap),
    "hemiparetic": Repertoire(120.0, _hemiparetic),
}
