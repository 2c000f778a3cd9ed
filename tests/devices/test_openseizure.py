"""Laws of OpenSeizureDetector's source: only what three axes measured becomes samples."""

from __future__ import annotations

import struct
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.devices.openseizure import (
    ACCELERATION,
    APP_VERSION,
    BATTERY,
    FORMAT,
    OPENSEIZURE,
    SERVICE,
    WATCH_ID,
)
from detector.devices.profile import Advertisement, Battery, Chunk, Refused, Started
from detector.errors import ProtocolError
from detector.timing.sample_clock import GapCause, SampleClock

UART = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
# Three samples as `widget.js` writes them: mg, low byte first, and two bytes that carry nothing.
GOLDEN = bytes.fromhex("0cfe 1a00 e803 0efe 1c00 e603 10fe 1e00 e403")
GOLDEN_MG = [[-500, 26, 1000], [-498, 28, 998], [-496, 30, 996]]

rows_mg = st.lists(st.tuples(*[st.integers(-16_000, 16_000)] * 3), min_size=1, max_size=5)


def connected(format_code: int | None = 3):
    conversation = OPENSEIZURE.converse()
    if format_code is not None:
        conversation.feed(FORMAT, bytes([format_code]))
    return conversation


def packed(rows) -> bytes:
    return b"".join(struct.pack("<3h", *row) for row in rows)


@pytest.mark.parametrize("padding", [b"", b"\0\0", b"\x40\x41"])
def test_three_samples_are_read_whatever_is_left_in_the_apps_buffer(padding):
    (chunk,) = connected().feed(ACCELERATION, GOLDEN + padding)

    assert (chunk.samples * 1000).round(9).tolist() == GOLDEN_MG
    assert (chunk.fs, chunk.last_ns) == (25, None)
    assert OPENSEIZURE.decode(GOLDEN + padding).samples.tolist() == chunk.samples.tolist()


@given(st.lists(rows_mg, max_size=8))
def test_any_cutting_gives_the_same_samples(cuts):
    conversation, heard = connected(), []
    cuts = [*cuts, [(0, 0, 1000)]]
    for rows in cuts:
        heard += [chunk.samples for chunk in conversation.feed(ACCELERATION, packed(rows))]

    assert np.rint(np.concatenate(heard) * 1000).tolist() == [[*row] for cut in cuts for row in cut]


def test_the_format_says_how_it_streams():
    assert connected(None).feed(FORMAT, b"\x03") == [Started(25, 4)]


@pytest.mark.parametrize("format_code", [0, 1])
def test_magnitudes_alone_are_refused_with_the_remedy(format_code):
    conversation = connected(None)
    (refused,) = conversation.feed(FORMAT, bytes([format_code]))

    assert isinstance(refused, Refused)
    assert "Settings, Apps, OSD, ACC_FMT 3" in refused.reason
    with pytest.raises(ProtocolError, match=f"format {format_code}"):
        conversation.feed(ACCELERATION, GOLDEN)


def test_a_format_of_tomorrow_is_refused():
    (refused,) = connected(None).feed(FORMAT, b"\x04")

    assert "format 4, which is unknown" in refused.reason


@pytest.mark.parametrize("nonsense", [b"", b"\x03\x00"])
def test_a_format_that_is_no_byte_is_nonsense(nonsense):
    with pytest.raises(ProtocolError, match="format"):
        connected(None).feed(FORMAT, nonsense)


def test_without_a_word_on_the_format_only_what_can_be_nothing_else_is_read():
    conversation = connected(None)
    (chunk,) = conversation.feed(ACCELERATION, GOLDEN)

    assert len(chunk.samples) == 3
    for ambiguous in (bytes([64] * 20), GOLDEN + b"\0\0", GOLDEN[:6]):
        with pytest.raises(ProtocolError, match="does not say of which"):
            conversation.feed(ACCELERATION, ambiguous)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "0 bytes"),
        (bytes(7), "7 bytes of acceleration are no multiple of 6"),
        (bytes([64] * 20), "16.45 g is beyond"),  # twenty magnitudes of 1 g
    ],
)
def test_what_is_not_three_axes_is_nonsense(data, words):
    with pytest.raises(ProtocolError, match=words):
        connected().feed(ACCELERATION, data)


