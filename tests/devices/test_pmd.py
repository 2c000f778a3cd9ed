"""Laws of Polar's bytes: what was sent is what is read, and nonsense is said to be nonsense."""

from __future__ import annotations

import struct
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from detector.devices.pmd import Setting, decode_frame, parse_response, parse_settings
from detector.errors import ProtocolError

from .captured import captured, makers_vectors

FACTOR_G = 2.44e-4


def header(kind: int, t_ns: int = 0) -> bytes:
    return struct.pack("<BQB", 2, t_ns, kind)


def encode(reference, blocks, kind=0x80, t_ns=0) -> bytes:
    """Write a compressed frame as slowly as the specification reads: bit by bit, lowest first."""
    frame = header(kind, t_ns) + struct.pack("<3h", *reference)
    for bits, rows in blocks:
        stream = [value >> bit & 1 for row in rows for value in row for bit in range(bits)]
        stream += [0] * (-len(stream) % 8)
        frame += bytes([bits, len(rows)])
        for at in range(0, len(stream), 8):
            frame += bytes([sum(bit << n for n, bit in enumerate(stream[at : at + 8]))])
    return frame


@st.composite
def walks(draw):
    """A walk within what 16 bits can hold, as a reference and blocks of differences."""
    limit = 2**15 - 1
    now = list(draw(st.tuples(*[st.integers(-limit, limit)] * 3)))
    reference, blocks = tuple(now), []
    for size in draw(st.lists(st.integers(0, 40), max_size=5)):
        bits = draw(st.integers(1, 20))
        rows = []
        for _ in range(size):
            row = []
            for axis in range(3):
                lowest = max(-(2 ** (bits - 1)), -limit - now[axis])
                highest = min(2 ** (bits - 1) - 1, limit - now[axis])
                step = draw(st.integers(min(lowest, 0), max(highest, 0)))
                now[axis] += step
                row.append(step)
            rows.append(row)
        blocks.append((bits, rows))
    return reference, blocks


@given(walks(), st.integers(0, 2**64 - 1))
def test_what_was_compressed_is_read_again(walk, t_ns):
    reference, blocks = walk
    steps = [reference] + [row for _, rows in blocks for row in rows]
    counts = np.cumsum(np.array(steps), axis=0)

    got_ns, samples = decode_frame(encode(reference, blocks, t_ns=t_ns), FACTOR_G)

    assert got_ns == t_ns
    assert samples.tolist() == (counts * FACTOR_G).tolist()


@pytest.mark.parametrize(("kind", "width"), [(0, 1), (1, 2), (2, 3)])
@given(data=st.data())
def test_what_was_sent_plain_is_read_again(kind, width, data):
    limit = min(2 ** (8 * width - 1) - 1, 16_000)
    row = st.tuples(*[st.integers(-limit, limit)] * 3)
    rows = data.draw(st.lists(row, min_size=1, max_size=50))
    payload = b"".join(x.to_bytes(width, "little", signed=True) for row in rows for x in row)

    _, samples = decode_frame(header(kind) + payload)

    assert samples.tolist() == [[x / 1000 for x in row] for row in rows]


@given(st.binary(max_size=600))
@example(header(0x80) + bytes(6) + b"\x01\xff" * 20)
@example(header(0x80) + b"\xff\x7f" * 3 + b"\x20\x01" + b"\xff\xff\xff\x7f" * 3)
@example(header(0x81) + bytes(6) + b"\x00\xff")
@example(header(2) + b"\xff\xff\x7f" * 3)
def test_any_bytes_are_samples_or_a_protocol_error(data):
    for candidate in (data, header(0x80) + data, header(0x81) + data, header(1) + data):
        try:
            _, samples = decode_frame(candidate)
        except ProtocolError:
            continue
        assert samples.ndim == 2
        assert np.isfinite(samples).all()
        assert np.abs(samples).max() < 17
        # One bit is the least that an axis of a sample can cost.
        assert samples.size <= 8 * len(candidate)


