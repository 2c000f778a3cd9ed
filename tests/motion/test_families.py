"""Held pulls, voluntary acts, mattress, other bodies, a stiff walk: each does what it says."""

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scipy.signal import welch

from detector.events import Kind
from firmware_sim.motion import bed, spasm
from firmware_sim.motion.act import ONSET_FLOOR_G, peak_of, play
from firmware_sim.motion.clonus import bout
from firmware_sim.motion.families import gait, held, mattress, others, shapes, voluntary
from firmware_sim.motion.kinematics import FINE_HZ, felt, steps
from firmware_sim.motion.limb import LOOSE_HZ, SEEN_G, loosened, strap_on

seeds = st.integers(0, 2**32 - 1)
sites = st.sampled_from(["foot", "ankle", "calf", "thigh", "wrist", "trunk"])
ACTS = [
    held.spasm, held.with_clonus, held.stiffness, voluntary.stretch, voluntary.blanket,
    voluntary.scratch_steadily, voluntary.scratch_by_foot, voluntary.rub, voluntary.massage,
    voluntary.jiggle, mattress.knock, mattress.knocks, mattress.hum, mattress.train,
    others.jump, others.walk, others.lick, others.partner_gets_out, gait.walk,
]  # fmt: skip
BRIEF = held.Pull(longest_hold_s=8.0)


def drawn(seed, site="ankle"):
    rng = np.random.default_rng(seed)
    return rng, strap_on(rng, site)


def dynamic_g(act, limb):
    return felt(act.motion, limb.up)[1]


def strongest_hz(force, low, high):
    hz, power = welch(force, FINE_HZ, nperseg=min(len(force), 4096), nfft=16384, axis=0)
    power = power.sum(axis=1)
    return hz[np.where((hz > low) & (hz < high), power, 0).argmax()]


@settings(max_examples=120)
@example(seed=2057, site="thigh", perform=held.with_clonus, loose=False)
@given(seed=seeds, site=sites, perform=st.sampled_from(ACTS), loose=st.booleans())
def test_every_movement_is_finite_seen_and_at_rest_before_and_after(seed, site, perform, loose):
    rng, limb = drawn(seed, site)
    limb = loosened(rng, limb) if loose else limb
    act = perform(rng, limb)
    played = play(act, limb)
    assert np.isfinite(played.force_g).all()
    assert 0 <= played.onset_s < played.end_s <= played.duration_s
    change_g = np.linalg.norm(played.force_g - limb.up, axis=1).max()
    assert change_g > ONSET_FLOOR_G
    # Behind the last beat of a clonus a strap rings on a little more than behind other movements.
    rest = 0.05 if perform is held.with_clonus else 0.04
    least_g = max(rest * played.peak_g, SEEN_G)
    assert np.linalg.norm(played.force_g[0] - limb.up) < least_g
    assert np.linalg.norm(played.force_g[-1] - played.up) < least_g
    assert act.manner


@settings(max_examples=40)
@given(seed=seeds, perform=st.sampled_from([a for a in ACTS if a is not held.with_clonus]))
def test_onset_and_end_are_where_the_force_leaves_the_start_and_reaches_the_end(seed, perform):
    rng, limb = drawn(seed)
    played = play(perform(rng, limb), limb)
    least_g = max(0.02 * played.peak_g, 0.003)
    onset, end = round(played.onset_s * FINE_HZ), round(played.end_s * FINE_HZ)
    assert (np.linalg.norm(played.force_g[:onset] - limb.up, axis=1) <= least_g).all()
    assert (np.linalg.norm(played.force_g[end + 1 :] - played.up, axis=1) <= least_g).all()
    assert np.linalg.norm(played.force_g[onset] - limb.up) > least_g


@settings(max_examples=60)
@given(seed=seeds, n=st.integers(10, 2000))
def test_every_rise_goes_from_rest_to_rest_and_never_back(seed, n):
    curve = shapes.risen(np.random.default_rng(seed), n)
    assert len(curve) == n
    assert curve[0] == pytest.approx(0, abs=1e-9)
    assert curve[-1] == pytest.approx(1, abs=1e-9)
    assert np.diff(curve).min() >= -1e-9
    assert np.diff(curve).max() * n <= 8, "no jump"


