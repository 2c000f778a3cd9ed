"""Laws of how the program names itself: a command that it shows can be typed as it stands."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from detector.terminal.invocation import as_called, program_name

WAYS = ("by its name", "by a path", "by a path with a blank", "as a module")


@pytest.mark.parametrize("way", WAYS)
def test_the_name_that_is_shown_calls_the_program_again(way: str, tmp_path: Path) -> None:
    folder = tmp_path / ("its folder" if way == "by a path with a blank" else "folder")
    folder.mkdir()
    script = folder / "spasmwatch"
    script.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        "from detector.terminal.invocation import program_name\n"
        "print(program_name())\n"
    )
    script.chmod(0o755)
    path = os.defpath if "path" in way else f"{folder}{os.pathsep}{os.defpath}"
    shown = {
        "by its name": ["spasmwatch"],
        "by a path": [f"{folder.name}/spasmwatch"],
        "by a path with a blank": [f"{folder.name}/spasmwatch"],
    }
    if way == "as a module":
        assert program_name(("python3", "/a/folder/detector/__main__.py")) == "python3 -m detector"
        return

    def call(words: list[str]) -> str:
        done = subprocess.run(
            words, cwd=tmp_path, env=os.environ | {"PATH": path}, capture_output=True, check=True
        )
        return done.stdout.decode().strip()

    said = call(shown[way])

    assert call(shlex.split(said)) == said
    assert (said == "spasmwatch") is (way == "by its name")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["demo", "--speed", "61"], "it must be 60 at most"),
        (["demo", "--speed", "0.5"], "it must be 1 or more"),
        (["demo", "--speed", "fast"], "it is no number"),
        (["demo", "--seed", "1.5"], "it is no whole number"),
        (["detect", "--model", "x", "night.csv"], "'x' is not one of 'rules-v1', 'learned-v1'."),
    ],
)
def test_a_refused_value_is_told_in_plain_words(spasmwatch, words: list[str], why: str) -> None:
    done = spasmwatch(*words)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == f"Error: Invalid value for '{words[1]}': {why}"


def test_settings_that_are_named_and_missing_are_no_invitation(spasmwatch) -> None:
    done = spasmwatch("-c", "nowhere.toml", "run")

    assert done.returncode != 0
    assert "nowhere.toml: no such settings file. Nothing was started." in done.stderr
    assert "No settings yet" not in done.stderr


def test_a_command_in_a_sentence_is_named_as_the_program_was_called() -> None:
    said = as_called("Help: spasmwatch doctor. Without Bluetooth: spasmwatch demo", "./spasmwatch")

    assert said == "Help: ./spasmwatch doctor. Without Bluetooth: ./spasmwatch demo"
    assert as_called(said, "./spasmwatch") == said
    assert as_called("not a spasmwatch recording", "./x") == "not a spasmwatch recording"
