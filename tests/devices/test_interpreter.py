"""Laws of the interpreter: every item gives a reading, and dead sessions say nothing."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.devices.interpreter import Interpreter
from detector.devices.pmd import PMD_CONTROL, PMD_DATA
from detector.devices.profile import Chunk, Write
from detector.devices.registry import installed
from detector.devices.stream import LinkDown, LinkUp, Packet, Reading
from detector.errors import ConfigError

FRAME = struct.pack("<BQB3h", 2, 1, 1, 0, 0, 1000)
OFFER = bytes.fromhex("f001020000 00013400")


def up(session: int, driver: str = "polar-h10") -> LinkUp:
    return LinkUp(session, driver, "AA:BB", "Polar H10 1", 0, 0)


def packet(session: int, data: bytes = FRAME, channel: str = PMD_DATA) -> Packet:
    return Packet(session, channel, data, 0, 0)


def test_a_link_begins_a_conversation_and_packets_are_decoded():
    interpreter = Interpreter(installed())

    assert interpreter.feed(up(1)).outputs == (Write(PMD_CONTROL, b"\x01\x02"),)
    interpreter.feed(packet(1, OFFER, PMD_CONTROL))
    (chunk,) = interpreter.feed(packet(1)).outputs
    assert isinstance(chunk, Chunk)
    assert chunk.fs == 52


def test_every_link_begins_with_a_fresh_conversation():
    interpreter = Interpreter(installed())
    interpreter.feed(up(1))
    interpreter.feed(packet(1, OFFER, PMD_CONTROL))
    interpreter.feed(up(2))
    (chunk,) = interpreter.feed(packet(2)).outputs

    assert chunk.fs is None


def test_packets_of_dead_sessions_are_ignored_and_counted():
    interpreter = Interpreter(installed())
    before = interpreter.feed(packet(1))
    interpreter.feed(up(1))
    interpreter.feed(LinkDown(1, "lost", 0, 0))
    interpreter.feed(packet(1))
    interpreter.feed(up(2))
    interpreter.feed(packet(1))
    interpreter.feed(LinkDown(1, "again", 0, 0))

    assert before == Reading(packet(1))
    assert interpreter.stale == 3
    assert interpreter.feed(packet(2)).outputs


def test_nonsense_is_counted_and_reported_and_the_next_packet_is_read():
    interpreter = Interpreter(installed())
    interpreter.feed(up(1))
    reading = interpreter.feed(packet(1, b"nonsense"))

    assert (reading.outputs, interpreter.protocol_errors) == ((), 1)
    assert "cut short" in reading.error
    assert interpreter.feed(packet(1)).outputs


def test_without_a_link_there_is_nothing_to_write():
    interpreter = Interpreter(installed())

    assert interpreter.restart() == interpreter.close() == []


def test_a_recording_of_a_sensor_without_a_driver_here_says_so():
    with pytest.raises(ConfigError, match="no driver for 'x-band'"):
        Interpreter(installed()).feed(up(1, driver="x-band"))


@given(
    st.lists(
        st.one_of(
            st.builds(up, st.integers(1, 3)),
            st.builds(
                packet,
                st.integers(1, 3),
                st.one_of(st.just(FRAME), st.just(OFFER), st.binary(max_size=40)),
                st.sampled_from([PMD_DATA, PMD_CONTROL, "unknown"]),
            ),
            st.builds(LinkDown, st.integers(1, 3), st.just("lost"), st.just(0), st.just(0)),
        )
    )
)
def test_every_item_gives_one_reading_of_itself(items):
    interpreter = Interpreter(installed())
    readings = [interpreter.feed(item) for item in items]

    assert [reading.item for reading in readings] == items
    assert interpreter.protocol_errors == sum(r.error is not None for r in readings)
