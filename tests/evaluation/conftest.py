"""Truths, events and recordings to score."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from .shaking import trembling


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
