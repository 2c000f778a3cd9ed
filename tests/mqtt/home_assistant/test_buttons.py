"""Laws of buttons: only what a button says now, once a second, and with narrow rights."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.alerts.commands import Acknowledge, PauseAlerts, Snooze
from detector.mqtt.home_assistant.buttons import COMMANDS, ButtonName, Presses
from detector.mqtt.security.gate import CommandRefused, Flaw

presses = st.lists(
    st.tuples(
        st.sampled_from(ButtonName),
        st.one_of(st.just(b"PRESS"), st.binary(max_size=9)),
        st.booleans(),
        st.floats(0, 3),  # s since the one before
    )
)


@given(presses)
def test_whatever_comes_only_true_presses_pass_a_second_apart(
    said: list[tuple[ButtonName, bytes, bool, float]],
) -> None:
    judge, now_s, passed = Presses(), 0.0, list[float]()
    for button, payload, retained, after_s in said:
        now_s += after_s
        true = payload == b"PRESS" and not retained
        soon = bool(passed) and now_s - passed[-1] < 1
        if true and not soon:
            assert judge.admit(button, payload, retained=retained, now_s=now_s) == COMMANDS[button]
            passed.append(now_s)
        else:
            with pytest.raises(CommandRefused) as refused:
                judge.admit(button, payload, retained=retained, now_s=now_s)
            assert (refused.value.flaw is Flaw.OTHER) == true

    assert all(later - earlier >= 1 for earlier, later in pairwise(passed))


def test_buttons_acknowledge_snooze_and_pause_for_half_an_hour_at_most() -> None:
    by = "home-assistant"

    assert set(COMMANDS.values()) == {
        Acknowledge(by=by),
        Snooze(by=by, minutes=15),
        PauseAlerts(by=by, minutes=30),
    }
