"""Laws of comparing settings: each column is what a replay with that file would have told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from firmware_sim.trace_files import make_trace, save_trace

WAKES = ('["clonus >= 5s"]', '["clonus >= 60s", "1 spasms in 2min"]')


@pytest.fixture(scope="module")
def night(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("compared") / "night.npz"
    save_trace(make_trace("clonus", seed=3, duration_s=600), file)
    return file


@pytest.fixture
def files(tmp_path) -> list[Path]:
    found = []
    for name, wake in zip("ab", WAKES, strict=True):
        file = tmp_path / f"{name}.toml"
        file.write_text(f"[alerts]\nwake_for = {wake}\n")
        found.append(file)
    return found


def compared(spasmwatch, night: Path, *files: Path) -> list[dict]:
    done = spasmwatch("--json", "replay", night, "--compare", *files)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["schema"] == "compare/1"
    return list(said["with"])


def test_each_column_counts_what_that_file_makes_of_the_recording(spasmwatch, night, files) -> None:
    columns = compared(spasmwatch, night, *files)
    for column, wake in zip(columns, WAKES, strict=True):
        rules = {"SPASMWATCH_ALERTS__WAKE_FOR": wake}
        lines = spasmwatch("--json", "detect", night, "--alerts", **rules).stdout.splitlines()
        told = [json.loads(line) for line in lines]
        kinds = [each["kind"] for each in told if each["schema"] == "event/1"]
        assert column["clonus"] == kinds.count("clonus") > 0
        assert column["twitches"] == kinds.count("twitch")
        raised = [each for each in told if each.get("state") == "raised"]
        assert sum(column["alerts"].values()) == len(raised)
    assert columns[0]["alerts"] != columns[1]["alerts"]


def test_a_file_beside_itself_is_the_same_twice(spasmwatch, night, files) -> None:
    one, other = compared(spasmwatch, night, files[0], files[0])
    assert one == other


def test_a_person_reads_a_table_in_sixty_columns(spasmwatch, night, files) -> None:
    done = spasmwatch("replay", night, "--compare", *files, COLUMNS="60")
    assert done.returncode == 0
    assert "likely spasms" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 60
    assert "Not a medical device" in done.stderr


def test_a_file_that_cannot_be_used_is_said_before_anything_is_replayed(
    spasmwatch, night, files, tmp_path
) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("x = 1\n")
    done = spasmwatch("replay", night, "--compare", files[0], wrong)
    assert done.returncode == 78
    assert "x   is not a setting" in done.stderr
    assert done.stdout == ""
