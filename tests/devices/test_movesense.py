"""Laws of a conversation with a Movesense sensor."""

from __future__ import annotations

import struct
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.devices.movesense import (
    BATTERY_LEVEL,
    GSP_COMMAND,
    GSP_DATA,
    GSP_SERVICE,
    MOVESENSE,
    parse_data,
)
from detector.devices.profile import (
    Advertisement,
    Battery,
    Chunk,
    Note,
    Refused,
    Started,
    Write,
)
from detector.errors import ProtocolError
from detector.timing.sample_clock import GapCause, SampleClock

HELLO = b"\x00\xff"
SUBSCRIBE = b"\x01\x01/Meas/Acc/52"
G = 9.807

# A real sensor that lay still (published by sensein/movesense-py, tests/fixtures/validation),
# behind the two bytes that it keeps apart, and the counts of 0.244 mg that it must have measured.
REAL = bytes.fromhex(
    "0201 03de0100 55ab8bbf69f78d4081dd0a41 2b1387bf975a8d4020840b41"
    "e79190bf076d8e401bf10a41 2b1387bf316e8d40b9660b41"
)
REAL_COUNTS = [[-456, 1854, 3627], [-441, 1846, 3644], [-472, 1860, 3629], [-441, 1847, 3641]]


def answer(reference: int, status: int, order: str = "little") -> bytes:
    return bytes((1, reference)) + status.to_bytes(2, order)


def packet(t_ms: int, rows, reference: int = 1, unit: float = G) -> bytes:
    """Write one packet of samples that are given in g."""
    values = [value * unit for row in rows for value in row]
    return struct.pack(f"<BBI{len(values)}f", 2, reference, t_ms % 2**32, *values)


def parts(whole: bytes, at: int = 152) -> list[bytes]:
    return [whole[:at], bytes((3, whole[1])) + whole[at:]]


def still(count: int = 4) -> list[list[float]]:
    return [[0, 0.6, 0.8]] * count


def say(conversation, data: bytes):
    return conversation.feed(GSP_DATA, data)


def chunks(outputs) -> list[Chunk]:
    return [output for output in outputs if isinstance(output, Chunk)]


def test_it_greets_and_subscribes_to_52_hz_at_once():
    assert MOVESENSE.converse().open() == [
        Write(GSP_COMMAND, HELLO),
        Write(GSP_COMMAND, SUBSCRIBE),
    ]


def test_what_a_real_sensor_at_rest_sent():
    conversation = MOVESENSE.converse()
    conversation.open()
    started, chunk = say(conversation, REAL)

    assert started == Started(52, 8)
    assert (chunk.samples / 2.44e-4).round(3).tolist() == REAL_COUNTS
    assert np.linalg.norm(chunk.samples, axis=1) == pytest.approx(1, abs=0.01)
    assert chunk.fs == 52
    # The packet names its first sample; three more follow it at 52 Hz.
    assert chunk.last_ns == 122_371_000_000 + round(3 / 52 * 1e9)


def test_decode_gives_the_first_samples_time_and_the_samples():
    decoded = MOVESENSE.decode(REAL)

    assert decoded.t_ns == 122_371_000_000
    assert (decoded.samples / 2.44e-4).round(3).tolist() == REAL_COUNTS
    with pytest.raises(ProtocolError, match="1 is no data"):
        MOVESENSE.decode(answer(1, 200))


@pytest.mark.parametrize("status", [200, 201])
def test_the_stream_begins_with_the_answer_and_never_again(status):
    conversation = MOVESENSE.converse()

    assert say(conversation, answer(1, status)) == [Started(52, 8)]
    assert say(conversation, answer(1, status)) == []
    assert [type(output) for output in say(conversation, REAL)] == [Chunk]


# The second is the maker's sample firmware's.
@pytest.mark.parametrize("greeting", [b"\x01213000000001\0Movesense HR+\0", b"Hello", b""])
def test_a_greeting_has_no_status_and_changes_nothing(greeting):
    conversation = MOVESENSE.converse()

    assert say(conversation, b"\x01\xff" + greeting) == []


