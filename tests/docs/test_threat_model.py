"""What the threat model names exists: tests, commands and decisions."""

from __future__ import annotations

import re
from pathlib import Path

import detector

ROOT = Path(detector.__file__).parents[1]
PAGE = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")


def test_every_test_that_the_threat_model_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/.]+)`", PAGE)
    named += [f"{module.replace('.', '/')}.py" for module in re.findall(r"-m (tests[\w.]+)", PAGE)]
    assert len(named) > 20
    assert [path for path in named if not (ROOT / path).exists()] == []
