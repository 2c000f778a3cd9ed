"""The acceptance limits (bars) of the plan beside the measured figures."""

from __future__ import annotations

from collections.abc import Iterator

from bar import WHERE, Bar, Results
from bars_people import PEOPLE
from bars_words import WORDS
from cells import NONE, OURS, kind, rate, rate_of, share, share_of, table
from page_counts import GROUPS
from page_personal import halved

COMMAND = "python models/evaluation/evaluate.py --only"
CLEAR_RATIO = 0.3
SHORTEST_S = 1.2


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
        _found, _buried, _nights, _counts, _personal, *PEOPLE, _exactness, _generators, *WORDS,
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


NEAR = "a night's likely spasms counted within 25 %, or by one, on 90 % of nights"
HELD = "the interval holds a night's true count of {} on 85 % of nights"


def _counts(results: Results) -> Iterator[Bar]:
    for name in (each for each in WHERE if each.startswith("counts/")):
        found = results.get(name)
        if found is None:
            continue
        asked = [("likely", NEAR, "near", 0.90)]
        asked += [(group, HELD.format(GROUPS[group]), "covered", 0.85) for group in GROUPS]
        for group, asks, part, least in asked:
            counted = found["counted"].get(group)
            if counted is not None:
                of = len(counted["nights"])
                yield Bar(
                    asks,
                    f"{WHERE[name]}, {of} nights",
                    share(share_of(counted[part], of)),
                    counted[part] / of >= least,
                    "counts",
                )


def _personal(results: Results) -> Iterator[Bar]:
    for name in (each for each in WHERE if each.startswith("personal/")):
        found = results.get(name)
        if found is not None:
            measured, met = halved(found)
            yield Bar(
                "a wearer's labels of 3 nights halve false alarms, at ≤ 2 points of sensitivity",
                f"{WHERE[name]}, {len(found['wearers'])} wearers",
                measured,
                met,
                "personal",
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
