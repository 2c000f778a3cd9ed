"""The card of the refinement: fixed text, and the measured figures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from figures import DATA_SET, REFINED, RULES, Figures

from detector.evaluation.intervals import Rate, Share, poisson
from detector.recognition.rules.features import FEATURES

ALARMS = ("clonus", "spasm", "tonic")
MOST_DROP = 0.05
"""Sensitivity that may be lost on a generator that was not seen (design, "Latency")."""

SETS = {
    "daphnet": "Daphnet Freezing of Gait, UCI Machine Learning Repository 245; CC BY 4.0; "
    "Bächlin et al. 2010. Ankle, thigh and trunk, 3 people, `not_experiment` left out",
    "hmp_wrist_adl": "ADL Recognition with Wrist-worn Accelerometer (HMP), UCI 283; CC BY 4.0; "
    "Bruno et al. 2012. Wrist, 9 people",
    "osd_seizures": "OpenSeizureDatabase, github.com/OpenSeizureDetector/OpenSeizureDatabase; "
    "CC BY 4.0 with clause 3b. Wrist, 2 people; seizures left out (auras not), with 5 s around",
    "seglearn_watch": "watch data of the Python package seglearn, pypi.org/project/seglearn; "
    "BSD-3-Clause; Burns et al. 2018. Wrist, 6 people",
    "stanford_fog": "github.com/stanfordnmbl/imu-fog-detection; BSD-3-Clause; O'Day et al. 2022. "
    "Ankles and wrists, 2 people",
    "uji_watch_tug": "github.com/GeoTecINIT/sp-sw-har-dataset, Zenodo 8398688; CC BY 4.0; "
    "Matey-Sanz et al. 2023. Wrist, 15 people",
}

LOOKED = (
    "`uea_epilepsy` (Villar et al. 2016; UEA archive) and `actigraph_day` (test resource of "
    "github.com/actigraph/pygt3x, GPL-3) were looked at, never trained on."
)

HEAD = """# refined-v1

A refinement of the names that `rules-v1` gives: how likely is the name right? **Not a medical
device**, and not a diagnosis: it says "likely".

**What it does.** For clonus, spasm and twitch each one logistic regression on physical numbers of
the movement, every weight limited to the sign that physics predicts (`model.json`: weight, sign,
unit, reason). It makes the confidence a probability, and withdraws a name where it is very
unlikely: clonus becomes tremor, a jerk becomes a turn, a vibration or a movement, and the reason
says which numbers were against it. It never assigns a name that the rules did not assign. Clonus
after a spasm, tonic pulls, jerks that are not over, and cases that lack a number are left as the
rules named them.

**What it does not use.** Polarisation, frequency and the strength of a rhythm: they identify a
simulator, not a clonus. A model that used polarisation fell from 1.00 to 0.05 of clonus found when
the simulator changed. It does use the rules' own margin, which depends on strength in part.
"""

DATA = """## Trained on

Simulated nights and scenes of `firmware_sim.motion`, both clonus engines, six pairs of site and
rate; and what the rules wrongly named in recordings of real people, below. Simulated movements were
also put into real recordings that were long enough, so that "real" does not imply "no spasm". **No
recording of real clonus or of an MS spasm is public: every movement that is named right here is
simulated.** Data sets weigh about the same, and so do right and wrong examples; confidence was
calibrated on simulated nights of other seeds; a threshold leaves 99.5 % of the rightly named their
name.
"""

OSD = """## OpenSeizureDetector

The licence of OpenSeizureDatabase asks (clause 3b) whoever uses it to publish, free of charge, a
description of the system and a comparison of its performance with OpenSeizureDetector. The
description is `docs/architecture.md`, this card and `models/rules-v1`; the comparison, the rule of
OpenSeizureDetector beside ours on the same recordings, is in `docs/evaluation.md`. The data are by
the users of OpenSeizureDetector and its maintainers, whom we thank.
"""

TAIL = """## Failure modes

- Tremor that starts at once is called clonus by the rules, and this refinement does not correct
  it: among those that pass the rules no physical number separates the two.
- Confidence is that of simulated nights with as many spasms and look-alikes as ours. With another
  share of either it is off: by day, at the wrist, with a tremor, it is too high.
- Few real events: on most data sets the rules raise a handful, so that left-out figures are wide.
- A clonus clip of a few seconds is judged only while it lasts; its confidence is then lower.
- Simulated positives share the generator's habits in spite of the signs; hence the figures on the
  other engine and on the sealed generator.

