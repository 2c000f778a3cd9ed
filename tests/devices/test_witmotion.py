"""Laws of WitMotion's frames: cut or gathered in any way they are the same samples."""

from __future__ import annotations

import struct
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.devices.profile import Advertisement, Battery, Chunk, Note, Refused, Started, Write
from detector.devices.witmotion import COMMAND, DATA, WITMOTION
from detector.errors import ProtocolError
from detector.timing.sample_clock import GapCause, SampleClock

from .captured import captured

# What an owner read from a WT9011DCL-BT50 (WT901BLE67) that lay flat and still, and what it
# answered to `ff aa 27 64 00` in the midst of its stream (30 September 2026).
REAL_AT_REST = bytes.fromhex("5561 f5ff 2e00 0008 feff ffff ffff d9ff b500 0000")
REAL_BATTERY = bytes.fromhex("5571 6400 7e01 0000 339b 76fc a3c4 0000 0000 e803")
# From the maker's manual of the WTVB01-BT50, page 14: the same head, velocities of a vibration.
WTVB01 = bytes.fromhex("5561 1100 1600 0200 0200 0000 0100 e60a 4300 4700 0a00 2500 2500 2500")

SETTING = [
    Write(COMMAND, bytes.fromhex(command)) for command in ("ffaa6988b5", "ffaa030800", "ffaa270300")
]
ASK_BATTERY = Write(COMMAND, bytes.fromhex("ffaa276400"))
AT_50_HZ = struct.pack("<BBH8H", 0x55, 0x71, 0x03, 0x08, *[0] * 7)

counts = st.tuples(*[st.integers(-0x8000, 0x7FFF)] * 3)


def motion(*axes: int) -> bytes:
    return struct.pack("<BB9h", 0x55, 0x61, *axes, *[0] * (9 - len(axes)))


def register(number: int, value: int) -> bytes:
    return struct.pack("<BBH8H", 0x55, 0x71, number, value, *[0] * 7)


def started():
    conversation = WITMOTION.converse()
    conversation.feed(DATA, AT_50_HZ)
    return conversation


def of(kind, outputs):
    return [output for output in outputs if isinstance(output, kind)]


def samples_of(outputs) -> np.ndarray:
    return np.concatenate([np.empty((0, 3)), *(chunk.samples for chunk in of(Chunk, outputs))])


def test_the_rate_is_set_behind_the_lock_asked_back_and_never_saved():
    conversation = WITMOTION.converse()

    assert conversation.open() == [*SETTING, ASK_BATTERY]
    assert conversation.restart() == SETTING
    assert conversation.close() == []


def test_a_real_sensor_at_rest_measures_one_g():
    samples = WITMOTION.decode(REAL_AT_REST).samples

    assert samples.tolist() == [[-11 / 2048, 46 / 2048, 1.0]]
    assert np.linalg.norm(samples) == pytest.approx(1, abs=0.01)


def test_what_an_owners_script_printed_of_a_real_sensor_at_rest_is_one_g():
    frames = [bytes.fromhex(frame) for frame in captured("witmotion-wt901ble68")["frames"]]
    with pytest.raises(ProtocolError, match="no frames of 20"):
        WITMOTION.decode(frames[0])  # four bytes of angles were not printed

    samples = WITMOTION.decode(b"".join(frame + bytes(4) for frame in frames)).samples

    assert samples[0] == pytest.approx([-0.099, -0.082, 1.005], abs=5e-4)
    assert np.linalg.norm(samples[:3], axis=1) == pytest.approx(1.013, abs=0.005)


def test_a_real_answer_between_two_samples_is_the_battery_and_no_sample():
    outputs = started().feed(DATA, REAL_AT_REST + REAL_BATTERY + REAL_AT_REST)

    assert of(Battery, outputs) == [Battery(50)]  # 3.82 V by the maker's program
    assert len(samples_of(outputs)) == 2


@given(st.lists(counts, min_size=1, max_size=12), st.lists(st.integers(1, 60), max_size=40))
def test_any_cutting_gives_the_same_samples(rows, sizes):
    stream = b"".join(motion(*row) for row in rows)
    conversation, outputs, at = started(), [], 0
    for size in [*sizes, len(stream)]:
        outputs += conversation.feed(DATA, stream[at : at + size])
        at += size

    assert np.array_equal(samples_of(outputs) * 2048, rows)
    assert all(chunk.fs == 50 for chunk in of(Chunk, outputs))


def test_a_frame_whose_rest_was_lost_costs_no_other():
    conversation = started()
    conversation.feed(DATA, motion(1) + motion(2)[:15])
    outputs = conversation.feed(DATA, motion(3) + motion(4))

    assert (samples_of(outputs)[:, 0] * 2048).tolist() == [3, 4]


def test_samples_have_no_rate_until_the_sensor_says_that_it_is_ours():
    conversation = WITMOTION.converse()
    (before,) = conversation.feed(DATA, motion(1))
    begun, during = conversation.feed(DATA, AT_50_HZ + motion(2))
    (after,) = conversation.feed(DATA, motion(3))

    assert (before.fs, during.fs, after.fs) == (None, 50, 50)
    assert begun == Started(50, 16)
    assert conversation.feed(DATA, AT_50_HZ) == []


def test_a_rate_that_is_not_ours_is_set_again_and_refused_in_the_end():
    conversation = WITMOTION.converse()
    outputs = [conversation.feed(DATA, register(0x03, 0x06)) for _ in range(3)]

    assert outputs[:2] == [SETTING, SETTING]
    (refused,) = outputs[2]
    assert refused == Refused("it keeps to 10 Hz: set it to 50 Hz in the WitMotion app")


