"""A damaged row, a damaged file and a full disk cost what they hit, and never the wearer's id."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from detector.store import wearer_file
from detector.store.state import State, StateDamagedError, StateDiskError, StateError
from detector.store.state_file import wearer_in

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "state.sqlite"


def test_the_wearer_is_named_once_in_a_file_of_its_own_and_never_by_a_name(path: Path) -> None:
    with State.open(path) as state:
        wearer, epoch = state.wearer, state.epoch
    assert re.fullmatch("[a-z2-7]{10}", wearer)
    assert (path.parent / "wearer").read_text() == f"{wearer}\n"
    assert (path.parent / "wearer").stat().st_mode & 0o777 == 0o600
    written_ns = (path.parent / "wearer").stat().st_mtime_ns
    with State.open(path, wearer="a" * 10) as state:
        assert (state.wearer, state.epoch) == (wearer, epoch)
    path.unlink()
    with State.open(path, wearer="a" * 10) as state:
        assert state.wearer == wearer
        assert state.epoch != epoch
    assert (path.parent / "wearer").stat().st_mtime_ns == written_ns, "written once"
    other = path.parent.parent / "other" / "state.sqlite"
    with State.open(other, wearer="k3vq7m2xta") as state:
        assert state.wearer == "k3vq7m2xta"
    with pytest.raises(StateError, match="Anna"):
        State.open(other.with_name("third.sqlite"), wearer="Anna")


@pytest.mark.parametrize(
    ("damage", "has_file"),
    [
        ("a table is gone", True),
        ("a table is gone", False),  # a file of the first build
        ("nothing is readable", True),
    ],
)
def test_a_damaged_state_never_changes_the_wearer(path: Path, damage: str, has_file: bool) -> None:
    with State.open(path) as state:
        wearer = state.wearer
    if not has_file:
        (path.parent / "wearer").unlink()
    if damage == "a table is gone":
        with closing(sqlite3.connect(path)) as db:
            db.execute("DROP TABLE cursor")
    else:
        path.write_bytes(b"\0" * 8192)
    with pytest.raises(StateDamagedError, match="keep it"):
        State.open(path)
    assert wearer_in(path) == wearer
    with State.open(path) as state:
        assert (state.wearer, state.events()) == (wearer, [])


def test_an_id_that_cannot_be_saved_leaves_the_damaged_file_where_it_is(path: Path) -> None:
    with State.open(path):
        pass
    (path.parent / "wearer").unlink()
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE cursor")
    (path.parent / f".wearer.{os.getpid()}.part").mkdir()  # the disk refuses
    with pytest.raises(StateDiskError):
        State.open(path)
    assert path.exists()


@pytest.mark.parametrize("content", [b"", b"Anna\n", b"\xff\xfe", b"k3vq7m2xt"])
def test_a_damaged_wearer_file_is_mended_from_the_state(path: Path, content: bytes) -> None:
    with State.open(path) as state:
        wearer = state.wearer
    (path.parent / "wearer").write_bytes(content)
    assert wearer_in(path) == wearer
    with State.open(path) as state:
        assert state.wearer == wearer
    assert wearer_file.read(path.parent) == wearer


def test_a_state_of_somebody_else_in_this_folder_is_told_and_renames_nobody(path: Path) -> None:
    with State.open(path) as state:
        wearer = state.wearer
    (path.parent / "wearer").write_text("k3vq7m2xta\n")
    with State.open(path) as state:
        assert state.wearer == "k3vq7m2xta"
        assert wearer in state.troubles[0]
    with State.open(path) as state:
        assert (state.wearer, state.troubles) == ("k3vq7m2xta", ())


BAD = ["{half", '{"schema": "event/9"}', "[]", "1e999", "[" * 100_000, "\ufffd"]


@pytest.mark.parametrize("body", [*BAD, b"\xff\xfe{", 7, b""])
def test_a_row_that_cannot_be_read_is_set_aside_and_told_and_the_others_are_there(
    path: Path, event: Callable[..., Any], alert: Callable[..., Any], body: Any
) -> None:
    with State.open(path) as state:
        events, alerts = [event("a"), event("b")], [alert("x"), alert("y")]
        state.commit(at=NOW, events=events, alerts=alerts, saved={"policy": 1, "clock": 2})
    with closing(sqlite3.connect(path)) as db, db:
        for table, key in (
            ("event", "id = 'a'"),
            ("alert", "id = 'x'"),
            ("saved", "name = 'policy'"),
        ):
            db.execute(f"UPDATE {table} SET body = ? WHERE {key}", (body,))  # noqa: S608
    with State.open(path) as state:
        assert state.events() == [event("b")]
        assert state.open_alerts() == [alert("y")]
        assert state.saved("clock") == 2
        assert len(state.troubles) == 2
        assert "1 rows of event" in state.troubles[0]
        assert state.events() == [event("b")]
        assert len(state.troubles) == 2, "told once"
        assert len(state.commit(at=NOW, events=[event("a")])) == 1
        assert state.events() == [event("a"), event("b")]
    with State.open(path) as state:
        assert state.troubles == ()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM damaged").fetchone() == (2,), "they are kept"


def test_saved_data_that_cannot_be_read_is_as_if_never_saved(path: Path) -> None:
    with State.open(path) as state:
        state.commit(at=NOW, saved={"policy": {"a": 1}})
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE saved SET body = '{half'")
    with State.open(path) as state:
        assert state.saved("policy") is None
        assert "saved" in state.troubles[0]
        state.commit(at=NOW, saved={"policy": {"a": 2}})
        assert state.saved("policy") == {"a": 2}


@pytest.mark.parametrize("column", ["kind = 'song'", "body = 7", "at_ms = 1e30", "at_ms = 'x'"])
def test_a_damaged_entry_holds_up_no_other(
    path: Path, event: Callable[..., Any], column: str
) -> None:
    with State.open(path) as state:
        state.open_channel("mqtt", from_start=True)
        state.commit(at=NOW, events=[event(f"e{n}") for n in range(5)])
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(f"UPDATE log SET {column} WHERE n IN (1, 3)")  # noqa: S608
    with State.open(path) as state:
        heard = []
        while read := state.read("mqtt", 3):
            state.acknowledge("mqtt", [entry.n for entry in read])
            heard += [entry.n for entry in read]
        assert heard[-2:] == [4, 5]
        assert state.depth("mqtt") == 0


def test_a_night_without_a_disk_is_kept_in_memory(
    event: Callable[..., Any], alert: Callable[..., Any]
) -> None:
    with State.in_memory(wearer="k3vq7m2xta") as state:
        state.open_channel("mqtt", from_start=True)
        logged = state.commit(at=NOW, events=[event()], alerts=[alert()], saved={"policy": 1})
        assert state.wearer == "k3vq7m2xta"
        assert tuple(state.read("mqtt")) == logged
        assert (state.events(), state.open_alerts()) == ([event()], [alert()])
        assert state.saved("policy") == 1
    with State.in_memory() as state:
        assert re.fullmatch("[a-z2-7]{10}", state.wearer)
        assert state.events() == []


FULL = """
import resource, signal, sys
from pathlib import Path
from detector.store.state import State, StateDiskError
from detector.store.state_file import wearer_in
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    State.open(Path(sys.argv[1]))
except StateDiskError as error:
    with State.in_memory(wearer=wearer_in(Path(sys.argv[1]))) as state:
        print(state.wearer)
"""


@pytest.mark.parametrize("room", [0, 5, 4096, 20_000])
def test_a_disk_that_is_full_at_the_start_is_told_from_damage(path: Path, room: int) -> None:
    for begun in (False, True):
        if begun:
            with State.open(path) as state:
                wearer = state.wearer
            path.unlink()
        done = subprocess.run(
            [sys.executable, "-c", FULL, str(path), str(room)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert re.fullmatch("[a-z2-7]{10}\n", done.stdout)
        assert not begun or done.stdout == f"{wearer}\n"
        assert not list(path.parent.glob("*damaged*"))


def test_a_pipe_in_the_place_of_the_wearers_file_does_not_hold_up_the_night(path: Path) -> None:
    with State.open(path) as state:
        wearer = state.wearer
    (path.parent / "wearer").unlink()
    os.mkfifo(path.parent / "wearer")
    with State.open(path) as state:
        assert state.wearer == wearer
    assert (path.parent / "wearer").read_text() == f"{wearer}\n"


def test_a_folder_that_is_in_use_is_no_reason_for_memory(path: Path) -> None:
    with State.open(path), pytest.raises(StateError, match="another spasmwatch") as caught:
        State.open(path)
    assert not isinstance(caught.value, StateDiskError)
