"""Laws of the tokens in a notification's button."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.push.links import AnswerLinks, answer_key
from detector.push.tokens import (
    EXPIRES_S,
    LONGEST,
    PushAnswer,
    TokenError,
    make_token,
    verify_token,
)

from .alerts import NIGHT

KEY, NOW_S = b"k" * 32, 1_790_000_000.5
people = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,31}", fullmatch=True)
ids = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
answers = st.builds(PushAnswer, alert=ids, contact=people)


@given(answers, st.floats(0, EXPIRES_S - 1))
def test_a_token_says_what_it_was_made_of_for_a_day(answer, later_s):
    token = make_token(KEY, answer, NOW_S)
    assert len(token) <= LONGEST
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", token), "as it is in an address"
    assert verify_token(KEY, token, NOW_S + later_s) == answer


@given(answers, st.floats(EXPIRES_S + 1, 1e9))
def test_an_old_token_is_refused_and_one_of_tomorrow_too(answer, later_s):
    token = make_token(KEY, answer, NOW_S)
    with pytest.raises(TokenError, match="too old"):
        verify_token(KEY, token, NOW_S + later_s)
    with pytest.raises(TokenError):
        verify_token(KEY, token, NOW_S - later_s)


@given(answers, st.data())
def test_no_other_text_passes(answer, data):
    token = make_token(KEY, answer, NOW_S)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters().filter(lambda char: char != token[place]))
    for forged in (token[:place] + other + token[place + 1 :], token[:place], token + other):
        with pytest.raises(TokenError):
            verify_token(KEY, forged, NOW_S)
    with pytest.raises(TokenError):
        verify_token(b"x" * 32, token, NOW_S)


@given(st.text(max_size=2 * LONGEST))
def test_any_text_is_refused_in_a_sentence(text):
    with pytest.raises(TokenError, match="answer"):
        verify_token(KEY, text, NOW_S)


def test_the_key_is_made_once_for_its_owner_alone(tmp_path):
    folder = tmp_path / "data"
    key = answer_key(folder)
    assert answer_key(folder) == key
    assert (folder / "push.key").stat().st_mode & 0o777 == 0o600
    (folder / "push.key").write_bytes(b"cut")
    assert answer_key(folder) not in {key, b"cut"}
    assert len(answer_key(folder)) == 32


def test_the_address_for_an_answer_is_the_same_however_often_it_is_made():
    links = AnswerLinks("https://house.example", KEY)
    address = links.answer("abc", "anna", NIGHT)
    assert address == links.answer("abc", "anna", NIGHT)
    token = address.removeprefix("https://house.example/push/ack/")
    assert verify_token(KEY, token, NIGHT.timestamp() + 60) == PushAnswer("abc", "anna")
