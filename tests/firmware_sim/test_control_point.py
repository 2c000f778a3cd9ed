"""Both sensors answer their control point as the real ones do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.wearables.firmware import Measuring
from firmware_sim.wearables.pmd import FrameType
from firmware_sim.wearables.pmd_control import H10_MODEL, VERITY_MODEL, ControlPoint

VERITY_START = "02 02 00 01 34 00 01 01 10 00 02 01 08 00 04 01 03"
SDK_RATES = "00 05 1a 00 34 00 68 00 d0 00 a0 01"
SDK_OFFER = f"{SDK_RATES} 01 01 10 00 02 04 02 00 04 00 08 00 10 00 04 01 03"
H10_START = "02 02 00 01 32 00 01 01 10 00 02 01 04 00"


def dialogue(model, trace_fs, *lines, frame_type=None):
    point = ControlPoint(model, trace_fs, frame_type or model.frame_types[0])
    for command, expected in lines:
        assert point.answer(bytes.fromhex(command)).hex(" ") == expected, command
    return point


def test_a_verity_sense_starts_as_captured():
    point = dialogue(VERITY_MODEL, 52, (VERITY_START, "f0 02 02 00 00"))
    assert point.measuring == Measuring(fs=52, range_g=8)


def test_a_verity_sense_offers_more_in_sdk_mode():
    dialogue(
        VERITY_MODEL,
        52,
        ("01 02", "f0 01 02 00 00 00 01 34 00 01 01 10 00 02 01 08 00 04 01 03"),
        ("06", "f0 06 ff 00 00 00"),
        ("02 09", "f0 02 09 00 00"),
        ("02 09", "f0 02 09 06 00"),
        ("06", "f0 06 ff 00 00 01"),
        (
            "01 02",
            f"f0 01 02 00 00 {SDK_OFFER}",
        ),
        ("02 02 00 01 d0 00 01 01 10 00 02 01 10 00 04 01 03", "f0 02 02 00 00"),
        ("05", "f0 05 ff 00 00 42"),
        ("03 09", "f0 03 09 0c 00"),
        ("03 02", "f0 03 02 00 00"),
        ("03 09", "f0 03 09 00 00"),
    )


def test_an_h10_knows_no_sdk_mode_and_names_no_channels():
    dialogue(
        H10_MODEL,
        50,
        (
            "01 02",
            "f0 01 02 00 00 00 04 19 00 32 00 64 00 c8 00 01 01 10 00 02 03 02 00 04 00 08 00",
        ),
        ("02 09", "f0 02 09 02 00"),
        ("06", "f0 06 ff 01 00"),
        (H10_START, "f0 02 02 00 00"),
        (H10_START, "f0 02 02 06 00"),
        ("03 02", "f0 03 02 00 00"),
        ("03 02", "f0 03 02 0c 00"),
    )


@pytest.mark.parametrize(
    ("start", "error"),
    [
        ("00 01 64 00 01 01 10 00 02 01 08 00", "08"),  # 100 Hz only in SDK mode, and not there
        ("00 01 34 00 01 01 0e 00 02 01 08 00", "07"),
        ("00 01 34 00 01 01 10 00 02 01 10 00", "09"),
        ("00 01 34 00 01 01 10 00 02 01 08 00 04 01 01", "0b"),
        ("00 01 34 00 01 01 10 00", "05"),
        ("00 02 34 00", "05"),
        ("77 01 34 00", "05"),
    ],
)
def test_an_invalid_start_is_refused_with_its_own_error(start, error):
    point = dialogue(VERITY_MODEL, 52, ("02 02" + start, f"f0 02 02 {error} 00"))
    assert point.measuring is None


@pytest.mark.parametrize("model", [VERITY_MODEL, H10_MODEL])
def test_a_foreign_rate_is_the_only_one_offered(model):
    point = dialogue(model, 64, ("02 02 00 01 34 00 01 01 10 00 02 01 08 00", "f0 02 02 08 00"))
    assert point.answer(b"\x01\x02")[5:9] == bytes((0, 1, 64, 0))
    assert point.answer(bytes.fromhex("02 02 00 01 40 00 01 01 10 00 02 01 08 00"))[3] == 0
    assert point.measuring == Measuring(fs=64, range_g=8)


def test_raw_counts_come_with_their_factor():
    dialogue(
        VERITY_MODEL,
        52,
        (VERITY_START, "f0 02 02 00 00 05 01 40 da 7f 39"),  # 2.44e-4 as a float
        frame_type=FrameType.DELTA_COUNTS,
    )


@given(st.lists(st.binary(max_size=24), max_size=8), st.sampled_from([VERITY_MODEL, H10_MODEL]))
def test_whatever_is_written_is_answered(commands, model):
    point = ControlPoint(model, 52, model.frame_types[0])
    for command in commands:
        answer = point.answer(command)
        assert answer[0] == 0xF0
        assert answer[1] == (command[0] if command else 0)
        assert len(answer) >= 5
