"""Whole traces: the same seed gives the same bytes, and the truth is true."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.events import Kind
from firmware_sim.motion import SCENARIOS, bed, knocks, restless, rhythms, scenario, spasm
from firmware_sim.motion.act import play
from firmware_sim.motion.clonus import bout
from firmware_sim.motion.kinematics import FINE_HZ, felt, steps
from firmware_sim.motion.limb import RING_DOWN_S, strap_on
from firmware_sim.motion.scene import Plan, compose
from firmware_sim.motion.sensor import Sensor

SHORT = sorted(name for name in SCENARIOS if "night" not in name and name != "demo")
EXPECTED = {
    "quiet": set(),
    "spasms": {Kind.SPASM, Kind.TWITCH, Kind.TONIC},
    "clonus": {Kind.CLONUS},
    "turning": {Kind.TURN, Kind.VIBRATION},
    "walk-to-bathroom": {Kind.MOVEMENT},
    "plm": {Kind.PLM},
    "tremor": {Kind.TREMOR},
    "mixed": {Kind.CLONUS},
    "twitch": {Kind.TWITCH},
    "tonic": {Kind.TONIC},
    "abrupt-tremor": {Kind.TREMOR},
    "knocks": {Kind.VIBRATION},
    "scratching": {Kind.MOVEMENT},
    "restless": {Kind.MOVEMENT, Kind.TURN},
    "ramped": {Kind.SPASM, Kind.TONIC, Kind.CLONUS},
    "stretching": {Kind.MOVEMENT},
    "jiggling": {Kind.MOVEMENT},
    "rubbing": {Kind.MOVEMENT},
    "rings": {Kind.VIBRATION},
    "pet": {Kind.VIBRATION},
    "loose-strap": {
        Kind.TURN, Kind.SPASM, Kind.VIBRATION, Kind.TWITCH, Kind.MOVEMENT, Kind.CLONUS,
    },
    "hemiparetic": {Kind.MOVEMENT},
}  # fmt: skip
MANNERS = {
    "knocks": {"bed partner", "knock", "buzz"},
    "restless": {"fidgeting", "reposition", "cycling"},
    "scratching": {"scratching"},
    "abrupt-tremor": {"abrupt"},
    "walk-to-bathroom": {"walk"},
    "tremor": {None},
    "stretching": {"stretch", "blanket"},
    "jiggling": {"jiggling"},
    "rubbing": {"steady scratching", "scratching by foot", "rubbing", "massage"},
    "rings": {"mattress ring", "repeated mattress ring", "washing machine", "passing train"},
    "pet": {"pet jump", "pet licking", "pet walking", "partner gets out"},
    "hemiparetic": {"hemiparetic gait"},
}
CLEAN = Sensor(fs=50.0, noise_g=0.0, step_g=2**-30, jitter_s=0.0)
seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=5)
@given(seed=seeds)
def test_the_demo_shows_something_of_everything_and_wakes_somebody(seed):
    truth = scenario("demo", seed=seed, fs=52.0).truth
    shown = {t.kind for t in truth}

    assert shown >= {Kind.TURN, Kind.CLONUS, Kind.TWITCH, Kind.SPASM, Kind.MOVEMENT, Kind.PLM}
    assert any(t.kind is Kind.CLONUS and t.duration_s >= 60 for t in truth)


@settings(max_examples=8)
@given(name=st.sampled_from(SHORT), seed=seeds)
def test_the_same_seed_gives_the_same_bytes_and_another_does_not(name, seed):
    once, again, other = (scenario(name, seed=s, duration_s=90) for s in (seed, seed, seed + 1))
    assert once.samples.tobytes() == again.samples.tobytes()
    assert once.truth == again.truth
    assert once.samples.tobytes() != other.samples.tobytes()


@settings(max_examples=40)
@given(
    name=st.sampled_from(SHORT),
    seed=seeds,
    fs=st.sampled_from([20.0, 25.0, 50.0, 52.0, 104.0]),
    site=st.sampled_from(["foot", "ankle", "calf", "thigh", "wrist", "trunk"]),
    shortest=st.booleans(),
)
def test_truths_lie_inside_the_trace_apart_and_of_the_promised_kinds(
    name, seed, fs, site, shortest
):
    duration_s = SCENARIOS[name].shortest_s if shortest else None
    trace = scenario(name, seed=seed, fs=fs, site=site, duration_s=duration_s)
    assert np.isfinite(trace.samples).all()
    assert {t.kind for t in trace.truth} <= EXPECTED[name]
    assert bool(trace.truth) == bool(EXPECTED[name])
    for truth in trace.truth:
        assert truth.onset_s >= 1
        assert truth.duration_s > 0
        assert truth.end_s < trace.duration_s
        assert truth.peak_g > 0
        assert (truth.beats is not None) == (truth.kind is Kind.CLONUS)
        mixed = name == "mixed" or (name == "ramped" and truth.kind is Kind.CLONUS)
        assert (truth.parts is not None) == mixed
    assert all(a.end_s < b.onset_s for a, b in pairwise(trace.truth))
    if name == "plm":
        gaps = np.diff([t.onset_s for t in trace.truth])
        assert len(gaps) >= 3
        assert (gaps > 9).all()
        assert (gaps < 93).all()


def test_a_sleeping_limb_feels_one_g():
    trace = compose([], scenario="x", seed=3, duration_s=600, fs=50, site="ankle", sensor=CLEAN)
    assert np.abs(np.linalg.norm(trace.samples, axis=1) - 1).max() < 0.002
    noisy = scenario("quiet", seed=3)
    still = noisy.samples[: len(noisy.samples) // 12 * 12].reshape(-1, 12, 3)
    assert np.sqrt(still.var(axis=1).sum(axis=1)).max() < 0.006


def test_an_appended_movement_leaves_the_others_as_they_were():
    plans = [Plan(10.0, spasm.twitch), Plan(40.0, bout), Plan(110.0, bed.turn)]
    setting = {"scenario": "x", "seed": 9, "duration_s": 150.0, "fs": 50.0, "site": "calf"}
    fewer = compose(plans, **setting)
    more = compose([*plans, Plan(25.0, knocks.bed_knock)], **setting)
    extra = next(t for t in more.truth if t.kind is Kind.VIBRATION)
    assert [t for t in more.truth if t is not extra] == list(fewer.truth)
    changed = np.flatnonzero((more.samples != fewer.samples).any(axis=1)) / 50
    assert changed.min() >= extra.onset_s - 0.1
    assert changed.max() <= extra.end_s + 2.5


def test_what_does_not_fit_is_left_out_of_samples_and_truth_alike():
    setting = {"scenario": "x", "seed": 9, "duration_s": 30.0, "fs": 50.0, "site": "calf"}
    crowd = [Plan(5.0, bed.turn), Plan(5.1, spasm.twitch), Plan(29.9, spasm.twitch)]
    alone = compose(crowd[:1], **setting)
    assert compose(crowd, **setting).same_as(alone)
    assert len(alone.truth) == 1


@pytest.mark.parametrize("name", sorted(MANNERS))
def test_a_scenario_says_what_its_kinds_leave_open(name):
    assert MANNERS[name] == {t.manner for t in scenario(name, seed=6).truth}


ACTS = [
    spasm.spasm, spasm.tonic, spasm.mixed, bed.turn, bed.shift, knocks.bed_knock,
    knocks.bed_partner, rhythms.scratch, restless.fidget, restless.reposition, restless.cycle,
]  # fmt: skip


@settings(max_examples=40)
@given(seed=seeds, perform=st.sampled_from(ACTS))
def test_onset_and_end_are_where_the_force_leaves_the_start_and_reaches_the_end(seed, perform):
    rng = np.random.default_rng(seed)
    limb = strap_on(rng, "ankle")
    played = play(perform(rng, limb), limb)
    least_g = max(0.02 * played.peak_g, 0.003)
    onset, end = round(played.onset_s * 500), round(played.end_s * 500)
    before = np.linalg.norm(played.force_g[:onset] - limb.up, axis=1)
    after = np.linalg.norm(played.force_g[end + 1 :] - played.up, axis=1)
    assert (before <= least_g).all()
    assert (after <= least_g).all()
    assert np.linalg.norm(played.force_g[onset] - limb.up) > least_g
    assert np.abs(np.linalg.norm(played.force_g[-1]) - 1) < 0.02


@settings(max_examples=30)
@given(seed=seeds)
def test_spasms_and_twitches_have_the_size_and_speed_of_the_literature(seed):
    rng = np.random.default_rng(seed)
    limb = strap_on(rng, "ankle")
    act = spasm.spasm(rng, limb)
    assert 0.03 <= play(act, limb).peak_g <= 1.25
    assert 3 <= np.degrees(np.abs(act.motion.angles_rad[:, 0]).max()) <= 70
    twitch = play(spasm.twitch(rng, limb), limb)
    assert 0.039 <= twitch.peak_g <= 0.81
    assert np.linalg.norm(twitch.up - limb.up) < 0.001, "a twitch returns"


@settings(max_examples=80)
@given(seed=seeds, site=st.sampled_from(["foot", "ankle", "calf", "wrist"]))
def test_a_twitch_lasts_half_a_second_at_most_and_then_only_the_strap_rings(seed, site):
    rng = np.random.default_rng(seed)
    limb = strap_on(rng, site)
    act = spasm.twitch(rng, limb)
    played = play(act, limb)
    assert 0.05 < played.end_s - played.onset_s <= 0.5
    end = round(played.end_s * FINE_HZ)
    gravity, dynamic = felt(act.motion.held(0, end + 100), limb.up)
    assert np.abs((gravity + dynamic)[end + 1 :] - limb.up).max() < 1e-9
    ringing = np.linalg.norm(played.force_g[end:] - limb.up, axis=1)
    assert ringing[steps(RING_DOWN_S) - 1] <= max(0.03 * played.peak_g, 0.003)


@settings(max_examples=15)
@given(seed=seeds)
def test_an_abrupt_tremor_is_there_within_half_a_second_and_an_ordinary_one_is_not(seed):
    def early_share(tremor, seconds):
        rng = np.random.default_rng(seed)
        limb = strap_on(rng, "ankle")
        act = tremor(rng, limb, longest_s=12)
        _, dynamic = felt(act.motion, limb.up)
        size = np.linalg.norm(dynamic, axis=1)
        return size[: steps(seconds)].max() / size.max()

    a_beat_s = 0.3
    assert early_share(rhythms.abrupt_tremor, 0.5 + a_beat_s) > 0.4
    assert early_share(rhythms.tremor, a_beat_s) < 0.3


@settings(max_examples=25)
@given(seed=seeds, site=st.sampled_from(["foot", "ankle", "thigh"]))
def test_voluntary_movement_keeps_to_what_a_leg_does_on_purpose(seed, site):
    rng = np.random.default_rng(seed)
    limb = strap_on(rng, site)
    for perform, most_deg, most_g in (
        (restless.fidget, 15, 0.5),
        (restless.cycle, 30, 1.0),
        (restless.reposition, 90, 1.5),
    ):
        act = perform(rng, limb)
        angle = np.degrees(act.motion.angles_rad[:, 0])
        assert np.abs(angle).max() <= most_deg * 1.01
        assert play(act, limb).peak_g <= 1.5 * most_g, "a slack strap adds to it"
        if perform is not restless.reposition:
            assert angle[-1] == pytest.approx(0, abs=1e-9)


@settings(max_examples=10)
@given(seed=seeds, name=st.sampled_from(["turning", "spasms"]))
def test_a_strap_is_loose_where_asked_and_changes_only_what_the_sensor_feels(seed, name):
    tight, loose = (scenario(name, seed=seed, loose=wanted) for wanted in (False, True))
    assert (tight.loose_strap, loose.loose_strap) == (False, True)
    assert not tight.same_as(loose)
    usual = scenario(name, seed=seed)
    assert usual.same_as(tight)
    assert scenario("loose-strap", seed=seed, duration_s=30).loose_strap


def test_a_quarter_of_hard_nights_has_a_loose_strap():
    loose = [scenario("hard-night", seed=s, duration_s=600).loose_strap for s in range(60)]
    assert 0.1 < np.mean(loose) < 0.45


def test_a_fast_clock_stretches_the_recording_and_its_truth_alike(dominant_hz):
    def record(rate_error):
        sensor = Sensor(fs=50.0, rate_error=rate_error)
        plan = [Plan(10.0, lambda rng, limb: bout(rng, limb, seconds=8, peak_g=0.5))]
        return compose(plan, scenario="x", seed=4, duration_s=40, fs=50, site="foot", sensor=sensor)

    right, fast = record(0.0), record(0.03)
    (a,), (b,) = right.truth, fast.truth
    assert b.onset_s == pytest.approx(1.03 * a.onset_s)
    assert b.rhythm_hz == pytest.approx(a.rhythm_hz / 1.03)
    part = fast.samples[round(b.onset_s * 50) : round(b.end_s * 50)]
    assert abs(dominant_hz(part, 50) - b.rhythm_hz) < 0.2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "party"}, "scenario must be one of quiet"),
        ({"duration_s": 5}, "duration_s of 20"),
        ({"duration_s": float("nan")}, "duration_s"),
        ({"duration_s": 1e9}, "duration_s"),
        ({"fs": 1.0}, "fs must be"),
        ({"fs": float("nan")}, "fs must be"),
        ({"site": "nose"}, "site must be"),
        ({"sensor": Sensor(fs=25.0)}, "the sensor runs at 25 Hz"),
    ],
)
def test_what_cannot_be_simulated_is_refused_with_its_value(change, said):
    with pytest.raises(ValueError, match=said):
        scenario(**({"name": "spasms", "seed": 1} | change))


def test_samples_cannot_be_changed_by_accident():
    with pytest.raises(ValueError, match="read-only"):
        scenario("quiet", seed=1).samples[0, 0] = 1