## Make it again

`SPASMWATCH_TRACES=<folder> python models/training/train.py` rebuilds `model.json`, `figures.json`
and this card; `--check` only compares. Do it again whenever a threshold of `rules-v1` changes.
"""


def card(folder: Path) -> str:
    """Return the card of a trained model from the files beside it."""
    model = _read(folder / "model.json")
    figures = _read(folder / "figures.json")
    sealed = folder / "sealed.json"
    parts = [
        HEAD,
        _verdict(figures),
        _verdict_on_sealed(_read(sealed)) if sealed.exists() else "",
        DATA,
        _sources(model),
        _weights(model),
        _measured(figures),
        _sealed(_read(sealed), model) if sealed.exists() else _unsealed(),
        OSD,
        TAIL,
    ]
    return "\n".join(parts)


def _verdict(figures: Figures) -> str:
    """Return the verdict: use it only if it beats the rules on data it was not trained on."""
    real = list(figures["real"].values())
    before, after = (sum(_alarms(each[name]) for each in real) for name in (RULES, DATA_SET))
    drop = max(_engine_drops(figures["engines"]).values(), default=0.0)
    # Withdrawing names can only lower a count: what chance would do does not count as better.
    better = poisson(after)[1] < before and drop <= MOST_DROP
    counts = (
        f"On real data sets left out the rules raise {before} false clonus, spasm or tonic, the "
        f"refinement {after}; on a clonus engine left out it names {drop:.3f} less right than the "
        "rules at most (bar: 0.05)."
    )
    if better:
        return f"**Verdict.** {counts} That beats the rules by more than chance.\n"
    return (
        f"**Verdict.** {counts} That does not beat the rules by more than chance, so **`rules-v1` "
        f"stays the default**. {_confidence(figures['simulated'])}\n"
    )


def _verdict_on_sealed(sealed: Figures) -> str:
    """Return the cost of withdrawing names on the sealed generator."""
    kinds: dict[str, dict[str, list[int]]] = {}
    for lines in sealed["groups"].values():
        for name in (RULES, REFINED):
            for kind, hits in lines[name]["named"].items():
                total = kinds.setdefault(kind, {}).setdefault(name, [0, 0])
                total[0] += hits[0]
                total[1] += hits[1]
    lost = {kind: _value(each[RULES]) - _value(each[REFINED]) for kind, each in kinds.items()}
    said = ", ".join(
        f"{kind} {_value(each[RULES]):.3f} to {_value(each[REFINED]):.3f}"
        for kind, each in kinds.items()
    )
    failed = [kind for kind, drop in lost.items() if drop > MOST_DROP]
    verdict = (
        f"That **misses the bar of {MOST_DROP} for {', '.join(failed)}**: do not use it there."
        if failed
        else f"No kind loses more than {MOST_DROP}."
    )
    return (
        f"On the sealed generator, share named right, rules to refinement: {said}. {verdict} "
        f"{_confidence(sealed['groups'])}\n"
    )


def _confidence(simulated: Figures) -> str:
    """Return the calibration errors by group; one may improve while another gets worse."""
    said = [
        f"{lines[RULES]['ece']:.2f} to {lines[REFINED]['ece']:.2f} ({group})"
        for group, lines in simulated.items()
        if lines[RULES]["ece"] is not None and lines[REFINED]["ece"] is not None
    ]
    return f"Calibration error of the confidence, rules to refinement: {', '.join(said)}."


def _engine_drops(engines: Mapping[str, Mapping[str, Sequence[int]]]) -> dict[str, float]:
    return {
        engine: _value(by_model[RULES]) - _value(by_model[f"never saw {engine}"])
        for engine, by_model in engines.items()
    }


def _value(hits: Sequence[int]) -> float:
    return hits[0] / max(hits[1], 1)


def _alarms(line: Mapping[str, Any]) -> int:
    return sum(line["false"].get(kind, 0) for kind in ALARMS)


def _sources(model: Mapping[str, Any]) -> str:
    rows = [f"- `{name}`: {what}." for name, what in SETS.items()]
    rows += [
        "",
        LOOKED,
        "",
        "Bouts that the rules named, by data set (right + wrong):",
        "",
        _table(
            ["", *model["training"]["examples"]],
            [
                [group, *(_sides(kinds.get(group, {})) for kinds in _examples(model).values())]
                for group in sorted({g for kinds in _examples(model).values() for g in kinds})
            ],
        ),
    ]
    return "\n".join(rows)


def _examples(model: Mapping[str, Any]) -> dict[str, dict[str, dict[str, int]]]:
    examples: dict[str, dict[str, dict[str, int]]] = model["training"]["examples"]
    return examples


def _sides(counts: Mapping[str, int]) -> str:
    return f"{counts.get('right', 0)} + {counts.get('wrong', 0)}"


def _weights(model: Mapping[str, Any]) -> str:
    names = [
        name for name in FEATURES if any(name in k["features"] for k in model["kinds"].values())
    ]
    rows = [
        [name, *(_weight(k["features"].get(name)) for k in model["kinds"].values()), why]
        for name in names
        for why in [FEATURES[name].why]
    ]
    rows.append(["threshold", *(f"{k['threshold']:.3f}" for k in model["kinds"].values()), ""])
    return "\n## Weights\n\n" + _table(["", *model["kinds"], "why this sign"], rows) + "\n"


def _weight(entry: Mapping[str, Any] | None) -> str:
    return "" if entry is None else f"{entry['weight']:+.2f}" if entry["weight"] else "0"


def _measured(figures: Figures) -> str:
    engines = [
        [engine, name, _share(hits)]
        for engine, by_model in figures["engines"].items()
        for name, hits in by_model.items()
    ]
    drops = _engine_drops(figures["engines"])
    said = ", ".join(f"{engine} {drop:+.3f}" for engine, drop in drops.items())
    return "\n".join(
        [
            "## Figures",
            "",
            "In brackets 95 % intervals: Wilson's of shares, exact Poisson's of rates per 24 h.",
            "",
            "### Simulated, seeds not seen",
            "",
            _compared(figures["simulated"]),
            "",
            "### Simulated, an engine left out: share of clonus >= 1.2 s named right",
            "",
            "(Of a spasm that ends in clonus the clonus must be named.)",
            "",
            _table(["engine", "model", "named right"], engines),
            "",
            f"Drop against the rules where the engine was never seen: {said} (bar: 0.05).",
            "",
            "### Real, nothing of the data set or of the person seen",
            "",
            _compared(figures["real"]),
            "",
            "### Real, never trained on for their licences",
            "",
            "(`uea_epilepsy` holds mimicked seizures: alarms there are partly meant.)",
            "",
            _compared(figures["looked_at"]),
            "",
        ]
    )


def _sealed(sealed: Mapping[str, Any], model: Mapping[str, Any]) -> str:
    looks = "once" if sealed["looks"] == 1 else f"{sealed['looks']} times"
    stale = sealed["rules"] != model["training"]["rules_thresholds_sha256"]
    then = ", with thresholds of the rules that have changed since" if stale else ""
    return "\n".join(
        [
            f"### The sealed generator, looked at {looks}{then}",
            "",
            "Written by someone who saw neither the rules nor the generators above.",
            "",
            _compared(sealed["groups"]),
            "",
        ]
    )


def _unsealed() -> str:
    return "### The sealed generator\n\nNot looked at yet.\n"


def _compared(groups: Mapping[str, Mapping[str, Any]]) -> str:
    rows = []
    for group, by_detector in groups.items():
        for name, line in by_detector.items():
            named = "; ".join(f"{kind} {_share(hits)}" for kind, hits in line["named"].items())
            false = ", ".join(f"{k} {line['false'].get(k, 0)}" for k in ALARMS)
            rows.append(
                [
                    group,
                    name,
                    f"{line['hours']:.1f}",
                    named or "-",
                    f"{_rate(_alarms(line), line['hours'])} ({false})",
                    _rate(line["false"].get("twitch", 0), line["hours"]),
                    "-" if line["ece"] is None else f"{line['ece']:.2f} of {line['judged']}",
                ]
            )
    head = ["set", "model", "h", "named right", "false", "false twitches", "ECE"]
    return _table(head, rows)


def _share(hits: Sequence[int]) -> str:
    share = Share(hits[0], hits[1])
    if share.value is None or share.interval is None:
        return "-"
    low, high = share.interval
    return f"{share.value:.3f} ({low:.3f}-{high:.3f}) of {share.of}"


def _rate(count: int, hours: float) -> str:
    rate = Rate(count, hours)
    if rate.per_24h is None or rate.interval is None:
        return "-"
    low, high = rate.interval
    return f"{rate.per_24h:.1f} ({low:.1f}-{high:.1f})"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
