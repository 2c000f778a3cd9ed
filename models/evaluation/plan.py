"""The list of measurements: those of every section by name, with all their parameters.

Seeds of our own generator and of the forward dynamics begin at 1000, those of wearers at 9000:
training has 4000 to 6999 and 8000 to 8999, error rates have 7000 to 7999. The sealed generator's
begin at 0, since nothing else may use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

OWN_SEEDS, SEALED_SEEDS = 1000, 0
RATIOS = (0.15, 0.29, 0.6, 1.2)
"""Background over clonus: two below the bar's 0.3, two above."""
SECONDS = (1.5, 4.0, 12.0)
CHANCE_RATIO = 0.29
GRID_SEEDS = 1
SITES = ("foot", "calf", "thigh")
NIGHTS = (
    ("still-nights/own", "own", "night-without-spasms"),
    ("still-nights/own-hard", "own", "hard-night-without-spasms"),
    ("still-nights/torque", "torque", "night-without-spasms"),
    ("still-nights/sealed", "sealed", "night-without-spasms"),
    ("still-nights/sealed-hard", "sealed", "hard-night-without-spasms"),
    ("nights/own", "own", "night"),
    ("nights/own-hard", "own", "hard-night"),
    ("nights/own-severe", "own", "severe-night"),
    ("nights/torque", "torque", "night"),
    ("nights/torque-severe", "torque", "severe-night"),
    ("nights/sealed", "sealed", "night"),
    ("nights/sealed-hard", "sealed", "hard-night"),
    ("nights/sealed-severe", "sealed", "severe-night"),
)
"""Name of the measurement, generator, and which of its nights. The sealed generator's hard nights
were looked at by nobody before `learned-v1` was done."""

ALARMS = (
    ("alarms/own-severe", "own", "severe-night"),
    ("alarms/torque-severe", "torque", "severe-night"),
    ("alarms/own-hard", "own", "hard-night-without-spasms"),
    ("alarms/torque", "torque", "night-without-spasms"),
)
"""The same of nights whose alarms are judged."""
SPOKEN = (
    ("words/own-spasms", "own", "spasms", 6, 0.5),
    ("words/own-ramped", "own", "ramped", 6, 1.0),
    ("words/own-hard", "own", "hard-night", 4, 4.0),
    ("words/own-severe", "own", "severe-night", 4, 4.0),
    ("words/torque", "torque", "night", 4, 4.0),
    ("words/torque-severe", "torque", "severe-night", 4, 4.0),
)
"""Name, generator and scenario, how many and how long, hours, of what is heard as it is said."""

DEMO_SEED = 1
"""That of `spasmwatch demo`, and so of the README."""

COUNTED = (
    ("own", ("hard-night", "severe-night", "hard-night-without-spasms"), ("torque",)),
    ("torque", ("night", "severe-night", "night-without-spasms"), ("own",)),
    ("sealed", ("night", "night-without-spasms"), ("own", "torque")),
)
"""Simulator, which of its nights, and those whose error rates are used: never its own."""

ABLATED = (
    ("ablation/own-hard", "own", "hard-night"),
    ("ablation/own-severe", "own", "severe-night"),
    ("ablation/torque-free", "torque", "night-without-spasms"),
    ("ablation/torque-severe", "torque", "severe-night"),
)
"""Name, generator and scenario of nights in which each check is left out once."""
ABLATED_PEOPLE = (
    ("daphnet", "*_ankle.npz", "ankle"), ("daphnet", "*_thigh.npz", "thigh"),
    ("stanford_fog", "*_ankle_?.npz", "ankle"), ("paradigma_wrist", "*.npz", "wrist"),
    ("pdkit_cloudupdrs", "*_leg_*.npz", "thigh"),
)  # fmt: skip
"""The same of people: folder, pattern and site."""

