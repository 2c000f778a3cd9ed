"""Laws of whom an alert is told to."""

from __future__ import annotations

from dataclasses import replace
from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.alert import AlertState, Level
from detector.push.recipients import ALARMING, Contact, recipients

from .alerts import alert, technical

RULES = ("clonus >= 60s", "3 spasms in 10min")
NOON, NIGHT = time(12), time(2, 14)
QUIET = (time(22), time(7))

times = st.times()
contacts = st.lists(
    st.builds(
        Contact,
        name=st.sampled_from("abcdefgh"),
        quiet=st.none() | st.tuples(times, times),
        rules=st.none() | st.frozensets(st.sampled_from(RULES), min_size=1),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda contact: contact.name,
)
alerts = st.builds(
    lambda which, state, tier, rule: replace(
        which, state=AlertState(state), tier=tier, rule=which.rule and rule
    ),
    st.sampled_from([alert(), technical(), alert(kind="button"), technical(kind="stuck")]),
    st.sampled_from(sorted(ALARMING)),
    st.integers(1, 3),
    st.sampled_from(RULES),
)


@given(contacts, alerts, times)
def test_somebody_is_told_of_every_alarm_and_at_tier_three_everybody(people, told, local):
    names = recipients(people, told, local)
    assert names
    if told.tier == 3:
        assert names == tuple(person.name for person in people)
    assert len(names) <= told.tier or told.tier == 3


@given(contacts, alerts, times)
def test_a_higher_tier_tells_whoever_a_lower_one_told(people, told, local):
    by_tier = [recipients(people, replace(told, tier=tier), local) for tier in (1, 2, 3)]
    assert set(by_tier[0]) <= set(by_tier[1]) <= set(by_tier[2])


@given(contacts, alerts, times)
def test_they_are_told_in_the_order_of_the_settings(people, told, local):
    order = [person.name for person in people]
    names = recipients(people, told, local)
    assert list(names) == sorted(names, key=order.index)


@given(contacts, alerts, times)
def test_one_who_sleeps_or_does_not_wait_for_it_is_passed_over_while_another_is_there(
    people, told, local
):
    names = recipients(people, replace(told, tier=1), local)
    [first] = [person for person in people if person.name in names]
    if any(p.takes(told) and not p.is_quiet(local) for p in people):
        assert first.takes(told)
        assert not first.is_quiet(local)


@given(contacts, alerts, times)
def test_what_wakes_nobody_is_pushed_to_nobody(people, told, local):
    for level in set(Level) - {Level.HIGH}:
        assert recipients(people, replace(told, level=level), local) == ()
    for state in set(AlertState) - ALARMING:
        assert recipients(people, replace(told, state=state), local) == ()


@pytest.mark.parametrize(
    ("local", "quiet"),
    [
        (time(21, 59), False),
        (time(22), True),
        (time(0), True),
        (time(6, 59, 59), True),
        (time(7), False),
    ],
)
def test_quiet_hours_go_over_midnight(local, quiet):
    assert Contact("a", QUIET).is_quiet(local) is quiet
    assert Contact("a", QUIET[::-1]).is_quiet(local) is not quiet


def test_technical_alerts_and_calls_for_help_reach_a_contact_of_other_rules():
    choosy = [Contact("a", rules=frozenset({RULES[1]})), Contact("b")]
    assert recipients(choosy, alert(), NOON) == ("b",)
    assert recipients(choosy, alert(kind="button", rule="button"), NOON) == ("a",)
    assert recipients(choosy, technical(), NOON) == ("a",)


def test_the_next_is_told_at_once_where_the_first_is_asleep():
    night = [Contact("a", QUIET), Contact("b"), Contact("c")]
    assert recipients(night, alert(), NIGHT) == ("b",)
    assert recipients(night, alert(tier=2), NIGHT) == ("b", "c")
    assert recipients(night, alert(tier=3), NIGHT) == ("a", "b", "c")
    assert recipients(night[:1], alert(), NIGHT) == ("a",), "nobody else is there"
