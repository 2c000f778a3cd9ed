"""What must hold of the production source, fault by fault; both ends in virtual time."""

from __future__ import annotations

import numpy as np
import pytest

from detector.sources.source import LinkState
from detector.timing.sample_clock import GapCause
from firmware_sim.chaos import chaos
from firmware_sim.faults import (
    BatteryDrain,
    Burst,
    ClockReset,
    Drift,
    Duplicates,
    Garbage,
    HostLoss,
    LinkDrop,
    OutOfRange,
    Overflow,
    SaturatedAxis,
    SlowLink,
    SmallMtu,
    Stop,
    StuckAxis,
    Uptime,
    WrongRate,
)
from firmware_sim.link import SUPERVISION_S
from firmware_sim.playback import Trace
from firmware_sim.sensors import SensorPlan
from firmware_sim.wearables.catalogue import WEARABLES
from firmware_sim.wearables.polar import H10, VERITY_SENSE

from .watched import FRAME, FS, longest_silence_s, walk

SUPERVISION_TIMEOUT, POWER_OFF = 0x08, 0x15


@pytest.mark.parametrize("name", WEARABLES)
def test_a_consumer_that_sleeps_gets_what_one_that_is_awake_gets(watched, name):
    asleep, awake = (
        watched(LinkDrop(20, 10), model=WEARABLES[name], asleep_s=asleep_s) for asleep_s in (55, 0)
    )

    assert asleep.outputs == awake.outputs
    assert (asleep.status.sessions, asleep.status.dropped) == (2, 0)
    assert asleep.levels == awake.levels
    assert asleep.gaps == awake.gaps
    for one, other in zip(asleep.blocks, awake.blocks, strict=True):
        assert one.start == other.start
        np.testing.assert_array_equal(one.samples, other.samples)
    assert max(at for at, _ in awake.arrivals) > 45


# Delayed


def test_a_second_out_of_range_delays_and_loses_nothing(watched):
    heard = watched(OutOfRange(20, 1))

    heard.assert_nothing_lost()
    assert heard.samples_at(20, 21) == 0
    assert longest_silence_s(heard.arrivals) > 1


def test_five_seconds_out_of_range_cost_the_link_after_the_supervision_timeout(watched):
    heard = watched(OutOfRange(20, 5))

    missed = heard.events("link")[1]
    assert (missed["up"], missed["reason"]) == (False, SUPERVISION_TIMEOUT)
    lost_s = heard.began_s + 20 + SUPERVISION_S
    assert missed["loop_s"] == pytest.approx(lost_s, abs=0.01)
    assert heard.down[0] == pytest.approx(lost_s, abs=0.01)
    returned_s = heard.began_s + 25
    assert min(at for at, _ in heard.arrivals if at > lost_s) - returned_s <= 5
    assert [gap.cause for gap in heard.gaps] == [GapCause.LOSS]
    heard.assert_placed_truly()


def test_a_slow_link_falls_behind_and_catches_up_in_a_burst(watched):
    # One packet in 0.9 s, where 1.44 a second are due.
    heard = watched(SlowLink(15, 20, interval_s=0.9))

    heard.assert_nothing_lost()
    ends_s = np.cumsum([count for _, count in heard.arrivals]) / FS
    late_s = np.array([at for at, _ in heard.arrivals]) - heard.began_s - ends_s
    assert late_s.max() > 4
    assert late_s[-10:].max() < 0.01
    assert heard.samples_at(35, 35.1) > 5 * FRAME


def test_events_that_come_to_nothing_delay_and_lose_nothing(watched):
    watched(SlowLink(10, interval_s=0.045, lost_events=0.5)).assert_nothing_lost()


def test_a_link_that_is_slow_from_the_start_is_not_taken_for_a_silent_one(watched):
    heard = watched(SlowLink(interval_s=0.4))

    assert heard.status.sessions == heard.outputs["Started"] == 1


def test_notifications_held_back_and_released_together_are_neither_lost_nor_altered(watched):
    heard = watched(Burst(20, 4))

    heard.assert_nothing_lost()
    assert heard.samples_at(20, 24) == 0
    assert heard.samples_at(24, 24.01) > 4 * FRAME


# Lost


def test_a_dropped_link_is_missed_at_once_and_made_again_after_it(watched):
    heard = watched(LinkDrop(20, 5), device="address")

    assert heard.down[0] == pytest.approx(heard.began_s + 20, abs=0.01)
    again_s = min(at for at, _ in heard.arrivals if at > heard.down[0])
    assert again_s - (heard.began_s + 25) <= 5
    heard.assert_placed_truly()


def test_what_the_host_loses_is_a_gap_of_just_that(watched):
    heard = watched(HostLoss(20, 3))

    frames = [n for n in range(FRAME, 60 * FS, FRAME) if 20 < n / FS <= 23]
    assert [(gap.cause, gap.missing) for gap in heard.gaps] == [
        (GapCause.LOSS, FRAME * len(frames))
    ]
    heard.assert_placed_truly()


