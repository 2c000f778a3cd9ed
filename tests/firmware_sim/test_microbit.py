"""A virtual micro:bit sends what its runtime sends, and its trace arrives unaltered."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from detector.devices import microbit as driver
from detector.devices.profile import Chunk, Started
from firmware_sim.sensors import SensorPlan
from firmware_sim.wearables.firmware import Measuring, Wearable
from firmware_sim.wearables.microbit import DATA, MICROBIT, PERIOD, MicrobitFirmware

from .hearing import SPEED, hear, walk


def test_a_sample_is_written_as_the_profile_says():
    say = MicrobitFirmware(50).frame(0, np.array([[-1008, 0, 8]], np.int16))

    assert (say.channel, say.data.hex(" ", 2)) == (DATA, "10fc 0000 0800")


@given(
    arrays(np.int16, st.tuples(st.integers(1, 30), st.just(3)), elements=st.integers(-8000, 8000))
)
def test_whatever_is_written_is_what_the_driver_reads(counts):
    firmware, conversation = MicrobitFirmware(50), driver.MICROBIT.converse()
    conversation.feed(PERIOD, firmware.read(PERIOD))
    for row in counts:
        (chunk,) = conversation.feed(DATA, firmware.frame(0, row.reshape(1, 3)).data)

        assert np.array_equal(np.rint(chunk.samples * 1000), [row])
        assert firmware.read(DATA) == row.astype("<i2").tobytes()


@pytest.mark.parametrize(
    ("asked_ms", "period_ms"), [(20, 20), (1, 1), (0, 1), (30, 20), (65535, 640)]
)
def test_a_period_is_the_nearest_that_there_is(asked_ms, period_ms):
    firmware = MicrobitFirmware(50)
    firmware.listened(DATA, on=True)
    firmware.write(PERIOD, asked_ms.to_bytes(2, "little"))

    assert int.from_bytes(firmware.read(PERIOD), "little") == period_ms
    assert firmware.measuring == Measuring(1000 // period_ms, 8)
    firmware.link_lost()
    assert firmware.measuring is None


def test_names_are_five_letters_that_can_be_spoken():
    names = {MICROBIT.called(serial) for serial in range(5**5)}

    assert len(names) == 5**5
    assert MICROBIT.called(0) == "BBC micro:bit [zuzuz]"


def test_a_trace_arrives_as_recorded_within_a_count(tmp_path):
    trace = walk(50, 12)
    heard = hear(SensorPlan(model=MICROBIT, trace=trace, speed=SPEED), tmp_path)

    assert heard.errors == []
    assert heard.clock.gap_count == 0
    assert heard.of(Started) == [Started(50)]
    assert len(heard.samples) == len(trace.samples)
    assert np.abs(heard.samples - trace.samples).max() <= 0.0005 + 1e-9


def test_one_that_was_left_at_another_period_is_set_to_ours(tmp_path):
    slow = Wearable(
        name=MICROBIT.name,
        called=MICROBIT.called,
        make=partial(MicrobitFirmware, period_ms=80),
    )
    trace = walk(50, 15)
    heard = hear(SensorPlan(model=slow, trace=trace, speed=5), tmp_path)

    (begun,) = heard.begun_at(50)
    unplaced = sum(chunk.fs is None for chunk in heard.of(Chunk))
    assert unplaced == heard.clock.unplaced == 50
    assert heard.clock.fault is None
    samples = heard.samples
    assert len(samples) > 250
    assert np.abs(samples - trace.samples[-len(samples) :]).max() <= 0.0005 + 1e-9
    assert len(trace.samples) - begun >= len(samples) >= len(trace.samples) - begun - 50
