"""The page's sections on recordings of people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cells import (
    NONE,
    OURS,
    PEERS,
    context,
    contexts_lines,
    counted,
    false_lines,
    folded,
    hours,
    rate,
    rate_of,
    share,
    share_of,
    table,
    whole_tables,
    woken_line,
)
from sawing import FAST, SLOW
from seizures import WHO

Results = Mapping[str, Mapping[str, Any]]
Lines = list[str]

SETS = {
    "gait/daphnet-ankle": "Daphnet, ankle",
    "gait/daphnet-thigh": "Daphnet, thigh",
    "gait/daphnet-trunk": "Daphnet, trunk",
    "gait/stanford-ankle": "Stanford, ankles",
    "gait/stanford-wrist": "Stanford, wrists",
    "gait/skdh-trunk": "scikit-digital-health, lower back",
    "gait/mobgap-trunk": "Mobilise-D, lower back",
    "hand/hmp": "HMP without brushing, wrist",
    "hand/brushing": "HMP brushing, wrist",
    "hand/uji": "UJI stand up and walk, wrist",
    "hand/seglearn": "Seglearn shoulder exercises, wrist",
    "hand/day": "ActiGraph day, wrist",
    "hand/paradigma": "ParaDigMa, wrist",
    "tremor/hand": "CloudUPDRS, phone in the hand",
    "tremor/leg": "CloudUPDRS, phone on the thigh",
}


def gait_lines(results: Results) -> Lines:
    """Return false alarms in the walking of people with Parkinson's."""
    return [
        *false_lines(_sets("gait", results)),
        *_subjects("gait", results),
    ]


def hand_lines(results: Results) -> Lines:
    """Return false alarms in everyday acts."""
    found = _sets("hand", results)
    lines = [
        *false_lines(found),
        *_subjects("hand", results),
    ]
    if "hand/day" in results:
        lines += [woken_line(SETS["hand/day"], results["hand/day"]), ""]
    for name in ("hand/hmp", "hand/brushing"):
        if name in results:
            lines += folded(
                f"{SETS[name]}, act by act (peers: clips with an alarm / false alarms)",
                contexts_lines(results[name], "act"),
            )
    for name in ("hand/uji", "hand/seglearn", "hand/paradigma"):
        if name in results:
            lines += folded(f"{SETS[name]}: every table", whole_tables(results[name]))
    return lines


def tremor_lines(results: Results) -> Lines:
    """Return what the tasks of people with tremor are called."""
    rows = []
    for title, result in _sets("tremor", results).items():
        for label, count in result["sure_clonus"].items():
            own = context(result, OURS, label)
            if own is not None:
                held = ", ".join(f"{name} {number}" for name, number in own["by_kind"].items())
                rows.append(
                    (
                        f"{title}: {label.replace('_', ' ')}",
                        str(count["recordings"]),
                        str(count["clonus"]),
                        str(count["sure"]),
                        held or NONE,
                    )
                )
    head = ("", "recordings", "with a clonus", "with a sure one", "with events of these kinds")
    return [
        *table(head, rows),
        *_subjects("tremor", results),
    ]


def freezes_lines(results: Results) -> Lines:
    """Return what freezes that tremble are called, and those that do not."""
    rows = []
    for site in ("ankle", "thigh", "trunk"):
        result = results.get(f"freezes/{site}")
        for label in ("freeze, trembling", "freeze, not trembling", "no_freeze"):
            own = context(result, OURS, label) if result else None
            if result is None or own is None:
                continue
            others = [context(result, peer, label) for peer in PEERS]
            rows.append(
                (
                    f"{site}: {label.replace('_', ' ')}",
                    f"{60 * own['hours']:.1f} min",
                    str(own["rhythmic"]["of"]),
                    share(own["rhythmic"]),
                    share(own["flagged"]),
                    *(share(other["rhythmic"]) if other else NONE for other in others),
                )
            )
    return [
        *table(
            ("Daphnet", "lasting", "stretches", "rhythmic", "alarm", *PEERS),
            rows,
        ),
    ]


def mimicked_lines(results: Results) -> Lines:
    """Return how often clips are flagged."""
    result = results.get("mimicked/uea")
    if result is None:
        return []
    rows = []
    for label in ("EPILEPSY", "WALKING", "RUNNING", FAST, SLOW):
        own = context(result, OURS, label)
        if own is None:
            continue
        others = [context(result, peer, label) for peer in PEERS]
        rows.append(
            (
                "mimicked seizure" if label == "EPILEPSY" else _lower(label),
                str(own["flagged"]["of"]),
                share(own["flagged"]),
                share(own["rhythmic"]),
                *(share(other["flagged"]) if other else NONE for other in others),
            )
        )
    return [
        *table(("UEA", "clips", "alarm", "clonus or tremor", *PEERS), rows),
    ]


def _lower(label: str) -> str:
    first, comma, rest = label.partition(",")
    return f"{first.lower()}{comma}{rest}"


def seizures_lines(results: Results) -> Lines:
    """Return the comparison with OpenSeizureDetector that the licence of its database requires."""
    result = results.get("seizures/osd")
    if result is None:
        return []
    rows, quiet_h = [], result["hours_without_seizure"]
    for who, title in WHO.items():
        each = result["who"][who]
        found, false = share_of(each["found"], each["of"]), rate_of(each["false"], quiet_h)
        rows.append((title, counted(found), share(found), str(each["false"]), rate(false)))
    segments, seizures = result["segments"], result["seizures"]
    beside = hours(quiet_h)
    return [
        (
            f"{segments} segments, {hours(result['hours'])}, {beside} of them beside any seizure; "
            f"{seizures} tonic-clonic seizures with labels."
        ),
        *table(("", "seizures found", "share", "false alarms", "in 24 h of such data"), rows),
    ]


def _sets(section: str, results: Results) -> dict[str, Mapping[str, Any]]:
    return {
        title: results[name]
        for name, title in SETS.items()
        if name.startswith(f"{section}/") and name in results
    }


def _subjects(section: str, results: Results) -> Lines:
    each = [
        f"{title} {found['subjects']} people, {found['recordings']} recordings"
        for title, found in _sets(section, results).items()
    ]
    return ["; ".join(each) + "."]
