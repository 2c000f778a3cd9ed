"""A state that was kept in memory goes into its file whole: nothing lost, twice, or renamed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.alert import Alert
from detector.channels import EntryKind
from detector.events import Event
from detector.store.log import Draft
from detector.store.state import State, StateError

from .faulty_disk import AVAILABLE, FULL, IOERR, Disk, Operation, below_sqlite

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
WEARER = "k3vq7m2xta"
OPERATIONS_MOST = 60  # of one take-over: what is beyond was not reached

needs_disk = pytest.mark.skipif(not AVAILABLE, reason="sqlite3 is no library of its own")


def note(words: str) -> Draft:
    return Draft(EntryKind.NOTE, words, {"words": words})


def filled(state: State, words: list[str], *, passed: set[int], refused: set[int]) -> State:
    """Log these words; some of their numbers are delivered or set aside."""
    state.open_channel("mqtt", from_start=True)
    for word in words:
        state.commit(at=NOW, entries=[note(word)])
    state.acknowledge("mqtt", passed)
    state.refuse("mqtt", dict.fromkeys(refused - passed, "nobody"), at=NOW)
    return state


def words(entries: Any) -> list[str]:
    return [json.loads(entry.body)["words"] for entry in entries]


@contextmanager
def a_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "state.sqlite"


numbers = st.sets(st.integers(1, 8))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 8), st.integers(0, 8), numbers, numbers, numbers, numbers)
def test_what_each_channel_had_not_told_is_still_to_be_told_and_nothing_else(
    before: int, since: int, gone: set[int], aside: set[int], passed: set[int], refused: set[int]
) -> None:
    old, new = [f"old {n}" for n in range(before)], [f"new {n}" for n in range(since)]
    with a_folder() as path, State.in_memory(wearer=WEARER) as memory:
        with filled(State.open(path, wearer=WEARER), old, passed=gone, refused=aside) as file:
            filled(memory, new, passed=passed, refused=refused)
            untold = words(file.read("mqtt")) + words(memory.read("mqtt"))
            set_aside = words(each.entry for each in file.refused("mqtt"))
            set_aside += words(each.entry for each in memory.refused("mqtt"))
            depth = file.depth("mqtt") + memory.depth("mqtt")
            moved = file.take_over(memory, at=NOW)
            file.commit(at=NOW, entries=[note("later")])
        with State.open(path) as file:
            log = file.replay_from(0)
            assert words(log) == [*old, *new, "later"]
            assert [entry.n for entry in log] == [json.loads(entry.body)["n"] for entry in log]
            assert [words([log[moved[n] - 1]])[0] for n in range(1, since + 1)] == new
            assert words(file.read("mqtt")) == [*untold, "later"]
            assert sorted(words(e.entry for e in file.refused("mqtt"))) == sorted(set_aside)
            assert file.depth("mqtt") == depth + 1


def test_the_later_form_counts_and_who_was_there_is_known(
    tmp_path: Path, event: Callable[..., Event], alert: Callable[..., Alert]
) -> None:
    path = tmp_path / "state.sqlite"
    with State.in_memory(wearer=WEARER) as memory, State.open(path, wearer=WEARER) as file:
        file.open_channel("mqtt", from_start=True)
        file.commit(
            at=NOW,
            events=[event("a", phase="start"), event("b", phase="start")],
            alerts=[alert("x"), alert("y")],
            saved={"night": "of before", "tests": 1},
        )
        file.acknowledge_as("anna", 2, at=NOW)
        memory.open_channel("mqtt", from_start=True)
        memory.open_channel("push", from_start=True)
        memory.commit(at=NOW, events=[event("a", phase="update")], saved={"night": "of now"})
        memory.acknowledge_as("ben", 1, at=NOW + timedelta(hours=1))
        file.take_over(
            memory,
            at=NOW,
            events=[event("a", phase="end"), event("b", phase="end")],
            alerts=[alert("x", "resolved")],
            saved={"starts": [1]},
        )

        assert {e.id: e.phase for e in file.events()} == {"a": "update", "b": "end"}
        assert [each.id for each in file.open_alerts()] == ["y"]
        assert file.saved("night") == "of now"
        assert (file.saved("tests"), file.saved("starts")) == (1, [1])
        assert {each.name: each.upto for each in file.receivers} == {"anna": 2, "ben": 0}
        assert [entry.subject for entry in file.read("push")] == ["a"], "nothing from before it"


def night_in_memory() -> State:
    memory = State.in_memory(wearer=WEARER)
    return filled(memory, ["new 1", "new 2", "new 3"], passed={1}, refused=set())


def begun(path: Path) -> None:
    with State.open(path, wearer=WEARER) as file:
        filled(file, ["old 1", "old 2"], passed={1}, refused=set())


@needs_disk
@pytest.mark.parametrize(("code", "times"), [(FULL, 1), (IOERR, 1), (IOERR, 10_000)])
def test_a_disk_that_refuses_in_the_middle_loses_nothing_and_the_next_attempt_succeeds(
    tmp_path: Path, code: int, times: int
) -> None:
    refused = 0
    for failing in range(OPERATIONS_MOST):
        path = tmp_path / str(failing) / "state.sqlite"
        begun(path)
        memory, left, failed = night_in_memory(), failing, 0

        def before(_: Operation) -> int:
            nonlocal left, failed
            left -= 1
            if left >= 0 or failed >= times:
                return 0
            failed += 1
            return code

        with below_sqlite(Disk(before=before)):
            try:
                with State.open(path) as file:
                    file.take_over(memory, at=NOW)
            except StateError:
                refused += 1
                assert words(memory.replay_from(0)) == ["new 1", "new 2", "new 3"]
                assert words(memory.read("mqtt")) == ["new 2", "new 3"]
                memory.commit(at=NOW, entries=[note("meanwhile")])
        with State.open(path) as file:
            file.take_over(memory, at=NOW)
            log = words(file.replay_from(0))
            there = ["old 1", "old 2", *words(memory.replay_from(0))]
            assert log == there, f"operation {failing}"
            assert words(file.read("mqtt")) == [each for each in there if each[-1] != "1"]
        memory.close()
        if not failed:
            break
    assert refused > 3
    assert failing < OPERATIONS_MOST - 1, "every operation had its turn"


KILLED = """
import os, signal, sys
from pathlib import Path
from detector.store.state import State
from tests.store.faulty_disk import Disk, below_sqlite
from tests.store.test_takeover import NOW, night_in_memory
left = int(sys.argv[2])
def before(_):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return 0
memory = night_in_memory()
with below_sqlite(Disk(before=before)):
    State.open(Path(sys.argv[1])).take_over(memory, at=NOW)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@needs_disk
def test_killed_in_the_middle_the_file_has_all_of_it_or_nothing(tmp_path: Path) -> None:
    outcomes = set()
    for n in range(0, 20, 2):  # of 17 operations
        path = tmp_path / str(n) / "state.sqlite"
        begun(path)
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(path), str(n)],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            check=False,
        )
        assert done.returncode == -signal.SIGKILL
        with State.open(path) as file:
            new = words(file.replay_from(0))[2:]
            outcomes.add(tuple(new))
            assert words(file.read("mqtt")) == ["old 2", *new[1:]]
    assert outcomes == {(), ("new 1", "new 2", "new 3")}
