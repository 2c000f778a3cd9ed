"""Scenarios by name: the one call that makes a simulated recording with its truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from firmware_sim.motion import bed, clonus, knocks, night, rhythms, spasm
from firmware_sim.motion.act import Act
from firmware_sim.motion.clonus import Engine
from firmware_sim.motion.limb import Limb
from firmware_sim.motion.scene import LONGEST_S, Perform, Plan, Stream, compose, stream
from firmware_sim.motion.truth import Trace


@dataclass(frozen=True, slots=True)
class Setting:
    """What a planner may know: how long, how fast, and which clonus."""

    duration_s: float
    fs: float
    engine: Engine


Planner = Callable[[np.random.Generator, Setting], list[Plan]]

REST_S = 3.0
"""Stillness before the first movement, so that there is a floor to rise from."""
SHORTEST_S = 20.0
"""Room for rest, one movement and rest."""


def scenario(
    name: str,
    *,
    seed: int,
    duration_s: float | None = None,
    fs: float = 50.0,
    site: str = "ankle",
    engine: Engine = "both",
) -> Trace:
    """Make a simulated recording; the same arguments give the same bytes.

    Parameters
    ----------
    name : one of `SCENARIOS`
    duration_s : on the sample clock; None for the scenario's usual length
    fs : 5 to 250 Hz
    site : foot, ankle, calf, thigh, wrist or trunk
    engine : which clonus engine, or `both` mixed

    Raises
    ------
    ValueError
        There is no such scenario, site or engine, or it does not fit into that length or rate.
    """
    if name not in SCENARIOS:
        raise ValueError(f"scenario must be one of {', '.join(SCENARIOS)}, got {name!r}")
    usual_s, shortest_s, planner = SCENARIOS[name]
    rng = stream(seed, Stream.PLAN)
    if duration_s is None:
        duration_s = usual_s if usual_s is not None else 3600 * night.draw_hours(rng)
    if not shortest_s <= duration_s <= LONGEST_S:
        raise ValueError(
            f"{name} takes a duration_s of {shortest_s:g} to {LONGEST_S:g}, got {duration_s:g}"
        )
    plans = planner(rng, Setting(duration_s, fs, engine))
    return compose(plans, scenario=name, seed=seed, duration_s=duration_s, fs=fs, site=site)


def _quiet(_rng: np.random.Generator, _setting: Setting) -> list[Plan]:
    return []


def _spasms(rng: np.random.Generator, setting: Setting) -> list[Plan]:
    slot_s = _slot_s(setting, 30.0)
    acts: list[Perform] = [
        lambda rng, limb: spasm.spasm(rng, limb, longest_hold_s=0.3 * slot_s),
        spasm.twitch,
        lambda rng, limb: spasm.spasm(rng, limb, longest_hold_s=0.3 * slot_s),
        lambda rng, limb: spasm.tonic(rng, limb, longest_s=0.4 * slot_s),
    ]
    return _in_turn(rng, setting, slot_s, acts)


def _clonus(rng: np.random.Generator, setting: Setting) -> list[Plan]:
    slot_s = _slot_s(setting, 30.0)

    def bout(rng: np.random.Generator, limb: Limb) -> Act:
        return clonus.bout(rng, limb, engine=setting.engine, longest_s=0.6 * slot_s)

    return _in_turn(rng, setting, slot_s, [bout])


def _turning(rng: np.random.Generator, setting: Setting) -> list[Plan]:
    acts: list[Perform] = [bed.turn, bed.shift, bed.turn, knocks.bed_knock]
    return _in_turn(rng, setting, _slot_s(setting, 40.0), acts)


def _walk_to_bathroom(rng: np.random.Generator, setting: Setting) -> list[Plan]:
    # Getting up, standing and lying down take 25 s at most; the rest is walking, both ways.
    each_way_s = min(25.0, (setting.duration_s - 3 * REST_S - 30) / 2.2)
    slack_s = setting.duration_s - 3 * REST_S - 30 - 2.2 * each_way_s
    at_s = REST_S + rng.uniform(0, min(slack_s, 20.0))
    return [Plan(at_s, lambda rng, limb: rhythms.walk(rng, limb, each_way_s=each_way_s))]


def _plm(rng: np.random.Generator, setting: Setting) -> list[Plan]:
    # The last movement needs its own 6 s, and a fast clock cuts 3 % off the end.
    return night.periodic(rng, REST_S, 0.97 * setting.duration_s - REST_S - 6.0)


def _tremor(rng: np.random.Generator, setting: Setting) -> list[Plan]:
    slot_s = _slot_s(setting, 40.0)
    return _in_turn(
        rng, setting, slot_s, [lambda rng, limb: rhythms.tremor(rng, limb, longest_s=0.7 * slot_s)]
    )


def _mixed(rng: np.random.Generator, setting: Setting) -> list[Plan]:
    slot_s = _slot_s(setting, 40.0)

    def mixed(rng: np.random.Generator, limb: Limb) -> Act:
        return spasm.mixed(rng, limb, engine=setting.engine, longest_s=0.6 * (slot_s - 14.0))

    return _in_turn(rng, setting, slot_s, [mixed])


def _night(rng: np.random.Generator, setting: Setting) -> list[Plan]:
    return night.plan(rng, setting.duration_s, setting.fs, setting.engine)


def _demo(rng: np.random.Generator, setting: Setting) -> list[Plan]:
    """Ten minutes with something of everything, one clonus long enough to wake somebody."""
    habit = bed.draw_habit(rng)

    def shaking(seconds: float) -> Perform:
        return lambda rng, limb: clonus.bout(
            rng, limb, engine=setting.engine, seconds=seconds, peak_g=0.3
        )

    def jerk(rng: np.random.Generator, limb: Limb) -> Act:
        return spasm.spasm(rng, limb, longest_hold_s=4.0)

    def lift(rng: np.random.Generator, limb: Limb) -> Act:
        return bed.leg_movement(rng, limb, habit)

    acts: list[tuple[float, Perform]] = [
        (15.0, bed.turn),
        (45.0, shaking(6.0)),
        (80.0, spasm.twitch),
        (105.0, jerk),
        (140.0, lambda rng, limb: rhythms.walk(rng, limb, each_way_s=15.0)),
        *((240.0 + 22.0 * i, lift) for i in range(5)),
        (370.0, shaking(66.0)),
        (465.0, knocks.bed_knock),
        (490.0, lambda rng, limb: spasm.mixed(rng, limb, engine=setting.engine, longest_s=10.0)),
        (540.0, jerk),
        (575.0, bed.shift),
    ]
    return [Plan(at_s, perform) for at_s, perform in acts]


def _slot_s(setting: Setting, usual_s: float) -> float:
    return min(usual_s, setting.duration_s)


def _in_turn(
    rng: np.random.Generator, setting: Setting, slot_s: float, acts: list[Perform]
) -> list[Plan]:
    """One movement to a slot, somewhere in the slot's first seconds."""
    slots = max(1, int(setting.duration_s / slot_s))
    lead_s = REST_S + rng.uniform(0.0, 0.05 * slot_s, slots)
    return [Plan(i * slot_s + float(lead_s[i]), acts[i % len(acts)]) for i in range(slots)]


SCENARIOS: dict[str, tuple[float | None, float, Planner]] = {
    "quiet": (300.0, SHORTEST_S, _quiet),
    "spasms": (300.0, SHORTEST_S, _spasms),
    "clonus": (300.0, SHORTEST_S, _clonus),
    "turning": (300.0, SHORTEST_S, _turning),
    "walk-to-bathroom": (120.0, 60.0, _walk_to_bathroom),
    "plm": (900.0, 60.0, _plm),
    "tremor": (300.0, SHORTEST_S, _tremor),
    "mixed": (300.0, SHORTEST_S, _mixed),
    "demo": (600.0, 600.0, _demo),
    "night": (None, 600.0, _night),
}
"""Name: usual length in s (None: drawn), shortest length in s, what happens."""
