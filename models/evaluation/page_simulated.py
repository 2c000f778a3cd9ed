"""The page's sections on simulated movement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cells import (
    NONE,
    OURS,
    PEERS,
    contexts_lines,
    false_lines,
    folded,
    hours,
    kind,
    seen,
    share,
    share_of,
    spread,
    table,
    whole_tables,
    woken_line,
)

Results = Mapping[str, Mapping[str, Any]]
Lines = list[str]

GENERATORS = {
    "own-reflex": "own, reflex engine",
    "own-pulse": "own, pulse engine",
    "own": "own",
    "own-hard": "own, hard nights",
    "own-severe": "own, severe nights",
    "torque": "forward dynamics",
    "torque-severe": "forward dynamics, severe nights",
    "sealed": "sealed",
    "sealed-hard": "sealed, hard nights",
    "sealed-severe": "sealed, severe nights",
    "sealed-tonic": "sealed, tonic pulls",
}


def clonus_lines(results: Results) -> Lines:
    """Return bouts of clonus by generator."""
    names = ("clonus/own-reflex", "clonus/own-pulse", "clonus/sealed")
    return [
        *_found_lines(results, names),
        *_exactness_lines(results, names),
    ]


def mixed_lines(results: Results) -> Lines:
    """Return spasms that end in clonus."""
    names = ("mixed/own-reflex", "mixed/own-pulse", "mixed/sealed")
    return [
        *_found_lines(results, names),
        *_exactness_lines(results, names),
    ]


def spasms_lines(results: Results) -> Lines:
    """Return spasms, twitches and tonic pulls."""
    names = ("spasms/own", "spasms/sealed", "spasms/sealed-tonic")
    return [
        *_found_lines(results, names),
        *_exactness_lines(results, names),
    ]


def _found_lines(results: Results, names: tuple[str, ...]) -> Lines:
    rows = []
    for name in names:
        result = results.get(name)
        if result is None:
            continue
        scores = result["scores"]
        where = GENERATORS[name.partition("/")[2]]
        each = [(figures["kind"], "kinds", figures) for figures in scores[OURS]["kinds"]]
        if scores[OURS]["short_clonus"]:
            each.append(("clonus < 1.2 s", "short_clonus", scores[OURS]["short_clonus"]))
        for what, part, figures in each:
            others = [
                scores[peer]["short_clonus"] if part == "short_clonus" else kind(result, peer, what)
                for peer in PEERS
            ]
            rows.append(
                (
                    f"{where}: {what}",
                    hours(result["hours"]),
                    str(figures["named"]["of"]),
                    share(figures["named"]),
                    share(figures["seen"]),
                    *(share(other["seen"]) if other else NONE for other in others),
                )
            )
    return table(("simulated", "recorded", "of", "named right", "seen", *seen(PEERS)), rows)


def _exactness_lines(results: Results, names: tuple[str, ...]) -> Lines:
    rows = []
    fields = ("latency_s", "onset_error_s", "offset_error_s", "rhythm_error_hz")
    for name in names:
        result = results.get(name)
        if result is None:
            continue
        for who in (OURS, *PEERS):
            for figures in result["scores"][who]["kinds"]:
                if figures["kind"] in {"clonus", "spasm", "twitch", "tonic"} and any(
                    figures[field]["n"] for field in fields
                ):
                    where = GENERATORS[name.partition("/")[2]]
                    title = f"{where}: {figures['kind']}, {who}"
                    rows.append((title, *(spread(figures[field]) for field in fields)))
    head = ("p50 / p90", "first word, s", "onset error, s", "offset error, s", "rhythm error, Hz")
    return [
        "How soon (from the true onset, in packets of 0.2 s as live) and how exactly:",
        *table(head, rows),
    ]


def sites_lines(results: Results) -> Lines:
    """Return the same by place on the leg."""
    rows = []
    for name, result in results.items():
        if name.startswith("sites/"):
            generator, site, _ = name.partition("/")[2].split("-")
            for figures in result["scores"][OURS]["kinds"]:
                others = [kind(result, peer, figures["kind"]) for peer in PEERS]
                rows.append(
                    (
                        f"{site}, {generator}: {figures['kind']}",
                        hours(result["hours"]),
                        str(figures["named"]["of"]),
                        share(figures["named"]),
                        *(share(other["seen"]) if other else NONE for other in others),
                    )
                )
    return [
        *table(("simulated", "recorded", "of", "named right", *seen(PEERS)), sorted(rows)),
    ]


def still_nights_lines(results: Results) -> Lines:
    """Return false alarms of nights without a spasm."""
    found = {g: results[f"still-nights/{g}"] for g in GENERATORS if f"still-nights/{g}" in results}
    lines = [
        *false_lines({GENERATORS[g]: result for g, result in found.items()}),
        *(woken_line(GENERATORS[g], result) for g, result in found.items()),
        "",
    ]
    for generator, result in found.items():
        lines += contexts_lines(result, f"{GENERATORS[generator]}: under")
        lines += folded(
            f"{GENERATORS[generator]}: every table of `spasmwatch evaluate`", whole_tables(result)
        )
    return lines


def nights_lines(results: Results) -> Lines:
    """Return nights with spasms, and the calibration of their confidence."""
    names = tuple(f"nights/{g}" for g in GENERATORS)
    found = {g: results[f"nights/{g}"] for g in GENERATORS if f"nights/{g}" in results}
    lines = [
        *_found_lines(results, names),
        *false_lines({GENERATORS[g]: result for g, result in found.items()}),
    ]
    for generator, result in found.items():
        calibration = result["scores"][OURS]["calibration"]
        if calibration:
            lines += [
                (
                    f"Confidence of likely spasms, {GENERATORS[generator]}: expected calibration "
                    f"error {calibration['ece']:.3f} over {calibration['n']} events."
                ),
                *table(
                    ("said", "events", "mean said", "right"),
                    [
                        (
                            f"{each['low']:.1f}-{each['high']:.1f}",
                            str(each["right"]["of"]),
                            f"{each['mean_confidence']:.2f}",
                            share(each["right"]),
                        )
                        for each in calibration["bins"]
                    ],
                ),
            ]
        lines += folded(
            f"{GENERATORS[generator]}: every table of `spasmwatch evaluate`", whole_tables(result)
        )
    return lines


def alarms_lines(results: Results) -> Lines:
    """Return alarms by what rules ask of the context."""
    rows = []
    for generator, kind_of_night in (
        ("own-severe", "own, severe nights"),
        ("torque-severe", "forward dynamics, severe nights"),
        ("own-hard", "own, hard nights without a spasm"),
        ("torque", "forward dynamics, without a spasm"),
    ):
        result = results.get(f"alarms/{generator}")
        for clause, found in result["alarms"].items() if result else ():
            by_default = " (default)" if clause == "unless up" else ""
            rows.append(
                (
                    f"{kind_of_night}: {clause}{by_default}",
                    hours(result["hours"]) if result else NONE,
                    str(found["true"]),
                    str(found["false"]),
                    str(found["lost"]),
                    f"{found['late_s']:.0f} s",
                    str(found["unwoken"]),
                )
            )
    head = ("rules ask", "recorded", "true", "false", "true ones lost", "later", "say so")
    return [*table(head, rows)]


def alike_lines(results: Results) -> Lines:
    """Return movements that resemble spasms, and how often they are taken for one."""
    rows = []
    for name, result in sorted(results.items()):
        if not name.startswith("alike/"):
            continue
        generator, _, scenario = name.partition("/")[2].partition("-")
        for figures in result["scores"][OURS]["kinds"]:
            others = [kind(result, peer, figures["kind"]) for peer in PEERS]
            rows.append(
                (
                    f"{scenario} ({generator}): {figures['kind']}",
                    hours(result["hours"]),
                    share(figures["named"]),
                    share(figures["seen"]),
                    *(share(other["seen"]) if other else NONE for other in others),
                )
            )
    return [
        *table(("movement", "recorded", "named right", "taken for a spasm", *PEERS), rows),
    ]


def buried_lines(results: Results) -> Lines:
    """Return sensitivity over background and length, drawn and in figures."""
    rows, drawn, left_out = [], [], 0
    for where, place in PLACES.items():
        for name in ("reflex", "pulse", "chance"):
            result = results.get(f"buried/{name}")
            cells = [c for c in result["cells"] if c["where"] == where] if result else []
            if name != "chance":
                drawn += _drawn(f"{place}, {name} engine", cells)
            for cell in cells:
                put = "nothing put in" if cell["ratio"] is None else f"background {cell['ratio']:g}"
                title = f"{place}: {put}, {name}, {cell['seconds']:g} s"
                title = title.replace(", chance", "")
                ours, of = cell["hits"][OURS], cell["of"]
                others = (share(share_of(cell["hits"][peer], of)) for peer in PEERS)
                rhythmic = share(share_of(cell["rhythmic"], of))
                rows.append((title, str(of), share(share_of(ours, of)), rhythmic, *others))
    left_out = sum(result.get("left_out", 0) for result in results.values())
    return [
        "```text",
        *drawn,
        "```",
        "",
        (
            f"In {left_out} places no size of a limb's clonus gave the ratio, and none was put "
            "there. Clonus within larger movement is lost by design: that is where the curve falls."
        ),
        "",
        *folded(
            "All cells, with the peers",
            table(("", "of", "called clonus", "clonus or tremor", *PEERS), rows),
        ),
    ]


PLACES = {"walking": "in walking", "beside": "beside it"}


def _drawn(title: str, cells: list[dict[str, Any]]) -> Lines:
    """Return bars of the share called clonus, and dotted of that called tremor, one a cell."""
    lines = [f"{title}: share called clonus (░ tremor), by background over clonus"]
    for lasting_s in sorted({cell["seconds"] for cell in cells}):
        lines.append(f"  clonus of {lasting_s:g} s")
        for cell in (c for c in cells if c["seconds"] == lasting_s and c["of"]):
            named, rhythmic = (hits / cell["of"] for hits in (cell["hits"][OURS], cell["rhythmic"]))
            bar = "█" * round(40 * named)
            bar += "░" * max(round(40 * rhythmic) - len(bar), 0)
            lines.append(f"    {cell['ratio']:5.2f} {bar:40} {100 * named:3.0f} % of {cell['of']}")
    return [*lines, ""]