@settings(max_examples=40)
@given(seed=seeds, flexor=st.booleans(), sudden=st.booleans(), hold_s=st.floats(0.5, 60))
def test_a_pull_rises_in_its_time_is_held_and_lasts_as_long(seed, flexor, sudden, hold_s):
    rng, limb = drawn(seed)
    pull = held.Pull(flexor=flexor, sudden=sudden, hold_s=hold_s)
    act = held.spasm(rng, limb, pull=pull)
    assert act.kind is Kind.SPASM
    said = f"{'sudden' if sudden else 'ramped'} {'flexor' if flexor else 'extensor'}"
    assert act.manner == said
    degrees = (1 if flexor else -1) * np.degrees(act.motion.angles_rad[:, 0])
    assert degrees.max() <= 1.7 * 60 if flexor else 1.7 * 30
    # Half its height is passed within the rise, and left no sooner than the hold ends.
    above = np.flatnonzero(degrees > 0.4 * degrees.max()) / FINE_HZ
    assert above[0] <= (0.3 if sudden else 3.0)
    assert above[-1] >= hold_s * 0.5
    assert len(act.motion) / FINE_HZ <= hold_s + held.MOST_S
    assert peak_of(act.motion, limb) <= 1.02 * held.MOST_G


def test_pulls_are_drawn_of_all_four_manners_and_some_fall_hardest_when_let_go():
    manners, last = set(), []
    for seed in range(60):
        rng, limb = drawn(seed)
        act = held.spasm(rng, limb, pull=BRIEF)
        manners.add(act.manner)
        size = np.linalg.norm(limb.wobbled(dynamic_g(act, limb)), axis=1)
        last.append(size.argmax() > len(size) / 2)
    assert manners == {"sudden flexor", "ramped flexor", "sudden extensor", "ramped extensor"}
    assert 0.15 <= np.mean(last) <= 0.6, "the heel's drop is often the strongest moment"


