"""The card of the opinions: fixed text, and the measured figures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from figures import BUDGETS_PER_24H, TRIED_LEAVES, TRIED_TREES, Figures
from questions import ASKED, FEATURE_GROUPS
from thresholds import GIVEN_PER_24H, LEFT_PER_24H, PRECISE

from detector.evaluation.intervals import Rate, Share
from detector.recognition.rules.features import FEATURES
from detector.recognition.rules.opinions import Question

SETS: Final = {
    "daphnet": "Daphnet Freezing of Gait, UCI Machine Learning Repository 245; CC BY 4.0; "
    "Bächlin et al. 2010. Ankle, thigh and trunk, 3 people, `not_experiment` left out",
    "hmp_wrist_adl": "ADL Recognition with Wrist-worn Accelerometer (HMP), UCI 283; CC BY 4.0; "
    "Bruno et al. 2012. Wrist, 9 people",
    "mobgap_lowback": "example data of github.com/mobilise-d/mobgap; Apache-2.0, the data without "
    "a licence of its own. Lower back, a person with MS and two healthy ones",
    "osd_seizures": "OpenSeizureDatabase, github.com/OpenSeizureDetector/OpenSeizureDatabase; "
    "CC BY 4.0 with clause 3b. Wrist, 2 people; seizures left out (auras not), with 5 s around",
    "paradigma_wrist": "test data of github.com/biomarkersParkinson/paradigma; Apache-2.0. Wrist, "
    "a person with Parkinson's disease and one not described",
    "pdkit_cloudupdrs": "test data of github.com/pdkit/pdkit; MIT. A phone in the hand or on the "
    "thigh, tasks of a Parkinson's app, 4 or 5 people; a rhythm in a task of tremor counts as one",
    "seglearn_watch": "watch data of the Python package seglearn, pypi.org/project/seglearn; "
    "BSD-3-Clause; Burns et al. 2018. Wrist, 6 people",
    "skdh_gait": "test data of github.com/PfizerRD/scikit-digital-health; MIT. Lower back, gait "
    "and sit to stand",
    "stanford_fog": "github.com/stanfordnmbl/imu-fog-detection; BSD-3-Clause; O'Day et al. 2022. "
    "Ankles and wrists, 2 people",
    "uji_watch_tug": "github.com/GeoTecINIT/sp-sw-har-dataset, Zenodo 8398688; CC BY 4.0; "
    "Matey-Sanz et al. 2023. Wrist, 15 people",
}

LOOKED = (
    "`uea_epilepsy` (Villar et al. 2016; UEA archive) and `actigraph_day` (test resource of "
    "github.com/actigraph/pygt3x, GPL-3) were looked at, never trained on."
)

HEAD = """# learned-v1

Learned opinions on movements: how likely is it that one is a spasm, a clonus or a twitch? **Not a
medical device**, and not a diagnosis: it says "likely".

**No recording of a real spasm or of a real clonus is public.** Every movement that is named right
in the figures below is simulated; of people there are only movements that are no spasm. What the
opinions find in a person with MS is not known.

**What it does.** `rules-v1` finds movements and measures them; boosted trees weigh the physical
numbers (`detector/recognition/rules/features.py`) and answer five questions: has a spasm begun, was
it a pull (a spasm or a tonic one), is it a clonus, a twitch, or does a rhythm speak for tremor. A
name of the spasm family is given where the answer is likely enough. What else a movement was, the
rules say.
"""

DATA = """## Trained on

Simulated nights and scenes of two generators that have nothing in common: `firmware_sim.motion`,
which draws movements, and `firmware_sim.torque`, forward dynamics of a leg on a mattress; soft,
hard and severe nights, seven pairs of site and rate. Each is trained on twice: as simulated, and as
another limb would wear the sensor, with tempo, size and the resonance of tissue and strap drawn
anew (`models/training/variation.py`); the questions of clonus and tremor once, as simulated.
Nothing is fitted to the sealed generator; its usual nights were looked at when the two levels were
thought of and two numbers left out. And recordings of people, also with simulated movements in
them, so that "real" does not imply "no spasm". The two generators weigh the same, soft nights half
as much and all people together 0.7; of each, right and wrong bouts weigh the same, and the moments
of a bout share one weight.

