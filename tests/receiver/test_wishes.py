"""Laws of what a person asks for at a receiver: a pause begins soon, or they are told."""

from __future__ import annotations

import json

import pytest

from detector.mqtt import commands
from detector.mqtt.commands import AlarmTest, PauseAsked
from detector.mqtt.contract import Command, Leaf
from detector.receiver.news import Absence, NotPaused, ServiceState
from detector.receiver.receiver import Receiver
from detector.receiver.wishes import NOT_OBEYED, OBEYED_WITHIN_S, TESTS_MOST, WHYS
from detector.status import StateWord

UNTIL = "2026-11-28T22:30:00.000Z"


def beat(receiver: Receiver, seq: int, mono_s: float, **said: object) -> list[object]:
    fields = {"boot_id": "b", "seq": seq, "state": "watching", "epoch": "e", "last_n": 0} | said
    payload = json.dumps(fields).encode()
    return list(receiver.feed(Leaf.HEALTH, payload, retained=False, mono_s=mono_s))


def watching() -> Receiver:
    receiver = Receiver("anna", mono_s=0.0)
    beat(receiver, 1, 0.0)
    return receiver


def asked(receiver: Receiver, mono_s: float) -> list[commands.Request]:
    return [
        commands.parse(command, payload.encode())
        for command, payload in receiver.requests(mono_s)
        if command in (Command.PAUSE, Command.TEST)
    ]


def test_a_pause_is_asked_for_once_and_shown_with_its_end():
    receiver = watching()
    receiver.pause(30, 1.0)
    assert asked(receiver, 1.0) == [PauseAsked(by="anna", minutes=30)]
    assert asked(receiver, 2.0) == []

    (state,) = beat(receiver, 2, 5.0, state="paused", why="by anna", until=UNTIL)
    assert isinstance(state, ServiceState)
    assert (state.word, str(state.until)) == (StateWord.PAUSED, "2026-11-28 22:30:00+00:00")
    assert receiver.tick(6.0) == []
    assert not any(isinstance(each, NotPaused) for each in receiver.tick(1000.0))


def test_a_pause_that_does_not_begin_is_told_once():
    receiver = watching()
    receiver.pause(30, 1.0)
    asked(receiver, 1.0)
    beat(receiver, 2, 10.0)
    assert receiver.tick(OBEYED_WITHIN_S + 0.9) == []
    assert receiver.tick(OBEYED_WITHIN_S + 1.0) == [NotPaused(NOT_OBEYED)]
    assert receiver.tick(OBEYED_WITHIN_S + 1.5) == []


def test_a_pause_that_could_not_be_sent_in_time_does_not_begin_hours_later():
    receiver = Receiver("anna", mono_s=0.0)
    receiver.pause(30, 1.0)
    assert NotPaused(WHYS[Absence.SILENT]) in receiver.tick(OBEYED_WITHIN_S + 1.0)
    assert asked(receiver, OBEYED_WITHIN_S + 1.0) == []


def test_another_pause_is_told_apart_from_the_one_that_goes_on():
    receiver = watching()
    beat(receiver, 2, 1.0, state="paused", until=UNTIL)
    receiver.pause(60, 2.0)
    assert receiver.tick(3.0) == []
    beat(receiver, 3, 7.0, state="paused", until=UNTIL)
    assert receiver.tick(2.0 + OBEYED_WITHIN_S) == [NotPaused(NOT_OBEYED)]

    receiver.pause(60, 20.0)
    beat(receiver, 4, 21.0, state="paused", until="2026-11-28T23:00:00.000Z")
    assert receiver.tick(20.0 + OBEYED_WITHIN_S) == []


@pytest.mark.parametrize("until", [None, 7, "soon", "0001-01-01T00:00:00+14:00", "9999-12-31"])
def test_an_end_that_cannot_be_shown_is_none(until):
    receiver = watching()
    (state,) = beat(receiver, 2, 1.0, state="paused", until=until)
    assert state == ServiceState(StateWord.PAUSED)


def test_who_presses_enter_many_times_meant_it_once():
    receiver = watching()
    for _ in range(100):
        receiver.test("a1")
    assert asked(receiver, 1.0) == [AlarmTest(by="anna", alert="a1")] * TESTS_MOST