WEARERS = (
    ("personal/torque", "torque", "never-saw-torque"),
    ("personal/sealed", "sealed", "learned-v1"),
    ("personal/torque-seen", "torque", "learned-v1"),
)
"""Name of the measurement, simulator of wearers, and a model: the last has seen the simulator."""
WEARER_SEED = 9000


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measurement: `section/name`, the function of `measuring`, its arguments.

    cost : seconds on an idle core, roughly: the longest go first
    real : needs the recordings of people
    """

    name: str
    measure: str
    words: Mapping[str, Any] = field(default_factory=dict)
    cost: float = 1.0
    real: bool = False

    @property
    def section(self) -> str:
        """Return the section that it belongs to."""
        return self.name.partition("/")[0]


def plan(traces: str, *, quick: bool = False) -> list[Measurement]:
    """Return all measurements; `quick` ones are too small to mean anything."""
    nights = [*_nights(quick), *_alarms(quick), *_spoken(quick), *_wearers(quick)]
    nights += _without(traces, quick)
    return [*_positives(quick), *nights, *_alike(quick), *_people(traces, quick)]


def _without(traces: str, quick: bool) -> list[Measurement]:
    found = []
    for where, generator, name in ABLATED:
        words: dict[str, Any] = {
            "generator": generator,
            "name": name,
            "seeds": _seeds(generator, 1),
        }
        words["hours"] = 1.0 if quick else 4.0
        found.append(Measurement(where, "ablated_nights", words, 10.0 if quick else 150.0))
    people = {"traces": traces, "sets": ABLATED_PEOPLE, "few": quick}
    found.append(Measurement("ablation/people", "ablated_people", people, 150.0, real=True))
    return found


def _positives(quick: bool) -> list[Measurement]:
    minutes, own, sealed = (10.0, 1, 1) if quick else (30.0, 6, 8)

    def each(name: str, generator: str, scenario: str, latency: bool, **how: str) -> Measurement:
        seeds = _seeds(generator, own if generator == "own" else sealed)
        words = {"generator": generator, "name": scenario, "seeds": seeds, "minutes": minutes}
        cost = len(seeds) * minutes / 30 * (7.0 if latency else 2.0)
        return Measurement(name, "simulated", words | {"latency": latency} | how, cost)

    found = []
    for scenario, timed in (("clonus", True), ("mixed", False)):
        found += [
            each(f"{scenario}/own-reflex", "own", scenario, timed, engine="reflex"),
            each(f"{scenario}/own-pulse", "own", scenario, timed, engine="pulse"),
            each(f"{scenario}/sealed", "sealed", scenario, timed),
        ]
    found += [
        each("spasms/own", "own", "spasms", True),
        each("spasms/sealed", "sealed", "spasms", True),
        each("spasms/sealed-tonic", "sealed", "tonic", True),
    ]
    own, sealed = (1, 1) if quick else (2, 3)
    for site in SITES:
        for generator in ("own", "sealed"):
            found += [
                each(f"sites/{generator}-{site}-{name}", generator, name, False, site=site)
                for name in ("clonus", "spasms")
            ]
    return found


def _nights(quick: bool) -> list[Measurement]:
    found = []
    for where, generator, name in NIGHTS:
        count = 1 if quick else 12 if name.endswith("without-spasms") else 6
        hours = 1.0 if quick else 8.0
        words = {
            "generator": generator,
            "name": name,
            "seeds": _seeds(generator, count),
            "hours": hours,
        }
        each_s = 15.0 if generator == "torque" else 5.0
        found.append(Measurement(where, "night", words, count * hours / 8 * each_s))
    for generator, names, rates in COUNTED:
        seeds, hours = _seeds(generator, 1 if quick else 6), 1.0 if quick else 8.0
        words = {"generator": generator, "names": names, "seeds": seeds, "hours": hours}
        cost = len(names) * len(seeds) * hours / 8 * (12.0 if generator == "torque" else 3.0)
        found.append(
            Measurement(f"counts/{generator}", "counted_nights", words | {"rates": rates}, cost)
        )
    return found


def _alarms(quick: bool) -> list[Measurement]:
    found = []
    for where, generator, name in ALARMS:
        hours, seeds = (1.0, 1) if quick else (8.0, 4)
        words: dict[str, Any] = {"generator": generator, "name": name, "hours": hours}
        words["seeds"] = _seeds(generator, seeds)
        found.append(Measurement(where, "alarms", words, seeds * hours / 8 * 15.0))
    return found


def _spoken(quick: bool) -> list[Measurement]:
    found = []
    for where, generator, name, count, length_h in SPOKEN:
        seeds = _seeds(generator, 1 if quick else count)
        minutes = 60.0 if quick and length_h > 1 else 60 * length_h
        words = {"generator": generator, "name": name, "seeds": seeds, "minutes": minutes}
        found.append(Measurement(where, "spoken", words, len(seeds) * minutes / 6))
    for where, seeds in (("demo", [DEMO_SEED]), ("demos", _seeds("own", 2 if quick else 24))):
        found.append(Measurement(f"words/{where}", "demo", {"seeds": seeds}, 2.0 * len(seeds)))
    return found


def _wearers(quick: bool) -> list[Measurement]:
    found = []
    count, night_h = (2, 0.5) if quick else (12, 6.0)
    for where, generator, model in WEARERS:
        words = {
            "generator": generator,
            "name": "night",
            "seeds": list(range(WEARER_SEED, WEARER_SEED + count)),
            "model": model,
            "night_h": night_h,
        }
        each_s = 30.0 if generator == "torque" else 10.0
        cost = count * each_s * night_h / 6
        found.append(Measurement(where, "personal", words, cost))
    return found


def _alike(quick: bool) -> list[Measurement]:
    own = (
        "tremor", "abrupt-tremor", "turning", "plm", "knocks", "scratching", "restless",
        "walk-to-bathroom",
    )  # fmt: skip
    sealed = ("tremor", "turning", "plm", "knocks")
    found = []
    for generator, names in (("own", own), ("sealed", sealed)):
        for name in names:
            words = {
                "generator": generator,
                "name": name,
                "seeds": _seeds(generator, 1 if quick else 4),
                "minutes": 10.0 if quick else 30.0,
            }
            found.append(Measurement(f"alike/{generator}-{name}", "simulated", words, 6.0))
    return found


def _people(traces: str, quick: bool) -> list[Measurement]:
    at: dict[str, Any] = {"traces": traces, "few": quick}
    off = {"skip": ["not_experiment", "freeze"]}
    found = [
        _real("gait/daphnet-ankle", at | off, folder="daphnet", pattern="*_ankle.npz"),
        _real("gait/daphnet-thigh", at | off, folder="daphnet", pattern="*_thigh.npz"),
        _real("gait/daphnet-trunk", at | off, folder="daphnet", pattern="*_trunk.npz"),
        _real("gait/stanford-ankle", at | off, folder="stanford_fog", pattern="*_ankle_?.npz"),
        _real("gait/stanford-wrist", at | off, folder="stanford_fog", pattern="*_wrist_?.npz"),
        _real("gait/skdh-trunk", at, folder="skdh_gait"),
        _real("gait/mobgap-trunk", at, folder="mobgap_lowback"),
        _real("hand/hmp", at, folder="hmp_wrist_adl", without="brush_teeth"),
        _real("hand/brushing", at, folder="hmp_wrist_adl", pattern="*brush_teeth*.npz"),
        _real("hand/uji", at, folder="uji_watch_tug"),
        _real("hand/seglearn", at, folder="seglearn_watch"),
        _real("hand/day", at, folder="actigraph_day", alerts=True),
        _real("hand/paradigma", at, folder="paradigma_wrist"),
        _tremors("tremor/hand", at, pattern="*_hand_*.npz", site="wrist"),
        _tremors("tremor/leg", at, pattern="*_leg_*.npz", site="thigh"),
        Measurement("mimicked/uea", "mimicked", at, 5.0, real=True),
        Measurement("seizures/osd", "seizures", at, 5.0, real=True),
    ]
    for site in ("ankle", "thigh", "trunk"):
        words = at | {"pattern": f"*_{site}.npz"}
        found.append(Measurement(f"freezes/{site}", "freezes", words, 4.0, real=True))
    grid = {"seconds": SECONDS[::2] if quick else SECONDS, "seeds": 1 if quick else GRID_SEEDS}
    for engine in ("reflex", "pulse"):
        words = at | grid | {"engine": engine, "ratios": RATIOS[1::2] if quick else RATIOS}
        found.append(Measurement(f"buried/{engine}", "injected", words, 75.0, real=True))
    words = at | grid | {"ratio": CHANCE_RATIO}
    found.append(Measurement("buried/chance", "uninjected", words, 20.0, real=True))
    return found


def _real(name: str, at: Mapping[str, Any], **words: Any) -> Measurement:
    return Measurement(name, "real", dict(at) | words, 5.0, real=True)


def _tremors(name: str, at: Mapping[str, Any], **words: Any) -> Measurement:
    """Return a measurement of a phone held in the hand (nearest site: wrist) or on the thigh."""
    return Measurement(name, "tremors", dict(at) | words, 2.0, real=True)


def _seeds(generator: str, count: int) -> list[int]:
    first = SEALED_SEEDS if generator == "sealed" else OWN_SEEDS
    return list(range(first, first + count))
