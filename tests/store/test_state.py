import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.store import state_file
from detector.store.state import State, StateDamagedError, StateError

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "state.sqlite"


def test_what_is_committed_is_there_after_closing(path, event, alert):
    with State.open(path) as state:
        state.open_channel("mqtt", from_start=True)
        logged = state.commit(
            at=NOW,
            events=[event("b", onset_s=5), event("a", onset_s=1, recording="other")],
            alerts=[alert("x"), alert("y", "resolved")],
            saved={"policy": {"a": [1, None, "ü"]}, "pipeline": 2.5},
        )
        assert [(entry.n, entry.kind) for entry in logged] == [
            (1, "event"),
            (2, "event"),
            (3, "alert"),
            (4, "alert"),
        ]
    assert {p.name for p in path.parent.iterdir()} == {
        "state.sqlite",
        "state.sqlite.lock",
        "wearer",
    }
    with State.open(path) as state:
        assert state.events() == [event("a", onset_s=1, recording="other"), event("b", onset_s=5)]
        assert state.events("2026-11-20") == [event("b", onset_s=5)]
        assert state.events(since=event("b", onset_s=5).onset) == [event("b", onset_s=5)]
        assert state.open_alerts() == [alert("x")]
        assert state.saved("policy") == {"a": [1, None, "ü"]}
        assert state.saved("pipeline") == 2.5
        assert state.saved("never") is None
        assert tuple(state.read("mqtt")) == logged
        assert logged[0].expires == NOW + timedelta(days=7)


def test_repeating_a_commit_tells_nothing_twice_and_old_forms_never_win(path, event, alert):
    forms = [
        event(phase="start"),
        event(phase="update"),
        event(phase="end"),
        event(kind="plm", phase="end", revision=1),
    ]
    with State.open(path) as state:
        assert len(state.commit(at=NOW, events=forms, alerts=[alert()])) == 5
        assert state.commit(at=NOW, events=forms, alerts=[alert()]) == ()
        assert state.commit(at=NOW, events=[event(phase="start")]) == ()
        assert state.events() == forms[-1:]
        told = [json.loads(entry.body) for entry in state.replay_from(0)]
        assert [(t.get("phase"), t.get("revision")) for t in told] == [
            ("start", 0),
            ("update", 0),
            ("end", 0),
            ("end", 1),
            (None, None),
        ]


def test_a_commit_is_all_or_nothing(path, event, alert):
    with State.open(path) as state:
        with pytest.raises(TypeError):
            state.commit(at=NOW, events=[event()], alerts=[alert()], saved={"policy": object()})
        assert (state.events(), state.open_alerts(), state.replay_from(0)) == ([], [], [])
        assert len(state.commit(at=NOW, events=[event()])) == 1


def test_there_is_one_owner(path):
    with State.open(path), pytest.raises(StateError, match="another spasmwatch is using") as told:
        State.open(path)
    assert f"(kill {os.getpid()})" in str(told.value), "it may have no terminal any more"
    State.open(path).close()


@pytest.mark.parametrize("successor", [False, True])
def test_a_state_file_that_was_deleted_or_replaced_takes_nothing_silently(path, event, successor):
    with State.open(path) as state:
        state.commit(at=NOW, events=[event("a")])
        for file in path.parent.glob("state.sqlite*"):
            file.unlink()
        if successor:
            State.open(path).close()
        with pytest.raises(StateError, match="was deleted or replaced while it was in use"):
            state.commit(at=NOW, events=[event("b")])


def test_files_are_private(path):
    with State.open(path) as state:
        state.commit(at=NOW, saved={"a": 1})
        modes = {p.name: p.stat().st_mode & 0o777 for p in path.parent.iterdir()}
    assert set(modes.values()) == {0o600}, modes
    assert path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("content", [b"", b"not a database", b"\0" * 8192, b"SQLite format 3\0"])
def test_a_damaged_file_is_moved_aside_and_said_never_silently_replaced(path, content, event):
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(StateDamagedError, match="keep it") as caught:
        State.open(path)
    assert caught.value.moved_to.read_bytes() == content
    path.write_bytes(content)
    with pytest.raises(StateDamagedError) as second:
        State.open(path)
    assert caught.value.moved_to != second.value.moved_to
    with State.open(path) as state:
        assert len(state.commit(at=NOW, events=[event()])) == 1


def test_an_orphaned_wal_is_not_replayed_into_a_new_file(path):
    path.parent.mkdir()
    path.with_name(path.name + "-wal").write_bytes(b"of another life")
    with pytest.raises(StateDamagedError, match="main file is missing"):
        State.open(path)
    State.open(path).close()


