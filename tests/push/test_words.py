"""Laws of the words of notifications."""

from __future__ import annotations

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from detector.alert import Alert
from detector.alerts.conditions import Condition
from detector.words.push import (
    MovedLimb,
    Wording,
    alarm_words,
    drill_words,
    missed_words,
    more_words,
    news_words,
)

from .alerts import NIGHT, alert, technical

ZONE = ZoneInfo("Europe/Amsterdam")
MOVED = MovedLimb("left-leg", 65.2)


def alarm(told: Alert, wording: Wording = "neutral", moved: MovedLimb = MOVED) -> tuple[str, str]:
    words = alarm_words(told, wording, label="bedroom", moved=moved, zone=ZONE)
    return words.title, words.body


def news(told: Alert, wording: Wording = "neutral") -> tuple[str, str]:
    words = news_words(told, wording, label="bedroom", zone=ZONE)
    return words.title, words.body


def test_neutral_words_say_who_which_limb_how_long_and_since_when():
    assert alarm(alert()) == ("Movement alert", "bedroom, left leg, 65 s, since 03:14.")
    assert alarm(alert(), moved=MovedLimb()) == ("Movement alert", "bedroom, since 03:14.")


def test_full_words_say_what_was_found():
    assert alarm(alert(), "full") == ("Clonus 65 s, left leg", "bedroom, since 03:14.")
    three = alert(kind="spasm", rule="3 spasms in 10min", reason="3 spasms in 10min")
    assert alarm(three, "full") == ("3 spasms in 10 min, left leg", "bedroom, since 03:14.")
    assert alarm(three) == ("Movement alert", "bedroom, left leg, since 03:14.")


def test_a_technical_alert_is_named_and_its_cause_where_the_words_are_full():
    title, body = alarm(technical())
    assert (title, body) == ("No signal", "bedroom, since 03:14. The watching needs somebody.")
    assert "The sensor left-calf is out of reach." in alarm(technical(), "full")[1]


def test_a_call_for_help_is_one_in_any_wording():
    call = alert(kind="button", rule="button", reason="button")
    assert alarm(call) == alarm(call, "full") == ("Call for help", "bedroom, since 03:14.")


def test_escalation_and_count_are_said():
    _, body = alarm(alert("escalated", tier=2, count=4))
    assert body.endswith("It stands for 4 alerts. Nobody has answered.")


def test_what_became_of_it():
    assert news(alert("acknowledged", by="anna")) == ("Anna is on it", "Movement alert, bedroom.")
    off = alert("snoozed", by="ben", until=NIGHT + timedelta(minutes=30))
    assert news(off)[0] == "Ben has put it off until 03:44"
    assert news(alert("resolved"))[0] == "All clear"
    for reason in ("not a spasm", "taken back: a series that is periodic"):
        said = alert("resolved", reason=reason)
        assert news(said)[0] == "False alarm, sorry"
        assert news(said, "full")[0] == "Not a spasm, sorry"


EVERY = [
    alert(),
    alert("escalated", tier=3, count=3),
    alert(kind="spasm", rule="3 spasms in 10min"),
    alert(kind="tonic", rule="tonic >= 10s"),
    alert(rule="of tomorrow", kind="novel"),
    alert("acknowledged", by="anna"),
    alert("resolved", reason="not a spasm"),
    *(technical(kind=kind) for kind in Condition),
]


@pytest.mark.parametrize("told", EVERY, ids=lambda told: f"{told.kind} {told.state}")
@pytest.mark.parametrize("wording", ["neutral", "full"])
def test_titles_are_short_and_nothing_has_an_id_a_symbol_or_two_lines(told, wording):
    for title, body in (alarm(told, wording), news(told, wording)):
        assert 0 < len(title) <= 45
        assert not re.search(r"[0-9a-f]{16}|k3vq7m2xta|[<>=|{}\n]", title + body.replace(">=", ""))
        assert body.endswith(".")


@pytest.mark.parametrize("told", EVERY, ids=lambda told: f"{told.kind} {told.state}")
def test_neutral_words_name_no_spasm_and_no_cause(told):
    more = more_words(told, 12, None)
    for words in (alarm(told), news(told), (more.title, more.body)):
        said = " ".join(words).lower().replace("spasmwatch", "")
        assert not re.search(r"spasm|clonus|tonic|novel|tomorrow|left-calf", said)


def test_other_words_say_where_to_look_and_how_to_confirm():
    assert "https://x" in more_words(alert(), 12, "https://x").body
    assert "12 alerts about the wearer" in more_words(alert(), 12, None).body
    assert "4 times “no signal”" in more_words(technical(), 4, None).body
    assert "a new call" in more_words(alert(kind="button"), 12, None).body
    assert "2 alerts could not be told" in missed_words(2, "bedroom", None).body
    assert "4 8 2" in drill_words("482", label="bedroom", answers=False).body
    assert "button" in drill_words("482", label="bedroom", answers=True).body
    assert "Nothing is the matter" in drill_words("482", label="bedroom", answers=True).body


def test_a_name_with_lines_of_its_own_writes_none():
    words = news_words(alert("acknowledged"), "neutral", label="bed\nroom", zone=None)
    assert "\n" not in words.title + words.body
