"""A virtual Bangle.js sends what its app sends, and its trace arrives unaltered."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from detector.devices import openseizure as driver
from detector.devices.profile import Battery, Refused, Started
from firmware_sim.faults import LinkDrop
from firmware_sim.sensors import SensorPlan
from firmware_sim.wearables.openseizure import (
    ACCELERATION,
    FORMAT,
    OPENSEIZURE,
    OpenSeizureFirmware,
    openseizure,
)

from .hearing import SPEED, hear, walk

GOLDEN_MG = np.array([[-500, 26, 1000], [-498, 28, 998], [-496, 30, 996]], np.int16)


def test_three_samples_are_written_as_the_app_writes_them():
    say = OpenSeizureFirmware(25).frame(0, GOLDEN_MG)

    assert say.channel == ACCELERATION
    assert say.data.hex(" ", 2) == "0cfe 1a00 e803 0efe 1c00 e603 10fe 1e00 e403 0000"


def test_the_lower_formats_write_magnitudes():
    one_g = np.array([[0, 0, 1000]] * 3, np.int16)

    assert OpenSeizureFirmware(25, format_code=0).frame(0, one_g).data[:3] == b"\x40\x40\x40"
    assert OpenSeizureFirmware(25, format_code=1).frame(0, one_g).data[:4] == b"\xe8\x03\xe8\x03"


@given(
    st.lists(st.integers(1, 3), min_size=1, max_size=20).flatmap(
        lambda sizes: st.tuples(
            st.just(sizes), arrays(np.int16, (sum(sizes), 3), elements=st.integers(-4000, 4000))
        )
    )
)
def test_whatever_is_written_is_what_the_driver_reads(cut):
    sizes, counts = cut
    firmware, conversation = OpenSeizureFirmware(25), driver.OPENSEIZURE.converse()
    conversation.feed(driver.FORMAT, firmware.read(FORMAT))
    heard, at = [], 0
    for size in [*sizes, 1]:  # a last one that makes sense, for whatever waits for one
        rows = counts[at : at + size] if at < len(counts) else np.array([[0, 0, 1000]], np.int16)
        outputs = conversation.feed(ACCELERATION, firmware.frame(0, rows).data)
        heard += [chunk.samples for chunk in outputs]
        at += size

    assert np.array_equal(np.rint(np.concatenate(heard) * 1000)[:-1], counts)


def test_a_trace_arrives_as_recorded_within_a_count(tmp_path):
    trace = walk(25, 40)
    plan = SensorPlan(model=OPENSEIZURE, trace=trace, speed=SPEED, battery_percent=87)

    heard = hear(plan, tmp_path)

    assert heard.errors == []
    assert heard.clock.gap_count == 0
    assert heard.of(Started) == [Started(25, 4)]
    assert heard.of(Battery)[:1] == [Battery(87)]
    assert len(heard.samples) == len(trace.samples)
    assert np.abs(heard.samples - trace.samples).max() <= 0.0005 + 1e-9


def test_a_motion_at_another_rate_is_felt_at_the_watchs_own(tmp_path):
    trace = walk(50, 20)
    heard = hear(SensorPlan(model=OPENSEIZURE, trace=trace, speed=SPEED), tmp_path)

    assert np.abs(heard.samples - trace.samples[::2]).max() <= 0.0005 + 1e-9


def test_after_a_lost_link_it_streams_again_where_it_belongs(tmp_path):
    trace = walk(25, 60)
    plan = SensorPlan(model=OPENSEIZURE, trace=trace, speed=SPEED, drops=(LinkDrop(15, 5),))

    heard = hear(plan, tmp_path)

    first, second = heard.begun_at(25)
    before = len(heard.samples) - (len(trace.samples) - second)
    assert first == 0
    assert np.abs(heard.samples[:before] - trace.samples[:before]).max() <= 0.0005 + 1e-9
    assert np.abs(heard.samples[before:] - trace.samples[second:]).max() <= 0.0005 + 1e-9
    late = 0.5 * SPEED * 25  # of a machine that is busy with other tests
    assert [gap.stop for gap in heard.clock.gaps] == pytest.approx([second], abs=late)


def test_a_watch_that_sends_magnitudes_is_refused_with_the_remedy(tmp_path):
    plan = SensorPlan(model=openseizure(0), trace=walk(25, 60), speed=1)

    heard = hear(plan, tmp_path, until=Refused)

    assert heard.blocks == []
    assert "ACC_FMT 3" in heard.of(Refused)[0].reason