def test_an_older_file_is_brought_up_to_date_and_a_newer_one_left_alone(path, event, monkeypatch):
    with State.open(path) as state:
        state.commit(at=NOW, events=[event()])
    step = ("ALTER TABLE event ADD COLUMN note TEXT", "UPDATE event SET note = 'moved'")
    with monkeypatch.context() as patch:
        patch.setattr(state_file, "MIGRATIONS", (*state_file.MIGRATIONS, step))
        with State.open(path) as state:
            assert state.events() == [event()]
    before = path.read_bytes()
    with pytest.raises(StateError, match="newer spasmwatch") as caught:
        State.open(path)
    assert not isinstance(caught.value, StateDamagedError)
    assert path.read_bytes() == before


def test_a_folder_in_the_way_or_missing_rights_are_one_sentence(tmp_path):
    (tmp_path / "state.sqlite").mkdir()
    with pytest.raises(StateError, match=r"state\.sqlite"):
        State.open(tmp_path / "state.sqlite")
    (tmp_path / "file").touch()
    with pytest.raises(StateError, match="file"):
        State.open(tmp_path / "file" / "state.sqlite")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A state file as a kill leaves it: main file and -wal."""
    folder = tmp_path_factory.mktemp("whole")
    subprocess.run([sys.executable, "-c", COMMITTER, str(folder / "s"), "die"], check=False)
    return folder


@given(st.data())
@settings(max_examples=60)
def test_no_flipped_bit_or_missing_tail_ends_in_a_traceback_or_an_unannounced_fresh_start(
    whole, data
):
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "s"
        for source in whole.iterdir():
            shutil.copy(source, folder)
        victim = data.draw(st.sampled_from([copy, copy.with_name("s-wal")]))
        content = bytearray(victim.read_bytes())
        place = data.draw(st.integers(0, len(content) - 1))
        if data.draw(st.booleans()):
            content[place] ^= 1 << data.draw(st.integers(0, 7))
        else:
            del content[place:]
        victim.write_bytes(content)
        try:
            state = State.open(copy)
        except StateDamagedError as damaged:
            moved_to = damaged.moved_to
        except StateError:
            return
        else:
            moved_to = None
        if moved_to is not None:
            assert moved_to.exists()
            State.open(copy).close()
            return
        with state:
            for read in (state.events, state.open_alerts, lambda: state.replay_from(0)):
                with suppress(StateError):
                    read()
            assert re.fullmatch("[a-z2-7]{10}", state.wearer)


COMMITTER = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from detector.alert import Alert, AlertClass, AlertState, Level
from detector.events import Event, Kind, Phase
from detector.store.state import State

state = State.open(Path(sys.argv[1]), wearer="k3vq7m2xta")
at = datetime(2026, 11, 21, tzinfo=UTC)
first = state.saved("next") or 0
for n in range(first, first + (40 if sys.argv[2] == "die" else 10**9)):
    event = Event(id=f"e{n}", kind=Kind.CLONUS, phase=Phase.END, onset_s=n, duration_s=1,
                  onset=at, end=at, confidence=1, reason="r")
    alert = Alert(id=f"a{n}", state=AlertState.RAISED, alert_class=AlertClass.CLINICAL,
                  level=Level.HIGH, kind="clonus", reason="r")
    state.commit(at=at, events=[event], alerts=[alert], saved={"next": n + 1})
    print(n, flush=True)
os.kill(os.getpid(), 9)
"""


def test_after_a_kill_at_any_moment_nothing_that_was_committed_is_missing(path):
    """Event, alert, entries and saved state agree after each of ten kills."""
    path.parent.mkdir()
    kills = random.Random(7)
    printed = []
    for _ in range(10):
        with subprocess.Popen(
            [sys.executable, "-c", COMMITTER, str(path), "live"], stdout=subprocess.PIPE, text=True
        ) as child:
            enough = kills.randrange(1, 60)
            lines = [child.stdout.readline() for _ in range(enough)]
            child.kill()
            lines += child.stdout.read().splitlines()
        printed += [int(line) for line in lines if line.strip()]
        with State.open(path) as state:
            known = {event.id for event in state.events()}
            assert known >= {f"e{n}" for n in printed}
            assert state.saved("next") == len(known) == len(state.open_alerts())
            told = [entry.n for entry in state.replay_from(0, 10**6)]
            assert told == list(range(1, 2 * len(known) + 1)), "two entries each, without a hole"
    assert printed == sorted(set(printed))


def test_a_full_disk_is_one_clear_error_and_the_state_goes_on_once_there_is_room(tmp_path):
    child = """
import resource, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from detector.store.state import State, StateError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
state = State.open(Path(sys.argv[1]))
at = datetime(2026, 11, 21, tzinfo=UTC)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
kept = 0
try:
    while True:
        state.commit(at=at, saved={f"n{kept}": "x" * 5000})
        kept += 1
except StateError as error:
    print(error)
assert state.saved(f"n{kept}") is None
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
state.commit(at=at, saved={f"n{kept}": "y"})
assert all(state.saved(f"n{n}") for n in range(kept + 1))
state.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", child, str(tmp_path / "s")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "cannot be used" in done.stdout
    assert "free space" in done.stdout
