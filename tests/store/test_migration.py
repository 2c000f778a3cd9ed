"""A state file of the first build goes on as if nothing had happened, even after a kill."""

from __future__ import annotations

import gzip
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from detector.channels import EntryKind
from detector.store import state_file
from detector.store.log import Draft
from detector.store.state import State

# Written by 0.1.0: eleven letters, of which the broker had signed for six; one open alert.
FIRST = gzip.decompress((Path(__file__).parent / "fixtures" / "state-0.1.0.sqlite.gz").read_bytes())
WEARER, EPOCH = "k3vq7m2xta", "90e88d2f7125e94c"
UNSIGNED = [5, 7, 9, 10, 11]
NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "state.sqlite"
    path.write_bytes(FIRST)
    return path


def assert_nothing_is_lost(path: Path) -> None:
    with State.open(path) as state:
        assert (state.wearer, state.epoch) == (WEARER, EPOCH)
        assert state.saved("policy") == {"version": 1, "open": ["b"]}
        assert [alert.id for alert in state.open_alerts()] == ["b"]
        kinds = [(event.kind, event.revision) for event in state.events()]
        assert kinds == [("clonus", 0), ("plm", 1), ("spasm", 0), ("tonic", 0)]
        state.open_channel("mqtt", from_start=True)
        assert [entry.n for entry in state.read("mqtt")] == UNSIGNED
        assert state.depth("mqtt") == len(UNSIGNED)
        assert [entry.n for entry in state.replay_from(0)] == list(range(1, 12))
        assert (state.troubles, state.dropped) == ((), 0)
    assert (path.parent / "wearer").read_text() == f"{WEARER}\n"


def test_what_was_unsigned_is_still_told_and_nothing_is_lost(path: Path) -> None:
    assert_nothing_is_lost(path)
    assert_nothing_is_lost(path)  # migrating is done once
    with State.open(path) as state:
        assert [entry.n for entry in state.commit(at=NOW, events=[state.events()[0]])] == []
        state.acknowledge("mqtt", UNSIGNED)
        assert state.read("mqtt") == []


def test_letters_become_entries_with_their_number_and_harmless_text(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        before = {seq: json.loads(body) for seq, body in db.execute("SELECT seq, payload FROM log")}
    with State.open(path) as state:
        entries = state.replay_from(0)
    for entry in entries:
        said, letter = json.loads(entry.body), before[entry.n]
        more = {"event_type": letter["kind"]} if entry.kind == "event" else {}
        if entry.n == 5:
            assert letter["sensor"] == "calf\x1b[31m\n"
            letter["sensor"] = "calf [31m "
        assert said == {**letter, "n": entry.n, **more}
        assert entry.subject == letter["id"]


def test_a_row_of_the_first_build_that_cannot_be_read_is_set_aside(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE log SET payload = '{half' WHERE seq IN (3, 11)")
        db.execute("INSERT INTO dropped VALUES (7)")
        db.execute("DELETE FROM dropped WHERE letters = 0")
    with State.open(path) as state:
        assert [entry.n for entry in state.read("mqtt")] == [5, 7, 9, 10]
        assert state.dropped == 7
        assert "2 rows" in " ".join(state.troubles)
        assert [entry.n for entry in state.replay_from(10)] == [10]
        note = Draft(EntryKind.NOTE, "x", {})
        assert [entry.n for entry in state.commit(at=NOW, entries=[note])] == [12], "11 was used"
    with State.open(path) as state:
        assert state.troubles == (), "told once"


KILLED = """
import os, sys
from pathlib import Path
from detector.channels import EntryKind
from detector.store import state_file
from detector.store.log import Draft
from detector.store.state import State

left = int(sys.argv[2])
connect = state_file._connect

def counting(path):
    db = connect(path)
    def count(statement):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), 9)
    db.set_trace_callback(count)
    return db

state_file._connect = counting
State.open(Path(sys.argv[1])).close()
"""


@pytest.mark.parametrize("statement", range(3, 30, 3))
def test_a_kill_during_the_migration_loses_nothing(path: Path, statement: int) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path), str(statement)], check=False)
    assert killed.returncode == -9
    assert_nothing_is_lost(path)


def test_a_migrated_file_has_the_tables_of_a_new_one(path: Path, tmp_path: Path) -> None:
    State.open(path).close()
    with State.open(tmp_path / "new" / "state.sqlite") as new:
        assert state_file._tables(new._db) == state_file._tables(sqlite3.connect(path))
