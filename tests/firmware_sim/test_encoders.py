"""What the virtual sensor writes is what the specification says it means."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from firmware_sim.wearables.pmd import (
    BLOCK_DELTAS,
    FrameType,
    Setting,
    decode_settings,
    encode_frame,
    encode_settings,
)

from ..devices.captured import makers_vectors

anything = array_shapes(min_dims=1, max_dims=1, max_side=80).flatmap(
    lambda shape: arrays(np.int16, (*shape, 3))
)


@pytest.mark.parametrize("frame_type", FrameType)
def test_every_sample_and_its_time_come_back(decode, frame_type):
    @given(anything, st.integers(0, 2**64 - 1))
    def law(counts, last_ns):
        frame = decode(encode_frame(frame_type, last_ns, counts))
        assert frame.last_ns == last_ns
        np.testing.assert_array_equal(np.array(frame.samples), counts)

    law()


def test_compressed_frames_have_several_blocks_each_as_narrow_as_its_deltas(decode):
    counts = np.zeros((37, 3), np.int16)
    counts[1 : BLOCK_DELTAS + 1, 0] = 100 * (np.arange(BLOCK_DELTAS) % 2)
    frame = decode(encode_frame(FrameType.DELTA_MG, 0, counts))
    assert [count for _, count in frame.blocks] == [BLOCK_DELTAS] * 3
    assert [bits for bits, _ in frame.blocks] == [8, 8, 1]  # back from 100 opens the second


def test_the_slow_decoder_reads_the_makers_own_frames(decode):
    vectors = makers_vectors()
    raw = decode(bytes.fromhex(vectors["sdk_acc_raw_type1"]["hex"]))
    assert raw.last_ns == 2_000_000_000
    assert raw.samples[:2] == [(-9, -1, 999), (-8, -2, 997)]
    counts = decode(bytes.fromhex(vectors["sdk_acc_compressed_type0"]["hex"]))
    assert len(counts.samples) == 57
    assert counts.samples[:2] == [(1905, 27376, -29282), (2095, 27271, -29367)]
    mg = decode(bytes.fromhex(vectors["sdk_acc_compressed_type1"]["hex"]))
    assert (mg.last_ns, mg.samples) == (101, [(-15, 20, 1008), (-20, 17, 1008)])


def test_the_encoder_writes_the_makers_own_raw_frame_byte_for_byte(decode):
    data = bytes.fromhex(makers_vectors()["sdk_acc_raw_type1"]["hex"])
    frame = decode(data)
    samples = np.array(frame.samples, np.int16)
    assert encode_frame(FrameType.RAW_MG, frame.last_ns, samples) == data


def test_settings_are_written_as_a_verity_sense_writes_them():
    data = encode_settings(
        [
            (Setting.RATE_HZ, (52,)),
            (Setting.RESOLUTION_BITS, (16,)),
            (Setting.RANGE_G, (8,)),
            (Setting.CHANNELS, (3,)),
        ]
    )
    assert data.hex(" ") == "00 01 34 00 01 01 10 00 02 01 08 00 04 01 03"
    assert decode_settings(data)[Setting.RATE_HZ] == (52,)


@given(st.binary(max_size=40))
def test_settings_from_anybody_are_read_or_refused_but_never_crash(data):
    try:
        settings = decode_settings(data)
    except ValueError:
        return
    assert sum(map(len, settings.values())) <= len(data)
