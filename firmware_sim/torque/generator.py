"""The calls that make recordings: a night, many nights in one batch, a scene of one family."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from firmware_sim.motion.sensor import draw_sensor
from firmware_sim.motion.truth import Trace
from firmware_sim.torque import clonus, planning
from firmware_sim.torque.body import Leg, Person, draw_leg, draw_person
from firmware_sim.torque.channels import Act, Array, log_uniform
from firmware_sim.torque.dynamics import simulate, stacked
from firmware_sim.torque.lying import draw_posture
from firmware_sim.torque.planning import Moment
from firmware_sim.torque.recording import Setting, record
from firmware_sim.torque.repertoire import MOVEMENTS, Who
from firmware_sim.torque.rows import LEAD_S, Row, drive_of, row_of
from firmware_sim.torque.wearing import SITES, draw_worn

PREFIX = "torque-"
"""Of the names of what is made here, where other generators have names too."""
FS_HZ = (15.0, 100.0)
SHORTEST_S, LONGEST_S = 30.0, 24 * 3600.0
JOINED_S = 6.0
"""Movements nearer to each other are one row of the batch."""
LONGEST_ROW_S = 70.0
TOGETHER = 8
"""Recordings simulated at once: half a gigabyte of states."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Movements of one family in turn.

    Parameters
    ----------
    slot_s : from one movement to the next, at least
    loose : the strap; None for one in four
    """

    about: str
    names: tuple[str, ...]
    slot_s: float = 30.0
    spastic: bool = True
    loose: bool | None = False


SCENES: dict[str, Scene] = {
    "sudden-spasms": Scene("Flexor and extensor spasms of 0.1 to 0.3 s rise, held.",
                           ("sudden flexor", "sudden extensor"), 45.0),
    "ramped-spasms": Scene("Flexor and extensor spasms of 0.3 to 3 s rise, held.",
                           ("ramped flexor", "ramped extensor"), 45.0),
    "tonic": Scene("Stiffness: pulls that hardly move and tremble.", ("tonic",), 50.0),
    "twitch": Scene("Twitches.", ("twitch",), 15.0),
    "clonus": Scene("Clonus of both engines.", ("clonus",), 40.0),
    "mixed": Scene("Spasms that go over into clonus.", ("mixed",), 40.0),
    "stretches": Scene("Voluntary stretches.", ("stretch",), 25.0, spastic=False),
    "shifts": Scene("Shifts, turns, new positions.", ("shift", "turn", "reposition"), 25.0,
                    spastic=False),
    "blanket": Scene("The blanket is pulled.", ("blanket",), 20.0, spastic=False),
    "scratching": Scene("Scratching by a hand and by the other foot.",
                        ("scratching hand", "scratching foot"), 30.0, spastic=False),
    "jiggling": Scene("Jiggling and rubbing feet, massage.",
                      ("jiggling", "rubbing", "jiggling", "massage"), 45.0, spastic=False),
    "fidgeting": Scene("Restless legs.", ("fidgeting",), 45.0, spastic=False),
    "tremor": Scene("Tremor of a leg.", ("tremor",), 45.0, spastic=False),
    "periodic": Scene("Periodic leg movements.", ("periodic",), 20.0, spastic=False),
    "rings": Scene("Knocks that ring out in the mattress.", ("ring", "repeated ring"), 15.0,
                   spastic=False),
    "company": Scene("Partner and pet.", ("partner turns", "pet", "partner gets out", "pet"), 30.0,
                     spastic=False),
    "machines": Scene("A phone's buzz, a washing machine, a train.", ("buzz", "machine"), 45.0,
                      spastic=False),
    "walks": Scene("Getting up, walking, lying down.", ("walk", "hemiparetic walk"), 90.0),
    "loose-strap": Scene("Ordinary movements under a loose strap.",
                         ("shift", "turn", "blanket", "stretch", "ring", "reposition"), 25.0,
                         spastic=False, loose=True),
    "loose-strap-spasms": Scene("Spasms and clonus under a loose strap.",
                                ("sudden flexor", "clonus", "ramped extensor", "twitch"), 45.0,
                                loose=True),
}  # fmt: skip
"""What can be played by `scene`, by name."""


NIGHTS: dict[str, tuple[str, bool, bool]] = {
    "night": ("A whole night on a simulated mattress, spasms in clusters.", True, False),
    "severe-night": ("A whole night of one spasm after another.", True, True),
    "night-without-spasms": ("A whole night of ordinary movements.", False, False),
}
"""What is said of each kind of night, whether it has spasms and whether it is severe."""


def night(
    *, seed: int, duration_s: float | None = None, fs: float = 50.0, site: str = "ankle",
    spastic: bool = True, severe: bool = False,
) -> Trace:  # fmt: skip
    """Make one night; see `nights`."""
    return nights([seed], duration_s=duration_s, fs=fs, site=site, spastic=spastic, severe=severe)[
        0
    ]


def nights(
    seeds: Sequence[int], *, duration_s: float | None = None, fs: float = 50.0,
    site: str = "ankle", spastic: bool = True, severe: bool = False,
) -> list[Trace]:  # fmt: skip
    """Make nights in batches; each has the bytes that it has alone.

    Parameters
    ----------
    duration_s : 30 s to 24 h; None for 7 to 9.5 h, drawn
    fs : 15 to 100 Hz
    site : foot, ankle, calf or thigh
    spastic : clusters of likely spasms; without, none
    severe : one spasm after another, 60 and more in eight hours

    Raises
    ------
    ValueError
        A site, rate or duration that cannot be simulated.
    """

    def plan(rng: np.random.Generator, seconds: float) -> list[Moment]:
        return planning.night(rng, seconds, spastic=spastic or severe, severe=severe)

    name = next(n for n, (_, *kind) in NIGHTS.items() if kind == [spastic or severe, severe])
    wanted = _Wanted(f"{PREFIX}{name}", duration_s, fs, site, spastic or severe, None, plan)
    return _make(seeds, wanted)


def scene(
    name: str, *, seed: int, duration_s: float = 300.0, fs: float = 50.0, site: str = "ankle"
) -> Trace:
    """Make a scene of `SCENES`: one family of movements in turn.

    Raises
    ------
    ValueError
        There is no such scene, or its site, rate or duration cannot be simulated.
    """
    if name not in SCENES:
        raise ValueError(f"scene must be one of {', '.join(SCENES)}, got {name!r}")
    found = SCENES[name]

    def plan(rng: np.random.Generator, seconds: float) -> list[Moment]:
        return planning.in_turn(rng, found.names, seconds, found.slot_s)

    wanted = _Wanted(f"{PREFIX}{name}", duration_s, fs, site, found.spastic, found.loose, plan)
    return _make([seed], wanted)[0]


@dataclass(frozen=True, slots=True)
class _Wanted:
    name: str
    duration_s: float | None
    fs: float
    site: str
    spastic: bool
    loose: bool | None
    plan: Callable[[np.random.Generator, float], list[Moment]]


def _stream(seed: int, *key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(77, *key)))


def _make(seeds: Sequence[int], wanted: _Wanted) -> list[Trace]:
    if not FS_HZ[0] <= wanted.fs <= FS_HZ[1]:
        raise ValueError(f"fs must be {FS_HZ[0]:g} to {FS_HZ[1]:g} Hz, got {wanted.fs:g}")
    if wanted.site not in SITES:
        raise ValueError(f"site must be one of {', '.join(SITES)}, got {wanted.site!r}")
    given_s = wanted.duration_s
    if given_s is not None and not SHORTEST_S <= given_s <= LONGEST_S:
        raise ValueError(f"duration_s must be {SHORTEST_S:g} to {LONGEST_S:g}, got {given_s:g}")
    return [
        trace
        for first in range(0, len(seeds), TOGETHER)
        for trace in _together(seeds[first : first + TOGETHER], wanted)
    ]


def _together(seeds: Sequence[int], wanted: _Wanted) -> list[Trace]:
    prepared = [_prepared(seed, wanted) for seed in seeds]
    legs = iter(clonus.beating([row_legs for _, rows in prepared for _, row_legs in rows]))
    chosen: list[list[Row]] = []
    for _, rows in prepared:
        tried = [(row, next(legs)) for row, _ in rows]
        chosen.append([replace(row, leg=leg) for row, leg in tried if leg is not None])
    every = [(number, row) for number, rows in enumerate(chosen) for row in rows]
    order = sorted(range(len(every)), key=lambda i: (-every[i][1].seconds, i))
    drives = [drive_of(every[i][1]) for i in order]
    seen = simulate(stacked([every[i][1].leg for i in order]), drives) if every else []
    back: dict[int, tuple[Array, Array]] = {
        i: (drive, state) for i, drive, state in zip(order, drives, seen, strict=True)
    }
    traces, at = [], 0
    for (setting, _), placed in zip(prepared, chosen, strict=True):
        ours = [back[at + i] for i in range(len(placed))]
        at += len(placed)
        traces.append(
            record(placed, [drive for drive, _ in ours], [state for _, state in ours], setting)
        )
    return traces


def _prepared(seed: int, wanted: _Wanted) -> tuple[Setting, list[tuple[Row, list[Leg]]]]:
    rng = _stream(seed, 0)
    duration_s = wanted.duration_s
    if duration_s is None:
        duration_s = 3600 * rng.uniform(7, 9.5)
    person = draw_person(rng, spastic=wanted.spastic)
    leg = draw_leg(rng, person)
    setting = Setting(
        seed=seed, scenario=wanted.name, site=wanted.site, duration_s=duration_s,
        worn=draw_worn(_stream(seed, 1), leg, wanted.site, wanted.fs, loose=wanted.loose),
        sensor=draw_sensor(_stream(seed, 2), wanted.fs),
        rest=_stream(seed, 3), noise=_stream(seed, 4), strap=_stream(seed, 5),
    )  # fmt: skip
    ends_s = duration_s / (1 + abs(setting.sensor.rate_error)) - 1.0
    moments = wanted.plan(_stream(seed, 6), duration_s)
    return setting, _rows(seed, moments, ends_s, leg, person)


def _rows(
    seed: int, moments: Sequence[Moment], ends_s: float, leg: Leg, person: Person
) -> list[tuple[Row, list[Leg]]]:
    """Return rows in order of time, each with the legs of which one must beat."""
    rng = _stream(seed, 7)
    who = Who(leg, person, draw_posture(rng, leg), rng.uniform(0.25, 1.0), log_uniform(rng, 1, 5))
    rows: list[tuple[Row, list[Leg]]] = []
    acts: list[tuple[float, Act]] = []
    begun_s, free_s, rest = 0.0, 1.0, who.lying

    def close() -> None:
        if not acts:
            return
        row = row_of(begun_s, leg, rest, acts)
        reflex = any(act.engine == "reflex" for _, act in acts)
        own = _stream(seed, 8, len(rows))
        rows.append((row, clonus.candidates(own, leg, person) if reflex else [leg]))
        acts.clear()

    for number, (meant_s, name) in enumerate(moments):
        own = _stream(seed, 9, number)
        act = MOVEMENTS[name](own, who)
        at_s = max(meant_s, free_s + own.uniform(0.5, 2.0))
        lasts_s = act.seconds + act.quiet_after_s
        if at_s + lasts_s + 3 * LEAD_S > ends_s:
            continue
        near = at_s - free_s < JOINED_S and at_s + lasts_s - begun_s < LONGEST_ROW_S
        # A clonus that does not beat is left out with its row: nothing else may go with it.
        joined = acts and near and not any(a.engine for a in (act, acts[-1][1]))
        if joined:
            acts.append((at_s - free_s, act))
        else:
            if acts:  # the leg may creep to where the next row begins
                at_s = max(at_s, free_s + JOINED_S)
            close()
            begun_s, rest = at_s - LEAD_S, who.lying
            acts.append((0.0, act))
        free_s = at_s + lasts_s
        if act.after is not None:
            who = replace(who, lying=act.after)
    close()
    return rows
