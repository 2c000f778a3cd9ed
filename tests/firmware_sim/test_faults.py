"""Faults are validated when made; pure functions return their combined effect at a moment."""

from __future__ import annotations

import asyncio
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.chaos import chaos
from firmware_sim.course import charge_percent, clock_factor, happened, moments, reception
from firmware_sim.faults import (
    KINDS,
    BatteryDrain,
    Burst,
    ClockReset,
    Clone,
    Drift,
    Duplicates,
    Garbage,
    HostLoss,
    LinkDrop,
    Neighbours,
    OutOfRange,
    Overflow,
    SaturatedAxis,
    SlowLink,
    SmallMtu,
    Stop,
    StuckAxis,
    Uptime,
    WrongRate,
    in_order,
)
from firmware_sim.link import IDEAL, Reception
from firmware_sim.measurement import Measurement, garbled
from firmware_sim.playback import SensorClock, Trace, sample_ns
from firmware_sim.sensors import SensorPlan
from firmware_sim.wearables.firmware import Measuring
from firmware_sim.wearables.polar import VERITY_SENSE

from ..kit.virtual_time import in_virtual_time

HOW = Measuring(fs=10, range_g=2)


def ramp(n: int = 100) -> Trace:
    return Trace(np.arange(n).repeat(3).reshape(-1, 3) / 1000, 10)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: OutOfRange(-1, 5), "at_s must be a number of 0 or more, got -1"),
        (lambda: OutOfRange(math.nan, 5), "at_s"),
        (lambda: OutOfRange(math.inf, 5), "at_s"),
        (lambda: OutOfRange(1, 0), "for_s must be more than 0, got 0"),
        (lambda: OutOfRange(1, math.nan), "for_s"),
        (lambda: LinkDrop(0, 5), "two positive numbers"),
        (lambda: LinkDrop(1), "two positive numbers"),
        (lambda: SlowLink(interval_s=0), "interval_s must be 0.0075 to 4"),
        (lambda: SlowLink(pdus_per_event=0), "pdus_per_event must be 1 to 100"),
        (lambda: SlowLink(lost_events=1), "lost_events must be 0 to 0.9"),
        (lambda: Burst(1), "for_s is missing"),
        (lambda: HostLoss(share=0), "share must be more than 0 and at most 1, got 0"),
        (lambda: SmallMtu(22), "octets must be 23 to 517, got 22"),
        (lambda: SmallMtu(frames="longer"), "frames must be one of smaller, cut, got 'longer'"),
        (lambda: Overflow(1), "for_s is missing"),
        (lambda: Drift(0, 20_000), "ppm must be -10000 to 10000"),
        (lambda: WrongRate(percent=-95), "percent must be -90 to 900"),
        (lambda: Uptime(-1), "uptime_s"),
        (lambda: Uptime(2e9), "uptime_s must be at most"),
        (lambda: Uptime(frames=-1), "frames must be 0 to 1000000"),
        (ClockReset, "at_s is missing"),
        (lambda: StuckAxis(axis="w"), "axis must be one of x, y, z, got 'w'"),
        (lambda: SaturatedAxis(axis=""), "axis must be"),
        (lambda: BatteryDrain(1), "for_s is missing"),
        (Stop, "at_s is missing"),
        (lambda: Garbage(what="noise"), "what must be one of random"),
        (lambda: Garbage(share=2), "share"),
        (lambda: Clone(stronger_db=99), "stronger_db must be -40 to 40"),
        (lambda: Clone(sends="songs"), "sends must be one of"),
        (lambda: Neighbours(-1), "count must be 0 to 2000"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_by_its_key(make, why):
    with pytest.raises(ValueError, match=why) as error:
        make()
    assert "\n" not in str(error.value)


def test_every_kind_has_a_name_of_its_own_and_a_contract():
    assert len(KINDS) == 20
    assert all(made.kind == name and made.__doc__ for name, made in KINDS.items())


def test_two_of_a_kind_may_not_overlap_but_others_may():
    assert in_order([Burst(5, 1), SmallMtu(), OutOfRange(4, 9)]) == (
        *(SmallMtu(), OutOfRange(4, 9), Burst(5, 1)),
    )
    with pytest.raises(ValueError, match="overlap: leave time"):
        in_order([Burst(4, 2), Burst(5, 2)])
    with pytest.raises(ValueError, match="overlap"):
        in_order([Drift(4, 1), Drift(4, 2)])
    with pytest.raises(ValueError, match="only one mtu"):
        in_order([SmallMtu(), SmallMtu(50)])
    plan = {"model": VERITY_SENSE, "trace": ramp(), "drops": (LinkDrop(5, 5),)}
    with pytest.raises(ValueError, match="overlap"):
        SensorPlan(**plan, faults=(LinkDrop(8, 5),))


# The course


def test_what_is_over_goes_before_what_begins_and_nothing_lasts_beyond_the_night():
    course = moments([OutOfRange(2, 3), OutOfRange(5, 90), Stop(4), SlowLink(99), Burst(1, 1)], 50)

    assert [(m.at_s, m.fault.kind, m.begins) for m in course] == [
        *((1, "burst", True), (2, "burst", False), (2, "out-of-range", True), (4, "stop", True)),
        *((5, "out-of-range", False), (5, "out-of-range", True), (50, "out-of-range", False)),
    ]


def test_faults_of_several_kinds_add_up_and_leave_nothing_behind():
    faults = [SlowLink(1, 9, interval_s=0.1), OutOfRange(2, 3), HostLoss(3, 1, 0.5), Burst(3, 1)]
    active = []
    heard = {}
    for moment in moments([*faults, Duplicates(3, 1)], 50):
        active = happened(active, moment)
        heard[moment.at_s] = reception(active)

    slow = Reception(interval_s=0.1, pdus_per_event=1)
    assert heard == {
        1: slow,
        2: Reception(in_range=False, interval_s=0.1),
        3: Reception(in_range=False, interval_s=0.1, held=True, lost_notifications=0.5, copies=2),
        4: Reception(in_range=False, interval_s=0.1),
        5: slow,
        10: IDEAL,
    }


def test_the_latest_drift_holds_and_a_wrong_rate_multiplies_it():
    active = []
    for moment in moments([Drift(1, 100), Drift(2, -100), WrongRate(3, percent=10)], 50):
        active = happened(active, moment)

    assert len(active) == 2
    assert clock_factor(active, drift_ppm=50) == pytest.approx(1.1 * (1 - 1e-4))
    assert clock_factor([], drift_ppm=50) == pytest.approx(1 + 5e-5)


@given(st.floats(0, 40_000), st.floats(0, 40_000), st.integers(0, 100))
def test_a_battery_only_runs_down_and_is_empty_at_the_end_of_its_drain(one_s, other_s, full):
    drain = [BatteryDrain(100, 1000)]
    early, late = sorted((one_s, other_s))

    assert 0 <= charge_percent(full, drain, late) <= charge_percent(full, drain, early) <= full
    assert charge_percent(full, drain, 1100) == 0
    assert charge_percent(100, [], 1500) == 98  # 25 minutes at 12 to the per cent


def test_a_clock_that_changes_its_rate_goes_on_from_the_time_it_shows():
    async def law():
        clock = SensorClock(speed=10)
        clock.run(1.5)  # before it runs
        clock.start()
        await clock.reach(15)
        clock.run(0.5)
        before = clock.now_s
        await clock.reach(20)
        return before, clock.now_s, clock.next_sample(52)

    async def timed():
        law_s = await law()
        return law_s, asyncio.get_running_loop().time()

    (before, after, sample), wall_s = in_virtual_time(timed())
    assert (before, after) == (pytest.approx(15), pytest.approx(20))
    assert wall_s == pytest.approx(1 + 1)
    assert sample == 20 * 52  # not one more for a rounding


# The measurement


def test_without_faults_a_measurement_is_the_trace():
    measurement = Measurement(ramp(), HOW)

    assert measurement.counts[:, 0].tolist() == list(range(100))
    assert measurement.next_run(0, 36) == (0, 36)
    assert measurement.next_run(72, 36) == (72, 100)
    assert measurement.stamp_ns(35) == sample_ns(35, 10)


@given(
    st.lists(st.tuples(st.integers(0, 90), st.integers(1, 30)), max_size=4),
    st.lists(st.integers(1, 99), max_size=3, unique=True),
    st.integers(1, 40),
)
def test_runs_hold_every_sample_but_those_lost_and_stamps_go_on_within_each(lost, resets, most):
    faults = [Overflow(a / 10, n / 10) for a, n in lost] + [ClockReset(a / 10) for a in resets]
    measurement = Measurement(ramp(), HOW, faults)
    gone = {i for a, n in lost for i in range(a, a + n)}

    sent, position = [], 0
    while position < len(measurement):
        first, stop = measurement.next_run(position, most)
        assert stop - first <= most
        stamps = [measurement.stamp_ns(i) for i in range(first, stop)]
        assert stamps == [stamps[0] + i * 10**8 for i in range(len(stamps))]
        sent += range(first, stop)
        position = max(stop, first)
    assert sent == [i for i in range(100) if i not in gone]
    for reset in resets:
        assert measurement.stamp_ns(reset) == 0


def test_an_axis_is_stuck_where_it_was_or_at_the_end_of_the_range():
    measurement = Measurement(ramp(), HOW, [StuckAxis(2, 3, "y"), SaturatedAxis(9, axis="z")])

    x, y, z = measurement.counts.T.tolist()
    assert x == list(range(100))
    assert y == [*range(20), *[20] * 30, *range(50, 100)]
    assert z == [*range(90), *[2000] * 10]


def test_uptime_moves_the_stamps_until_the_clock_begins_anew():
    measurement = Measurement(ramp(), HOW, [Uptime(uptime_s=1e6), ClockReset(5)])

    assert measurement.stamp_ns(10) == 10**15 + 10**9
    assert measurement.stamp_ns(50) == 0


@given(st.binary(min_size=2, max_size=60), st.integers(0, 2**32))
def test_garbage_is_what_it_says(data, seed):
    chance = np.random.default_rng(seed)

    assert garbled(data, 5, [Garbage(5, 9)], chance) == [data]  # full before it begins
    frame, noise = garbled(data, 6, [Garbage(5, 9)], chance)
    assert frame == data
    assert noise
    (cut,) = garbled(data, 6, [Garbage(5, 9, "truncated")], chance)
    assert 0 < len(cut) < len(data)
    assert data.startswith(cut)
    (flipped,) = garbled(data, 6, [Garbage(5, 9, "flipped")], chance)
    bits = int.from_bytes(data) ^ int.from_bytes(flipped)
    assert bits.bit_count() == 1


def test_a_share_of_garbage_is_that_share():
    chance = np.random.default_rng(5)
    frames = (
        garbled(b"abc", 1, [Garbage(0, what="truncated", share=0.3)], chance) for _ in range(2000)
    )

    assert Counter(frame == [b"abc"] for frame in frames)[False] == pytest.approx(600, abs=80)


# Chaos


@given(st.integers(0, 2**63 - 1), st.integers(1, 5), st.floats(1, 4000))
def test_chaos_is_the_same_for_the_same_seed_and_always_a_possible_plan(seed, sensor, duration_s):
    faults = chaos(seed, duration_s, sensor=sensor)

    assert faults == chaos(seed, duration_s, sensor=sensor) == in_order(faults)
    assert all(fault.at_s < duration_s for fault in faults)


def test_chaos_differs_from_seed_to_seed_and_from_sensor_to_sensor_and_knows_most_kinds():
    nights = [chaos(seed, 3600, sensor=sensor) for seed in range(5) for sensor in (1, 2)]

    assert len(set(nights)) == 10
    assert len({fault.kind for night in nights for fault in night}) == 13
