"""Laws of the log: every channel gets every entry, in order, in the bytes that were logged."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from detector.channels import Entry, EntryKind
from detector.events import to_json
from detector.store.log import CAP, KEPT, Draft
from detector.store.state import State

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
CHANNELS = ("mqtt", "push")


def note(text: str = "slept badly", *, clinical: bool = False) -> Draft:
    return Draft(EntryKind.NOTE, "note", {"schema": "note/1", "text": text}, clinical)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite"


class Readers(RuleBasedStateMachine):
    """Two channels read one log while it grows, is refused by a receiver, and crashes."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "state.sqlite"
        self.logged: list[Entry] = []
        self.settled: dict[str, set[int]] = {channel: set() for channel in CHANNELS}
        self.put_aside: dict[str, dict[int, int]] = {channel: {} for channel in CHANNELS}
        self.state = State.open(self.path)
        for channel in CHANNELS:
            self.state.open_channel(channel, from_start=True)

    def teardown(self) -> None:
        self.state.close()
        self.folder.cleanup()

    @rule(count=st.integers(1, 6))
    def commit(self, count: int) -> None:
        entries = self.state.commit(at=NOW, entries=[note(str(n)) for n in range(count)])
        assert len(entries) == count
        self.logged += entries

    @rule()
    def fail_to_commit(self) -> None:
        with pytest.raises(TypeError):
            self.state.commit(at=NOW, entries=[note()], saved={"x": object()})

    @rule()
    def crash(self) -> None:
        """Come back from a copy of the files, as a kill would leave them."""
        after = tempfile.TemporaryDirectory()
        for file in Path(self.folder.name).iterdir():
            (Path(after.name) / file.name).write_bytes(file.read_bytes())
        self.teardown()
        self.folder, self.path = after, Path(after.name) / "state.sqlite"
        self.state = State.open(self.path)

    @rule(channel=st.sampled_from(CHANNELS), data=st.data(), window=st.integers(1, 8))
    def deliver(self, channel: str, data: st.DataObject, window: int) -> None:
        read = [entry.n for entry in self.state.read(channel, window)]
        fates = [data.draw(st.sampled_from(["heard", "refused", "unknown"])) for _ in read]
        order = data.draw(
            st.permutations([n for n, f in zip(read, fates, strict=True) if f == "heard"])
        )
        self.state.acknowledge(channel, order)
        refused = {n: "no" for n, fate in zip(read, fates, strict=True) if fate == "refused"}
        self.state.refuse(channel, refused, at=NOW)
        self.settled[channel] |= set(order)
        self.put_aside[channel] |= dict.fromkeys(refused, 1)

    @precondition(lambda self: any(self.put_aside.values()))
    @rule(channel=st.sampled_from(CHANNELS), heard=st.booleans())
    def retry(self, channel: str, heard: bool) -> None:
        for refused in self.state.refused(channel, 2):
            n = refused.entry.n
            assert refused.tries == self.put_aside[channel][n]
            if heard:
                self.state.acknowledge(channel, [n])
                self.settled[channel].add(n)
                del self.put_aside[channel][n]
            else:
                self.state.refuse(channel, {n: "still no"}, at=NOW)
                self.put_aside[channel][n] += 1

    @rule(channel=st.sampled_from(CHANNELS), data=st.data())
    def acknowledge_again_or_from_nowhere(self, channel: str, data: st.DataObject) -> None:
        known = sorted(self.settled[channel])
        again = data.draw(st.lists(st.sampled_from(known), max_size=3)) if known else []
        self.state.acknowledge(channel, [*again, 10**6])
        self.state.refuse(channel, dict.fromkeys(again, "late"), at=NOW)

    @invariant()
    def each_channel_still_has_to_get_what_it_has_not_heard(self) -> None:
        for channel in CHANNELS:
            open_ones = [
                entry
                for entry in self.logged
                if entry.n not in self.settled[channel] and entry.n not in self.put_aside[channel]
            ]
            assert self.state.read(channel, 10**6) == open_ones
            aside = {refused.entry.n for refused in self.state.refused(channel, 10**6)}
            assert aside == set(self.put_aside[channel])
            assert self.state.depth(channel) == len(open_ones) + len(aside)
            assert self.state.waiting(channel, {EntryKind.NOTE}) == self.state.depth(channel)
            assert self.state.waiting(channel, {EntryKind.EVENT, EntryKind.ALERT}) == 0

    @invariant()
    def numbers_count_from_one_without_a_hole(self) -> None:
        assert [entry.n for entry in self.logged] == list(range(1, len(self.logged) + 1))
        assert self.state.replay_from(0, 10**6) == self.logged