LightGBM grew the trees (extremely randomised, half of the features at each node); the product
reads them without it.
"""

SURENESS = (
    "Confidence was calibrated (Platt) on nights of a generator that the calibrated model never "
    "saw, both pooled: it is lower than on nights like those trained on. A name is given to what "
    "the rules call something else from one level on, and left where they gave it from another. "
    "Levels are set on nights of seeds not trained on, on the mean of both generators: on hard "
    "nights without spasms, announcements on nights with many."
)
INTERVALS = (
    "Of simulated events, unless people are named. In brackets 95 % intervals: Wilson's of shares, "
    "exact Poisson's of rates; some nights have many more false events than others, so that rates "
    "of few nights are less sure than these say."
)
TRANSFER = (
    "Share of spasms (pull) and of clonus found by a model that never saw the simulator, at so "
    "many false events in 24 h on its nights without spasms:"
)
GROUPS = (
    f"The same with {TRIED_TREES} trees of {TRIED_LEAVES} leaves, each time without a group: one "
    "without which more is found tells simulators apart. `trained` leaves out what the model does."
)
LEFT_OUT = (
    "False names in an hour by a model that never saw the data set, its thresholds set likewise."
)
RELIABILITY = (
    "Confidence said, and share that was so, on simulated nights of other seeds by a model that "
    "never saw their generator; in brackets bouts."
)

OSD = """## OpenSeizureDetector

The licence of OpenSeizureDatabase asks (clause 3b) whoever uses it to publish, free of charge, a
description of the system and a comparison of its performance with OpenSeizureDetector. The
description is `docs/architecture.md`, this card and `models/rules-v1`; the comparison, the rule of
OpenSeizureDetector beside ours on the same recordings, is in `docs/evaluation.md`. The data are by
the users of OpenSeizureDetector and its maintainers, whom we thank.
"""

TAIL = """## Failure modes

