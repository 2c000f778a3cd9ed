"""`backup` and `restore`: one command there and one back, and nothing is lost in between."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from detector.store.state import State

from ..kit.kept_night import a_kept_night


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def ask(spasmwatch, data, tmp_path):
    place = {"XDG_RUNTIME_DIR": str(tmp_path / "run"), "RUNTIME_DIRECTORY": ""}

    def run(*words, folder=data, **env):
        return spasmwatch("--data-dir", folder, *words, **(place | env))

    return run


def contents(folder: Path) -> dict[Path, bytes]:
    return {each: each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def test_a_backup_comes_back_in_another_folder_with_every_event(ask, data, tmp_path):
    a_kept_night(data)
    shown = ask("events", "--json").stdout
    before = contents(data)

    made = ask("backup", tmp_path / "b.zip")
    back = ask("restore", tmp_path / "b.zip", folder=tmp_path / "new")

    assert (made.returncode, back.returncode) == (0, 0)
    assert len(shown.splitlines()) >= 2
    assert ask("events", "--json", folder=tmp_path / "new").stdout == shown
    again = ask("detect", tmp_path / "new" / "nights" / "2026-11-20.sqlite", "--json").stdout
    assert len(again.splitlines()) == len(shown.splitlines())
    assert contents(data) == before
    assert "health data and keys" in made.stderr
    assert "Not a medical device" in made.stderr + back.stderr


def test_a_night_that_runs_is_backed_up_and_not_restored_over(ask, data, tmp_path):
    a_kept_night(data)
    with State.open(data / "state.sqlite"):
        assert ask("backup", tmp_path / "b.zip").returncode == 0
        before = contents(data)
        done = ask("restore", tmp_path / "b.zip", "--replace")
        assert done.returncode == 74
        assert "another spasmwatch is using" in done.stderr
        assert contents(data) == before


def test_data_that_are_there_are_replaced_only_on_wish_and_kept(ask, data, tmp_path):
    a_kept_night(data)
    ask("backup", tmp_path / "b.zip")
    (data / "mine").write_text("later than the backup")
    before = contents(data)

    refused = ask("restore", tmp_path / "b.zip")
    assert refused.returncode == 2
    assert "add --replace" in refused.stderr
    assert contents(data) == before

    done = ask("restore", tmp_path / "b.zip", "--replace")
    assert done.returncode == 0
    assert not (data / "mine").exists()
    aside = tmp_path / "data.before-restore-1"
    assert (aside / "mine").read_text() == "later than the backup"
    assert str(aside) in done.stderr


def test_a_backup_is_verified_without_changing_anything(ask, data, tmp_path):
    a_kept_night(data)
    ask("backup", tmp_path / "b.zip")
    before = contents(tmp_path)
    done = ask("restore", tmp_path / "b.zip", "--check", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["wearer"] == "k3vq7m2xta"
    assert contents(tmp_path) == before


def test_a_damaged_backup_changes_nothing(ask, data, tmp_path):
    a_kept_night(data)
    ask("backup", tmp_path / "b.zip")
    content = bytearray((tmp_path / "b.zip").read_bytes())
    content[len(content) // 3] ^= 1
    (tmp_path / "b.zip").write_bytes(content)
    before = contents(tmp_path)
    done = ask("restore", tmp_path / "b.zip", "--replace")
    assert (done.returncode, done.stdout) == (65, "")
    assert "cannot be restored" in done.stderr
    assert contents(tmp_path) == before


def test_settings_come_back_where_there_are_none(ask, data, tmp_path):
    a_kept_night(data)
    config = tmp_path / "c.toml"
    config.write_text('[wearer]\nlabel = "bedroom"\n')
    ask("-c", config, "backup", tmp_path / "b.zip")
    kept = ask("-c", config, "restore", tmp_path / "b.zip", "--replace")
    assert "stay as they are" in kept.stderr

    config.unlink()
    done = ask("restore", tmp_path / "b.zip", folder=tmp_path / "new")
    found = tmp_path / "spasmwatch" / "config.toml"
    assert done.returncode == 0
    assert found.read_text() == '[wearer]\nlabel = "bedroom"\n'
    assert found.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["backup", "b.tar"], 2, "must end in .zip"),
        (["backup", "data/b.zip"], 2, "inside the data folder"),
        (["backup", "taken.zip"], 2, "exists already"),
        (["backup", "none/b.zip"], 74, "there is no such folder"),
        (["restore", "none.zip", "--replace"], 66, "there is no such file"),
        (["restore", "taken.zip", "--replace"], 65, "cannot be restored"),
        (["restore", "other.zip", "--replace"], 65, "it has no manifest"),
        (["restore"], 2, "FILE"),
    ],
)
def test_what_is_asked_wrongly_gets_one_sentence(ask, data, tmp_path, words, code, told):
    a_kept_night(data)
    (tmp_path / "taken.zip").write_text("mine")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("data/a", "b")
    before = contents(tmp_path)
    done = ask(*words)
    assert (done.returncode, done.stdout) == (code, "")
    assert told in done.stderr
    assert contents(tmp_path) == before


def test_without_data_there_is_nothing_to_back_up(ask, tmp_path):
    done = ask("backup", tmp_path / "b.zip")
    assert done.returncode == 2
    assert "nothing is to be backed up" in done.stderr
    assert not (tmp_path / "b.zip").exists()
