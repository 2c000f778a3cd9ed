"""`purge` deletes the nights that were named, for good, and no other; never the present one."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from detector.alerts.commands import AddNote
from detector.events import Origin
from detector.store.log import of_command
from detector.store.state import State

from ..kit.kept_night import HEADER, a_kept_night, jerking, keep, packets, record

NOTED = "took-baclofen-at-nine"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two nights of November, each with a recording, events and a note."""
    folder = tmp_path / "data"
    (one, *_) = a_kept_night(folder)
    at = one.onset + timedelta(days=1)
    later = replace(one, id="later", onset=at, end=at)
    record(folder, packets(jerking(20, 50, ()), 50), replace(HEADER, name="2026-11-21"))
    keep(folder, [later])
    with State.open(folder / "state.sqlite") as state:
        for when in (one.onset, at):
            note = AddNote(by="anna", text=f"{NOTED}-{when:%d}")
            entry = of_command(note, at=when, whose=None, source=Origin.LIVE)
            state.commit(at=when, entries=[entry])
    return folder


@pytest.fixture
def ask(spasmwatch, data, tmp_path):
    place = {"XDG_RUNTIME_DIR": str(tmp_path / "run"), "RUNTIME_DIRECTORY": ""}
    return lambda *words, **env: spasmwatch("--data-dir", data, *words, **(place | env))


def contents(folder: Path) -> dict[Path, bytes]:
    return {each: each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def ids(ask, night: str) -> list[str]:
    return [json.loads(x)["id"] for x in ask("events", night, "--json").stdout.splitlines()]


def test_one_night_goes_and_the_other_stays_as_it_was(ask, data):
    stays = ids(ask, "2026-11-21")
    done = ask("purge", "2026-11-20", "--yes")
    assert done.returncode == 0
    assert [path.name for path in (data / "nights").iterdir()] == ["2026-11-21.sqlite"]
    assert ask("events", "2026-11-20").returncode == 66
    assert ids(ask, "2026-11-21") == stays == ["later"]
    assert "2026-11-20   1 recording" in done.stdout


def test_what_is_deleted_is_in_no_file_any_more(ask, data):
    before = b"".join(contents(data).values())
    assert before.count(f"{NOTED}-20".encode()) >= 1
    ask("purge", "2026-11-20", "--yes")
    after = b"".join(contents(data).values())
    assert f"{NOTED}-20".encode() not in after
    assert f"{NOTED}-21".encode() in after


def test_the_log_goes_on_with_new_numbers_and_channels_read_what_is_left(ask, data):
    with State.open(data / "state.sqlite") as state:
        state.open_channel("mqtt", from_start=True)
        last = state.last
    ask("purge", "2026-11-20", "--yes")
    with State.open(data / "state.sqlite") as state:
        waiting = state.read("mqtt")
        state.acknowledge("mqtt", [entry.n for entry in waiting])
        note = AddNote(by="anna", text="new")
        at = datetime(2026, 12, 1, tzinfo=UTC)
        (new,) = state.commit(
            at=at, entries=[of_command(note, at=at, whose=None, source=Origin.LIVE)]
        )
        assert new.n == last + 1
        assert [entry.n for entry in state.read("mqtt")] == [new.n]
        assert state.troubles == ()


def test_without_a_yes_nothing_is_deleted(ask, data):
    before = contents(data)
    for words in ([], ["--json"]):
        done = ask("purge", "2026-11-20", *words)
        assert done.returncode == 1
        assert "--yes" in done.stderr
        assert "Nothing was deleted" in done.stderr
    assert contents(data) == before


def test_age_takes_what_is_older_and_never_this_night(ask, data):
    now = datetime.now(UTC)
    tonight = replace(keep_one(data), id="tonight", onset=now, end=now)
    keep(data, [tonight])
    assert "No night is so old" in ask("purge", "--older-than", "2026-11-20", "--yes").stderr
    ask("purge", "--older-than", "2026-11-21", "--yes")
    assert ids(ask, "2026-11-21") == ["later"]
    ask("purge", "--older-than", "9998-01-01", "--yes")
    assert ids(ask, "last") == ["tonight"]


def keep_one(data: Path):
    with State.open(data / "state.sqlite") as state:
        return state.events()[0]


def test_the_present_night_is_refused_by_name(ask, data):
    now = datetime.now(UTC)
    keep(data, [replace(keep_one(data), id="tonight", onset=now, end=now)])
    before = contents(data)
    done = ask("purge", "last", "--yes")
    assert done.returncode == 2
    assert "never deleted" in done.stderr
    assert contents(data) == before


def test_recordings_alone_can_go_while_a_night_runs_and_no_more(ask, data):
    kept = ids(ask, "2026-11-20")
    with State.open(data / "state.sqlite"):
        refused = ask("purge", "2026-11-20", "--yes")
        assert refused.returncode == 74
        assert "another spasmwatch is using" in refused.stderr
        assert len(list((data / "nights").iterdir())) == 2

        done = ask("purge", "2026-11-20", "--recordings", "--yes")
        assert done.returncode == 0
    assert [path.name for path in (data / "nights").iterdir()] == ["2026-11-21.sqlite"]
    assert ids(ask, "2026-11-20") == kept


def test_open_alerts_stay(ask, data):
    with closing(sqlite3.connect(data / "state.sqlite")) as db, db:
        at_ms = int(HEADER.created.timestamp() * 1000)
        for state in ("raised", "resolved"):
            db.execute("INSERT INTO alert VALUES (?, ?, ?, '{}')", (state, state, at_ms))
    ask("purge", "2026-11-20", "--yes")
    with closing(sqlite3.connect(data / "state.sqlite")) as db:
        assert db.execute("SELECT id FROM alert").fetchall() == [("raised",)]


def test_a_recording_that_cannot_be_deleted_is_named(ask, data, monkeypatch):
    def refuse(path, missing_ok=False):
        if path.suffix == ".sqlite":
            raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    done = ask("purge", "2026-11-20", "--yes")
    assert done.returncode == 74
    assert "2026-11-20.sqlite cannot be deleted" in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ([], 2, "Name the nights"),
        (["2026-11-20", "--older-than", "3d"], 2, "Name the nights"),
        (["2026-11-19", "--yes"], 66, "Nothing is kept of the night"),
        (["--older-than", "long"], 2, "names no night"),
    ],
)
def test_what_is_asked_wrongly_gets_one_sentence(ask, data, words, code, told):
    before = contents(data)
    done = ask("purge", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert told in done.stderr
    assert contents(data) == before
