"""Writes the trained opinions as the file that the product reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from examples import RULES, Examples
from fitting import Answer
from questions import ASKED
from recordings import Plan

from detector.recognition.rules.features import FEATURES
from detector.recognition.rules.opinions import SCHEMA, Question

NAME = "learned-v1"
MODELS = Path(__file__).parents[1]


def rules_digest() -> str:
    """Return the digest of the rules' thresholds; if it changes, training must be repeated.

    Only the values count, so that a reworded reason does not require training.
    """
    data = json.loads((MODELS / RULES / "model.json").read_text(encoding="utf-8"))
    bare = {
        f"{group}.{key}": [
            entry["value"],
            {site: own["value"] for site, own in entry.get("sites", {}).items()},
        ]
        for group, entries in data["thresholds"].items()
        for key, entry in entries.items()
    }
    return sha256(json.dumps(bare, sort_keys=True).encode()).hexdigest()


def as_data(
    name: str,
    answers: Mapping[Question, Answer],
    *,
    examples: Examples,
    calibration: Examples,
    plans: Mapping[str, Plan],
    digest: str,
) -> dict[str, Any]:
    """Return the model file's content; the same training gives the same.

    `digest` is that of the rules used, computed before training.
    """
    return {
        "schema": SCHEMA,
        "name": name,
        "kind": "opinions",
        "rules": RULES,
        "features": list(FEATURES),
        "opinions": {question.value: _answer(answer) for question, answer in answers.items()},
        "training": {
            "command": "python models/training/train.py",
            "rules_thresholds_sha256": digest,
            "plans": {each: asdict(plan) for each, plan in plans.items()},
            "not_looked_at": {q.value: list(ASKED[q].left_out) for q in answers},
            "examples": counts(examples),
            "calibration": counts(calibration),
        },
    }


def _answer(answer: Answer) -> dict[str, Any]:
    opinion = answer.opinion
    return {
        "calibration": {"slope": opinion.slope, "offset": opinion.offset},
        "give": opinion.give,
        "leave": opinion.leave,
        "typical": [None if np.isnan(value) else float(value) for value in opinion.typical],
        "trees": answer.trees,
    }


def counts(examples: Examples) -> dict[str, dict[str, dict[str, int]]]:
    """Return the numbers of bouts by question and group, right and wrong."""
    table: dict[str, dict[str, dict[str, int]]] = {}
    for question, how in ASKED.items():
        rows = how.rows(examples) & ~how.skip(examples)
        right = how.right(examples)
        for group in sorted(set(examples.group[rows])):
            mine = rows & (examples.group == group)
            table.setdefault(question.value, {})[group] = {
                "right": _bouts(examples, mine & right),
                "wrong": _bouts(examples, mine & ~right),
            }
    return table


def _bouts(examples: Examples, rows: Any) -> int:
    return len(np.unique(np.stack([examples.recording[rows], examples.first[rows]]), axis=1).T)


def written(data: Mapping[str, Any]) -> bytes:
    """Return the bytes of the file: a tree to a line."""
    return (_text(data, "") + "\n").encode()


def _text(value: Any, margin: str) -> str:
    """Return JSON in which objects are indented, and lists of lists have a line for each."""
    deeper = margin + " "
    if isinstance(value, Mapping):
        ends, parts = "{}", [f"{json.dumps(k)}: {_text(v, deeper)}" for k, v in value.items()]
    elif isinstance(value, list) and any(isinstance(item, list) for item in value):
        ends, parts = "[]", [json.dumps(item, separators=(",", ":")) for item in value]
    else:
        return json.dumps(value, ensure_ascii=False)
    inside = f",\n{deeper}".join(parts)
    return f"{ends[0]}\n{deeper}{inside}\n{margin}{ends[1]}" if parts else ends
