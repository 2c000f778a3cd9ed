"""Names of movements and how each is drawn: the table from which nights and scenes are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from firmware_sim.torque import ordinary, others, spastic, upright
from firmware_sim.torque.body import Leg, Person
from firmware_sim.torque.channels import Act, Posture


@dataclass(frozen=True, slots=True, eq=False)
class Who:
    """Whose movement, and how the leg lies before it.

    Parameters
    ----------
    plm_size, plm_s : how large and long this night's periodic movements are
    """

    leg: Leg
    person: Person
    lying: Posture
    plm_size: float = 0.5
    plm_s: float = 2.0


Draw = Callable[[np.random.Generator, Who], Act]


def _spasm(manner: str) -> Draw:
    return lambda rng, who: spastic.spasm(rng, who.leg, who.person, who.lying, manner=manner)


def _mixed(rng: np.random.Generator, who: Who) -> Act:
    pattern = "extensor" if rng.random() < 0.7 else "flexor"
    return spastic.bout(rng, who.person, after_spasm=pattern, longest_s=20.0)


MOVEMENTS: dict[str, Draw] = {
    "sudden flexor": _spasm("sudden flexor"),
    "ramped flexor": _spasm("ramped flexor"),
    "sudden extensor": _spasm("sudden extensor"),
    "ramped extensor": _spasm("ramped extensor"),
    "tonic": lambda rng, who: spastic.tonic(rng, who.leg, who.person, who.lying),
    "twitch": lambda rng, who: spastic.twitch(rng, who.person),
    "clonus": lambda rng, who: spastic.bout(rng, who.person),
    "mixed": _mixed,
    "stretch": lambda rng, who: ordinary.stretch(rng, who.leg, who.person, who.lying),
    "shift": lambda rng, who: ordinary.shift(rng, who.leg, who.person, who.lying),
    "turn": lambda rng, who: ordinary.turn(rng, who.leg, who.person, who.lying),
    "reposition": lambda rng, who: ordinary.reposition(rng, who.leg, who.person, who.lying),
    "blanket": lambda rng, who: ordinary.blanket(rng, who.leg, who.person, who.lying),
    "scratching hand": lambda rng, _who: ordinary.scratch(rng, foot=False),
    "scratching foot": lambda rng, _who: ordinary.scratch(rng, foot=True),
    "jiggling": lambda rng, who: ordinary.jiggle(rng, who.person),
    "rubbing": lambda rng, who: ordinary.rub(rng, who.person),
    "massage": lambda rng, _who: ordinary.massage(rng),
    "tremor": lambda rng, who: ordinary.tremor(rng, who.person),
    "fidgeting": lambda rng, who: ordinary.fidget(rng, who.leg, who.person, who.lying),
    "periodic": lambda rng, who: ordinary.periodic(
        rng, who.leg, who.person, who.lying, size=who.plm_size, lasts_s=who.plm_s
    ),
    "ring": lambda rng, _who: others.knock(rng, repeated=False),
    "repeated ring": lambda rng, _who: others.knock(rng, repeated=True),
    "partner turns": lambda rng, _who: others.partner(rng),
    "partner gets out": lambda rng, _who: others.partner(rng, out=True),
    "pet": lambda rng, _who: others.pet(rng),
    "buzz": lambda rng, _who: others.buzz(rng),
    "machine": lambda rng, _who: others.machine(rng),
    "walk": lambda rng, who: upright.walk(rng, who.leg, who.person, who.lying, hemiparetic=False),
    "hemiparetic walk": lambda rng, who: upright.walk(
        rng, who.leg, who.person, who.lying, hemiparetic=True
    ),
}
"""By name; a truth's manner may say more."""
