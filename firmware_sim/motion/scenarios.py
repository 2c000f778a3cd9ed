"""Scenarios by name: the one call that makes a simulated recording with its truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from firmware_sim.motion import bed, clonus, knocks, night, rhythms, spasm
from firmware_sim.motion.act import Act
from firmware_sim.motion.clonus import ENGINES, Engine
from firmware_sim.motion.families import hard_night
from firmware_sim.motion.limb import Limb
from firmware_sim.motion.repertoire import REPERTOIRES, Occasion
from firmware_sim.motion.scene import LONGEST_S, Perform, Plan, Stream, compose, stream
from firmware_sim.motion.sensor import DrawSensor, Sensor, draw_sensor
from firmware_sim.motion.truth import Trace


@dataclass(frozen=True, slots=True)
class Setting:
    """A planner's parameters: length, rate and clonus engine."""

    duration_s: float
    fs: float
    engine: Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What is played, its description for people, and its length.

    Parameters
    ----------
    usual_s : None where it is drawn, as a night's
    shortest_s : room for what the scenario promises
    loose_share : share of recordings with a loose strap
    """

    about: str
    usual_s: float | None = 300.0
    shortest_s: float = 20.0
    loose_share: float = 0.0
    planner: Callable[[np.random.Generator, Setting], list[Plan]]


REST_S = 3.0
"""Stillness before the first movement, so that a detector can estimate its noise floor."""


def scenario(
    name: str,
    *,
    seed: int,
    duration_s: float | None = None,
    fs: float = 50.0,
    site: str = "ankle",
    engine: Engine = "both",
    sensor: Sensor | DrawSensor = draw_sensor,
    loose: bool | None = None,
) -> Trace:
    """Make a simulated recording; the same arguments give the same bytes.

    Parameters
    ----------
    name : one of `SCENARIOS`
    duration_s : on the sample clock; None for the scenario's usual length
    fs : 5 to 250 Hz
    site : foot, ankle, calf, thigh, wrist or trunk
    engine : which clonus engine, or `both` mixed
    sensor : one of that `fs`, or what draws it, such as `draw_poor_sensor`
    loose : whether the strap is; None for as often as in the scenario

    Raises
    ------
    ValueError
        There is no such scenario, site or engine, or it does not fit into that length or rate.
    """
    if name not in SCENARIOS:
        raise ValueError(f"scenario must be one of {', '.join(SCENARIOS)}, got {name!r}")
    if engine not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(ENGINES)}, got {engine!r}")
    wanted = SCENARIOS[name]
    rng = stream(seed, Stream.PLAN)
    if duration_s is None:
        usual_s = wanted.usual_s
        duration_s = usual_s if usual_s is not None else 3600 * night.draw_hours(rng)
    if not wanted.shortest_s <= duration_s <= LONGEST_S:
        raise ValueError(
            f"{name} takes a duration_s of {wanted.shortest_s:g} to {LONGEST_S:g}, "
            f"got {duration_s:g}"
        )
    if loose is None:
        loose = wanted.loose_share > 0 and stream(seed, Stream.WORN).random() < wanted.loose_share
    return compose(
        wanted.planner(rng, Setting(duration_s, fs, engine)),
        scenario=name,
        seed=seed,
        duration_s=duration_s,
        fs=fs,
        site=site,
        sensor=sensor,
        loose=loose,
    )


def _quiet(_rng: np.random.Generator, _setting: Setting) -> list[Plan]:
    return []


def _in_turn(name: str) -> Callable[[np.random.Generator, Setting], list[Plan]]:
    """Play one movement of a repertoire to a slot, somewhere in the slot's first seconds."""

    def planner(rng: np.random.Generator, setting: Setting) -> list[Plan]:
        repertoire = REPERTOIRES[name]
        slot_s = min(repertoire.usual_slot_s, setting.duration_s)
        acts = repertoire.acts(Occasion(slot_s, setting.fs, setting.engine))
        slots = max(1, int(setting.duration_s / slot_s))
        lead_s = REST_S + rng.uniform(0.0, 0.05 * slot_s, slots)
        return [Plan(i * slot_s + float(lead_s[i]), acts[i % len(acts)]) for i in range(slots)]

    return planner


def _walk_to_bathroom(rng: np.random.Generator, setting: Setting) -> list[Plan]:
    # Getting up, standing and lying down take 25 s at most; the rest is walking, both ways.
    each_way_s = min(25.0, (setting.duration_s - 3 * REST_S - 30) / 2.2)
    slack_s = setting.duration_s - 3 * REST_S - 30 - 2.2 * each_way_s
    at_s = REST_S + rng.uniform(0, min(slack_s, 20.0))
    return [Plan(at_s, lambda rng, limb: rhythms.walk(rng, limb, each_way_s=each_way_s))]


def _plm(rng: np.random.Generator, setting: Setting) -> list[Plan]:
    # The last movement needs its own 6 s, and a fast clock cuts 3 % off the end.
    return night.periodic(rng, REST_S, 0.97 * setting.duration_s - REST_S - 6.0)


def _night(rng: np.random.Generator, setting: Setting) -> list[Plan]:
    return night.plan(rng, setting.duration_s, setting.fs, setting.engine)


