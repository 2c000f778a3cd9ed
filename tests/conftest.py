"""The profile of all laws, and running a command, for every room that has one."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from typer.testing import CliRunner

from detector.cli import app

# Nothing here is judged by the wall clock, since a shared machine slows down without notice. What
# fails prints a line (`@reproduce_failure`) that repeats it elsewhere.
settings.register_profile(
    "laws",
    deadline=None,
    derandomize=False,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("laws")


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

    def run(*arguments: object, stdin: str = "", **environ: str) -> Done:
        done = CliRunner().invoke(app, [str(word) for word in arguments], input=stdin, env=environ)
        return Done(done.exit_code, done.stdout, done.stderr)

    return run
