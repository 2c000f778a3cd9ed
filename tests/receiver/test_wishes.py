"""Laws of what a person asks for at a receiver: they are told what came of it, once, and soon."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.alerts.commands import Acknowledge, PauseAlerts, Snooze
from detector.mqtt import commands
from detector.mqtt.commands import AlarmTest
from detector.mqtt.contract import REPLY, Command, Leaf
from detector.receiver.news import Absence, Answer, ServiceState
from detector.receiver.receiver import Receiver
from detector.receiver.wishes import (
    ANSWERED_WITHIN_S,
    NO_REASON,
    UNANSWERED,
    WHYS,
    WISHES_MOST,
    Request,
)
from detector.status import StateWord

UNTIL = "2026-11-28T22:30:00.000Z"
PAUSE = PauseAlerts(by="anna", minutes=30)


def beat(receiver: Receiver, seq: int, mono_s: float, **said: object) -> list[object]:
    fields = {"boot_id": "b", "seq": seq, "state": "watching", "epoch": "e", "last_n": 0} | said
    payload = json.dumps(fields).encode()
    return list(receiver.feed(Leaf.HEALTH, payload, retained=False, mono_s=mono_s))


def watching() -> Receiver:
    receiver = Receiver("anna", mono_s=0.0)
    beat(receiver, 1, 0.0)
    return receiver


def asked(receiver: Receiver, mono_s: float) -> list[Request]:
    kept = (Command.SEEN, Command.REPLAY)
    return [each for each in receiver.requests(mono_s) if each.command not in kept]


def reply(receiver: Receiver, number: int | None, **said: object) -> list[object]:
    payload = json.dumps({"schema": "reply/1"} | said).encode()
    return list(receiver.feed(REPLY, payload, retained=False, mono_s=1.0, number=number))


def test_what_a_person_says_is_published_once_and_what_came_of_it_is_told_once():
    receiver = watching()
    receiver.say(PAUSE, 1.0)
    (request,) = asked(receiver, 1.0)
    assert commands.parse(request.command, request.payload.encode()) == PAUSE
    assert asked(receiver, 2.0) == []
    assert reply(receiver, request.number, ok=True, why=None) == [Answer(PAUSE, None)]
    assert reply(receiver, request.number, ok=True, why=None) == []
    assert not any(isinstance(each, Answer) for each in receiver.tick(1000.0))


def test_a_refusal_is_told_with_its_reason():
    receiver = watching()
    for number, (why, told) in enumerate(
        (("no alert is open",) * 2, (None, NO_REASON), (7, NO_REASON))
    ):
        receiver.say(Acknowledge(by="anna"), 1.0)
        (request,) = asked(receiver, 1.0)
        assert request.number == number + 1
        assert reply(receiver, request.number, ok=False, why=why) == [
            Answer(Acknowledge(by="anna"), told)
        ]


def test_answers_of_several_are_told_apart_in_any_order():
    receiver, said = watching(), [PAUSE, Snooze(by="anna"), Acknowledge(by="anna")]
    for command in said:
        receiver.say(command, 1.0)
    requests = asked(receiver, 1.0)
    told = [reply(receiver, each.number, ok=True, why=None) for each in reversed(requests)]
    assert told == [[Answer(command, None)] for command in reversed(said)]


def test_what_is_not_answered_is_told_once():
    receiver = watching()
    receiver.say(PAUSE, 1.0)
    (request,) = asked(receiver, 1.0)
    beat(receiver, 2, 10.0)
    assert receiver.tick(ANSWERED_WITHIN_S + 0.9) == []
    assert receiver.tick(ANSWERED_WITHIN_S + 1.0) == [Answer(PAUSE, UNANSWERED)]
    assert receiver.tick(ANSWERED_WITHIN_S + 1.5) == []
    assert reply(receiver, request.number, ok=True, why=None) == []


def test_what_could_not_be_sent_in_time_is_not_obeyed_hours_later():
    receiver = Receiver("anna", mono_s=0.0)
    receiver.say(PAUSE, 1.0)
    assert Answer(PAUSE, WHYS[Absence.SILENT]) in receiver.tick(ANSWERED_WITHIN_S + 1.0)
    assert asked(receiver, ANSWERED_WITHIN_S + 1.0) == []


@given(
    number=st.none() | st.integers(-3, 3),
    said=st.dictionaries(
        st.sampled_from(["ok", "why", "nonce", "x"]),
        st.none() | st.booleans() | st.text() | st.integers() | st.lists(st.text()),
    ),
)
def test_whatever_an_answer_holds_it_answers_nothing_that_was_not_asked(number, said):
    receiver = watching()
    receiver.say(PAUSE, 1.0)
    asked(receiver, 1.0)
    for each in reply(receiver, number, **said):
        assert isinstance(each, Answer)
        assert (number, each.command) == (1, PAUSE)
        assert (each.why is None) == (said["ok"] is True)


def test_a_pause_is_shown_with_its_end():
    (state,) = beat(watching(), 2, 5.0, state="paused", why="by anna", until=UNTIL)
    assert isinstance(state, ServiceState)
    assert (state.word, str(state.until)) == (StateWord.PAUSED, "2026-11-28 22:30:00+00:00")


@pytest.mark.parametrize("until", [None, 7, "soon", "0001-01-01T00:00:00+14:00", "9999-12-31"])
def test_an_end_that_cannot_be_shown_is_none(until):
    (state,) = beat(watching(), 2, 1.0, state="paused", until=until)
    assert state == ServiceState(StateWord.PAUSED)


def test_who_presses_enter_many_times_meant_it_once():
    receiver = watching()
    for _ in range(100):
        receiver.test("a1")
        receiver.say(PAUSE, 1.0)
    requests = [
        commands.parse(each.command, each.payload.encode()) for each in asked(receiver, 1.0)
    ]
    assert requests == [AlarmTest(by="anna", alert="a1")] * WISHES_MOST + [PAUSE] * WISHES_MOST
