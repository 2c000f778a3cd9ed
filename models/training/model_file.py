"""Writes the trained refinement as the file that the product reads."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from examples import Example
from recordings import Plan

from detector.recognition.rules.features import FEATURES
from detector.recognition.rules.refinement import SCHEMA, Opinion, Refinement

NAME = "refined-v1"
REFINES = "rules-v1"
MODELS = Path(__file__).parents[1]


def rules_digest() -> str:
    """Return the digest of the rules' thresholds; if it changes, training must be repeated.

    Only the values count, so that a reworded reason does not require training.
    """
    data = json.loads((MODELS / REFINES / "model.json").read_text(encoding="utf-8"))
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
    refinement: Refinement,
    examples: Sequence[Example],
    calibration: Sequence[Example],
    plans: Mapping[str, Plan],
    digest: str,
) -> dict[str, Any]:
    """Return the model file's content; the same training gives the same.

    `digest` is that of the rules used, computed before training.
    """
    return {
        "schema": SCHEMA,
        "name": refinement.name,
        "kind": "refinement",
        "refines": REFINES,
        "kinds": {
            kind.value: _opinion(opinion) for kind, opinion in sorted(refinement.opinions.items())
        },
        "training": {
            "command": "python models/training/train.py",
            "rules_thresholds_sha256": digest,
            "plans": {
                name: {
                    "first_seed": plan.first_seed,
                    "nights": plan.nights,
                    "nights_without_spasms": plan.still_nights,
                    "night_s": plan.night_s,
                    "rounds": plan.rounds,
                    "scene_s": plan.scene_s,
                }
                for name, plan in plans.items()
            },
            "examples": _counts(examples),
            "calibration": _counts(calibration),
        },
    }


def written(data: Mapping[str, Any]) -> bytes:
    """Return the bytes of the file."""
    return (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode()


def _opinion(opinion: Opinion) -> dict[str, Any]:
    return {
        "bias": opinion.bias,
        "features": {
            name: {
                "weight": weight,
                "sign": FEATURES[name].sign,
                "unit": FEATURES[name].unit,
                "typical": opinion.typical[name],
                "why": FEATURES[name].why,
            }
            for name, weight in opinion.weights.items()
        },
        "calibration": {"slope": opinion.slope, "offset": opinion.offset},
        "threshold": opinion.threshold,
    }


def _counts(examples: Sequence[Example]) -> dict[str, dict[str, dict[str, int]]]:
    """Return the numbers of bouts by kind and data set, right and wrong."""
    bouts = {(e.kind.value, e.group, "right" if e.right else "wrong", e.bout) for e in examples}
    table: dict[str, dict[str, dict[str, int]]] = {}
    counted = Counter((kind, group, side) for kind, group, side, _ in bouts)
    for (kind, group, side), count in sorted(counted.items()):
        table.setdefault(kind, {}).setdefault(group, {})[side] = count
    return table
