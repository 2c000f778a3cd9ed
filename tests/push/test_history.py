"""Laws of what one contact is told of a sequence of states of alerts."""

from __future__ import annotations

import json
from collections import Counter, defaultdict

from hypothesis import given
from hypothesis import strategies as st

from detector.push.history import (
    AGAIN_S,
    ALARMS_MOST,
    CAP_WINDOW_S,
    CONDITION_MOST,
    REMEMBERED_MOST,
    Due,
    History,
)

from .alerts import alert, technical


def said(history: History, now_s: float, *alerts, wanted: bool = True) -> list[Due]:
    """What alerts ask for, all of which is told."""
    found = []
    for each in alerts:
        due = history.due(each, now_s, wanted=wanted)
        history.done(each, due, now_s)
        found.append(due)
    return found


STATES = st.sampled_from(["raised", "repeated", "escalated", "acknowledged", "snoozed", "resolved"])
steps = st.lists(
    st.tuples(
        STATES,
        st.sampled_from("abc"),
        st.booleans(),  # technical
        st.booleans(),  # wanted
        st.floats(0, 1200),  # seconds later
    ),
    max_size=60,
)


@given(steps, st.integers(0, 60))
def test_whatever_comes_alarms_are_few_ends_are_told_once_and_a_restart_changes_nothing(
    taken, restart
):
    history, now_s = History(), 0.0
    alarmed_s, alarms, told = defaultdict(list), Counter(), set()
    for n, (state, about, is_technical, wanted, later_s) in enumerate(taken):
        now_s += later_s
        if n == restart:
            saved = json.loads(json.dumps(history.save(now_s, now_s + 1e9)))
            now_s += 5.0  # another clock, another epoch
            history = History.load(saved, now_s, now_s + 1e9 - 5.0 + 5.0)
        each = technical(state, f"t{about}") if is_technical else alert(state, about)
        [due] = said(history, now_s, each, wanted=wanted)

        if due is Due.ALARM:
            assert wanted
            counted, most = (each.kind, CONDITION_MOST) if is_technical else ("", ALARMS_MOST)
            alarmed_s[counted].append(now_s)
            assert sum(now_s - at_s < CAP_WINDOW_S - 6 for at_s in alarmed_s[counted]) <= most
            alarms[each.id] += 1
            told.add(each.id)
        if due is Due.NEWS:
            assert each.id in told, "only those who were woken hear what became of it"
            assert state in {"acknowledged", "snoozed", "resolved"}
        assert said(history, now_s, each, wanted=wanted) in ([Due.NOTHING], [Due.KNOWN])


def test_an_episode_is_told_once_however_often_its_alert_is():
    history = History()
    assert said(history, 0, alert(), alert("repeated"), alert("escalated", tier=2)) == [
        Due.ALARM,
        Due.KNOWN,
        Due.KNOWN,
    ]
    assert said(history, 9, alert("acknowledged", by="anna"), alert("repeated")) == [
        Due.NEWS,
        Due.KNOWN,
    ]
    assert said(history, 99, alert("resolved"), alert("resolved")) == [Due.NEWS, Due.NOTHING]


def test_one_to_whom_it_escalates_is_told_though_the_first_was():
    second = History()
    assert said(second, 0, alert(), wanted=False) == [Due.NOTHING]
    assert said(second, 120, alert("escalated", tier=2)) == [Due.ALARM]


def test_an_alert_that_was_put_off_wakes_again():
    history = History()
    taken = [alert(), alert("snoozed", by="anna"), alert("repeated"), alert("repeated")]
    assert said(history, 0, *taken) == [Due.ALARM, Due.NEWS, Due.ALARM, Due.KNOWN]


def test_an_open_technical_alert_sounds_every_quarter_of_an_hour_until_somebody_answers():
    history = History()
    said(history, 0, technical())
    dues = [said(history, minute * 60.0, technical("repeated"))[0] for minute in range(1, 61)]
    assert [n + 1 for n, due in enumerate(dues) if due is Due.ALARM] == [15, 30, 45, 60]
    assert AGAIN_S == 15 * 60
    said(history, 3601, technical("acknowledged", by="anna"))
    assert said(history, 7300, technical("repeated")) == [Due.ALARM], "the answer held for an hour"


