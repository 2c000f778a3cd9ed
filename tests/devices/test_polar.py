"""Laws of a conversation with a Polar sensor."""

from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.devices.pmd import PMD_CONTROL, PMD_DATA
from detector.devices.polar import BATTERY_LEVEL, H10, VERITY_SENSE
from detector.devices.profile import (
    Advertisement,
    Battery,
    Chunk,
    Note,
    Refused,
    Started,
    Stopped,
    Write,
)
from detector.errors import ProtocolError

SDK_MODE_ON, GET_SETTINGS, STOP = b"\x02\x09", b"\x01\x02", b"\x03\x02"
# What the makers' issues 331 and 443 show a phone writing to a Verity Sense.
START_52_HZ_8_G = bytes.fromhex("0202 00013400 01011000 02010800 040103")


def offer(rates=(52,), ranges=(8,), channels=True) -> bytes:
    settings = bytes([0, len(rates)]) + struct.pack(f"<{len(rates)}H", *rates)
    settings += bytes.fromhex("01011000")
    settings += bytes([2, len(ranges)]) + struct.pack(f"<{len(ranges)}H", *ranges)
    return b"\xf0\x01\x02\x00\x00" + settings + (b"\x04\x01\x03" if channels else b"")


def answer(command: bytes, status: int = 0, parameters: bytes = b"") -> bytes:
    return b"\xf0" + command[:2] + bytes([status, 0]) + parameters


def ask(conversation, data: bytes):
    return conversation.feed(PMD_CONTROL, data)


def started(driver=VERITY_SENSE, **offered):
    conversation = driver.converse()
    conversation.open()
    ask(conversation, offer(**offered))
    ask(conversation, answer(START_52_HZ_8_G))
    return conversation


def test_a_verity_sense_is_put_in_sdk_mode_asked_and_started():
    conversation = VERITY_SENSE.converse()

    assert conversation.open() == [Write(PMD_CONTROL, SDK_MODE_ON)]
    assert ask(conversation, answer(SDK_MODE_ON)) == [Write(PMD_CONTROL, GET_SETTINGS)]
    assert ask(conversation, offer((26, 52, 104, 208, 416), (2, 4, 8, 16))) == [
        Write(PMD_CONTROL, START_52_HZ_8_G)
    ]
    assert ask(conversation, answer(START_52_HZ_8_G)) == [Started(52, 8)]


def test_an_h10_is_asked_and_started_without_channels():
    conversation = H10.converse()

    assert conversation.open() == [Write(PMD_CONTROL, GET_SETTINGS)]
    (start,) = ask(conversation, offer((25, 50, 100, 200), (2, 4, 8), channels=False))
    assert start.data == bytes.fromhex("0202 00013200 01011000 02010800")
    assert ask(conversation, answer(start.data)) == [Started(50, 8)]


@pytest.mark.parametrize(
    ("rates", "ranges", "chosen"),
    [
        ((25, 50, 100, 200), (2, 4, 8), (50, 8)),
        ((200, 104, 26), (16, 4), (104, 4)),
        ((26, 13), (16,), (26, 16)),
        ((15,), (8,), (15, 8)),
    ],
)
def test_the_rate_is_the_nearest_from_50_hz_up_and_the_range_the_widest_to_8_g(
    rates, ranges, chosen
):
    conversation = H10.converse()
    (start,) = ask(conversation, offer(rates, ranges))

    assert ask(conversation, answer(start.data)) == [Started(*chosen)]


def test_a_sensor_that_is_too_slow_for_clonus_is_refused():
    (refused,) = ask(H10.converse(), offer((10, 14)))

    assert refused == Refused("the sensor offers 14 Hz at most; 15 Hz are needed")


def test_a_sensor_without_sdk_mode_goes_on_with_a_note():
    note, write = ask(VERITY_SENSE.converse(), answer(SDK_MODE_ON, status=3))

    assert "not supported" in note.text
    assert isinstance(note, Note)
    assert write == Write(PMD_CONTROL, GET_SETTINGS)


@pytest.mark.parametrize("command", [SDK_MODE_ON, START_52_HZ_8_G])
def test_being_in_the_wanted_state_already_is_success(command):
    conversation = VERITY_SENSE.converse()
    ask(conversation, offer())
    outputs = ask(conversation, answer(command, status=6))

    assert not any(isinstance(output, Refused | Note) for output in outputs)


