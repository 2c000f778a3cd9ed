"""A sensor plays its trace unaltered, on its own clock."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from detector.errors import RecordingError, RecordingNotFoundError
from firmware_sim.faults import LinkDrop, in_order, parse_drop
from firmware_sim.playback import SensorClock, Trace, load_trace, quantise, sample_ns
from firmware_sim.process import AirPlan
from firmware_sim.sensors import SensorPlan
from firmware_sim.wearables.pmd import FrameType
from firmware_sim.wearables.polar import H10, verity_sense


@given(arrays(np.int32, (20, 3), elements=st.integers(-8000, 8000)))
def test_whole_mg_within_the_range_are_felt_exactly(mg):
    counts, clipped = quantise(mg / 1000, 1e-3, 8)
    np.testing.assert_array_equal(counts, mg)
    assert clipped == 0


def test_what_exceeds_the_range_is_cut_off_and_counted():
    counts, clipped = quantise(np.array([[2.0, 2.0011, -9.0]]), 1e-3, 2)
    assert counts.tolist() == [[2000, 2000, -2000]]
    assert clipped == 2
    assert quantise(np.array([[16.0, 0, -16.0]]), 4.88e-4, 16)[0].tolist() == [[32767, 0, -32768]]


def test_at_its_own_rate_a_trace_is_not_touched_and_at_another_it_is_the_same_motion():
    t = np.arange(1000) / 100
    trace = Trace(np.column_stack([np.sin(t), np.cos(t), t]), 100)
    assert trace.at_rate(100) is trace.samples
    half = trace.at_rate(50)
    np.testing.assert_allclose(half, trace.samples[::2], atol=1e-12)


@pytest.mark.parametrize(
    ("arrays_", "why"),
    [
        ({"acc": np.zeros((4, 3)), "fs": 52.5}, "whole number of Hz, got 52.5"),
        ({"acc": np.zeros((4, 3)), "fs": np.inf}, "whole number"),
        ({"acc": np.zeros((4, 3)), "fs": 0}, "fs must be 1 to 65535"),
        ({"acc": np.zeros((0, 3)), "fs": 52}, "shape"),
        ({"acc": np.zeros(4), "fs": 52}, "shape"),
        ({"acc": np.full((4, 3), np.nan), "fs": 52}, "finite"),
        ({"acc": np.zeros((4, 3))}, "fs"),
        ({"mag": np.zeros(4), "fs": 52}, "acc"),
        ({"acc": np.array([["a", "b", "c"]]), "fs": 52}, "could not convert"),
    ],
)
def test_a_trace_that_no_sensor_can_play_is_refused_in_one_sentence(tmp_path, arrays_, why):
    path = tmp_path / "bad.npz"
    np.savez(path, **arrays_)
    with pytest.raises(RecordingError, match=why) as error:
        load_trace(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"time,x,y,z\n", b"PK\x03\x04 torn"])
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    path = tmp_path / "other.npz"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match="sensor can play"):
        load_trace(path)
    with pytest.raises(RecordingNotFoundError):
        load_trace(tmp_path / "missing.npz")


@given(st.integers(0, 10**9), st.integers(1, 65535))
def test_time_stamps_are_exact_to_a_nanosecond_for_ever(index, fs):
    assert 0 <= sample_ns(index, fs) * fs - index * 10**9 + fs - 1 < fs


class _Loop(asyncio.SelectorEventLoop):
    """A loop whose clock stands still until it is told to go on."""

    now = 0.0

    def time(self) -> float:
        return self.now


def _with_clock(law):
    loop = _Loop()
    try:

        async def run():
            law(loop)

        loop.run_until_complete(run())
    finally:
        loop.close()


def test_the_clock_runs_speed_times_as_fast_and_drifts_by_its_ppm():
    def law(loop):
        clock = SensorClock(speed=60, drift_ppm=100)
        assert clock.now_s == clock.next_sample(52) == 0
        loop.now = 5.0
        clock.start()
        loop.now = 15.0
        clock.start()  # a second start is none
        assert clock.now_s == pytest.approx(600 * (1 + 1e-4))

    _with_clock(law)


def test_a_hiccup_is_made_up_for_but_a_slow_link_holds_the_clock():
    def law(loop):
        clock = SensorClock(speed=10)
        clock.start()
        loop.now = 1.05
        clock.hold_at(10.0)  # 50 ms of wall time late
        assert clock.now_s == pytest.approx(10.5)
        loop.now = 3.0
        clock.hold_at(11.0)  # nearly two seconds late
        assert clock.now_s == pytest.approx(12.0)

    _with_clock(law)


def test_drops_are_read_sorted_and_may_not_overlap():
    assert parse_drop("30:10") == LinkDrop(at_s=30, for_s=10)
    assert in_order([LinkDrop(50, 5), LinkDrop(30, 20)]) == (LinkDrop(30, 20), LinkDrop(50, 5))
    with pytest.raises(ValueError, match="overlap"):
        in_order([LinkDrop(30, 20), LinkDrop(49, 5)])
    for text in ("30", "30:", ":10", "a:b", "30:-1", "nan:1", "1:inf", "30:10:5"):
        with pytest.raises(ValueError, match="AT:FOR"):
            parse_drop(text)


def test_a_plan_that_cannot_be_is_refused():
    trace = Trace(np.zeros((4, 3)), 50)
    for wrong in (
        {"speed": 0},
        {"frame_samples": 0},
        {"battery_percent": 101},
        {"serial": 1 << 32},
    ):
        with pytest.raises(ValueError, match="must"):
            SensorPlan(model=H10, trace=trace, **wrong)
    with pytest.raises(ValueError, match="sends no frames"):
        verity_sense(FrameType.RAW_MG)
    with pytest.raises(ValueError, match="same serial"):
        AirPlan("tcp:127.0.0.1:0", (SensorPlan(model=H10, trace=trace),) * 2)