def test_a_call_for_help_that_is_repeated_wakes_again_until_somebody_answers():
    call = {"kind": "button", "rule": "button"}
    history = History()
    assert said(history, 0, alert(**call), alert("repeated", **call)) == [Due.ALARM] * 2
    answered = said(history, 1, alert("acknowledged", **call), alert("repeated", **call))
    assert answered == [Due.NEWS, Due.KNOWN]


def test_that_it_was_no_spasm_is_told_even_after_somebody_went_and_no_all_clear_follows():
    history = History()
    none = alert("acknowledged", by="ben", reason="not a spasm")
    taken = [alert(), alert("acknowledged", by="anna"), none, none, alert("resolved")]
    news = [Due.ALARM, Due.NEWS, Due.NEWS, Due.NOTHING, Due.NOTHING]
    assert said(history, 0, *taken) == news


def test_the_thirteenth_alarm_of_an_hour_says_that_more_come_and_the_next_hour_begins_anew():
    history = History()
    dues = [said(history, n * 10.0, alert(about=f"e{n}"))[0] for n in range(ALARMS_MOST + 3)]
    assert dues == [Due.ALARM] * ALARMS_MOST + [Due.MORE, Due.KNOWN, Due.KNOWN]
    assert said(history, CAP_WINDOW_S + 1, alert(about="later")) == [Due.ALARM]
    assert said(history, 50, alert("resolved", about="e13")) == [Due.NOTHING], "it was not told"


CALL = {"kind": "button", "rule": "button"}
KINDS = {
    "wearer": alert,
    "call": lambda state, about: alert(state, about, **CALL),
    "no-signal": lambda state, about: technical(state, about=about),
    "stuck": lambda state, about: technical(state, "stuck", about=about),
}
floods = st.lists(
    st.tuples(st.sampled_from([*KINDS]), st.sampled_from(["raised", "repeated"]), st.floats(0, 60)),
    max_size=150,
)


@given(floods, st.sampled_from([*KINDS]), st.booleans())
def test_no_flood_of_one_kind_keeps_a_phone_from_being_told_of_another(flood, kind, restart):
    history, now_s = History(), 0.0
    for n, (other, state, later_s) in enumerate(flood):
        now_s += later_s
        if other != kind:
            said(history, now_s, KINDS[other](state, f"flood{n % 40}"))
    if restart:
        history = History.load(json.loads(json.dumps(history.save(now_s, 1e9))), now_s, 1e9)
    assert said(history, now_s, KINDS[kind]("raised", "this")) == [Due.ALARM]


@given(st.integers(0, 60), st.floats(0, 120))
def test_each_new_call_for_help_is_told_however_many_came_before(calls, apart_s):
    history = History()
    for n in range(calls):
        taken = [alert(state, f"c{n}", **CALL) for state in ("raised", "repeated", "acknowledged")]
        assert said(history, n * apart_s, *taken)[0] is Due.ALARM


def test_what_the_release_before_saved_is_read_and_its_alarms_are_told_no_second_time():
    history = History()
    said(history, 0.0, alert(), technical())
    saved = history.save(0.0, 1e9) | {"schema": "pushed/1", "alarmed": [1e9] * 12, "more": True}
    history = History.load(saved, 5.0, 1e9 + 5)
    assert said(history, 5.0, alert(), technical()) == [Due.KNOWN] * 2
    assert said(history, 6.0, alert("resolved")) == [Due.NEWS]


def test_what_is_remembered_is_bounded_and_an_open_alert_is_forgotten_last():
    history = History()
    said(history, 0.0, technical())
    for n in range(3 * REMEMBERED_MOST):
        now_s = 10.0 + n * CAP_WINDOW_S
        said(history, now_s, alert(about=f"e{n}"), alert("resolved", about=f"e{n}"))
    assert len(history.save(0, 0)["told"]) == REMEMBERED_MOST
    assert said(history, 1e9, technical("resolved")) == [Due.NEWS]


def test_what_cannot_be_read_is_an_empty_history():
    whole = History().save(0, 0)
    broken = [whole | {name: junk} for name in whole for junk in (3, [3], {"x": 3}, None)]
    for junk in (None, {}, [], {"schema": "pushed/1"}, {"schema": "pushed/1", "told": 3}, *broken):
        assert said(History.load(junk, 0, 0), 0, alert()) == [Due.ALARM]
