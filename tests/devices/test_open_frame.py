"""Laws of the open frame: what a sensor of somebody's own sent is what is read, when it was."""

from __future__ import annotations

import struct
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.devices.open_frame import (
    ABOUT,
    FRAMES,
    OPEN_FRAME,
    SERVICE,
    About,
    parse_about,
    parse_frame,
)
from detector.devices.profile import Advertisement, Battery, Chunk, Note, Refused, Started
from detector.errors import ProtocolError
from detector.timing.sample_clock import GapCause, SampleClock

SECOND_NS = 1_000_000_000
# docs/open-frame.md's own examples, in the shape of its tables
GOLDEN = bytes.fromhex("01 0700 00800100 02 0000 0000 e803 f4ff 0500 e603 57")
GOLDEN_ABOUT = bytes.fromhex("01 08 00320000 616e6b6c657420312e30")

sequences, ticks = st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1)
samples = st.lists(st.tuples(*[st.integers(-(2**15), 2**15 - 1)] * 3), min_size=1, max_size=83)
rates_256ths = st.integers(15 * 256, 2000 * 256)


def frame(sequence: int, tick: int, rows, battery: int = 255) -> bytes:
    """Write a frame as slowly as the page reads."""
    head = b"\x01" + (sequence % 2**16).to_bytes(2, "little")
    head += (tick % 2**32).to_bytes(4, "little") + bytes([len(rows)])
    values = [value for row in rows for value in row]
    return head + b"".join(v.to_bytes(2, "little", signed=True) for v in values) + bytes([battery])


def about(rate_256ths: int = 50 * 256, range_g: int = 8, name: bytes = b"anklet") -> bytes:
    return struct.pack("<BBI", 1, range_g, rate_256ths) + name


def introduced(rate_256ths: int = 50 * 256):
    conversation = OPEN_FRAME.converse()
    conversation.feed(ABOUT, about(rate_256ths))
    return conversation


def still(count: int) -> list[tuple[int, int, int]]:
    return [(0, 600, -800)] * count


class Listener:
    """A conversation and the sample clock behind it, as the service has them."""

    def __init__(self, fs: float) -> None:
        self.conversation = introduced(round(fs * 256))
        self.fs = fs
        self.clock = SampleClock()
        self.blocks = []
        self.notes: list[str] = []

    def hear(self, data: bytes, mono_ns: int) -> None:
        for output in self.conversation.feed(FRAMES, data):
            if isinstance(output, Chunk):
                self.blocks += self.clock.feed(output, mono_ns, 0)
            elif isinstance(output, Note):
                self.notes.append(output.text)

    def hear_sample(self, index: int, count: int, number: int, boot_tick: int = 0) -> None:
        """Hear the frame whose first sample has this index, when its last is measured."""
        tick = boot_tick + round(index / self.fs * 32768)
        arrival_ns = round((index + count) / self.fs * SECOND_NS)
        self.hear(frame(number, tick, still(count)), arrival_ns)


@given(sequences, ticks, samples, st.integers(0, 255))
def test_what_was_sent_is_read_again(sequence, tick, rows, battery):
    got = parse_frame(frame(sequence, tick, rows, battery))

    assert (got.sequence, got.tick) == (sequence, tick)
    assert (got.samples * 1000).round().tolist() == [list(row) for row in rows]
    assert got.battery == (battery if battery <= 100 else None)


def test_the_pages_own_frame():
    got = parse_frame(GOLDEN)

    assert (got.sequence, got.tick, got.battery) == (7, 3 * 32768, 87)
    assert got.samples.tolist() == [[0, 0, 1], [-0.012, 0.005, 0.998]]
    decoded = OPEN_FRAME.decode(GOLDEN)
    assert decoded.t_ns == 3 * SECOND_NS
    assert decoded.samples.tolist() == got.samples.tolist()


@given(rates_256ths, st.integers(1, 255), st.text(max_size=16))
def test_what_a_sensor_says_of_itself_is_read(rate, range_g, name):
    assert parse_about(about(rate, range_g, name.encode())) == About(rate / 256, range_g, name)


def test_the_pages_own_about():
    assert parse_about(GOLDEN_ABOUT) == About(50, 8, "anklet 1.0")


