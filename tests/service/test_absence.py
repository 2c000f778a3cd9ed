"""Time in which no process ran was not watched, whatever state the last one left."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.channels import Entry
from detector.events import Origin
from detector.night.night import Night
from detector.night.observation import WornSensor
from detector.recognition.events.stamp import Provenance
from detector.service.persistence.absence import log_absence
from detector.status import StateWord, Status
from detector.store.diary import Diary
from detector.store.known_night import KnownNight, joined
from detector.store.log import of_status
from detector.store.state import State
from detector.web.history.nights import night_line

WEARER = "k3vq7m2xta"
WHOSE = Provenance(WEARER, "leg", "2026-11-20", Origin.LIVE)
EVENING = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
MIN = timedelta(minutes=1)
WATCHED = {StateWord.WATCHING.value, StateWord.SPASM.value, StateWord.PAUSED.value}
STATES = [
    Status(StateWord.WATCHING),
    Status(StateWord.SPASM, why="steady beats"),
    Status(StateWord.PAUSED, why="by anna", until=EVENING + timedelta(hours=1)),
    Status(StateWord.NO_SIGNAL, why="the sensor is not heard"),
]


def enter(state: State, status: Status, at: datetime) -> None:
    entry = of_status(status, wearer=WEARER, source=Origin.LIVE, at=at)
    state.commit(at=at, entries=[entry])


def saved_at(moment: datetime) -> object:
    """Return a night as it was saved at a moment."""
    night = Night([WornSensor(WHOSE, "calf")], rules=())
    night.tick(1, int(moment.timestamp()) * 10**9)
    return json.loads(json.dumps(night.save()))


def entries(state: State) -> list[Entry]:
    return state.replay_from(1)


@given(
    nights=st.lists(
        st.tuples(
            st.lists(st.tuples(st.sampled_from(STATES), st.integers(1, 90)), max_size=4),
            st.integers(1, 60),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_no_time_in_which_nothing_ran_is_ever_watched(
    nights: list[tuple[list[tuple[Status, int]], int]],
) -> None:
    state, at, absent = State.in_memory(wearer=WEARER), EVENING, []
    for states, away_min in nights:
        log_absence(state, None, WHOSE, at)
        begin = at
        enter(state, STATES[-1], at)
        for status, lasted_min in states:
            enter(state, status, at)
            at += lasted_min * MIN
        ended = max([begin, *(each.at for each in entries(state))])
        at += away_min * MIN
        absent.append((ended, at))
    log_absence(state, None, WHOSE, at)
    diary = Diary(back=at - EVENING)
    diary.take(entries(state))
    shown = joined(diary.spans(at), EVENING, at)
    for word, begin, end in shown:
        for since, until in absent:
            assert word not in WATCHED or min(end, until) <= max(begin, since)


@pytest.mark.parametrize("status", STATES[:3], ids=lambda each: each.watch.value)
def test_a_quiet_night_is_watched_until_it_was_last_saved_and_no_longer(status: Status) -> None:
    state = State.in_memory(wearer=WEARER)
    enter(state, status, EVENING)
    saved, morning = EVENING + timedelta(hours=9), EVENING + timedelta(hours=24)
    kept = saved_at(saved)
    (entry,) = log_absence(state, kept, WHOSE, morning)
    assert (entry.at, entry.subject) == (saved, StateWord.NO_SIGNAL)
    assert log_absence(state, kept, WHOSE, morning) == (), "started again before anything came"
    enter(state, status, morning)
    (entry,) = log_absence(state, kept, WHOSE, morning + 9 * MIN, heard_until=morning + 2 * MIN)
    assert entry.at == morning + 2 * MIN, "what was recorded was watched"
    known = KnownNight(
        evening=EVENING.date(), now=morning, zone=UTC, events=(), entries=tuple(entries(state))
    )
    assert night_line(known)["watched"] == "Watched for 9 h 0 min, from 22:00 to 07:00."


@pytest.mark.parametrize("kept", [{}, {"schema": "night/1"}, 3, None])
def test_a_damaged_night_and_a_clock_that_was_set_back_do_no_harm(kept: object) -> None:
    state = State.in_memory(wearer=WEARER)
    assert log_absence(state, kept, WHOSE, EVENING) == ()
    enter(state, STATES[0], EVENING)
    (entry,) = log_absence(state, kept, WHOSE, EVENING - timedelta(days=3))
    assert entry.at == EVENING - timedelta(days=3)
