"""A virtual WitMotion sensor sends what the maker describes, and its trace arrives unaltered."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from detector.devices import witmotion as driver
from detector.devices.profile import Battery, Chunk, Refused, Started
from firmware_sim.sensors import SensorPlan
from firmware_sim.wearables.firmware import Measuring, Wearable
from firmware_sim.wearables.witmotion import (
    COMMAND,
    COUNT_G,
    DATA,
    LONG_FRAME,
    TEN_HZ,
    WITMOTION,
    WitMotionFirmware,
    witmotion,
)

from .hearing import SPEED, hear, walk

UNLOCK, FIFTY_HZ, SAVE = "ff aa 69 88 b5", "ff aa 03 08 00", "ff aa 00 00 00"
ASK_RATE, ASK_BATTERY = "ff aa 27 03 00", "ff aa 27 64 00"
LSB_G = COUNT_G / 2 + 1e-9


def tell(firmware, *commands):
    return [say for text in commands for say in firmware.write(COMMAND, bytes.fromhex(text))]


def test_a_sample_is_written_as_a_real_sensor_at_rest_wrote_it_but_for_angles():
    say = WitMotionFirmware(50).frame(0, np.array([[-11, 46, 2048]], np.int16))

    assert say.channel == DATA
    assert say.data[:8].hex(" ") == "55 61 f5 ff 2e 00 00 08"
    assert len(say.data) == 20


def test_a_register_is_answered_as_a_real_sensor_answered():
    firmware = WitMotionFirmware(50)
    firmware.charge(50)
    (say,) = tell(firmware, ASK_BATTERY)

    assert say.data[:6].hex(" ") == "55 71 64 00 7e 01"
    assert len(say.data) == 20


def test_the_rate_is_behind_the_lock_and_survives_the_link():
    firmware = WitMotionFirmware(50, rate_code=TEN_HZ)
    firmware.listened(DATA, on=True)
    tell(firmware, FIFTY_HZ)
    assert firmware.measuring == Measuring(10, 16, COUNT_G)
    tell(firmware, UNLOCK, FIFTY_HZ)
    assert firmware.measuring == Measuring(50, 16, COUNT_G)
    firmware.link_lost()
    assert firmware.measuring is None
    assert tell(firmware, ASK_RATE)[0].data[:6].hex(" ") == "55 71 03 00 08 00"
    firmware.listened(DATA, on=True)
    tell(firmware, "ff aa 03 06 00")

    assert firmware.measuring == Measuring(50, 16, COUNT_G)


@pytest.mark.parametrize("nonsense", ["", "ff aa 03", "aa ff 03 06 00", "ff aa 03 0c 00", SAVE])
def test_commands_that_are_none_change_nothing(nonsense):
    firmware = WitMotionFirmware(50)
    firmware.listened(DATA, on=True)
    tell(firmware, UNLOCK)
    before = firmware.measuring

    assert tell(firmware, nonsense) == []
    assert firmware.measuring is before


@given(
    arrays(np.int16, st.tuples(st.integers(1, 12), st.just(3))),
    st.lists(st.integers(1, 100), max_size=12),
    st.integers(1, 4),
)
def test_whatever_is_written_is_what_the_driver_reads_however_it_is_cut(counts, sizes, gathered):
    firmware, conversation = WitMotionFirmware(50), driver.WITMOTION.converse()
    stream = tell(firmware, ASK_RATE)[0].data
    for at in range(0, len(counts), gathered):
        stream += firmware.frame(0, counts[at : at + gathered]).data
    chunks, at = [], 0
    for size in [*sizes, len(stream)]:
        outputs = conversation.feed(DATA, stream[at : at + size])
        chunks += [output for output in outputs if isinstance(output, Chunk)]
        at += size

    assert np.array_equal(np.concatenate([c.samples for c in chunks]) / COUNT_G, counts)
    assert {chunk.fs for chunk in chunks} == {50}


@given(st.integers(0, 100))
def test_the_battery_is_told_within_a_hundredth_of_a_volt(percent):
    firmware, conversation = WitMotionFirmware(50), driver.WITMOTION.converse()
    firmware.charge(percent)
    (battery,) = conversation.feed(DATA, tell(firmware, ASK_BATTERY)[0].data)

    assert abs(battery.percent - percent) <= 5


def test_a_trace_arrives_as_recorded_within_a_count(tmp_path):
    trace = walk(50, 30, most_g=15)
    plan = SensorPlan(model=WITMOTION, trace=trace, speed=SPEED, battery_percent=90)

    heard = hear(plan, tmp_path)

    first = heard.clock.unplaced  # until the sensor had said its rate
    assert heard.errors == []
    assert heard.clock.gap_count == 0
    assert heard.of(Started) == [Started(50, 16)]
    assert heard.of(Battery)[0] == Battery(90)
    assert len(heard.samples) == len(trace.samples) - first
    assert first < 50 * SPEED  # a second of the wall's time
    assert np.abs(heard.samples - trace.samples[first:]).max() <= LSB_G


def test_one_that_was_left_at_the_makers_rate_is_set_to_ours(tmp_path):
    trace = walk(50, 30)
    plan = SensorPlan(model=witmotion(rate_code=TEN_HZ), trace=trace, speed=SPEED)

    heard = hear(plan, tmp_path)

    samples = heard.samples
    assert heard.clock.fault is None
    assert heard.begun_at(10) == [0]
    assert len(samples) > 500
    assert np.abs(samples - trace.samples[-len(samples) :]).max() <= LSB_G


def test_frames_that_a_small_mtu_allows_only_one_by_one_are_heard(tmp_path):
    class SmallMtu(WitMotionFirmware):
        mtu = 23

    small = Wearable(name=WITMOTION.name, called=WITMOTION.called, make=SmallMtu)
    trace = walk(50, 15)
    heard = hear(SensorPlan(model=small, trace=trace, speed=SPEED), tmp_path)

    assert heard.errors == []
    assert np.abs(heard.samples - trace.samples[heard.clock.unplaced :]).max() <= LSB_G


def test_another_sensor_of_the_maker_in_its_name_is_refused(tmp_path):
    wrong = Wearable(
        name=WITMOTION.name,
        called=WITMOTION.called,
        make=partial(WitMotionFirmware, frame=LONG_FRAME),
    )
    heard = hear(SensorPlan(model=wrong, trace=walk(50, 60)), tmp_path, until=Refused)

    assert "28 bytes" in heard.of(Refused)[0].reason