def test_an_app_that_sends_zeros_gives_no_sign_of_life_and_is_refused():
    conversation = connected()
    conversation.feed(APP_VERSION, b"0.20")
    outputs = [conversation.feed(ACCELERATION, bytes(20)) for _ in range(17)]

    assert outputs[:16] == [[]] * 16
    (refused,) = outputs[16]
    assert "(0.20) sends zeros" in refused.reason
    (chunk,) = conversation.feed(ACCELERATION, GOLDEN)
    assert (chunk.samples * 1000).round(9).tolist() == GOLDEN_MG


def test_so_is_one_whose_test_mode_counts():
    conversation = connected()
    outputs = []
    for first in range(65_500, 65_500 + 17 * 9, 9):  # past the end of 16 bits
        counted = np.arange(first, first + 9).astype("<u2")
        outputs += conversation.feed(ACCELERATION, counted.tobytes())

    (refused,) = outputs
    assert "TEST_MODE" in refused.reason


def test_what_only_looked_senseless_is_not_lost():
    conversation = connected()
    for _ in range(5):
        assert conversation.feed(ACCELERATION, bytes(20)) == []
    (chunk,) = conversation.feed(ACCELERATION, GOLDEN)

    assert (chunk.samples * 1000).round(9).tolist() == [[0, 0, 0]] * 15 + GOLDEN_MG


def test_its_battery_is_told_when_it_changes_and_never_as_the_zero_before_it_is_known():
    conversation = connected()
    told = [conversation.feed(BATTERY, bytes([level])) for level in (0, 81, 81, 80, 0)]

    assert told == [[], [Battery(81)], [], [Battery(80)], []]
    for nonsense in (b"", b"\x65", b"\x01\x01"):
        with pytest.raises(ProtocolError, match="battery"):
            conversation.feed(BATTERY, nonsense)


@pytest.mark.parametrize("hostile", [b"\x1b[2J", b"\xff\xfe", b"x" * 21])
def test_a_version_that_is_no_short_text_is_nonsense(hostile):
    with pytest.raises(ProtocolError, match="version"):
        connected().feed(APP_VERSION, hostile)


channels = st.sampled_from([ACCELERATION, FORMAT, BATTERY, APP_VERSION, WATCH_ID, "elsewhere"])


@given(st.lists(st.tuples(channels, st.binary(max_size=40))))
def test_whatever_arrives_the_conversation_stays_usable_and_gives_numbers(notifications):
    conversation = connected()
    for channel, data in notifications:
        with suppress(ProtocolError):
            for output in conversation.feed(channel, data):
                assert not isinstance(output, Chunk) or np.isfinite(output.samples).all()
    conversation.feed(FORMAT, b"\x03")
    with suppress(ProtocolError):  # of what waited before it
        conversation.feed(ACCELERATION, GOLDEN)
    (chunk,) = conversation.feed(ACCELERATION, GOLDEN)

    assert len(chunk.samples) == 3
    assert conversation.open() == conversation.restart() == conversation.close() == []


@pytest.mark.parametrize(
    ("name", "services", "ours"),
    [
        ("Bangle.js 1a2b", [UART], True),
        ("Bangle.js 1a2b", [UART, "00001812-0000-1000-8000-00805f9b34fb"], True),
        ("Bangle.js 1a2b", [], False),
        ("My watch", [SERVICE], True),
        ("Bangle.js 1a2b", [UART, "12345678-0000-1000-8000-00805f9b34fb"], False),
        ("InfiniTime", [], False),
        ("PineTimeSD", [], False),
        ("", [], False),
    ],
)
def test_a_watch_is_known_by_the_service_or_as_a_bangle_like_any(name, services, ours):
    assert OPENSEIZURE.recognises(Advertisement("AA", name, None, frozenset(services))) is ours


S = 1_000_000_000


def test_a_silence_is_a_gap_and_a_burst_is_none():
    conversation, clock, starts = connected(), SampleClock(), []
    arrivals_s = [0.12 * (i + 1) for i in range(50)]
    arrivals_s[20:40] = [4.9] * 20  # late by 2.4 s, then all at once
    arrivals_s += [12.0, 12.12]  # after 6 s of nothing
    for at_s in arrivals_s:
        (chunk,) = conversation.feed(ACCELERATION, GOLDEN)
        (block,) = clock.feed(chunk, round(at_s * S), round(at_s * S))
        starts.append(block.start)

    assert starts[:50] == list(range(0, 150, 3))
    (gap,) = clock.gaps
    assert gap.cause is GapCause.SILENCE
    assert gap.missing == pytest.approx((6 - 0.12) * 25, abs=1)
    assert starts[51] == starts[50] + 3
