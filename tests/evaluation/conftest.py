"""Truths, events and recordings to score."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from detector.cli import app

from .shaking import trembling


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def spasmwatch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """Run a command in this process, without the settings of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("SPASMWATCH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(app, "rich_markup_mode", None)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Done:
        done = CliRunner().invoke(app, [str(word) for word in arguments])
        return Done(done.exit_code, done.stdout, done.stderr)

    return run


@pytest.fixture
def night(tmp_path: Path) -> Path:
    """A recording in a folder of its own, with one true clonus in it and one that nobody knows."""
    folder = tmp_path / "nights"
    folder.mkdir()
    labels = [[40.0, 48.0, "clonus"], [60.0, 120.0, "asleep"]]
    np.savez_compressed(
        folder / "night.npz",
        acc=trembling(120.0, (40.0, 80.0)),
        fs=50.0,
        labels=json.dumps(labels),
        placement="left wrist",
        subject="P7",
        source="simulated",
    )
    return folder / "night.npz"