- A model that never saw a simulator finds far fewer of its spasms than one that did ("A simulator
  left out"). A real leg is a third: expect no more there than these lower figures.
- Confidence is that of simulated nights with as many spasms and look-alikes as ours. With another
  share of either it is off: by day, at the wrist, with a tremor, it is too high.
- The recordings of people are short and mostly of wrists by day; none is of a leg in bed.
- Figures here are of bouts that are over, named by levels alone. The product gives no name away
  from the legs, to a limb in use, or to one whose rest was not seen, and names by the likelier of
  clonus and pull: what that finds and invents, and how late it is told, is in `docs/evaluation.md`.

## Make it again

`SPASMWATCH_TRACES=<folder> python models/training/train.py --cache <folder>` rebuilds `model.json`,
`figures.json` and this card; `--check` only compares. Do it again whenever a threshold of
`rules-v1` or a feature changes.
"""


def card(folder: Path) -> str:
    """Return the card of a trained model from the files beside it."""
    model = _read(folder / "model.json")
    figures = _read(folder / "figures.json")
    parts = [
        HEAD,
        DATA,
        _sources(model),
        _sureness(model),
        _looks_at(),
        _measured(figures),
        OSD,
        TAIL,
    ]
    return "\n".join(parts)


def _sources(model: Mapping[str, Any]) -> str:
    examples: Mapping[str, Mapping[str, Mapping[str, int]]] = model["training"]["examples"]
    groups = sorted({group for by_group in examples.values() for group in by_group})
    rows = [
        [group, *(_sides(by_group.get(group, {})) for by_group in examples.values())]
        for group in groups
    ]
    return "\n".join(
        [
            *(f"- `{name}`: {what}." for name, what in SETS.items()),
            "",
            LOOKED,
            "",
            "Bouts by question and data set (right + wrong):",
            "",
            _table(["", *examples], rows),
            "",
        ]
    )


def _sides(counts: Mapping[str, int]) -> str:
    return f"{counts.get('right', 0)} + {counts.get('wrong', 0)}"


def _sureness(model: Mapping[str, Any]) -> str:
    levels = {
        **{q: f"{GIVEN_PER_24H[q]:g} + {LEFT_PER_24H[q]:g} false in 24 h" for q in GIVEN_PER_24H},
        Question.BEGUN: f"{PRECISE:.0%} of announcements right",
        Question.TREMOR: "told as a share, not by name",
    }
    rows = [
        [
            question.value,
            f"{said['give']:.3f}",
            f"{said['leave']:.3f}",
            levels[question],
            f"{said['calibration']['slope']:.2f}, {said['calibration']['offset']:+.2f}",
            f"{len(said['trees'])} of {how.leaves} leaves",
        ]
        for question, how in ASKED.items()
        for said in [model["opinions"][question.value]]
    ]
    return "\n".join(
        [
            "## Confidence and thresholds",
            "",
            SURENESS,
            "",
            _table(["question", "given", "left", "by", "slope, offset", "trees"], rows),
            "",
        ]
    )


def _looks_at() -> str:
    rows = [
        f"The question of {question.value} leaves out "
        f"{', '.join(f'`{n}`' for n in how.left_out)}: how regular a movement is and how it dies "
        "away tells one simulator from another, not a spasm. No group of features is such for "
        "clonus."
        for question, how in ASKED.items()
        if how.left_out
    ]
    return "\n".join(
        [
            "## What it looks at",
            "",
            f"{len(FEATURES)} numbers, each with its reason in `features.py`, in groups:",
            "",
            *(f"- {group}: {', '.join(names)}" for group, names in FEATURE_GROUPS.items()),
            "",
            *rows,
            "",
        ]
    )


def _measured(figures: Figures) -> str:
    return "\n".join(
        [
            "## Figures",
            "",
            INTERVALS,
            "",
            "### Seeds left out",
            "",
            _seeds(figures["seeds"]),
            "",
            "### A simulator left out",
            "",
            f"{TRANSFER} {_budgets()}.",
            "",
            _generators(figures["generators"]),
            "",
            "### Feature groups",
            "",
            GROUPS,
            "",
            *(_groups(question, each) for question, each in figures["groups"].items()),
            "### People, a data set left out",
            "",
            LEFT_OUT,
            "",
            _people(figures["data_sets"]),
            "",
            "### People, never trained on for their licences",
            "",
            "(`uea_epilepsy` holds mimicked seizures: names there are partly meant.)",
            "",
            _people(figures["looked_at"]),
            "",
            "### How often it is right",
            "",
            RELIABILITY,
            "",
            _reliability(figures["reliability"]),
            "",
        ]
    )


def _budgets() -> str:
    return ", ".join(f"{per_24h:g}" for per_24h in BUDGETS_PER_24H)


def _seeds(seeds: Figures) -> str:
    rows = [
        [
            night,
            f"{line['hours']:.0f}",
            *(_share(hits) for hits in line["found"].values()),
            *(_rate(count, line["hours"], 24.0) for count in line["false"].values()),
        ]
        for night, line in seeds.items()
    ]
    any_line: Mapping[str, Any] = next(iter(seeds.values()))
    false = (f"false {name} in 24 h" for name in any_line["false"])
    return _table(["night", "h", *(f"{kind} found" for kind in any_line["found"]), *false], rows)


def _generators(generators: Figures) -> str:
    rows = [
        [question, f"never saw {origin}", *(_share(hits) for hits in found.values())]
        for question, by_origin in generators.items()
        for origin, found in by_origin.items()
    ]
    return _table(["", "model", *(f"{per_24h:g}" for per_24h in BUDGETS_PER_24H)], rows)


def _groups(question: str, by_origin: Figures) -> str:
    origins = list(by_origin)
    rows = [
        [group, *(_percents(by_origin[origin][group]) for origin in origins)]
        for group in by_origin[origins[0]]
    ]
    head = [f"{question}: without", *(f"never saw {origin}" for origin in origins)]
    return f"{_table(head, rows)}\n"


def _percents(found: Mapping[str, Sequence[int]]) -> str:
    return " / ".join(f"{100 * hits / max(of, 1):.0f}" for hits, of in found.values()) + " %"


def _people(sets: Figures) -> str:
    rows = [
        [
            f"`{name}`",
            f"{line['hours']:.2f}",
            *(_rate(count, line["hours"], 1.0) for count in line["false"].values()),
        ]
        for name, line in sets.items()
    ]
    names: Mapping[str, Any] = next(iter(sets.values()))["false"] if sets else {}
    return _table(["set", "h", *(f"false {name}" for name in names)], rows)


def _reliability(reliability: Figures) -> str:
    rows = [
        [question, ", ".join(f"{x['said']:.2f}: {x['was']:.2f} ({x['bouts']})" for x in lines)]
        for question, lines in reliability.items()
    ]
    return _table(["question", "said: was (bouts)"], rows)


def _share(hits: Sequence[int]) -> str:
    share = Share(hits[0], hits[1])
    if share.value is None or share.interval is None:
        return "-"
    low, high = share.interval
    return f"{share.value:.2f} ({low:.2f}-{high:.2f}) of {share.of}"


def _rate(count: int, hours: float, per_h: float) -> str:
    """Return a rate per so many hours."""
    rate = Rate(count, hours)
    if rate.per_24h is None or rate.interval is None:
        return "-"
    low, high = rate.interval
    return " ".join(
        [f"{rate.per_24h * per_h / 24:.1f}", f"({low * per_h / 24:.1f}-{high * per_h / 24:.1f})"]
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