@given(walks(), st.data())
def test_a_frame_that_is_cut_is_never_taken_for_whole_samples_it_does_not_have(walk, data):
    frame = encode(*walk)
    whole = decode_frame(frame)[1]
    cut = frame[: data.draw(st.integers(0, len(frame)))]
    try:
        part = decode_frame(cut)[1]
    except ProtocolError:
        return  # cut within a block: nothing of the frame is believed

    assert part.tolist() == whole[: len(part)].tolist()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "header cut short at byte 0"),
        (b"\x02" + bytes(8), "header cut short at byte 9"),
        (b"\x00" + bytes(9), "measurement 0 is not acceleration"),
        (header(0x07), "unknown frame type 0x07 at byte 9"),
        (header(0x01), "0 bytes of samples are no multiple of 6"),
        (header(0x01) + bytes(7), "7 bytes of samples"),
        (header(0x80) + bytes(5), "reference cut short at byte 5"),
        (header(0x80) + bytes(6) + b"\x08", "block header cut short at byte 16"),
        (header(0x80) + bytes(6) + b"\x00\x05", "0-bit differences at byte 16"),
        (header(0x80) + bytes(6) + b"\x21\x05", "33-bit differences at byte 16"),
        (header(0x80) + bytes(6) + b"\x08\x02" + bytes(5), "block of 6 bytes at byte 18"),
        (header(0x01) + struct.pack("<3h", 20000, 0, 0), "20 g is beyond"),
    ],
)
def test_nonsense_is_named_with_its_place(data, words):
    with pytest.raises(ProtocolError, match=words):
        decode_frame(data)


@given(st.binary(max_size=64))
def test_any_bytes_of_a_response_are_values_or_a_protocol_error(data):
    with suppress(ProtocolError):
        parse_settings(parse_response(b"\xf0" + data).parameters)


def test_a_factor_that_is_no_number_is_refused():
    for value in (float("nan"), float("inf"), 0.0, -1.0):
        with pytest.raises(ProtocolError, match="factor"):
            parse_settings(b"\x05\x01" + struct.pack("<f", value))


def test_settings_are_lists_of_values():
    # What a Verity Sense names, with a range in other units (from the maker's tests).
    offered = parse_settings(bytes.fromhex("0001340001011000 0204F500F401E803D007 040103"))

    assert offered == {
        Setting.RATE: (52,),
        Setting.RESOLUTION: (16,),
        Setting.RANGE: (245, 500, 1000, 2000),
        Setting.CHANNELS: (3,),
    }


@pytest.fixture(scope="module")
def vectors():
    return makers_vectors()


def test_the_makers_plain_frame(vectors):
    vector = vectors["sdk_acc_raw_type1"]
    t_ns, samples = decode_frame(bytes.fromhex(vector["hex"]))

    assert t_ns == vector["expect"]["timestamp"]
    assert (samples[:2] * 1000).round().tolist() == [
        vector["expect"]["first"],
        vector["expect"]["second"],
    ]
    assert np.linalg.norm(samples, axis=1) == pytest.approx(1, abs=0.01)


def test_the_makers_compressed_frame_in_counts(vectors):
    vector = vectors["sdk_acc_compressed_type0"]
    expect = vector["expect"]
    t_ns, samples = decode_frame(bytes.fromhex(vector["hex"]), expect["factor"])

    assert (t_ns, len(samples)) == (expect["timestamp"], expect["n"])
    assert (samples[:2] / expect["factor"]).round().tolist() == [
        expect["first_raw"],
        expect["second_raw"],
    ]


def test_the_makers_compressed_frame_in_mg(vectors):
    vector = vectors["sdk_acc_compressed_type1"]
    t_ns, samples = decode_frame(bytes.fromhex(vector["hex"]))

    assert t_ns == vector["expect"]["timestamp"]
    assert (samples * 1000).round().tolist() == vector["expect"]["samples"]


def test_the_makers_settings(vectors):
    vector = vectors["pmd_setting_acc_response_params"]
    offered = parse_settings(bytes.fromhex(vector["hex"]))

    names = {"sample_rate": Setting.RATE, "resolution": Setting.RESOLUTION}
    names |= {"range": Setting.RANGE, "channels": Setting.CHANNELS}
    assert offered == {names[key]: tuple(value) for key, value in vector["expect"].items()}


def test_a_real_sensor_at_rest_measures_one_g():
    capture = captured("polar-verity-sense")
    payload, (block1, block2) = bytes.fromhex(capture["bytes"]), capture["blocks"]
    assert payload[:6] == bytes.fromhex(capture["reference"])
    first = payload[: 6 + 2 + block1["bytes"]]  # the end of the second block is missing

    _, samples = decode_frame(header(0x80) + first, FACTOR_G)

    assert len(samples) == 1 + block1["count"]
    assert np.linalg.norm(samples, axis=1) == pytest.approx(1, abs=0.03)
    second = payload[len(first) :]
    assert tuple(second[:2]) == (block2["bits"], block2["count"])
    with pytest.raises(ProtocolError, match="cut short"):
        decode_frame(header(0x80) + payload)
    # With the missing bytes made up, the samples before them still are what the sensor measured.
    missing = block2["bytes"] - (len(second) - 2)
    _, samples = decode_frame(header(0x80) + payload + bytes(missing), FACTOR_G)
    whole = 8 * (len(second) - 2) // (3 * block2["bits"])
    assert np.linalg.norm(samples[: len(samples) - 10 + whole], axis=1) == pytest.approx(
        1, abs=0.03
    )
