"""Laws of a sensor's button: a press is told once, at once, and alike live and in a replay."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.devices.buttons import ONE_PRESS_NS, ButtonState
from detector.devices.interpreter import Interpreter
from detector.devices.microbit import BUTTON_A, BUTTON_B, MICROBIT, PERIOD
from detector.devices.open_frame import BUTTON, OPEN_FRAME
from detector.devices.profile import ButtonPressed
from detector.devices.registry import installed
from detector.devices.stream import LinkDown, LinkUp, Packet
from detector.errors import ProtocolError

S = 1_000_000_000
PRESSED = ButtonPressed()


def states(button: ButtonState, *values: int) -> list[int]:
    """Return which of the states were presses."""
    return [n for n, value in enumerate(values) if button.feed(bytes((value,)))]


@pytest.mark.parametrize(
    ("values", "presses"),
    [
        ((0, 1, 0, 1, 0), [1, 3]),
        ((0, 1, 2, 0), [1]),  # held for long
        ((0, 2, 0), [1]),  # its beginning was lost
        ((0, 1, 1), [1, 2]),  # its end was lost
        ((0, 0, 0), []),
    ],
)
def test_each_press_is_one_however_long_it_is_held(values, presses):
    assert states(ButtonState(first_counts=True), *values) == presses
    assert states(ButtonState(first_counts=False), *values) == presses


def test_what_is_read_first_is_a_press_where_the_sensor_keeps_no_old_value():
    assert states(ButtonState(first_counts=True), 1, 1) == [0, 1]
    assert states(ButtonState(first_counts=False), 1, 2, 1) == [2]


@pytest.mark.parametrize("data", [b"", b"\3", b"\1\0", bytes(20)])
def test_what_is_no_state_is_nonsense(data):
    with pytest.raises(ProtocolError, match="button"):
        ButtonState(first_counts=True).feed(data)


@pytest.mark.parametrize("channel", [BUTTON_A, BUTTON_B])
def test_a_micro_bit_has_two_buttons_and_each_calls(channel):
    conversation = MICROBIT.converse()
    assert channel in MICROBIT.optional_channels
    assert conversation.feed(channel, b"\1") == [], "as it was left before the connection"
    assert conversation.feed(channel, b"\1") == [PRESSED]


def test_an_open_frame_tells_a_press_that_nobody_could_be_told_of():
    assert OPEN_FRAME.optional_channels == (BUTTON,)
    assert OPEN_FRAME.converse().feed(BUTTON, b"\1") == [PRESSED]
    conversation = OPEN_FRAME.converse()
    assert conversation.feed(BUTTON, b"\0") == []
    assert conversation.feed(BUTTON, b"\1") == conversation.feed(BUTTON, b"\1") == [PRESSED]


def up(session: int, mono_ns: int = 0) -> LinkUp:
    return LinkUp(session, "microbit", "AA:BB", "BBC micro:bit [zuzuz]", mono_ns, 0)


def test_both_buttons_at_once_are_one_press_over_a_lost_link_too():
    interpreter = Interpreter(installed())
    heard = []

    def say(session: int, channel: str, value: int, at_s: float) -> None:
        packet = Packet(session, channel, bytes((value,)), round(at_s * S), 0)
        heard.extend((at_s, each) for each in interpreter.feed(packet).outputs)

    interpreter.feed(up(1))
    for channel in (BUTTON_A, BUTTON_B):
        say(1, channel, 0, 0)
    say(1, BUTTON_A, 1, 10)
    say(1, BUTTON_B, 1, 10.1)
    interpreter.feed(LinkDown(1, "lost", 0, 0))
    interpreter.feed(up(2))
    for channel in (BUTTON_A, BUTTON_B):
        say(2, channel, 0, 10.5)
    say(2, BUTTON_A, 1, 11.9)
    say(2, BUTTON_A, 1, 12.5)
    say(2, BUTTON_A, 1, 3)  # the computer was started anew, and its clock with it
    assert heard == [(10, PRESSED), (12.5, PRESSED), (3, PRESSED)]


moments_s = st.lists(st.tuples(st.floats(0, 30), st.sampled_from([BUTTON_A, BUTTON_B, PERIOD])))


@given(moments_s, st.lists(st.integers(0, 2), min_size=1, max_size=5))
def test_a_replay_hears_the_same_presses_none_within_2_s_of_another(moments, values):
    items = [up(1)]
    for n, (at_s, channel) in enumerate(sorted(moments)):
        data = b"\x14\0" if channel == PERIOD else bytes((values[n % len(values)],))
        items.append(Packet(1, channel, data, round(at_s * S), 0))
    live, replay = Interpreter(installed()), Interpreter(installed())
    heard = [live.feed(item) for item in items]
    assert heard == [replay.feed(item) for item in items]
    pressed_ns = [reading.item.mono_ns for reading in heard if PRESSED in reading.outputs]
    assert all(b - a >= ONE_PRESS_NS for a, b in pairwise(pressed_ns))