def test_another_version_of_the_protocol_is_told():
    (note,) = say(MOVESENSE.converse(), b"\x01\xff\x02213000000001\0")

    assert note == Note("the sensor uses version 2 of GSP, of which only 1 is known here")


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (404, "update its firmware"),
        (409, "end the recording"),
        (501, "update its firmware"),
        (503, "close the phone app"),
        (507, "take its battery out"),
        (500, "take its battery out"),
    ],
)
def test_an_error_is_a_refusal_with_its_remedy_in_whatever_order_its_bytes_come(
    status, remedy, order
):
    (refused,) = say(MOVESENSE.converse(), answer(1, status, order))
    assert isinstance(refused, Refused)
    assert f"does not stream /Meas/Acc/52 (status {status}); " in refused.reason
    assert remedy in refused.reason


def test_a_restart_unsubscribes_and_subscribes_with_a_fresh_reference():
    conversation = MOVESENSE.converse()
    conversation.open()
    say(conversation, answer(1, 200))

    assert conversation.restart() == [
        Write(GSP_COMMAND, b"\x02\x01"),
        Write(GSP_COMMAND, b"\x01\x02/Meas/Acc/52"),
    ]
    assert say(conversation, answer(1, 404)) == []  # it had forgotten: no refusal of the new one
    assert chunks(say(conversation, packet(0, still(), reference=2)))
    assert conversation.close() == [Write(GSP_COMMAND, b"\x02\x02")]


def test_what_the_sensor_never_took_is_not_given_back():
    conversation = MOVESENSE.converse()
    conversation.open()

    assert conversation.restart() == [Write(GSP_COMMAND, b"\x01\x02/Meas/Acc/52")]


def test_references_go_round_without_the_greetings():
    conversation = MOVESENSE.converse()
    references = [conversation.restart()[-1].data[1] for _ in range(300)]

    assert references == [2 + n if n < 253 else n - 252 for n in range(300)]


def test_samples_are_understood_whoever_asked_for_them_so_that_a_replay_is_the_same():
    conversation = MOVESENSE.converse()
    outputs = [say(conversation, packet(n, still(), reference=n)) for n in (1, 2, 254)]

    assert [len(chunks(each)) for each in outputs] == [1, 1, 1]
    for reference in (0, 255):
        with pytest.raises(ProtocolError, match=f"no stream has the reference {reference}"):
            say(conversation, packet(0, still(), reference=reference))


@pytest.mark.parametrize("count", [13, 20, 24])
def test_a_packet_in_two_parts_is_one(count):
    conversation = MOVESENSE.converse()
    rows = [[n / 16, 0, 1] for n in range(count)]
    first, second = parts(packet(1000, rows))

    assert say(conversation, first) == []
    (chunk,) = chunks(say(conversation, second))
    assert chunk.samples == pytest.approx(np.array(rows), abs=1e-6)
    assert chunk.last_ns == 1_000_000_000 + round((count - 1) / 52 * 1e9)


def test_half_a_packet_is_given_up_for_the_next_and_never_joined_with_a_strangers():
    conversation = MOVESENSE.converse()
    first, second = parts(packet(0, still(20)))
    say(conversation, first)

    assert chunks(say(conversation, packet(400, still())))
    with pytest.raises(ProtocolError, match="without its first"):
        say(conversation, second)
    say(conversation, first)
    with pytest.raises(ProtocolError, match="second part of stream 9 without"):
        say(conversation, bytes((3, 9)) + second[2:])
    say(conversation, first)
    with pytest.raises(ProtocolError, match="end within a sample"):
        say(conversation, second[:-1])


