"""The checker finds what it is for: a history that keeps every law, and one that breaks each."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .history import (
    BLIND_S,
    DARK,
    HAND_OVER_S,
    SUPERSEDED,
    Committed,
    Fact,
    History,
    blind_spells,
    check,
)

NO_SIGNAL_ALERT = {"id": "a1", "kind": "no-signal", "class": "technical", "state": "raised"}
NO_SIGNAL_OVER = {**NO_SIGNAL_ALERT, "state": "resolved"}
CLONUS_BEGINS = {"id": "e1", "kind": "clonus", "episode": "ep1", "phase": "start"}
CLONUS_ENDS = {"id": "e1", "kind": "clonus", "episode": "ep1", "phase": "end"}
LOG = (
    Committed(7, "event", CLONUS_BEGINS),
    Committed(8, "event", CLONUS_ENDS),
    Committed(9, "alert", NO_SIGNAL_ALERT),
    Committed(10, "alert", NO_SIGNAL_OVER),
)


def heard(t: float, fields: dict[str, Any], who: str = "anna") -> Fact:
    return Fact(t, "heard", who, fields=fields)


def shown(t: float, word: str, who: str = "anna") -> Fact:
    return Fact(t, "shown", who, word)


def samples(first: float, last: float) -> list[Fact]:
    return [Fact(first + i * 0.7, "samples") for i in range(int((last - first) / 0.7) + 1)]


def history(*changed: Fact, without: Callable[[Fact], bool] = lambda _: False) -> History:
    """A night that keeps every law: a clonus, and a minute without samples from 40 s on."""
    facts = [
        *samples(0, 40),
        *samples(100, 140),
        shown(1, "watching"),
        shown(1, "watching", "service"),
        heard(11, CLONUS_BEGINS),
        heard(14, CLONUS_ENDS),
        shown(48, "no_signal"),
        shown(48, "no_signal", "service"),
        heard(49, NO_SIGNAL_ALERT),
        heard(101, NO_SIGNAL_OVER),
        shown(101, "watching"),
        shown(101, "watching", "service"),
        Fact(140, "asked"),
        Fact(141, "availability", word="stopped"),
        shown(141, "stopped"),
        Fact(142, "end"),
    ]
    kept = [fact for fact in facts if not without(fact)]
    return History(sorted([*kept, *changed], key=lambda f: f.t), LOG, {"anna": 6})


def laws(broken: History) -> set[str]:
    return {violation.law for violation in check(broken)}


def test_a_night_that_keeps_every_law_breaks_none() -> None:
    assert check(history()) == []


@pytest.mark.parametrize("entry", LOG, ids=lambda entry: f"{entry.leaf} {entry.n}")
def test_an_entry_that_a_receiver_never_heard_is_found(entry: Committed) -> None:
    missing = history(without=lambda fact: fact.body == entry.body and fact.what == "heard")

    assert "heard" in laws(missing)
    assert any(f"anna never heard {entry.leaf} {entry.n}" in v.why for v in check(missing))


def test_what_was_logged_before_a_receiver_began_it_need_not_hear() -> None:
    late = replace(history(without=lambda f: f.fields == CLONUS_BEGINS), since={"anna": 7})

    assert laws(late) == set()


def test_another_entry_of_the_same_number_is_not_the_one_that_was_committed() -> None:
    other = {**CLONUS_ENDS, "kind": "tonic"}
    swapped = history(heard(14, other), without=lambda f: f.fields == CLONUS_ENDS)

    assert "heard" in laws(swapped)


def test_an_end_before_its_beginning_is_found() -> None:
    turned = history(heard(15, CLONUS_BEGINS), without=lambda f: f.fields == CLONUS_BEGINS)

    assert laws(turned) == {"order"}


def test_an_end_before_its_beginning_is_history_where_it_is_told_so() -> None:
    begins = Fact(15, "heard", "anna", SUPERSEDED, CLONUS_BEGINS)

    assert laws(history(begins, without=lambda f: f.fields == CLONUS_BEGINS)) == set()


def test_a_repetition_after_a_restart_is_no_other_order() -> None:
    assert laws(history(heard(20, CLONUS_BEGINS), heard(20.1, CLONUS_ENDS))) == set()


@pytest.mark.parametrize("who", ["anna", "service"])
@pytest.mark.parametrize("word", ["watching", "spasm"])
def test_watching_shown_while_nothing_is_watched_is_found(who: str, word: str) -> None:
    assert laws(history(shown(70, word, who))) == {"watching"}


def test_a_screen_that_never_learns_of_the_silence_is_found() -> None:
    blind = history(without=lambda f: f.what == "shown" and f.word == "no_signal")

    assert "watching" in laws(blind)
    assert {v.t for v in check(blind) if v.law == "watching"} == {blind_spells(blind)[0][0]}


def test_a_screen_that_is_dark_shows_nothing() -> None:
    frozen = history(shown(45, DARK, "service"), without=lambda f: (f.who, f.t) == ("service", 48))

    assert laws(frozen) == set()


def test_a_silence_without_a_technical_alarm_is_found() -> None:
    quiet = history(without=lambda f: f.fields.get("kind") == "no-signal")

    assert laws(replace(quiet, log=LOG[:2])) == {"alarmed"}


def test_an_alarm_that_ends_before_the_silence_is_found() -> None:
    early = history(heard(80, NO_SIGNAL_OVER), without=lambda f: f.fields == NO_SIGNAL_OVER)
    (found,) = check(early)

    assert (found.law, found.t) == ("alarmed", 80)


def test_a_clinical_alert_covers_no_silence() -> None:
    clinical = {**NO_SIGNAL_ALERT, "class": "clinical"}
    wrong = history(heard(49, clinical), without=lambda f: f.fields == NO_SIGNAL_ALERT)

    assert "alarmed" in laws(wrong)


def test_a_receivers_own_alarm_covers_a_silence() -> None:
    alone = history(shown(50, "silent"), without=lambda f: f.fields.get("kind") == "no-signal")

    assert laws(replace(alone, log=LOG[:2])) == set()


def test_no_signal_on_the_screen_is_an_alarm_for_no_longer_than_a_hand_over() -> None:
    def returned(at: float) -> History:
        return replace(
            history(
                shown(50, "silent"),
                shown(at, "no_signal"),
                without=lambda f: f.fields.get("kind") == "no-signal",
            ),
            log=LOG[:2],
        )

    # Samples come again at 100 s.
    assert laws(returned(100 - HAND_OVER_S + 0.5)) == set()
    assert laws(returned(100 - HAND_OVER_S - 0.5)) == {"alarmed"}


@pytest.mark.parametrize(
    "fact", [Fact(90, "availability", word="stopped"), shown(90, "stopped")], ids=lambda f: f.what
)
def test_stopped_before_anybody_asked_is_found(fact: Fact) -> None:
    assert "stopped" in laws(history(fact))


def test_a_machine_that_is_late_may_show_it_as_late() -> None:
    late = history(shown(61, "watching"), shown(61.4, "no_signal"))

    assert laws(late) == {"watching"}
    assert laws(replace(late, late_s=1.5)) == set()


def test_a_log_that_nobody_wrote_proves_nothing_by_itself() -> None:
    """An empty history has no spells: whoever runs a night must see that it had samples."""
    assert check(History([], [], {})) == []


@given(st.lists(st.floats(0.1, 60.0), min_size=1, max_size=30))
def test_every_pause_longer_than_the_bar_is_a_blind_spell(pauses: Sequence[float]) -> None:
    times = [sum(pauses[:i]) for i in range(len(pauses) + 1)]
    facts = [Fact(t, "samples") for t in times]
    spells = blind_spells(History([*facts, Fact(times[-1], "asked")], [], {}))

    assert len(spells) == sum(
        later - earlier > BLIND_S for earlier, later in itertools.pairwise(times)
    )
    assert all(seen > blind for blind, seen in spells)