Readers.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestReaders = Readers.TestCase


def test_a_channel_that_always_acknowledges_gets_exactly_the_log_in_order(
    path: Path, event: Callable[..., Any], alert: Callable[..., Any]
) -> None:
    heard: list[Entry] = []
    logged: list[Entry] = []
    for run in range(3):
        with State.open(path) as state:
            state.open_channel("mqtt", from_start=True)
            for n in range(20):
                logged += state.commit(
                    at=NOW + timedelta(minutes=run),
                    events=[event(f"{run}-{n}", onset_s=n)],
                    alerts=[alert(f"{run}-{n}")],
                    entries=[note()],
                )
                if n % 3 == 0:
                    window = state.read("mqtt", 7)
                    state.acknowledge("mqtt", [entry.n for entry in reversed(window)])
                    heard += window
    with State.open(path) as state:
        heard += state.read("mqtt", 10**6)
    assert heard == logged


def test_the_body_is_the_events_json_with_its_number_and_home_assistants_type(
    path: Path, event: Callable[..., Any], alert: Callable[..., Any]
) -> None:
    said = event(sensor="calf\x1b[31m\n\ud800", reason="x" * 600)
    with State.open(path) as state:
        logged, raised = state.commit(at=NOW, events=[said], alerts=[alert()])
        assert state.replay_from(1) == [logged, raised]
    assert logged.body == to_json(said)[:-1] + ', "n": 1, "event_type": "clonus"}'
    assert json.loads(raised.body)["n"] == 2
    assert json.loads(logged.body)["sensor"] == "calf [31m  "
    assert len(json.loads(logged.body)["reason"]) == 500


def test_a_number_is_never_used_twice_whatever_became_of_the_entries(path: Path) -> None:
    with State.open(path) as state:
        state.commit(at=NOW, entries=[note()] * 5)
    with State.open(path, cap=1) as state:  # nobody reads: what is beyond the cap just goes
        assert [entry.n for entry in state.commit(at=NOW, entries=[note()])] == [6]
        assert [entry.n for entry in state.replay_from(0)] == [6]
        assert state.dropped == 0
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DELETE FROM log")
    with State.open(path) as state:
        assert [entry.n for entry in state.commit(at=NOW, entries=[note()])] == [7]


def test_a_new_channel_begins_where_it_is_told_and_opening_it_again_moves_nothing(
    path: Path,
) -> None:
    with State.open(path) as state:
        state.commit(at=NOW, entries=[note()] * 3)
        state.open_channel("all", from_start=True)
        state.open_channel("new", from_start=False)
        state.commit(at=NOW, entries=[note()] * 2)
        state.open_channel("new", from_start=True)
        assert [entry.n for entry in state.read("all")] == [1, 2, 3, 4, 5]
        assert [entry.n for entry in state.read("new")] == [4, 5]
        with pytest.raises(LookupError, match="never opened"):
            state.read("nobody")


def test_what_was_passed_is_kept_for_a_month_and_what_was_not_for_ever(path: Path) -> None:
    later = NOW + KEPT + timedelta(seconds=1)
    with State.open(path) as state:
        for channel in CHANNELS:
            state.open_channel(channel, from_start=True)
        state.commit(at=NOW, entries=[note()] * 6)
        state.acknowledge("mqtt", range(1, 7))
        state.acknowledge("push", [1, 3, 4])
        state.refuse("push", {2: "no"}, at=NOW)
        state.commit(at=NOW + KEPT, entries=[note()])
        assert len(state.replay_from(0)) == 7, "not yet a month"
        state.commit(at=later, entries=[note()])
        assert [entry.n for entry in state.replay_from(0)] == [2, 5, 6, 7, 8]
        assert [entry.n for entry in state.read("push")] == [5, 6, 7, 8]
        assert [refused.entry.n for refused in state.refused("push")] == [2]
        assert (state.depth("push"), state.dropped) == (5, 0)


