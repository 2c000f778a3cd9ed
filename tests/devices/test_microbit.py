"""Laws of a conversation with a micro:bit: its period is ours before its samples count."""

from __future__ import annotations

import struct
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.devices.microbit import DATA, MICROBIT, PERIOD, PERIODS_MS
from detector.devices.profile import Advertisement, Chunk, Started, Write
from detector.errors import ProtocolError
from detector.timing.sample_clock import GapCause, SampleClock

GOLDEN = bytes.fromhex("10fc 0000 0800")  # lying on its back, tilted a little
GOLDEN_MG = [[-1008, 0, 8]]
SET_PERIOD = Write(PERIOD, b"\x14\x00")


def connected(period_ms: int | None = 20):
    conversation = MICROBIT.converse()
    if period_ms is not None:
        conversation.feed(PERIOD, period_ms.to_bytes(2, "little"))
    return conversation


def test_the_period_is_set_to_twenty_milliseconds():
    conversation = connected()

    assert conversation.open() == conversation.restart() == [SET_PERIOD]
    assert conversation.close() == []


def test_a_sample_is_three_axes_in_mg():
    (chunk,) = connected().feed(DATA, GOLDEN)

    assert (chunk.samples * 1000).round(9).tolist() == GOLDEN_MG
    assert (chunk.fs, chunk.last_ns) == (50, None)
    assert MICROBIT.decode(GOLDEN).samples.tolist() == chunk.samples.tolist()


@given(st.lists(st.tuples(*[st.integers(-16_000, 16_000)] * 3)))
def test_every_sample_comes_back(rows):
    conversation = connected()
    for row in rows:
        (chunk,) = conversation.feed(DATA, struct.pack("<3h", *row))

        assert np.array_equal(np.rint(chunk.samples * 1000), [row])


def test_a_micro_bit_that_sends_at_our_rate_is_told_at_once():
    assert MICROBIT.converse().feed(PERIOD, b"\x14\x00") == [Started(50)]


@pytest.mark.parametrize("period_ms", [None, *(p for p in PERIODS_MS if p != 20)])
def test_what_may_be_at_another_rate_has_none(period_ms):
    conversation = connected(period_ms)
    per_second = max(50, 1000 // (period_ms or 20))
    outputs = [conversation.feed(DATA, GOLDEN) for _ in range(per_second + 2)]

    assert all(chunk.fs is None for (chunk,) in outputs[:per_second])
    started, chunk = outputs[per_second]
    assert (started, chunk.fs) == (Started(50), 50)
    assert [type(output) for output in outputs[-1]] == [Chunk]


@pytest.mark.parametrize("nonsense", [b"", b"\x14", b"\0\0", b"\x14\0\0"])
def test_a_period_that_is_none_is_nonsense(nonsense):
    with pytest.raises(ProtocolError, match="period"):
        connected().feed(PERIOD, nonsense)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "0 bytes of acceleration are no multiple of 6"),
        (bytes(7), "7 bytes"),
        (struct.pack("<3h", 0, 0, -20_000), "20 g is beyond"),
    ],
)
def test_what_is_no_sample_is_nonsense(data, words):
    with pytest.raises(ProtocolError, match=words):
        connected().feed(DATA, data)


@given(st.lists(st.tuples(st.sampled_from([DATA, PERIOD, "elsewhere"]), st.binary(max_size=8))))
def test_whatever_arrives_the_conversation_stays_usable_and_gives_numbers(notifications):
    conversation = connected()
    for channel, data in notifications:
        with suppress(ProtocolError):
            for output in conversation.feed(channel, data):
                assert not isinstance(output, Chunk) or np.isfinite(output.samples).all()
    conversation.feed(PERIOD, b"\x14\x00")

    assert conversation.feed(DATA, GOLDEN)[-1].fs == 50


@pytest.mark.parametrize(
    ("name", "ours"), [("BBC micro:bit [zuvup]", True), ("micro:bit", False), ("", False)]
)
def test_a_micro_bit_is_known_by_its_name(name, ours):
    assert MICROBIT.recognises(Advertisement("AA", name)) is ours


S = 1_000_000_000


def test_a_silence_is_a_gap_and_a_burst_is_none():
    conversation, clock, starts = connected(), SampleClock(), []
    arrivals_s = [0.02 * (i + 1) for i in range(400)]
    arrivals_s[100:250] = [5.0] * 150  # late by up to 3 s, then all at once
    arrivals_s += [14.0, 14.02]  # after 6 s of nothing
    for at_s in arrivals_s:
        (chunk,) = conversation.feed(DATA, GOLDEN)
        (block,) = clock.feed(chunk, round(at_s * S), round(at_s * S))
        starts.append(block.start)

    assert starts[:400] == list(range(400))
    (gap,) = clock.gaps
    assert gap.cause is GapCause.SILENCE
    assert gap.missing == pytest.approx((6 - 0.02) * 50, abs=1)
    assert starts[401] == starts[400] + 1
