"""A look at the state tells what is newest, and leaves everything as it was."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from detector.alerts.commands import AddNote
from detector.events import Origin
from detector.store.glance import EVENTS_MOST, Glance, glance
from detector.store.log import of_command
from detector.store.state import State
from detector.store.state_file import StateError

from .conftest import MIDNIGHT


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite"


def files(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir()}


def filled(path: Path, event, alert) -> State:
    state = State.open(path)
    state.commit(
        at=MIDNIGHT,
        events=[event("a", onset_s=5), event("b", onset_s=9)],
        alerts=[alert("over", "resolved"), alert("open")],
    )
    note = AddNote(by="anna", text="new sensor")
    at = MIDNIGHT + timedelta(hours=1)
    state.commit(at=at, entries=[of_command(note, at=at, whose=None, source=Origin.LIVE)])
    return state


def test_the_newest_is_first_and_no_file_changes(path, event, alert):
    filled(path, event, alert).close()
    before = files(path.parent)

    seen = glance(path)

    assert [each.id for each in seen.events] == ["b", "a"]
    assert [each.id for each in seen.open_alerts] == ["open"]
    assert "new sensor" in seen.entries[0].body
    assert [each.n for each in seen.entries] == [5, 4, 3, 2, 1]
    assert files(path.parent) == before


def test_it_needs_no_lock_and_keeps_none_from_a_service(path, event, alert):
    with closing(filled(path, event, alert)) as state:  # a service that runs, with its -wal
        assert glance(path).entries[0].n == state.last
        state.commit(at=MIDNIGHT, events=[event("c", onset_s=99)])
        assert [each.id for each in glance(path).events] == ["c", "b", "a"]


def test_where_there_is_no_state_none_is_made(tmp_path):
    assert glance(tmp_path / "state.sqlite") == Glance()
    assert files(tmp_path) == {}


def test_a_damaged_file_stays_where_it_is_for_the_service_to_tell(path):
    for content in (b"", b"nonsense" * 999, b"SQLite format 3\0" + bytes(5000)):
        path.write_bytes(content)
        with pytest.raises(StateError, match="cannot be read"):
            glance(path)
        assert files(path.parent) == {path.name: content}


def test_a_damaged_row_costs_only_itself(path, event, alert):
    filled(path, event, alert).close()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE event SET body = '[' WHERE id = 'b'")
        db.execute("UPDATE log SET kind = 'x' WHERE n = 5")
        db.execute("UPDATE alert SET body = '{}'")

    seen = glance(path)

    assert [each.id for each in seen.events] == ["a"]
    assert [each.n for each in seen.entries] == [4, 3, 2, 1]
    assert seen.open_alerts == ()


def test_a_look_is_bounded(path, event):
    with closing(State.open(path)) as state:
        more = [event(f"e{n}", onset_s=n) for n in range(EVENTS_MOST + 5)]
        state.commit(at=MIDNIGHT, events=more)
    assert len(glance(path).events) == EVENTS_MOST
