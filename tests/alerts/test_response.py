"""What follows an alert: nobody answers, somebody does, somebody will; each once, in any order."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from detector.alert import Alert, AlertClass, AlertState, Level
from detector.alerts.commands import (
    Acknowledge,
    CallForHelp,
    CommandError,
    LabelEvent,
    SaidKind,
    Snooze,
)
from detector.alerts.learning import COUNTS_S, LearningNights
from detector.alerts.pause import hushed
from detector.alerts.response import (
    ALL,
    BLIND_ANSWER_S,
    CALL_OVER_S,
    ESCALATES_S,
    REFRACTORY_S,
    AlertResponse,
)

from .open_alert import LOST, NOW

S = 1_000_000_000
CLONUS = replace(
    LOST, id="c", episode="e", alert_class=AlertClass.CLINICAL, kind="clonus", rule="clonus >= 60s"
)
RAISED, REPEATED, ESCALATED = AlertState.RAISED, AlertState.REPEATED, AlertState.ESCALATED
ON_IT, OFF, OVER = AlertState.ACKNOWLEDGED, AlertState.SNOOZED, AlertState.RESOLVED


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def raised(alert: Alert = CLONUS) -> AlertResponse:
    response = AlertResponse(wearer="k3vq7m2xta")
    assert response.hear([alert], 0) == [alert]
    return response


def passed(
    response: AlertResponse, *seconds: float, alerts: tuple[Alert, ...] = (CLONUS,)
) -> list[tuple[float, AlertState, int]]:
    """Let time pass second by second; return when something was told, what, and to how many."""
    begin, end = (0.0, *seconds)[-2:]
    told = []
    for now_s in range(round(begin), round(end) + 1):
        for alert in response.tick(alerts, now_s * S, at(now_s)):
            told.append((float(now_s), alert.state, alert.tier))
    return told


@pytest.mark.parametrize("alert", [CLONUS, LOST])
def test_what_nobody_answers_is_told_to_the_next_contact_and_then_to_all(alert: Alert) -> None:
    first_s, then_s = ESCALATES_S
    told = passed(raised(alert), 3600, alerts=(alert,))
    assert told == [(first_s, ESCALATED, 2), (then_s, ESCALATED, ALL)]


def test_what_reaches_nobody_is_told_to_all_at_once() -> None:
    (told,) = raised().tick([CLONUS], S, at(1), unreachable=lambda alert: alert == CLONUS.id)
    assert (told.state, told.tier) == (ESCALATED, ALL)


def test_a_shown_alert_never_escalates() -> None:
    shown = replace(LOST, level=Level.MEDIUM)
    assert passed(raised(shown), 3600, alerts=(shown,)) == []


def test_nothing_escalates_in_a_pause_and_the_time_begins_anew_behind_it() -> None:
    response = raised()
    assert response.tick([CLONUS], 400 * S, at(400), paused=True) == []
    response.begin_again(400 * S)
    assert passed(response, 400, 519) == []
    assert passed(response, 520, 520) == [(520, ESCALATED, 2)]


@pytest.mark.parametrize("which", [CLONUS.id, None])
def test_whoever_is_on_it_is_named_and_nobody_is_told_again(which: str | None) -> None:
    response = raised()
    (told,) = response.obey(Acknowledge(by="anna", alert=which), 5 * S, at(5))
    assert (told.state, told.by, told.id, told.reason) == (ON_IT, "anna", "c", CLONUS.reason)
    assert not told.wakes
    assert response.answered(CLONUS)
    assert response.shown(CLONUS) == told
    assert response.obey(Acknowledge(by="berta", alert=which), 6 * S, at(6)) == []
    assert passed(response, 7, 7200) == []
    (over,) = response.hear([replace(CLONUS, state=OVER)], 7200 * S)
    assert (over.state, over.by, over.tier) == (OVER, "anna", 1)


def test_a_blind_sensor_that_somebody_is_on_is_told_again_after_an_hour() -> None:
    response = raised(LOST)
    response.obey(Acknowledge(by="anna"), 0, at(0))
    first_s = ESCALATES_S[0]
    assert passed(response, BLIND_ANSWER_S + first_s, alerts=(LOST,)) == [
        (BLIND_ANSWER_S, REPEATED, 1),
        (BLIND_ANSWER_S + first_s, ESCALATED, 2),
    ]


@pytest.mark.parametrize(("alert", "lasts_min"), [(CLONUS, 30), (LOST, 15)])
def test_a_snooze_ends_by_itself_and_then_it_wakes_again(alert: Alert, lasts_min: int) -> None:
    response = raised(alert)
    (off,) = response.obey(Snooze(by="anna", alert=alert.id, minutes=30), 0, at(0))
    assert (off.state, off.by, off.until) == (OFF, "anna", at(lasts_min * 60))
    told = passed(response, lasts_min * 60, alerts=(alert,))
    assert told == [(lasts_min * 60, REPEATED, 1)]
    assert response.shown(alert).wakes
    assert response.shown(alert).until is None


def test_an_answer_to_what_is_over_says_so() -> None:
    response = raised()
    response.hear([replace(CLONUS, state=OVER)], S)
    with pytest.raises(CommandError, match="over by now"):
        response.obey(Acknowledge(by="anna", alert=CLONUS.id), S, at(1))
    assert response.obey(Acknowledge(by="anna"), S, at(1)) == []


def test_not_a_spasm_stands_everybody_down() -> None:
    response = raised()
    label = LabelEvent(by="anna", verdict=SaidKind.NOT_A_SPASM, alert=CLONUS.id)
    (told,) = response.obey(label, S, at(1))
    assert (told.state, told.by, told.reason) == (ON_IT, "anna", "not a spasm")
    assert passed(response, 2, 3600) == []
    another = replace(label, verdict=SaidKind.CLONUS)
    assert response.obey(another, S, at(1)) == [], "a label alone changes no alert"


def test_after_one_alert_the_next_of_its_kind_is_shown_and_counted_and_wakes_if_it_lasts() -> None:
    response = raised()
    response.hear([replace(CLONUS, state=OVER)], 60 * S)
    second, third = replace(CLONUS, id="c2"), replace(CLONUS, id="c3")
    (told,) = response.hear([second], 100 * S)
    assert (told.level, told.count, told.wakes) == (Level.MEDIUM, 2, False)
    (over,) = response.hear([replace(second, state=OVER)], 120 * S)
    assert (over.level, over.count) == (Level.MEDIUM, 2)
    (told,) = response.hear([third], 200 * S)
    assert (told.level, told.count) == (Level.MEDIUM, 3)
    (late,) = response.tick([third], round(REFRACTORY_S) * S, at(REFRACTORY_S))
    assert (late.level, late.state, late.wakes) == (Level.HIGH, REPEATED, True)


def test_another_kind_and_a_lost_signal_do_not_wait_for_the_refractory_time() -> None:
    response = raised()
    spasms = replace(CLONUS, id="s", kind="spasm")
    assert response.hear([spasms, LOST], S) == [spasms, LOST]


def test_in_a_learning_night_spasms_wake_nobody_and_everything_else_does() -> None:
    response = AlertResponse(learning=True)
    first, lost = response.hear([CLONUS, LOST], 0)
    assert (first.level, first.wakes) == (Level.INFORMATION, False)
    assert lost == LOST
    (call,) = response.obey(CallForHelp(by="maria"), 0, NOW)
    assert call.wakes


@given(st.lists(st.tuples(st.integers(1, 9), st.booleans()), max_size=30), st.integers(0, 5))
def test_the_first_nights_are_for_learning_and_restarts_make_no_more_of_them(
    starts: list[tuple[int, bool]], most: int
) -> None:
    saved, whole = None, list[int]()
    for night, long in sorted(starts):
        learning = LearningNights(most, f"2026-11-{night:02}", json.loads(json.dumps(saved)))
        before = [known for known in whole if known != night]
        assert learning.number == (len(before) + 1 if len(before) < most else None)
        saved = learning.save(COUNTS_S if long else 60.0)
        if long and night not in whole and len(whole) < most:
            whole.append(night)


def test_a_call_for_help_wakes_until_somebody_comes_in_a_pause_too() -> None:
    response = AlertResponse(wearer="k3vq7m2xta")
    call = CallForHelp(by="maria")
    (told,) = response.obey(call, 0, at(0))
    assert (told.kind, told.by, told.level, told.state) == ("button", "maria", Level.HIGH, RAISED)
    assert response.hear([told], 0) == [told], "as it was told, not begun again"
    assert hushed(told) == told
    assert response.calls == (told,)
    assert response.obey(call, S, at(1)) == [], "the same press"
    (again,) = response.obey(call, 30 * S, at(30))
    assert (again.id, again.state) == (told.id, REPEATED)
    first_s, then_s = ESCALATES_S
    assert passed(response, 31, 600, alerts=()) == [(first_s, ESCALATED, 2), (then_s, ESCALATED, 3)]
    response.obey(Acknowledge(by="anna", alert=told.id), 600 * S, at(600))
    assert passed(response, 601, 600 + CALL_OVER_S, alerts=()) == [(600 + CALL_OVER_S, OVER, 3)]
    assert response.calls == ()


def test_whoever_presses_on_and_on_is_told_every_ten_seconds_and_escalates_all_the_same() -> None:
    response, told = AlertResponse(), list[AlertState]()
    for now_s in range(122):
        told += [a.state for a in response.tick((), now_s * S, at(now_s))]
        told += [a.state for a in response.obey(CallForHelp(by="maria"), now_s * S, at(now_s))]
    assert told.count(RAISED) == 1
    assert told.count(REPEATED) == 12
    assert told.count(ESCALATED) == 1


def test_without_the_rule_there_is_no_button() -> None:
    with pytest.raises(CommandError, match="button"):
        AlertResponse(calls=False).obey(CallForHelp(by="maria"), 0, NOW)


def test_an_open_alert_that_is_not_remembered_is_taken_up_never_forgotten() -> None:
    response = AlertResponse()
    assert passed(response, 300, alerts=(LOST,)) == [(120, ESCALATED, 2), (300, ESCALATED, ALL)]


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["schema", "open", "woken", "mono_ns", "alert"]), inner)
    ),
    max_leaves=8,
)


@given(junk)
def test_saved_junk_is_dropped(saved: object) -> None:
    response = AlertResponse()
    response.load(saved, 0, same_boot=True)
    response.load(
        {"schema": "response/1", "open": saved, "woken": [], "mono_ns": 0}, 0, same_boot=True
    )
    assert response.calls == ()


def test_a_computer_that_was_started_anew_goes_on_with_what_is_open() -> None:
    response = raised()
    response.tick([CLONUS], 100 * S, at(100))
    saved = json.loads(json.dumps(response.save()))
    anew = AlertResponse()
    anew.load(saved, 7 * S, same_boot=False)
    assert passed(anew, 8, 26) == []
    assert passed(anew, 27, 27) == [(27, ESCALATED, 2)]


class Answers(RuleBasedStateMachine):
    """Whatever people do and whenever the process restarts, each alert has one straight life."""

    @initialize()
    def begin(self) -> None:
        self.response = AlertResponse(wearer="k3vq7m2xta")
        self.now_s = 0
        self.open: dict[str, Alert] = {}
        self.told: dict[str, list[Alert]] = {}
        self.count = 0

    def hear(self, told: list[Alert]) -> None:
        for alert in self.response.hear(told, self.now_s * S):
            self.told.setdefault(alert.id, []).append(alert)

    @rule(kind=st.sampled_from(["clonus", "spasm", "no-signal"]))
    def raise_one(self, kind: str) -> None:
        self.count += 1
        base = LOST if kind == "no-signal" else replace(CLONUS, kind=kind)
        alert = replace(base, id=f"a{self.count}", at=at(self.now_s))
        self.open[alert.id] = alert
        self.hear([alert])

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def resolve_one(self, data: st.DataObject) -> None:
        alert = self.open.pop(data.draw(st.sampled_from(sorted(self.open))))
        self.hear([replace(alert, state=OVER, at=at(self.now_s))])

    @rule(data=st.data(), by=st.sampled_from(["anna", "berta"]), minutes=st.integers(1, 30))
    def answer(self, data: st.DataObject, by: str, minutes: int) -> None:
        which = data.draw(st.none() | st.sampled_from(sorted(self.open))) if self.open else None
        command = data.draw(
            st.sampled_from(
                [
                    Acknowledge(by=by, alert=which),
                    Snooze(by=by, alert=which, minutes=minutes),
                    CallForHelp(by=by),
                ]
            )
        )
        self.hear(self.response.obey(command, self.now_s * S, at(self.now_s)))

    @rule(seconds=st.integers(1, 2000))
    def wait(self, seconds: int) -> None:
        self.now_s += seconds
        self.hear(self.response.tick(self.open.values(), self.now_s * S, at(self.now_s)))
        again = self.response.tick(self.open.values(), self.now_s * S, at(self.now_s))
        assert again == [], "told once"

    @rule()
    def restart(self) -> None:
        saved = json.loads(json.dumps(self.response.save()))
        self.response = AlertResponse(wearer="k3vq7m2xta")
        self.response.load(saved, self.now_s * S, same_boot=True)
        assert json.loads(json.dumps(self.response.save())) == saved

    @invariant()
    def each_alert_has_one_straight_life(self) -> None:
        for states in getattr(self, "told", {}).values():
            assert [a.state for a in states].count(RAISED) == 1
            assert states[0].state is RAISED
            assert OVER not in [a.state for a in states[:-1]], "nothing is told of what is over"
            for before, after in pairwise(states):
                assert after.tier >= before.tier
                if before.state is ON_IT and after.wakes:
                    assert after.alert_class is AlertClass.TECHNICAL
                if after.state is ESCALATED:
                    assert before.wakes

    @invariant()
    def what_is_open_is_shown_as_it_was_told(self) -> None:
        for alert in getattr(self, "open", {}).values():
            assert self.response.shown(alert) == self.told[alert.id][-1]


TestAnswers = Answers.TestCase