@pytest.mark.parametrize("mtu", [23, 27, 48])
def test_a_packet_cut_by_a_small_mtu_is_an_error_with_its_remedy(mtu):
    conversation = MOVESENSE.converse()
    for n in range(20):
        with pytest.raises(ProtocolError, match=r"do not end with a sample .* update its firmware"):
            say(conversation, packet(77 * n, still())[: mtu - 3])

    assert chunks(say(conversation, packet(2000, still())))


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 12), min_size=2, max_size=20))
def test_no_sample_is_missing_where_the_time_stamps_wrap(boot_ms, counts):
    conversation, clock, index = MOVESENSE.converse(), SampleClock(), 0
    for count in counts:
        for chunk in chunks(say(conversation, packet(boot_ms + index * 1000 // 52, still(count)))):
            clock.feed(chunk, round((index + count) / 52 * 1e9), 0)
        index += count

    assert clock.gap_count == clock.repeated == clock.unplaced == 0


@given(st.integers(0, 2**32 - 1), st.integers(1, 500))
def test_lost_packets_are_a_gap_of_exactly_their_samples(boot_ms, lost):
    conversation, clock = MOVESENSE.converse(), SampleClock()
    for n in [0, 1, 2 + lost, 3 + lost]:
        t_ms = boot_ms + 4 * n * 1000 // 52
        (chunk,) = chunks(say(conversation, packet(t_ms, still())))
        clock.feed(chunk, round(4 * (n + 1) / 52 * 1e9), 0)

    assert [(gap.missing, gap.cause) for gap in clock.gaps] == [(4 * lost, GapCause.LOSS)]


def test_a_sensor_that_was_switched_off_begins_a_new_epoch():
    conversation, clock = MOVESENSE.converse(), SampleClock()
    for n, t_ms in enumerate([3_600_000, 3_600_077, 5, 82]):
        (chunk,) = chunks(say(conversation, packet(t_ms, still())))
        clock.feed(chunk, round(4 * (n + 1) / 52 * 1e9) + 10**10 * (n > 1), 0)

    assert [gap.cause for gap in clock.gaps] == [GapCause.RESET]


@pytest.mark.parametrize(("unit", "name"), [(1000, "mg"), (1, "g"), (G, None)])
@given(st.floats(0.4, 3))
def test_the_unit_is_known_by_the_weight_of_what_lies_and_an_unusual_one_is_told(
    unit, name, weight
):
    conversation = MOVESENSE.converse()
    rows = [[0, 0.6 * weight, -0.8 * weight]] * 4
    outputs = say(conversation, packet(0, rows, unit=unit))

    assert chunks(outputs)[0].samples == pytest.approx(np.array(rows), rel=1e-6)
    notes = [output.text for output in outputs if isinstance(output, Note)]
    assert [f"shows that it sends {name}, where m/s²" in text for text in notes] == [True] * (
        name is not None
    )


@pytest.mark.parametrize("count", [1, 4, 12])
def test_a_unit_that_was_chosen_in_a_kick_is_put_right_within_a_second(count):
    conversation = MOVESENSE.converse()
    say(conversation, packet(0, [[0, 0, 8]] * count, unit=1))  # 8 g, in g, are as 0.8 g in m/s²
    got = [say(conversation, packet(n, still(count), unit=1)) for n in range(60)]
    sizes = [np.linalg.norm(chunks(each)[0].samples[0]) for each in got]
    notes = [each for outputs in got for each in outputs if isinstance(each, Note)]
    wrong = -(-52 // count) - 1

    assert sizes == pytest.approx([1 / G] * wrong + [1] * (60 - wrong))
    assert notes == [
        Note("the sensor's weight at rest shows that it sends g; until now it was read as m/s²")
    ]


@given(st.lists(st.sampled_from([0.0, 0.02, 1, 3, 8, 13.8]), max_size=100), st.integers(1, 12))
def test_what_lay_still_for_a_second_keeps_its_unit_whatever_shakes_it(sizes, count):
    conversation = MOVESENSE.converse()
    for n in range(52):
        say(conversation, packet(n, still(1)))
    for size in sizes:
        rows = [[size * 0.6, 0, size * 0.8]] * count
        (chunk,) = say(conversation, packet(0, rows))

        assert chunk.samples == pytest.approx(np.array(rows), abs=1e-5)


def test_a_shaking_of_less_than_a_second_changes_nothing_from_the_first_sample_on():
    conversation = MOVESENSE.converse()
    rng = np.random.default_rng(3)
    for n in range(500):
        size = 2 if n % 13 == 0 else rng.choice([0.0, 0.02, 0.2, 13.8])
        rows = [[0, 0.6 * size, 0.8 * size]] * 4
        (chunk,) = chunks(say(conversation, packet(77 * n, rows)))

        assert chunk.samples == pytest.approx(np.array(rows), abs=1e-5)


def test_what_no_sensor_can_measure_is_an_error():
    conversation = MOVESENSE.converse()
    say(conversation, REAL)
    with pytest.raises(ProtocolError, match="beyond any range"):
        say(conversation, packet(0, [[0, 0, 17]]))
    for nonsense in (np.nan, np.inf, -np.inf):
        with pytest.raises(ProtocolError, match="no finite number"):
            say(conversation, packet(0, [[0, nonsense, 1]]))
    signalling = b"\x01\x00\x80\x7f"  # a NaN that a mere conversion would already warn of
    with pytest.raises(ProtocolError, match="no finite number"):
        say(conversation, packet(0, still(1))[:-4] + signalling)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "cut short at byte 0 of 2"),
        (b"\x02", "cut short at byte 1 of 2"),
        (b"\x02\x01abc", "header cut short at byte 5"),
        (b"\x02\x01abcd", "6 bytes do not end with a sample"),
        (b"\x04\x01abcd", "unknown kind of notification 4"),
        (b"\x01\x01", "no status in no bytes"),
        (b"\x01\x01\xc8", "no status in c8"),
        (b"\x01\x01\xff\xff", "no status in ff ff"),
    ],
)
def test_nonsense_is_named(data, words):
    with pytest.raises(ProtocolError, match=words):
        say(MOVESENSE.converse(), data)


def test_battery_is_a_byte_up_to_100():
    conversation = MOVESENSE.converse()

    assert conversation.feed(BATTERY_LEVEL, b"\x07") == [Battery(7)]
    for nonsense in (b"", b"\x65", b"\x01\x01"):
        with pytest.raises(ProtocolError, match="battery"):
            conversation.feed(BATTERY_LEVEL, nonsense)
    with pytest.raises(ProtocolError, match="nothing is expected on channel"):
        conversation.feed(GSP_COMMAND, b"\x01\x01")


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=200),
            st.binary(max_size=40).map(lambda rest: b"\x02\x01\0\0\0\0" + rest),
            st.binary(max_size=200).map(lambda rest: b"\x03\x01" + rest),
            st.binary(max_size=4).map(lambda rest: b"\x01\x01" + rest),
            st.sampled_from(parts(packet(0, still(20)))),
        )
    )
)
def test_whatever_arrives_the_conversation_stays_usable_and_finite(notifications):
    conversation = MOVESENSE.converse()
    for data in notifications:
        with suppress(ProtocolError):
            for chunk in chunks(say(conversation, data)):
                assert np.abs(chunk.samples).max() < 16.2
    rest = [say(conversation, packet(77 * n, still())) for n in range(14)][-1]

    assert chunks(rest)[0].samples == pytest.approx(np.array(still()), abs=1e-6)


@pytest.mark.parametrize(
    ("name", "services", "known"),
    [
        ("Movesense 213000000001", (), True),
        ("my sensor", (GSP_SERVICE,), True),
        ("Movesense", (), False),
        ("my Movesense 1", (), False),
        ("", (), False),
    ],
)
def test_sensors_are_recognised_by_name_or_service(name, services, known):
    assert MOVESENSE.recognises(Advertisement("AA", name, None, frozenset(services))) is known


def test_another_drivers_frame_is_read_as_it_reads_it():
    # What noduslabs/movesense-nodejs-driver holds its parser against (its tests, MIT).
    samples = [[1, 2, 3], [-1.5, -2.5, -3.5]]
    data = bytes((2, 7)) + struct.pack("<I6f", 12345, 1, 2, 3, -1.5, -2.5, -3.5)

    assert parse_data(data)[:2] == (7, 12345)
    assert parse_data(data)[2].tolist() == samples
    assert MOVESENSE.decode(data).samples == pytest.approx(np.array(samples) / G)
