"""An answered alert is quiet on every receiver, which says whose it is; what is typed is said."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.alert import Alert, AlertState, to_dict
from detector.alerts.commands import (
    Acknowledge,
    AddNote,
    CallForHelp,
    Command,
    CommandError,
    MarkSpasm,
    PauseAlerts,
    ResumeAlerts,
    Snooze,
)
from detector.audible.alarm import JUST_S
from detector.mqtt.contract import Leaf
from detector.receiver.news import Answer, ReceivedEntry
from detector.receiver.open_alerts import OpenNow, Sounds, Telling, is_urgent
from detector.receiver.sounding import Sounding
from detector.terminal.output import Output
from detector.terminal.received import ReceivedScreen
from detector.terminal.said import said_in
from detector.words.answers import answer_words

from .open_alert import NIGHT, raised, snapshot

MINUTE = timedelta(minutes=1)
ACK = replace(raised(1), state=AlertState.ACKNOWLEDGED, at=NIGHT + MINUTE, by="anna")
SNOOZED = replace(
    raised(1), state=AlertState.SNOOZED, at=NIGHT + MINUTE, by="anna", until=NIGHT + 30 * MINUTE
)
ESCALATED = replace(raised(1), state=AlertState.ESCALATED, at=NIGHT + 2 * MINUTE, tier=2)


def entry(alert: Alert, n: int, *, late: bool = False) -> ReceivedEntry:
    return ReceivedEntry(Leaf.ALERT, n, to_dict(alert) | {"n": n}, late)


class House:
    """Two receivers, each with a clock that the test moves and an alarm that makes no sound."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.sounding = [Sounding(None, mono_s=lambda: self.now_s, failed=print) for _ in range(2)]
        self.screens = [ReceivedScreen(Output(), UTC, each) for each in self.sounding]

    def sounds(self) -> list[bool]:
        """Whether each sounds within the next ten minutes."""
        self.now_s += 600
        return [each._alarm.due(self.now_s) for each in self.sounding]


@pytest.mark.parametrize(
    ("answer", "line"),
    [(ACK, "anna is on it: Clonus"), (SNOOZED, "Put off by anna until 02:30: Clonus")],
)
def test_an_answer_ends_the_sound_on_every_receiver_and_says_whose_it_is(
    answer: Alert, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    house = House()
    one, two = house.screens
    for each in house.screens:
        each.show(entry(raised(1), 1))
    assert house.sounds() == [True, True]
    one.show(entry(answer, 2))
    two.show(snapshot([answer], NIGHT + 2 * MINUTE))  # its entry was lost on the way
    assert house.sounds() == [False, False]
    two.show(entry(answer, 2, late=True))
    assert capsys.readouterr().out.count(line) == 2, "told once by each"
    one.show(entry(ESCALATED, 3))
    two.show(snapshot([ESCALATED], NIGHT + 3 * MINUTE))
    assert house.sounds() == [True, True]
    assert capsys.readouterr().out.count("NOBODY ANSWERED: Clonus") == 2


def test_a_receiver_that_starts_is_quiet_about_what_was_answered(
    capsys: pytest.CaptureFixture[str],
) -> None:
    house = House()
    house.screens[0].show(snapshot([ACK], NIGHT + 2 * MINUTE))
    assert house.sounds() == [False, False]
    assert "anna is on it" in capsys.readouterr().out


def test_a_beginning_that_comes_by_a_replay_does_not_undo_the_answer() -> None:
    now = OpenNow()
    now.snapshot(snapshot([ACK], NIGHT + 2 * MINUTE))
    assert now.entry(raised(1), late=True) == Telling(shown=True, sounds=Sounds.NOTHING)
    assert now.snapshot(snapshot([ACK], NIGHT + 3 * MINUTE)).changed == []


@given(st.permutations([raised(1), ACK, ESCALATED]))
def test_only_the_latest_snapshot_counts_whatever_their_order(states: list[Alert]) -> None:
    now, latest = OpenNow(), states[0]
    now.snapshot(snapshot([latest], NIGHT))
    for alert in states[1:]:
        changed = now.snapshot(snapshot([alert], NIGHT)).changed
        assert changed == ([alert] if alert.at > latest.at else [])
        latest = max(latest, alert, key=lambda each: each.at)


@pytest.mark.parametrize("state", AlertState)
def test_what_sounds_is_what_nobody_has_answered(state: AlertState) -> None:
    answered = {AlertState.ACKNOWLEDGED, AlertState.SNOOZED, AlertState.RESOLVED}
    assert is_urgent(replace(raised(1), state=state)) == (state not in answered)
    assert JUST_S < 600


# -- typed ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("a", Acknowledge(by="anna")),
        ("ACK", Acknowledge(by="anna")),
        ("s", Snooze(by="anna", minutes=30)),
        ("s 10", Snooze(by="anna", minutes=10)),
        ("p", PauseAlerts(by="anna", minutes=30)),
        ("p60", PauseAlerts(by="anna", minutes=60)),
        ("p 0", ResumeAlerts(by="anna")),
        ("r", ResumeAlerts(by="anna")),
        ("m", MarkSpasm(by="anna")),
        ("n  Baclofen, 10 mg ", AddNote(by="anna", text="Baclofen, 10 mg")),
        ("a 5", None),
        ("r 5", None),
        ("n", None),
        ("help", None),
        ("p 1 2", None),
        ("\N{ARABIC-INDIC DIGIT ONE}", None),
    ],
)
def test_what_is_typed_is_said(line: str, command: Command | None) -> None:
    assert said_in(line, "anna") == command


@pytest.mark.parametrize(
    ("line", "why"),
    [("p 61", "1 to 60"), ("s 31", "1 to 30"), ("s 0", "1 to 30"), ("n \a", "printable")],
)
def test_what_cannot_be_is_refused_with_what_can(line: str, why: str) -> None:
    with pytest.raises(CommandError, match=why):
        said_in(line, "anna")


@given(st.text(max_size=40))
def test_whatever_is_typed_is_a_command_or_none_or_refused(line: str) -> None:
    try:
        command = said_in(line, "anna")
    except CommandError:
        return
    assert not isinstance(command, CallForHelp), "which is the wearer's"


def test_what_came_of_it_is_shown_and_a_program_gets_all_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for json_wanted in (False, True):
        shown = ReceivedScreen(
            Output(json=json_wanted), UTC, Sounding(None, mono_s=lambda: 0.0, failed=print)
        )
        shown.show(Answer(Acknowledge(by="anna"), None))
        shown.show(Answer(Snooze(by="anna", minutes=10), "no alert is open"))
    done, failed, *lines = capsys.readouterr().out.splitlines()
    assert done.endswith("You are on it: nobody is told of it again.")
    assert failed.endswith("NOT PUT OFF: No alert is open.")
    told = [json.loads(line) for line in lines]
    assert [(each["answer"]["command"], each["ok"], each["why"]) for each in told] == [
        ("ack", True, None),
        ("snooze", False, "no alert is open"),
    ]


@given(st.text(min_size=1))
def test_no_reason_however_hostile_takes_more_than_a_line(why: str) -> None:
    assert len(answer_words(Acknowledge(by="anna"), why).splitlines()) == 1