def test_a_start_that_is_refused_says_why():
    conversation = VERITY_SENSE.converse()
    ask(conversation, offer())

    assert ask(conversation, answer(START_52_HZ_8_G, status=13)) == [
        Refused("the sensor does not start to measure: it lies in its charger")
    ]


def test_a_stop_by_the_sensor_is_reported_and_started_again():
    conversation = started()

    assert ask(conversation, b"\x01\x02") == [
        Stopped("the sensor stopped its stream by itself"),
        Write(PMD_CONTROL, START_52_HZ_8_G),
    ]
    assert ask(conversation, b"\x01\x01\x03") == []  # other measurements are not ours


@pytest.mark.parametrize("status", [0, 6, 12])
def test_a_restart_stops_and_starts_when_the_stop_is_answered_whatever_it_says(status):
    conversation = started()

    assert conversation.restart() == [Write(PMD_CONTROL, STOP)]
    assert ask(conversation, answer(STOP, status)) == [Write(PMD_CONTROL, START_52_HZ_8_G)]
    assert ask(conversation, answer(STOP, status)) == []


def test_a_restart_before_the_start_begins_from_the_beginning():
    conversation = VERITY_SENSE.converse()

    assert conversation.restart() == conversation.open()


def test_goodbye_stops_the_stream():
    assert started().close() == [Write(PMD_CONTROL, STOP)]


def test_frames_carry_the_rate_the_sensors_time_and_the_factor_it_named():
    conversation = VERITY_SENSE.converse()
    ask(conversation, offer())
    ask(conversation, answer(START_52_HZ_8_G, 0, b"\x05\x01" + struct.pack("<f", 0.5)))
    (chunk,) = conversation.feed(
        PMD_DATA, struct.pack("<BQB", 2, 77, 0x80) + struct.pack("<3h", 2, -4, 6)
    )

    assert isinstance(chunk, Chunk)
    assert (chunk.fs, chunk.last_ns) == (52, 77)
    assert chunk.samples.tolist() == [[1, -2, 3]]


def test_battery_is_a_byte_up_to_100():
    conversation = started()

    assert conversation.feed(BATTERY_LEVEL, b"\x64") == [Battery(100)]
    for nonsense in (b"", b"\x65", b"\x01\x01"):
        with pytest.raises(ProtocolError, match="battery"):
            conversation.feed(BATTERY_LEVEL, nonsense)


@given(st.lists(st.tuples(st.sampled_from([PMD_CONTROL, PMD_DATA, BATTERY_LEVEL]), st.binary())))
def test_whatever_arrives_the_conversation_stays_usable(notifications):
    conversation = VERITY_SENSE.converse()
    for channel, data in notifications:
        for notification in (data, b"\xf0\x01\x02\x00\x00" + data):
            with suppress(ProtocolError):
                conversation.feed(channel, notification)
    conversation.restart()
    (start,) = ask(conversation, offer())

    assert start == Write(PMD_CONTROL, START_52_HZ_8_G)


@pytest.mark.parametrize(
    ("name", "driver"),
    [
        ("Polar Sense 1A2B3C4D", VERITY_SENSE),
        ("Polar OH1 1A2B3C4D", VERITY_SENSE),
        ("Polar H10 1A2B3C4D", H10),
        ("Polar H7 1A2B3C4D", None),
        ("my Polar H10", None),
        ("", None),
    ],
)
def test_sensors_are_recognised_by_the_beginning_of_their_name(name, driver):
    heard = Advertisement("AA:BB", name)

    assert [d for d in (VERITY_SENSE, H10) if d.recognises(heard)] == [driver] * (
        driver is not None
    )


def test_decode_gives_the_time_and_the_samples_of_one_frame():
    frame = bytes.fromhex("02 6500000000000000 81 F1FF1400F003 0601 7B0F08")
    decoded = VERITY_SENSE.decode(frame)

    assert decoded.t_ns == 101
    assert decoded.samples.tolist() == [[-0.015, 0.02, 1.008], [-0.02, 0.017, 1.008]]