def test_a_conversation_reads_listens_and_writes_nothing():
    conversation = OPEN_FRAME.converse()

    assert (OPEN_FRAME.read_first, OPEN_FRAME.channels) == ((ABOUT,), (FRAMES,))
    assert conversation.open() == conversation.restart() == conversation.close() == []
    assert conversation.feed(ABOUT, GOLDEN_ABOUT) == [Started(50, 8)]
    battery, chunk = conversation.feed(FRAMES, GOLDEN)
    assert battery == Battery(87)
    assert (chunk.fs, chunk.last_ns) == (50, 3 * SECOND_NS + SECOND_NS // 50)


def test_the_battery_is_told_when_it_changes():
    conversation = introduced()
    charges = [80, 80, 255, 200, 80, 79]
    outputs = [conversation.feed(FRAMES, frame(n, 0, still(1), p)) for n, p in enumerate(charges)]
    told = [[o.percent for o in each if isinstance(o, Battery)] for each in outputs]

    assert told == [[80], [], [], [], [80], [79]]


def test_without_its_rate_a_sensor_is_refused():
    conversation = OPEN_FRAME.converse()
    with pytest.raises(ProtocolError):
        conversation.feed(ABOUT, b"")
    (refused,) = conversation.feed(FRAMES, GOLDEN)

    assert isinstance(refused, Refused)
    assert "must have the about characteristic (docs/open-frame.md)" in refused.reason


@pytest.mark.parametrize("rate_256ths", [0, 50, 15 * 256 - 1, 2000 * 256 + 1, 2**32 - 1])
def test_a_rate_of_no_use_or_in_another_unit_is_refused(rate_256ths):
    conversation = OPEN_FRAME.converse()
    (refused,) = conversation.feed(ABOUT, about(rate_256ths, name=b"x\xff\n"))

    assert isinstance(refused, Refused)
    assert "15 to 2000 are needed, given in 1/256 Hz" in refused.reason
    assert "\n" not in refused.reason
    assert conversation.feed(FRAMES, GOLDEN) == [refused]


@given(
    fs=rates_256ths.map(lambda rate: rate / 256),
    boot_tick=ticks,
    number=sequences,
    counts=st.lists(st.integers(1, 83), min_size=1, max_size=20),
)
def test_any_cutting_is_one_stretch_of_samples_wherever_the_counters_wrap(
    fs, boot_tick, number, counts
):
    listener, index = Listener(fs), 0
    for n, count in enumerate(counts):
        listener.hear_sample(index, count, number + n, boot_tick)
        index += count

    assert listener.clock.gap_count == listener.clock.repeated == 0
    assert [block.start for block in listener.blocks] == np.cumsum([0, *counts])[:-1].tolist()
    assert listener.notes == []


@given(
    fs=st.integers(15 * 256, 256 * 256).map(lambda rate: rate / 256),
    boot_tick=ticks,
    number=sequences,
    count=st.integers(1, 83),
    sent=st.lists(st.booleans(), min_size=3, max_size=12),
)
def test_lost_frames_are_gaps_of_exactly_their_samples(fs, boot_tick, number, count, sent):
    listener = Listener(fs)
    for n, arrives in enumerate([True, *sent, True]):
        if arrives:
            listener.hear_sample(n * count, count, number + n, boot_tick)

    assert listener.clock.missing == count * sent.count(False)
    assert {gap.cause for gap in listener.clock.gaps} <= {GapCause.LOSS}
    assert all(block.start % count == 0 for block in listener.blocks)
    assert listener.notes == []


@given(st.lists(st.integers(1, 3), min_size=1, max_size=30))
def test_a_frame_that_comes_twice_or_thrice_counts_once(times):
    listener = Listener(50)
    for n, often in enumerate(times):
        for _ in range(often):
            listener.hear_sample(n * 25, 25, n)

    assert [block.start for block in listener.blocks] == [25 * n for n in range(len(times))]
    assert listener.clock.repeated == sum(times) - len(times)
    assert (listener.clock.gap_count, listener.notes) == (0, [])


@given(boot_tick=st.integers(2 * 32768, 2**31 - 3 * 32768), number=sequences)
def test_a_sensor_that_was_switched_off_begins_a_new_epoch(boot_tick, number):
    listener = Listener(50)
    for n in range(2):
        listener.hear_sample(25 * n, 25, number + n, boot_tick)
    # Ten seconds later it has been on for one, and counts from the beginning.
    listener.hear(frame(0, 16384, still(25)), 11 * SECOND_NS)
    listener.hear(frame(1, 32768, still(25)), 11 * SECOND_NS + SECOND_NS // 2)

    assert [(gap.cause, gap.missing) for gap in listener.clock.gaps] == [(GapCause.RESET, 475)]
    assert [block.start for block in listener.blocks] == [0, 25, 525, 550]
    assert listener.notes == []


@pytest.mark.parametrize("first", [0, 2**16 - 2])
def test_what_is_lost_in_the_sensor_is_told_once_and_is_a_gap(first):
    listener = Listener(50)
    for number, index in enumerate([0, 25, 100, 125, 200], first):
        listener.hear_sample(index, 25, number)

    (note,) = listener.notes
    assert note.startswith("the sensor lost 50 samples before it sent them: no frame is missing")
    assert [gap.missing for gap in listener.clock.gaps] == [50, 50]


def test_a_sequence_that_counts_something_else_is_told_once():
    listener = Listener(50)
    for n in range(5):
        listener.hear_sample(25 * n, 25, 25 * n)

    assert listener.notes == [
        "the sensor's sequence skips 24 although no time is missing: it must count frames"
    ]
    assert listener.clock.gap_count == 0


def test_the_jitter_of_a_clock_is_no_loss():
    listener, rng = Listener(50), np.random.default_rng(0)
    for n in range(200):
        tick = round(25 * n / 50 * 32768 + rng.uniform(-2000, 2000))
        listener.hear(frame(n, tick + 5000, still(25)), round((n + 1) / 2 * SECOND_NS))

    assert (listener.clock.gap_count, listener.notes) == (0, [])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "header cut short at byte 0 of 8"),
        (GOLDEN[:7], "header cut short at byte 7 of 8"),
        (b"\x02" + GOLDEN[1:], "version 2 at byte 0; only 1 is known here"),
        (GOLDEN[:7] + b"\0" + GOLDEN[-1:], "0 samples at byte 7"),
        (GOLDEN[:-1], "20 bytes where 2 samples need 21: what does not fit the MTU is cut"),
        (GOLDEN + b"\0", "22 bytes where 2 samples need 21"),
    ],
)
def test_nonsense_is_named_with_its_place(data, words):
    with pytest.raises(ProtocolError, match=words):
        parse_frame(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (GOLDEN_ABOUT[:5], "5 bytes in the about characteristic, which has 6 to 70"),
        (about(name=b"x" * 65), "71 bytes"),
        (b"\x00" + GOLDEN_ABOUT[1:], "version 0"),
        (about(range_g=0), "a range of 0 g"),
    ],
)
def test_nonsense_about_itself_is_named(data, words):
    with pytest.raises(ProtocolError, match=words):
        parse_about(data)