def test_a_share_of_lost_notifications_leaves_the_others_where_they_belong(watched):
    heard = watched(HostLoss(10, share=0.3), seed=1)

    assert heard.status.sessions == 1
    assert heard.clock.missing == len(heard.trace.samples) - sum(n for _, n in heard.arrivals)
    heard.assert_placed_truly()


@pytest.mark.parametrize("for_s", [1, 3, 40])
def test_samples_that_overflow_in_the_sensor_are_a_gap_of_exactly_them(watched, for_s):
    heard = watched(Overflow(15, for_s))

    first = 15 * FS + for_s * FS
    if for_s < 15:  # beyond, the stream is taken for dead and begun anew
        assert [(g.cause, g.missing, g.stop) for g in heard.gaps] == [
            (GapCause.LOSS, for_s * FS, first)
        ]
    heard.assert_placed_truly()


# Too much


def test_what_arrives_twice_is_taken_once_and_counted(watched):
    heard = watched(Duplicates(10, 30))

    heard.assert_nothing_lost()
    assert heard.clock.repeated == heard.outputs["Chunk"] - len(heard.blocks) > 30


def test_random_bytes_between_the_frames_are_counted_and_nothing_is_lost(watched):
    heard = watched(Garbage(10, 40, "random"))

    heard.assert_nothing_lost()
    assert heard.status.protocol_errors > 40


@pytest.mark.parametrize("model", [VERITY_SENSE, H10], ids=lambda model: model.name)
@pytest.mark.parametrize("what", ["truncated", "flipped"])
def test_broken_frames_are_counted_and_the_stream_goes_on(watched, model, what):
    heard = watched(Garbage(10, 20, what, share=0.3), model=model, seed=2)

    assert heard.status.sessions == 1
    if what == "truncated":
        assert heard.status.protocol_errors == heard.outputs["error"] > 0
    assert heard.samples_at(40, 61) >= 20 * heard.trace.fs - FRAME
    end_s = heard.blocks[-1].stop / heard.trace.fs
    assert end_s == pytest.approx(heard.trace.duration_s, abs=1)


# Small packets


@pytest.mark.parametrize("name", ["openseizure", "witmotion", "microbit", "open-frame"])
def test_who_writes_short_frames_loses_nothing_at_the_smallest_mtu(watched, name):
    heard = watched(SmallMtu(), model=WEARABLES[name], duration_s=20)

    assert heard.status.protocol_errors == heard.clock.gap_count == 0
    assert heard.outputs["Chunk"] > 0
    assert sum(n for _, n in heard.arrivals) / heard.blocks[0].fs == pytest.approx(20, abs=0.5)


def test_a_polar_whose_settings_do_not_fit_is_never_taken_for_watching(watched):
    heard = watched(SmallMtu(), within_s=120)

    assert heard.blocks == []
    assert heard.status.data_age_s is None
    assert heard.status.protocol_errors >= heard.status.sessions > 1
    assert heard.status.why


def test_smaller_frames_carry_the_same_samples(watched):
    watched(SmallMtu(64)).assert_nothing_lost()


def test_frames_that_att_cuts_are_errors_and_each_is_counted(watched):
    heard = watched(SmallMtu(64, "cut"), model=H10, within_s=60)

    assert heard.blocks == []
    assert heard.status.protocol_errors == heard.outputs["error"] > 10


# Time


@pytest.mark.parametrize("ppm", [-500, 500])
def test_drift_is_measured_and_no_fault(watched, ppm):
    heard = watched(Drift(0, ppm), duration_s=480)

    heard.assert_nothing_lost()
    assert heard.faulty_s is None
    assert heard.clock.drift_ppm == pytest.approx(ppm, abs=20)


def test_drift_that_changes_is_followed(watched):
    heard = watched(Drift(0, 300), Drift(200, -300), duration_s=900)

    heard.assert_nothing_lost()
    assert heard.clock.drift_ppm == pytest.approx(-300, abs=20)


@pytest.mark.parametrize("percent", [-16, 16])
@pytest.mark.parametrize("name", ["polar-verity-sense", "openseizure"])  # stamps nominal, or none
def test_a_wrong_rate_is_a_fault_within_a_minute(watched, percent, name):
    heard = watched(WrongRate(30, percent=percent), model=WEARABLES[name], duration_s=120)

    began_s = heard.began_s + 30
    assert began_s < heard.faulty_s <= began_s + 60