def _night_without_spasms(rng: np.random.Generator, setting: Setting) -> list[Plan]:
    return night.without_spasms(rng, setting.duration_s, setting.fs)


def _hard_night(rng: np.random.Generator, setting: Setting) -> list[Plan]:
    return hard_night.plan(rng, setting.duration_s, setting.fs, setting.engine)


def _severe_night(rng: np.random.Generator, setting: Setting) -> list[Plan]:
    return hard_night.severe(rng, setting.duration_s, setting.fs, setting.engine)


def _hard_night_without_spasms(rng: np.random.Generator, setting: Setting) -> list[Plan]:
    return hard_night.without_spasms(rng, setting.duration_s, setting.fs)


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


SCENARIOS: dict[str, Scenario] = {
    "quiet": Scenario(about="A leg at rest, and nothing else.", planner=_quiet),
    "spasms": Scenario(
        about="Spasms, twitches and tonic pulls in turn.", planner=_in_turn("spasms")
    ),
    "clonus": Scenario(about="Bouts of clonus.", planner=_in_turn("clonus")),
    "mixed": Scenario(about="Spasms that end in clonus.", planner=_in_turn("mixed")),
    "twitch": Scenario(about="Twitches.", planner=_in_turn("twitch")),
    "tonic": Scenario(about="A posture pulled and held, trembling.", planner=_in_turn("tonic")),
    "turning": Scenario(
        about="Turning over, shifting, a bump on the bed.", planner=_in_turn("turning")
    ),
    "walk-to-bathroom": Scenario(
        about="Getting up, walking there and back, lying down.",
        usual_s=120.0,
        shortest_s=60.0,
        planner=_walk_to_bathroom,
    ),
    "plm": Scenario(
        about="A series of periodic leg movements.",
        usual_s=900.0,
        shortest_s=60.0,
        planner=_plm,
    ),
    "tremor": Scenario(about="Tremor that waxes and wanes.", planner=_in_turn("tremor")),
    "abrupt-tremor": Scenario(
        about="Tremor that is there within half a second: a hard case.",
        planner=_in_turn("abrupt-tremor"),
    ),
    "knocks": Scenario(
        about="A bed partner turns, somebody taps the bed, a phone buzzes.",
        planner=_in_turn("knocks"),
    ),
    "scratching": Scenario(about="Scratching near the sensor.", planner=_in_turn("scratching")),
    "restless": Scenario(
        about="Fidgeting feet, new positions, cycling in the air.", planner=_in_turn("restless")
    ),
    "demo": Scenario(
        about="Ten minutes with something of everything.",
        usual_s=600.0,
        shortest_s=600.0,
        planner=_demo,
    ),
    "night": Scenario(
        about="A whole night in bed, spasms in clusters.",
        usual_s=None,
        shortest_s=600.0,
        planner=_night,
    ),
    "night-without-spasms": Scenario(
        about="A whole night with everything that looks like a spasm, and none.",
        usual_s=None,
        shortest_s=600.0,
        planner=_night_without_spasms,
    ),
    "ramped": Scenario(
        about="Flexor and extensor spasms, sudden and ramped, held and let go; stiffness.",
        usual_s=450.0,
        planner=_in_turn("ramped"),
    ),
    "stretching": Scenario(
        about="Stretching on purpose, and pulling the blanket.", planner=_in_turn("stretching")
    ),
    "jiggling": Scenario(about="Jiggling a foot while awake.", planner=_in_turn("jiggling")),
    "rubbing": Scenario(
        about="Scratching by a hand or the other foot, rubbing feet, massage.",
        planner=_in_turn("rubbing"),
    ),
    "rings": Scenario(
        about="Knocks that ring on in the mattress, a washing machine, a train.",
        planner=_in_turn("rings"),
    ),
    "pet": Scenario(
        about="A pet jumps up, licks itself and walks; a partner gets out.",
        planner=_in_turn("pet"),
    ),
    "loose-strap": Scenario(
        about="Ordinary movements and spasms under a strap worn loose.",
        usual_s=400.0,
        loose_share=1.0,
        planner=_in_turn("loose-strap"),
    ),
    "hemiparetic": Scenario(
        about="Getting up and walking slowly with one stiff leg.",
        usual_s=240.0,
        shortest_s=60.0,
        planner=_in_turn("hemiparetic"),
    ),
    "hard-night": Scenario(
        about="A whole night with held spasms, and all that people do in bed beside.",
        usual_s=None,
        shortest_s=600.0,
        loose_share=hard_night.LOOSE_SHARE,
        planner=_hard_night,
    ),
    "severe-night": Scenario(
        about="A whole night of one spasm after another, sixty at least.",
        usual_s=None,
        shortest_s=3600.0,
        loose_share=hard_night.LOOSE_SHARE,
        planner=_severe_night,
    ),
    "hard-night-without-spasms": Scenario(
        about="A whole night with all that people do in bed, and not one spasm.",
        usual_s=None,
        shortest_s=600.0,
        loose_share=hard_night.LOOSE_SHARE,
        planner=_hard_night_without_spasms,
    ),
}
"""What can be simulated, by name."""