def test_nothing_is_expected_elsewhere():
    with pytest.raises(ProtocolError, match="nothing is expected on channel"):
        introduced().feed(SERVICE, GOLDEN)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([FRAMES, ABOUT]),
            st.one_of(
                st.binary(max_size=80),
                st.builds(frame, sequences, ticks, samples, st.integers(0, 255)),
                st.builds(about, st.integers(0, 2**32 - 1), st.integers(0, 255)),
            ),
        )
    )
)
def test_whatever_arrives_the_conversation_stays_usable_and_finite(notifications):
    conversation = OPEN_FRAME.converse()
    for channel, data in notifications:
        with suppress(ProtocolError):
            for output in conversation.feed(channel, data):
                if isinstance(output, Chunk):
                    assert np.isfinite(output.samples).all()
                    assert 0 < output.fs <= 2000
    conversation.feed(ABOUT, GOLDEN_ABOUT)

    assert isinstance(conversation.feed(FRAMES, GOLDEN)[-1], Chunk)


def test_sensors_are_recognised_by_the_service_alone():
    assert OPEN_FRAME.recognises(Advertisement("AA", "", None, frozenset({SERVICE})))
    assert not OPEN_FRAME.recognises(Advertisement("AA", "Open 1", None, frozenset({FRAMES})))