def test_a_sensor_that_never_answers_is_asked_again_and_used_with_a_note():
    conversation = WITMOTION.converse()
    outputs = []
    for _ in range(160):
        outputs += conversation.feed(DATA, motion(1))

    assert [o for o in outputs if isinstance(o, Write)] == SETTING * 2
    (note,) = of(Note, outputs)
    assert "does not report its rate" in note.text
    assert of(Started, outputs) == [Started(50, 16)]
    assert outputs[-1].fs == 50


@pytest.mark.parametrize(
    ("hundredths", "percent"),
    [(399, 100), (420, 100), (396, 90), (382, 50), (377, 30), (340, 0), (320, 0), (344, 2)],
)
def test_the_battery_is_what_the_makers_program_makes_of_the_voltage(hundredths, percent):
    assert started().feed(DATA, register(0x64, hundredths)) == [Battery(percent)]


@pytest.mark.parametrize("hundredths", [0, 299, 441, 0xFFFF])
def test_a_voltage_that_no_cell_has_is_not_known_yet(hundredths):
    assert started().feed(DATA, register(0x64, hundredths)) == []


def test_the_battery_is_told_when_it_changes_and_asked_for_every_five_minutes():
    conversation = started()
    asked_at = []
    told = []
    for i in range(50 * 60 * 11):
        outputs = conversation.feed(DATA, motion(1))
        asked_at += [i + 1] * (ASK_BATTERY in outputs)
        if i + 1 in (3100, 18_000, 20_000):
            told += conversation.feed(DATA, register(0x64, 382 if i < 19_999 else 379))

    assert asked_at == [1500, 3000, 18_000, 33_000]
    assert told == [Battery(50), Battery(40)]


@pytest.mark.parametrize("gathered", [1, 2, 5])
def test_frames_of_another_kind_with_the_same_head_are_refused(gathered):
    (refused,) = started().feed(DATA, WTVB01 * gathered)

    assert "frames of 28 bytes" in refused.reason
    with pytest.raises(ProtocolError, match="frames of 28 bytes"):
        WITMOTION.decode(WTVB01 * gathered)


def test_so_are_those_that_a_small_mtu_cuts():
    conversation = started()
    outputs, errors = [], 0
    for _ in range(3):
        for part in (WTVB01[:20], WTVB01[20:]):
            try:
                outputs += conversation.feed(DATA, part)
            except ProtocolError:
                errors += 1

    assert errors == 2
    assert len(of(Refused, outputs)) == 1


@pytest.mark.parametrize(
    "data", [b"", b"\x55", bytes(20), REAL_AT_REST[:19], b"\x55\x51" + bytes(18)]
)
def test_decode_names_what_is_no_frame(data):
    with pytest.raises(ProtocolError, match="no frames of 20"):
        WITMOTION.decode(data)


pieces = st.one_of(
    st.binary(max_size=64),
    counts.map(lambda row: motion(*row)),
    st.builds(register, st.integers(0, 0xFFFF), st.integers(0, 0xFFFF)),
)


@given(st.lists(st.lists(pieces, max_size=4).map(b"".join)))
def test_whatever_arrives_the_conversation_stays_usable_and_gives_numbers(notifications):
    conversation = started()
    for data in notifications:
        with suppress(ProtocolError):
            for output in conversation.feed(DATA, data):
                assert not isinstance(output, Chunk) or np.isfinite(output.samples).all()
    with pytest.raises(ProtocolError, match="no frames"):
        conversation.feed(DATA, bytes(25))
    conversation.feed(DATA, AT_50_HZ)

    assert samples_of(conversation.feed(DATA, REAL_AT_REST))[0, 2] == 1
    with pytest.raises(ProtocolError, match="nothing is expected"):
        conversation.feed("elsewhere", b"")


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("WT901BLE67", True),
        ("WT9011DCL-BT50", True),
        ("BWT901BLE5.0", True),
        ("WTVB01-BT50-76:5B", False),
        ("WT901SDCL-BT50", False),
        ("BWT901CL", False),
        ("", False),
    ],
)
def test_a_sensor_is_known_by_its_model(name, ours):
    service = "0000ffe5-0000-1000-8000-00805f9a34fb"  # all of them have it
    heard = Advertisement("AA", name, None, frozenset({service}))

    assert WITMOTION.recognises(heard) is ours


S = 1_000_000_000


def test_a_silence_is_a_gap_and_a_burst_is_none():
    conversation, clock, starts = started(), SampleClock(), []
    arrivals_s = [0.04 * (i + 1) for i in range(200)]
    arrivals_s[50:120] = [4.8] * 70  # late by up to 2.8 s, then all at once
    arrivals_s += [14.0, 14.04]  # after 6 s of nothing
    for at_s in arrivals_s:
        outputs = conversation.feed(DATA, motion(1) + motion(2))
        for chunk in of(Chunk, outputs):
            (block,) = clock.feed(chunk, round(at_s * S), round(at_s * S))
            starts.append(block.start)

    assert starts[:200] == list(range(0, 400, 2))
    (gap,) = clock.gaps
    assert gap.cause is GapCause.SILENCE
    assert gap.missing == pytest.approx((6 - 0.04) * 50, abs=1)
    assert starts[201] == starts[200] + 2
