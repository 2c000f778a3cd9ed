"""What a sensor adds, and what a poor one loses: everything else stays as it was."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim.motion import bed, scenario, spasm
from firmware_sim.motion.limb import strap_on
from firmware_sim.motion.scene import Plan, Stream, compose, stream
from firmware_sim.motion.sensor import (
    CHIPS,
    COARSE_CHIPS,
    PACKET_SAMPLES,
    RATE_ERROR,
    Sensor,
    draw_poor_sensor,
    draw_sensor,
)

seeds = st.integers(0, 2**32 - 1)
STILL = {"noise_g": 0.0, "step_g": 2**-30, "jitter_s": 0.0}


def record(sensor, seed=9, duration_s=120.0):
    plans = [Plan(20.0, spasm.twitch), Plan(50.0, bed.turn), Plan(90.0, spasm.twitch)]
    setting = {"scenario": "x", "seed": seed, "duration_s": duration_s, "fs": 50.0}
    return compose(plans, site="ankle", sensor=sensor, **setting)


@settings(max_examples=30)
@given(chip=st.sampled_from(CHIPS + COARSE_CHIPS), seed=seeds)
def test_a_sensor_rounds_to_its_steps_and_clips_at_its_range(chip, seed):
    range_g, step_g = chip
    sensor = Sensor(fs=50, range_g=range_g, step_g=step_g)
    read = sensor.read(np.random.default_rng(seed), np.linspace(-12, 12, 300).reshape(-1, 3))
    assert np.abs(read).max() == range_g
    assert np.array_equal(read / step_g, np.round(read / step_g))


def test_a_coarse_chip_does_not_see_a_sleeper_breathe():
    still = scenario("quiet", seed=2, duration_s=60, sensor=Sensor(fs=50, step_g=2**-4)).samples
    assert len(np.unique(still, axis=0)) <= 4


@settings(max_examples=15)
@given(seed=seeds)
def test_drawn_sensors_are_those_of_the_signal_note(seed):
    for draw, chips in ((draw_sensor, CHIPS), (draw_poor_sensor, CHIPS + COARSE_CHIPS)):
        sensor = draw(np.random.default_rng(seed), 50.0)
        assert (sensor.range_g, sensor.step_g) in chips
        assert abs(sensor.rate_error) <= RATE_ERROR
        assert 0.0006 <= sensor.noise_g <= 0.002
    usual = draw_sensor(np.random.default_rng(seed), 50.0)
    assert (usual.losses_per_h, usual.repeats_per_h, usual.slip_deg) == (0, 0, 0)


@settings(max_examples=8)
@given(seed=seeds, losses=st.floats(0, 300), repeats=st.floats(0, 300))
def test_losses_and_repeats_change_nothing_else_and_no_truth(seed, losses, repeats):
    whole = record(Sensor(fs=50.0), seed)
    poor = record(Sensor(fs=50.0, losses_per_h=losses, repeats_per_h=repeats), seed)
    assert poor.truth == whole.truth
    lost = np.isnan(poor.samples)
    assert np.array_equal(lost.any(axis=1), lost.all(axis=1)), "a row is lost whole"
    changed = ~lost[:, 0] & (poor.samples != whole.samples).any(axis=1)
    for i in np.flatnonzero(changed):
        earlier = whole.samples[i::-PACKET_SAMPLES][1:8]  # a packet may be repeated again
        assert (poor.samples[i] == earlier).all(axis=1).any()


def test_as_much_is_lost_as_was_asked_for():
    night = scenario("quiet", seed=1, duration_s=2 * 3600.0, sensor=Sensor(50.0, losses_per_h=100))
    mean_s = (20 - 0.2) / np.log(20 / 0.2)  # of a log-uniform length
    lost_s = np.isnan(night.samples[:, 0]).sum() / 50
    assert lost_s == pytest.approx(2 * 100 * mean_s, rel=0.3)
    assert night.same_as(night)


@settings(max_examples=8)
@given(seed=seeds)
def test_a_strap_slips_round_the_limb_when_it_turns_and_at_no_other_time(seed):
    firm = record(Sensor(fs=50.0, **STILL), seed)
    loose = record(Sensor(fs=50.0, slip_deg=20.0, **STILL), seed)
    along = strap_on(stream(seed, Stream.LIMB), "ankle").along
    turn = firm.truth[1]
    begun = 50 * 50  # as planned: before the turn can be seen
    after = round((turn.end_s + 1.5) * 50)
    assert loose.truth == firm.truth
    assert np.array_equal(loose.samples[:begun], firm.samples[:begun])
    assert np.allclose(loose.samples @ along, firm.samples @ along, atol=1e-6)
    norms = [np.linalg.norm(trace.samples, axis=1) for trace in (loose, firm)]
    assert np.allclose(*norms, atol=1e-6), "it turns and does not push"
    assert not np.allclose(loose.samples[after:], firm.samples[after:], atol=1e-4)


@pytest.mark.parametrize(
    "wrong",
    [
        {"fs": 0.0}, {"step_g": 0.0}, {"range_g": float("nan")}, {"noise_g": -1.0},
        {"losses_per_h": float("inf")}, {"slip_deg": -1.0}, {"rate_error": 1.0},
    ],
)  # fmt: skip
def test_a_sensor_that_cannot_be_is_refused_by_the_name_of_its_fault(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Sensor(**({"fs": 50.0} | wrong))


def test_a_poor_night_can_be_made_by_name():
    trace = scenario("clonus", seed=5, sensor=draw_poor_sensor)
    assert trace.same_as(scenario("clonus", seed=5, sensor=draw_poor_sensor))
    assert not trace.same_as(scenario("clonus", seed=5))