def test_beyond_the_cap_heard_ones_go_first_then_technical_ones_and_never_a_spasm(
    path: Path, event: Callable[..., Any], alert: Callable[..., Any]
) -> None:
    with State.open(path, cap=10) as state:
        state.open_channel("mqtt", from_start=True)
        for n in range(20):
            state.commit(
                at=NOW,
                events=[event(f"e{n}", "clonus" if n % 2 else "movement", n)],
                alerts=[alert(f"t{n}", technical=True)],
            )
        kept = [json.loads(entry.body)["id"] for entry in state.read("mqtt")]
        assert kept == [f"e{n}" for n in range(1, 20, 2)]
        assert (state.depth("mqtt"), state.dropped) == (10, 30)
        state.commit(at=NOW, events=[event("one more", onset_s=30)])
        assert state.depth("mqtt") == 11, "rather too many than a spasm nobody hears of"
        state.acknowledge("mqtt", [entry.n for entry in state.read("mqtt", 5)])
        state.commit(at=NOW, events=[event("tonight", onset_s=30.5)])
        assert len(state.replay_from(0)) == 12, "heard, but a broker may still have it"
        state.commit(at=NOW + timedelta(days=8), events=[event("next week", onset_s=31)])
        assert state.replay_from(0)[0].subject == "e7", "heard ones went"
        assert (state.depth("mqtt"), state.dropped) == (8, 30)
        later = [event(f"l{n}", onset_s=40 + n) for n in range(4)]
        state.commit(at=NOW + timedelta(days=8), events=later)
        assert (state.depth("mqtt"), state.dropped) == (10, 32), "expired and unheard: counted"
        assert len(state.events()) == 27, "dropping an entry forgets no event"
    with State.open(path) as state:
        assert state.dropped == 32


def test_a_channel_whose_backlog_was_cut_goes_on_with_what_is_left(path: Path) -> None:
    with State.open(path, cap=4) as state:
        state.open_channel("mqtt", from_start=True)
        state.commit(at=NOW, entries=[note()] * 3)
        state.acknowledge("mqtt", [2])
        state.refuse("mqtt", {3: "no"}, at=NOW)
        state.commit(at=NOW, entries=[note()] * 4)
        assert [entry.n for entry in state.read("mqtt")] == [4, 5, 6, 7]
        assert (state.depth("mqtt"), state.dropped, state.refused("mqtt")) == (4, 3, [])
        state.acknowledge("mqtt", [4, 5, 6, 7])
        assert (state.depth("mqtt"), state.read("mqtt")) == (0, [])


def test_looking_at_a_full_log_needs_no_walk_through_its_bodies(path: Path) -> None:
    with State.open(path) as state:
        state.open_channel("mqtt", from_start=True)
        plans = [
            "SELECT count(*) FROM log WHERE clinical IN (0, 1) AND n > 0",
            "SELECT n FROM log WHERE at_ms < 0 AND +n <= 0",
        ]
    with closing(sqlite3.connect(path)) as db:
        for plan in plans:
            steps = str(db.execute(f"EXPLAIN QUERY PLAN {plan}").fetchall())
            assert "USING COVERING INDEX" in steps, steps
    assert CAP * 800 < 100e6, "the size that is promised"


@pytest.mark.parametrize("cursor", [99_999_999, -5, "junk", 2.5])
def test_a_damaged_cursor_keeps_nothing_that_comes_from_its_channel_and_is_told(
    path: Path, cursor: object
) -> None:
    with State.open(path) as state:
        state.open_channel("mqtt", from_start=True)
        state.commit(at=NOW, entries=[note("of yesterday")])
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE cursor SET upto = ?", (cursor,))
    with State.open(path) as state:
        state.open_channel("mqtt", from_start=True)
        (logged,) = state.commit(at=NOW, entries=[note("of tonight")])

        assert state.read("mqtt")[-1:] == [logged]
        assert len(state.troubles) == 1
        assert "how far mqtt had come" in state.troubles[0]
