"""The bars on recordings of people."""

from __future__ import annotations

from collections.abc import Iterator

from bar import WHERE, Bar, Results
from cells import OURS, context, lone, rate, rate_of, share
from sawing import FAST, SAWING, SLOW


def _day(results: Results) -> Iterator[Bar]:
    found = results.get("hand/day")
    if found is None:
        return
    ours, where = found["scores"][OURS], f"real: ActiGraph day, wrist, {found['hours']:.1f} h"
    yield Bar(
        "≤ 10 logged in 24 h of day wear",
        where,
        rate(ours["false"]),
        ours["false"]["per_24h"] <= 10,
        "hand",
    )
    woken = rate_of(found["alerts"], found["hours"])
    yield Bar("≤ 1 waking in 24 h of it", where, rate(woken), woken["per_24h"] <= 1, "hand")


def _awake(results: Results) -> Iterator[Bar]:
    found = results.get("hand/paradigma")
    if found is None:
        return
    false, where = found["scores"][OURS]["false"], f"real: ParaDigMa, wrist, {found['hours']:.2f} h"
    low, high = (each / 24 for each in false["interval"])
    per_h = false["count"] / found["hours"]
    yield Bar(
        "≤ 2 likely spasms (clonus, spasm, tonic) in an hour awake",
        where,
        f"{per_h:.1f} ({low:.1f}-{high:.1f}), {false['count']} in all",
        per_h <= 2,
        "hand",
    )
    series = lone(found, "plm")
    yield Bar("no periodic movements there", where, f"{series} called so", series == 0, "hand")


def _gait(results: Results) -> Iterator[Bar]:
    for name in (each for each in WHERE if each.startswith("gait/")):
        found = results.get(name)
        if found is not None:
            by_kind = found["scores"][OURS]["false_by_kind"]
            clonus, tonic = (by_kind[each]["count"] for each in ("clonus", "tonic"))
            yield Bar(
                "0 clonus, 0 tonic in gait",
                f"{WHERE[name]}, {found['hours']:.2f} h",
                f"{clonus} and {tonic}; both in 24 h "
                f"{rate(rate_of(clonus + tonic, found['hours']))}",
                clonus + tonic == 0,
                "gait",
            )


def _freezes(results: Results) -> Iterator[Bar]:
    for site in ("ankle", "thigh", "trunk"):
        found = results.get(f"freezes/{site}")
        trembling = context(found, OURS, "freeze, trembling") if found else None
        if trembling and trembling["rhythmic"]["of"]:
            yield Bar(
                "freezes that tremble are called rhythmic, all of them",
                f"real: Daphnet, {site}, {trembling['rhythmic']['of']} of them",
                share(trembling["rhythmic"]),
                trembling["rhythmic"]["hits"] == trembling["rhythmic"]["of"],
                "freezes",
            )


TREMOR_TASKS = ("rest_tremor", "postural_tremor", "kinetic_tremor")


def _tremors(results: Results) -> Iterator[Bar]:
    for name in ("tremor/hand", "tremor/leg"):
        found = results.get(name)
        if found is None:
            continue
        tasks = [
            count for label, count in found["sure_clonus"].items() if label.startswith(TREMOR_TASKS)
        ]
        clonus, sure, of = (
            sum(count[part] for count in tasks) for part in ("clonus", "sure", "recordings")
        )
        if of:
            yield Bar(
                "no sure clonus in rest, postural and kinetic tremor",
                f"{WHERE[name]}, {of} recordings",
                f"in {sure}; a clonus of any confidence in {clonus}",
                sure == 0,
                "tremor",
            )


NO_BRUSHING = ("clonus", "spasm", "tonic", "twitch", "tremor")


def _brushing(results: Results) -> Iterator[Bar]:
    found = results.get("hand/brushing")
    clips = found and context(found, OURS, "brush_teeth")
    if clips:
        others = sum(clips["by_kind"].get(each, 0) for each in NO_BRUSHING)
        held = ", ".join(f"{name} in {count}" for name, count in clips["by_kind"].items())
        yield Bar(
            "tooth brushing is movement: no clip with a likely spasm, a twitch or a tremor",
            f"real: HMP, wrist, {clips['flagged']['of']} clips",
            held,
            others == 0,
            "hand",
        )


def _mimicked(results: Results) -> Iterator[Bar]:
    found = results.get("mimicked/uea")
    if found is None:
        return
    mimicked = context(found, OURS, "EPILEPSY")
    if mimicked:
        yield Bar(
            "mimicked seizures called clonus or tremor ≥ 85 %",
            f"real: UEA, wrist, {mimicked['rhythmic']['of']} clips",
            share(mimicked["rhythmic"]),
            mimicked["rhythmic"]["value"] >= 0.85,
            "mimicked",
        )
    for label in ("WALKING", "RUNNING"):
        clips = context(found, OURS, label)
        if clips:
            hits = {part: clips[part]["hits"] for part in ("rhythmic", "flagged")}
            yield Bar(
                f"{label.lower()} is neither clonus nor tremor, and no alarm: 0 clips",
                f"real: UEA, wrist, {clips['flagged']['of']} clips",
                f"clonus or tremor in {hits['rhythmic']}, an alarm in {hits['flagged']}",
                not any(hits.values()),
                "mimicked",
            )
    for label in (FAST, SLOW):
        clips = context(found, OURS, label)
        if clips:
            yield Bar(
                f"sawing{label.removeprefix(SAWING)}: how often it is called clonus or tremor",
                f"real: UEA, wrist, {clips['rhythmic']['of']} clips",
                share(clips["rhythmic"]),
                None,
                "mimicked",
            )


def _seizures(results: Results) -> Iterator[Bar]:
    found = results.get("seizures/osd")
    if found is None:
        return
    ours, rule = found["who"]["ours"], found["who"]["OSD alarm"]
    yield Bar(
        "more tonic-clonic seizures than OpenSeizureDetector's rule, no more false alarms",
        f"real: OSDB, wrist, {found['seizures']} seizures, "
        f"{found['hours_without_seizure']:.2f} h beside them",
        f"{ours['found']} against {rule['found']} found; {ours['false']} against "
        f"{rule['false']} false",
        ours["found"] > rule["found"] and ours["false"] <= rule["false"],
        "seizures",
    )


PEOPLE = (_day, _awake, _gait, _freezes, _tremors, _brushing, _mimicked, _seizures)
