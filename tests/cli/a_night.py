"""A real night in a process of its own, and commands that are run beside it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from detector.web.serving.address_file import PageAddress, read_address

from ..kit.waiting import until

COMMAND = [sys.executable, "-m", "detector"]


def surroundings(tmp_path: Path) -> dict[str, str]:
    """Return an environment without heartbeats or settings of others."""
    run = str(tmp_path / "run")
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_RUNTIME_DIR": run}


@pytest.fixture
def run(spasmwatch, tmp_path):
    """Runs a command with a data folder of its own, in a home without heartbeats of others."""
    place = {"XDG_RUNTIME_DIR": str(tmp_path / "run"), "RUNTIME_DIRECTORY": ""}

    def ask(*words):
        return spasmwatch("--data-dir", tmp_path / "data", *words, **place)

    return ask


@contextmanager
def a_night(tmp_path: Path) -> Iterator[PageAddress]:
    """Watch a simulated sensor in a process of its own, with a page."""
    environ = surroundings(tmp_path) | {"SPASMWATCH_WEARER__LABEL": "bedroom"}
    environ["SPASMWATCH_WEB__PORT"] = "24477"
    given = [*COMMAND, "--data-dir", str(tmp_path / "data"), "run", "--source", "simulator"]
    with subprocess.Popen(
        [*given, "--no-mqtt"], env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            asyncio.run(until(lambda: read_address(tmp_path / "data") is not None, within_s=40))
            page = read_address(tmp_path / "data")
            assert page is not None
            yield page
        finally:
            process.terminate()
            process.wait(30)
