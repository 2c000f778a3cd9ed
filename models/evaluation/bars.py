"""The acceptance limits (bars) of the plan beside the measured figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cells import NONE, OURS, context, kind, lone, rate, rate_of, share, share_of, table
from sawing import FAST, SAWING, SLOW

Results = Mapping[str, Mapping[str, Any]]
COMMAND = "python models/evaluation/evaluate.py --only"
CLEAR_RATIO = 0.3
SHORTEST_S = 1.2


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: the limit, the data, the measured value, and the section with details."""

    asks: str
    on: str
    measured: str
    met: bool | None
    section: str


def bars_lines(results: Results) -> list[str]:
    """Return the table of all bars."""
    rows = []
    for bar in bars(results):
        word = NONE if bar.met is None else "yes" if bar.met else "**no**"
        rows.append((bar.asks, bar.on, bar.measured, word, f"`--only {bar.section}`"))
    return table(("bar", "on", "measured", "met", "command"), rows)


def bars(results: Results) -> list[Bar]:
    """Return every bar whose measurement exists."""
    makers = (
        _found, _buried, _nights, _day, _awake, _gait, _freezes, _tremors, _brushing, _mimicked,
        _seizures, _exactness, _generators,
    )  # fmt: skip
    return [bar for make in makers for bar in make(results)]


def _found(results: Results) -> Iterator[Bar]:
    asked = (
        ("clonus", 0.97, ("clonus/own-reflex", "clonus/own-pulse", "clonus/sealed")),
        ("spasm", 0.90, ("spasms/own", "spasms/sealed")),
        ("twitch", 0.80, ("spasms/own", "spasms/sealed")),
    )
    for name, least, measurements in asked:
        for measurement in measurements:
            if measurement not in results:
                continue
            found = kind(results[measurement], OURS, name)
            if found is not None:
                longer = " ≥ 1.2 s" if name == "clonus" else ""
                yield Bar(
                    f"{name}{longer} named right ≥ {100 * least:.0f} %",
                    WHERE[measurement],
                    f"{share(found['named'])}, {found['named']['of']} of them",
                    found["named"]["value"] >= least,
                    measurement.partition("/")[0],
                )


PLACES = {"walking": "walking", "beside": "beside it"}
WHERE = {
    "clonus/own-reflex": "simulated: own generator, reflex engine",
    "clonus/own-pulse": "simulated: own generator, pulse engine",
    "clonus/sealed": "simulated: sealed generator",
    "spasms/own": "simulated: own generator",
    "spasms/sealed": "simulated: sealed generator",
    "still-nights/own": "simulated: own generator",
    "still-nights/own-hard": "simulated: own generator, hard nights",
    "still-nights/torque": "simulated: forward dynamics",
    "still-nights/sealed": "simulated: sealed generator",
    "gait/daphnet-ankle": "real: Daphnet, ankle",
    "gait/daphnet-thigh": "real: Daphnet, thigh",
    "gait/daphnet-trunk": "real: Daphnet, trunk",
    "gait/stanford-ankle": "real: Stanford, ankles",
    "gait/stanford-wrist": "real: Stanford, wrists",
    "gait/skdh-trunk": "real: scikit-digital-health, lower back",
    "gait/mobgap-trunk": "real: Mobilise-D, lower back",
    "tremor/hand": "real: CloudUPDRS, phone in the hand",
    "tremor/leg": "real: CloudUPDRS, phone on the thigh",
}


def _buried(results: Results) -> Iterator[Bar]:
    for engine in ("reflex", "pulse"):
        found = results.get(f"buried/{engine}")
        if found is None:
            continue
        for where in ("walking", "beside"):
            clear = [
                cell
                for cell in found["cells"]
                if cell["where"] == where
                and cell["ratio"] < CLEAR_RATIO
                and cell["seconds"] >= SHORTEST_S
            ]
            hits, of = sum(c["hits"][OURS] for c in clear), sum(c["of"] for c in clear)
            if not of:
                continue
            yield Bar(
                "clonus ≥ 1.2 s named right ≥ 97 %, background < 0.3",
                f"simulated ({engine} engine) in real leg recordings, {PLACES[where]}",
                share(share_of(hits, of)) + f", {of} of them",
                hits / of >= 0.97,
                "buried",
            )


def _nights(results: Results) -> Iterator[Bar]:
    for name in (each for each in WHERE if each.startswith("still-nights/")):
        found = results.get(name)
        if found is None:
            continue
        ours, where = found["scores"][OURS], f"{WHERE[name]}, {found['hours']:.0f} h"
        yield Bar(
            "≤ 2 false clonus, spasm, tonic in 24 h of spasm-free nights",
            where,
            rate(ours["false"]),
            ours["false"]["per_24h"] <= 2,
            "still-nights",
        )
        yield Bar(
            "≤ 20 false twitches in 24 h there",
            where,
            rate(ours["false_twitches"]),
            ours["false_twitches"]["per_24h"] <= 20,
            "still-nights",
        )
        yield Bar(
            "0 waking there, by the usual rules",
            where,
            f"{rate(rate_of(found['alerts'], found['hours']))}, {found['alerts']} in all",
            found["alerts"] == 0,
            "still-nights",
        )


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


def _exactness(results: Results) -> Iterator[Bar]:
    asked = (
        ("clonus", "latency_s", "first word of a clonus", 1.5, "s"),
        ("spasm", "latency_s", "first word of a spasm", 0.7, "s"),
        ("clonus", "onset_error_s", "onset error of a clonus", 0.3, "s"),
        ("spasm", "onset_error_s", "onset error of a spasm", 0.05, "s"),
        ("clonus", "rhythm_error_hz", "rhythm error", 0.2, "Hz"),
    )
    for name, field, title, most, unit in asked:
        parts = ("own-reflex", "own-pulse", "sealed") if name == "clonus" else ("own", "sealed")
        section = "clonus" if name == "clonus" else "spasms"
        for part in parts:
            found = results.get(f"{section}/{part}")
            figures = found and kind(found, OURS, name)
            if figures and figures[field]["p90"] is not None:
                p90 = figures[field]["p90"]
                yield Bar(
                    f"{title} ≤ {most:g} {unit} (p90)",
                    WHERE[f"{section}/{part}"],
                    f"{p90:.2f} {unit}, {figures[field]['n']} of them",
                    p90 <= most,
                    section,
                )


def _generators(results: Results) -> Iterator[Bar]:
    names = ("clonus/own-reflex", "clonus/own-pulse", "clonus/sealed")
    found = {
        name: figures["named"]["value"]
        for name in names
        if name in results and (figures := kind(results[name], OURS, "clonus"))
    }
    for one, other in ((names[0], names[1]), (names[1], names[0])):
        if one in found and other in found:
            drop = found[one] - found[other]
            yield Bar(
                "clonus on another generator drops by ≤ 0.05",
                f"{_short(one)} to {_short(other)}",
                f"{drop:+.3f}",
                drop <= 0.05,
                "clonus",
            )
    if names[2] in found and len(found) > 1:
        drop = max(found[name] for name in names[:2] if name in found) - found[names[2]]
        yield Bar(
            "clonus on another generator drops by ≤ 0.05",
            "better own engine to sealed",
            f"{drop:+.3f}",
            drop <= 0.05,
            "clonus",
        )


def _short(name: str) -> str:
    return name.partition("/")[2].replace("-", " ")
