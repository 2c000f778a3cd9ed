"""The hazards of `docs/hazards.toml`, and what is wrong with an entry."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from detector.alerts.conditions import Condition
from detector.alerts.urgency import TECHNICAL

from .measured import ROOT

FILE = ROOT / "docs" / "hazards.toml"

PRIORITIES = ("high", "medium", "low", "information")

STATUSES = ("announced", "in part", "open", "not applicable")
"""What an entry may be; a hazard of which nobody is told is a defect, not a status."""

NEEDS_REASON = ("in part", "open", "not applicable")
NEEDS_PROOF = ("announced", "in part")


@dataclass(frozen=True, slots=True)
class Hazard:
    """One way in which a night can fail, and what is done about it."""

    id: str
    failure: str
    effect: str
    status: str
    control: str = ""
    test: tuple[str, ...] = ()
    figure: str = ""
    reason: str = ""
    priority: str = ""
    alert: tuple[str, ...] = ()


def read_hazards(text: str) -> list[Hazard]:
    """Return the entries of the file; a key that is not known is an error."""
    entries = tomllib.loads(text)["hazard"]
    lists = ("test", "alert")
    return [
        Hazard(**each | {name: tuple(each.get(name, ())) for name in lists}) for each in entries
    ]


def problems(hazards: Sequence[Hazard], root: Path = ROOT) -> Iterator[str]:
    """Return in a sentence each what an entry lacks, or names that does not exist."""
    ids = [hazard.id for hazard in hazards]
    yield from (f"{each}: twice" for each in sorted(set(ids)) if ids.count(each) > 1)
    yield from (f"H{n:02}: missing" for n in range(1, 49) if f"H{n:02}" not in ids)
    for hazard in hazards:
        yield from (f"{hazard.id}: {why}" for why in _wrong_with(hazard, root))


def _wrong_with(hazard: Hazard, root: Path) -> Iterator[str]:
    if hazard.status not in STATUSES:
        yield f"status {hazard.status!r} is none of {', '.join(STATUSES)}"
    for name in ("failure", "effect"):
        if not getattr(hazard, name).strip():
            yield f"no {name}"
    if hazard.status in NEEDS_REASON and not hazard.reason.strip():
        yield f"{hazard.status} without a reason"
    if hazard.status in NEEDS_PROOF:
        for name in ("control", "test", "figure"):
            if not getattr(hazard, name):
                yield f"{hazard.status} without a {name}"
    if hazard.control and not (root / hazard.control).is_file():
        yield f"control {hazard.control} does not exist"
    known = [str(TECHNICAL[each]) for each in Condition if each in hazard.alert]
    if len(known) != len(hazard.alert):
        yield f"alerts {', '.join(hazard.alert)}: one of them does not exist, or is there twice"
    elif hazard.priority != min(known, key=PRIORITIES.index, default=""):
        yield f"priority {hazard.priority!r} is not the highest of its alerts"
    for test in hazard.test:
        if not exists(test, root):
            yield f"test {test} does not exist"


def exists(test: str, root: Path = ROOT) -> bool:
    """Return whether a pytest node id or `python -m MODULE ...` names what is there."""
    if test.startswith("python -m "):
        place = root / test.split()[2].replace(".", "/")
        return place.with_suffix(".py").is_file() or (place / "__main__.py").is_file()
    path, _, name = test.partition("::")
    return (root / path).is_file() and name.split("[")[0] in _tests_of(root / path)


@cache
def _tests_of(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in tree.body if isinstance(node, functions))
