"""The page's section on the checks of the rules: what each costs, and what it saves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cells import NONE, hours, table

Results = Mapping[str, Mapping[str, Any]]
Lines = list[str]

HEADER = (
    "without", "found", "false", "false twitches", "in people", "rules alone: found", "false",
    "in people", "events that change",
)  # fmt: skip
COLUMNS = {"learned": ("hits", "false", "false_twitches"), "rules": ("hits", "false")}
"""What is counted in nights, with learned opinions and by the rules alone."""


def ablation_lines(results: Results) -> Lines:
    """Return what changes without each check, summed over all that was measured."""
    found = {n: r for n, r in results.items() if n.startswith("ablation/")}
    if not found:
        return ["(not measured)"]
    nights = [result for name, result in found.items() if name != "ablation/people"]
    people = [result for name, result in found.items() if name == "ablation/people"]
    names = list(next(iter(found.values()))["checks"])
    rows_of, idle = [], []
    for name in names:
        parts = [result["checks"][name] for result in found.values()]
        changed = {by: _changed(parts, by) for by in ("learned", "rules")}
        if changed == {"learned": 0, "rules": 0}:
            idle.append(f"`{name}`")
            continue
        row = [f"`{name}`"]
        for by, keys in (
            ("learned", ("hits", "false", "false_twitches")),
            ("rules", ("hits", "false")),
        ):
            row += [_more(nights, name, by, key) for key in keys]
            row.append(_more(people, name, by, "false"))
        known = [NONE if count is None else str(count) for count in changed.values()]
        rows_of.append((*row, ", ".join(known)))
    night_h = sum(each["hours"] for each in nights)
    learned, rules = (_base(nights, by) for by in COLUMNS)
    found_all = (
        f"Of {learned['truths']} spasms in {hours(night_h)} of nights {learned['hits']} are found, "
        f"with {learned['false']} false ones; by the rules alone {rules['hits']}, with "
        f"{rules['false']}."
    )
    said = f"Without these no event changes: {', '.join(idle)}." if idle else "Each changes events."
    return [found_all, *table(HEADER, rows_of), said, ""]


def _base(found: list[Mapping[str, Any]], by: str) -> dict[str, int]:
    return {key: sum(each[by][key] for each in found) for key in ("truths", "hits", "false")}


def _changed(parts: list[Mapping[str, Any]], by: str) -> int | None:
    """Return how many events change, None where the rules cannot do without it."""
    return sum(part[by]["changed"] for part in parts) if all(by in part for part in parts) else None


def _more(found: list[Mapping[str, Any]], name: str, by: str, key: str) -> str:
    """Return how many more there are without a check: +3, -1 or 0."""
    if not found or not all(by in each["checks"][name] for each in found):
        return NONE
    more = sum(each["checks"][name][by][key] - each[by][key] for each in found)
    return f"{more:+d}" if more else "0"