@pytest.mark.parametrize(
    ("name", "uptime_s", "frames"),
    [
        ("movesense", 2**32 / 1000 - 10, 0),  # milliseconds of 32 bits
        ("open-frame", 2**32 / 32768 - 13, 0),  # ticks of 32 bits; it begins at 3 s
        ("open-frame", 0, 2**16 - 5),  # a sequence of 16 bits
    ],
)
def test_a_counter_that_wraps_is_no_gap(watched, name, uptime_s, frames):
    quiet = Trace(walk(30).samples / 50 + (0, 0, 1), FS)  # units are recognised at rest

    heard = watched(Uptime(uptime_s, frames), model=WEARABLES[name], trace=quiet)

    assert heard.clock.gap_count == heard.status.protocol_errors == 0
    heard.assert_placed_truly(within_g=0.003)
    assert heard.blocks[-1].stop >= len(quiet.samples) - FRAME


def test_stamps_that_begin_anew_are_a_reset_and_no_samples_are_lost(watched):
    heard = watched(ClockReset(20))

    assert [gap.cause for gap in heard.gaps] == [GapCause.RESET]
    assert heard.gaps[0].missing <= FRAME  # by the host's clock: to a frame
    samples = np.concatenate([block.samples for block in heard.blocks])
    np.testing.assert_array_equal(samples, heard.trace.samples)


# The sensor


@pytest.mark.parametrize(("fault", "level_g"), [(StuckAxis, None), (SaturatedAxis, 8.0)])
def test_an_axis_shows_nothing_new_and_the_others_are_as_felt(watched, fault, level_g):
    heard = watched(fault(20, 10, axis="y"))

    samples = np.concatenate([block.samples for block in heard.blocks])
    bad = np.s_[20 * FS : 30 * FS]
    expected = heard.trace.samples.copy()
    expected[bad, 1] = expected[20 * FS, 1] if level_g is None else level_g
    np.testing.assert_array_equal(samples, expected)


def test_a_battery_that_runs_down_is_reported_and_then_the_sensor_stops_advertising(watched):
    other = SensorPlan(model=H10, trace=walk(1), serial=1)  # keeps the air up, unworn

    heard = watched(BatteryDrain(10, 20), device="address", others=(other,), within_s=60)

    assert heard.levels == sorted(heard.levels, reverse=True)
    assert heard.levels[-1] < 5
    last = heard.events("link")[-1]
    assert (last["up"], last["reason"]) == (False, POWER_OFF)
    assert heard.down[0] == pytest.approx(heard.began_s + 30, abs=0.1)
    assert heard.status.state is LinkState.SCAN
    assert "not heard" in heard.status.why


def test_a_sensor_that_stops_while_connected_streams_again_on_the_same_link(watched):
    heard = watched(Stop(20), Stop(40))

    assert heard.status.sessions == 1
    assert heard.outputs["Stopped"] == 2
    assert longest_silence_s(heard.arrivals) < 3
    heard.assert_placed_truly()


# The neighbourhood


# All of it


def test_every_drop_is_announced_and_got_over(watched):
    chance = np.random.default_rng(4)
    drops, at_s = [], 0.0
    while len(drops) < 25:
        at_s = round(at_s + chance.uniform(8, 20), 2)
        drops.append(LinkDrop(at_s, round(chance.uniform(0.5, 30), 2)))
        at_s = drops[-1].end_s

    heard = watched(*drops, duration_s=at_s + 20)

    assert heard.status.sessions == len(drops) + 1
    assert len(heard.events("streaming")) == len(drops) + 1
    again_s = []
    for drop, down_s in zip(drops, heard.down, strict=False):
        last_s = max(at for at, _ in heard.arrivals if at <= down_s)
        assert down_s - last_s <= 10
        returned_s = heard.began_s + drop.end_s
        again_s.append(min(at for at, _ in heard.arrivals if at > down_s) - returned_s)
    assert np.percentile(again_s, 95) <= 5
    heard.assert_placed_truly()


@pytest.mark.parametrize("seed", range(4))
def test_after_any_chaos_the_samples_are_still_dated_rightly(watched, seed):
    duration_s = 600

    heard = watched(*chaos(seed, duration_s), duration_s=duration_s, seed=seed)

    assert len(heard.events("fault")) > 5
    assert heard.status.dropped == 0
    for block, (arrived_s, _) in zip(heard.blocks, heard.arrivals, strict=True):
        age_s = arrived_s - heard.began_s - block.stop / FS
        assert -1.5 < age_s < 8  # early by a frame at a reset; late by what a link may hold back


def test_the_same_night_twice_is_the_same_to_the_byte(watched):
    faults = (*chaos(3, 120), Garbage(5, 10, "truncated", share=0.5))

    one, other = (watched(*faults, duration_s=120, seed=9) for _ in range(2))

    assert one.arrivals == other.arrivals
    assert one.said[1:] == other.said[1:]  # the first says where it listens


def test_the_motion_of_the_tests_never_repeats_itself():
    felt = {tuple(row) for row in np.round(walk(60).samples * 1000)}

    assert len(felt) > 0.99 * 60 * FS
