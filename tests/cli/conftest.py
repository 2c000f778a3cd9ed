"""Running commands, and a night to run them on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ..conftest import Done

FS = 50


@pytest.fixture
def process(tmp_path: Path) -> Callable[..., Done]:
    """Run a command in a process of its own, as people do."""

    def run(*arguments: object) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "detector", *map(str, arguments)],
            capture_output=True,
            encoding="utf-8",
            cwd=tmp_path,
            timeout=60,
            check=False,
            env=os.environ | {"XDG_CONFIG_HOME": str(tmp_path), "PYTHONWARNINGS": "error"},
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def night(tmp_path: Path) -> Path:
    """Twenty minutes at rest with two runs of 6-a-second jerks, as CSV with a wall clock."""
    n = 20 * 60 * FS
    t = np.arange(n) / FS
    a = np.random.default_rng(0).normal(0, 0.002, (n, 3)) + np.array([0.02, -0.1, 0.99])
    for onset_s in (900, 1050):
        during = (t >= onset_s) & (t < onset_s + 8)
        a[during, 0] += 0.35 * np.sign(np.sin(2 * np.pi * 6 * (t[during] - onset_s)))
    rows = np.column_stack([1_795_500_000 + t, a])
    file = tmp_path / "night.csv"
    np.savetxt(file, rows, "%.5f", delimiter=",", header="time,x,y,z", comments="")
    return file
