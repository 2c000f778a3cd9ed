"""A service that dies again and again is an alarm; one that people end and start is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from detector.alerts.conditions import Condition
from detector.service.checks.starts import (
    MOST_STARTS,
    WITHIN_S,
    Start,
    StartWatch,
    joined_starts,
    note_start,
    recent_starts,
)
from detector.store.state import State

EVENING = datetime(2026, 11, 28, 21, tzinfo=UTC)


def start(state: State, at_s: float, *, boot: str = "one", step_s: float = 0, ended: bool = False):
    """A process begins; the wall clock may be elsewhere."""
    at = EVENING + timedelta(seconds=at_s + step_s)
    return note_start(state, boot=boot, at=at, last_ended=ended, mono_s=at_s)


def test_the_fourth_start_within_ten_minutes_raises_the_alarm_whatever_the_wall_clock(
    tmp_path: Path,
) -> None:
    for step_s in (0.0, -3600.0, 365 * 86400.0):
        with State.open(tmp_path / f"{step_s}.sqlite") as state:
            watches = [start(state, 100.0 * n, step_s=n * step_s) for n in range(MOST_STARTS + 1)]
        alarms = [watch.troubles()[Condition.RESTART_LOOP] for watch in watches]
        assert alarms[:-1] == [None] * MOST_STARTS
        assert alarms[-1] is not None
        assert "3 times within 10 min" in alarms[-1]


def test_starts_that_a_person_ended_or_that_are_long_ago_are_none(tmp_path: Path) -> None:
    with State.open(tmp_path / "state.sqlite") as state:
        ended = [start(state, 10.0 * n, ended=n > 0) for n in range(8)]
        rare = [start(state, 1000 + (WITHIN_S + 1) / 3 * n + n) for n in range(8)]
    assert all(watch.troubles() == {Condition.RESTART_LOOP: None} for watch in [*ended, *rare])


def test_the_alarm_is_over_after_ten_minutes_of_the_same_process() -> None:
    now_s = 5.0
    watch = StartWatch(MOST_STARTS, mono_s=lambda: now_s)
    assert watch.troubles()[Condition.RESTART_LOOP]
    now_s += WITHIN_S
    assert watch.troubles()[Condition.RESTART_LOOP] is None


def test_across_boots_the_wall_clock_counts(tmp_path: Path) -> None:
    with State.open(tmp_path / "state.sqlite") as state:
        for n in range(MOST_STARTS):
            start(state, 30.0, boot=f"boot {n}", step_s=100.0 * n)
        last = start(state, 30.0, boot="now", step_s=100.0 * MOST_STARTS)
    assert last.troubles()[Condition.RESTART_LOOP]


json = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=12,
)


@given(json, st.booleans())
def test_whatever_was_saved_a_start_goes_on(saved: object, last_ended: bool) -> None:
    assert len(recent_starts(saved, Start("b", 1.0, 1.0), last_ended=last_ended)) <= MOST_STARTS


def test_starts_of_a_night_in_memory_count_with_those_that_its_file_has() -> None:
    one, two, three = (["boot", float(n), float(n)] for n in range(3))
    assert joined_starts([one, two], [two, three], last_ended=False) == [one, two, three]
    assert joined_starts([one, two], [three], last_ended=True) == [three]
    assert joined_starts("nonsense", None, last_ended=False) == []
    assert len(joined_starts([one] * 9, [two], last_ended=False)) == MOST_STARTS