@settings(max_examples=15)
@given(seed=seeds)
def test_stiffness_hardly_moves_and_trembles_at_seven_to_thirteen_hz(seed):
    rng, limb = drawn(seed)
    act = held.stiffness(rng, limb)
    assert act.kind is Kind.TONIC
    assert np.degrees(np.abs(act.motion.angles_rad[:, 0]).max()) <= 3.01
    middle = act.motion.push_g[len(act.motion) // 4 : len(act.motion) // 2]
    assert 6 <= strongest_hz(middle, 1, 40) <= 14


@settings(max_examples=25)
@given(seed=seeds, engine=st.sampled_from(["reflex", "pulse"]))
def test_a_pull_with_clonus_is_one_event_of_two_parts_that_holds_all_the_beats(seed, engine):
    rng, limb = drawn(seed)
    act = held.with_clonus(rng, limb, engine=engine, longest_s=8)
    assert (act.kind, act.engine) == (Kind.CLONUS, engine)
    assert act.parts == (Kind.SPASM, Kind.CLONUS)
    played = play(act, limb)
    assert played.end_s - played.onset_s > act.beats / 8


@settings(max_examples=25)
@given(seed=seeds)
def test_a_stretch_lasts_some_seconds_and_starts_without_a_jerk(seed):
    rng, limb = drawn(seed)
    act = voluntary.stretch(rng, limb)
    assert act.kind is Kind.MOVEMENT
    assert 1.9 <= len(act.motion) / FINE_HZ <= 14
    degrees = np.degrees(np.abs(act.motion.angles_rad[:, 0]))
    assert degrees.max() <= 32
    assert (degrees > 0.5 * degrees.max()).argmax() >= steps(0.2)
    assert peak_of(act.motion, limb) <= 0.51


@pytest.mark.parametrize(
    ("perform", "low", "high"),
    [
        (voluntary.scratch_steadily, 2.5, 6.0),
        (voluntary.scratch_by_foot, 2.0, 4.0),
        (voluntary.rub, 1.0, 3.0),
        (voluntary.jiggle, 2.0, 5.0),
    ],
)
def test_strokes_have_the_rate_that_is_told(perform, low, high):
    """In nearly all of them: a few uneven strokes have no clear line in their spectrum."""
    right = 0
    for seed in range(60):
        rng, limb = drawn(seed)
        act = perform(rng, limb)
        assert low <= act.rhythm_hz <= high
        ratio = strongest_hz(dynamic_g(act, limb), 0.5 * low, 1.5 * high) / act.rhythm_hz
        right += min(abs(ratio - 1), abs(ratio - 2), abs(ratio - 3)) < 0.25
    assert right >= 56


@settings(max_examples=40)
@given(seed=seeds, rate_hz=st.floats(1, 6), seconds=st.floats(3, 30), variation=st.floats(0, 0.1))
def test_strokes_go_to_and_fro_as_often_as_their_rate_says(seed, rate_hz, seconds, variation):
    rng = np.random.default_rng(seed)
    curve = shapes.stroked(rng, rate_hz, seconds, variation=variation, reach=0.6)
    tops = np.flatnonzero((np.diff(curve[:-1]) > 0) & (np.diff(curve[1:]) <= 0))
    assert len(tops) == max(2, round(seconds * rate_hz))
    assert 1 / np.median(np.diff(tops / FINE_HZ)) == pytest.approx(rate_hz, rel=0.25)
    assert 0 <= curve.min() <= curve.max() <= 1 + 1e-9


@settings(max_examples=60)
@given(seed=seeds)
def test_a_bed_rings_at_the_rate_and_dies_as_fast_as_its_mass_and_springs_say(seed):
    bed_ = mattress.draw_mattress(np.random.default_rng(seed))
    assert 2.5 <= bed_.rate_hz <= 9
    assert 0.03 <= bed_.damping <= 0.3
    force = np.zeros(steps(bed_.dies_in_s + 1.0))
    force[:5] = 100.0
    ring = bed_.shaken(force)[10:]
    crossings = np.flatnonzero(np.diff(np.signbit(ring)))[:6] / FINE_HZ
    found_hz = (len(crossings) - 1) / 2 / (crossings[-1] - crossings[0])
    assert found_hz == pytest.approx(bed_.rate_hz, rel=0.05)
    assert np.abs(ring[steps(bed_.dies_in_s) :]).max() < 0.03 * np.abs(ring).max()


@settings(max_examples=40)
@given(seed=seeds, height_m=st.floats(0.001, 0.05), weight=st.floats(0.1, 0.8))
def test_a_limb_that_falls_is_weightless_first_and_comes_to_rest(seed, height_m, weight):
    bed_ = mattress.draw_mattress(np.random.default_rng(seed))
    upward, blow_s = mattress.landing(bed_, height_m, weight)
    assert upward.min() >= -weight - 1e-9, "nothing pulls it down but its weight"
    assert 0 < blow_s < len(upward) / FINE_HZ
    assert upward[: steps(blow_s) // 3].max() <= 0.35 * upward.max() + 1e-9
    assert np.abs(upward[-5:]).max() < 0.01
    higher, _ = mattress.landing(bed_, 2 * height_m + 0.02, weight)
    assert higher.max() > upward.max(), "a longer fall is a harder blow"


@settings(max_examples=15)
@given(seed=seeds)
def test_a_stiff_walk_is_slower_than_an_ordinary_one_and_shorter_than_its_plan(seed):
    rng, limb = drawn(seed)
    act = gait.walk(rng, limb, each_way_s=20.0)
    assert (act.kind, act.manner) == (Kind.MOVEMENT, "hemiparetic gait")
    assert 45 <= len(act.motion) / FINE_HZ <= 95
    assert peak_of(act.motion, limb) < 3.0


@settings(max_examples=20)
@given(seed=seeds, perform=st.sampled_from([bed.turn, spasm.twitch, mattress.knock, bout]))
def test_a_loose_strap_rings_at_its_rate_after_the_truth_has_ended(seed, perform):
    rng, limb = drawn(seed)
    loose = loosened(rng, limb)
    assert LOOSE_HZ[0] <= loose.strap_hz <= LOOSE_HZ[1]
    act = perform(np.random.default_rng(seed), limb)
    tight, slack = play(act, limb), play(act, loose)
    assert slack.end_s == pytest.approx(tight.end_s, abs=0.9), "its ring is not the limb's"
    ring_s = loose.ring_down_s
    assert slack.duration_s == pytest.approx(len(act.motion) / FINE_HZ + ring_s, abs=0.01)
    tail = slack.force_g[-steps(ring_s) :] - slack.up
    first, last = tail[: len(tail) // 8], tail[-len(tail) // 8 :]
    assert np.abs(last).max() <= 0.1 * max(np.abs(first).max(), SEEN_G)


@settings(max_examples=60)
@given(seed=seeds, perform=st.sampled_from([others.walk, others.lick, mattress.knocks]))
def test_what_a_loose_strap_shows_of_a_faint_movement_has_the_length_of_the_movement(seed, perform):
    rng, limb = drawn(seed)
    loose = loosened(rng, limb)
    played = play(perform(rng, loose), loose)
    assume(played.peak_g >= SEEN_G)
    assert played.end_s - played.onset_s > 0.1
