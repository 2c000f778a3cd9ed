"""Laws of the sealed generator's hard recordings, tried with means that share nothing with it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detector.events import SPASM_FAMILY, Kind
from firmware_sim.motion.truth import Trace, Truth
from firmware_sim.sealed import HARD, NAMES, acts, gait, hard, held, others, sealed, strokes
from firmware_sim.sealed.plan import Entry
from firmware_sim.sealed.recorder import Draw, Recorder
from firmware_sim.sealed.sensor import Wearable
from firmware_sim.sealed.skeleton import SITES, Motion, lying

from .spectrum import strongest_hz

Array = NDArray[np.float64]
FS = 50.0
NIGHT_S = 8 * 3600.0
RHYTHMS = {
    "scratching by hand": (2.0, 6.6), "scratching by other foot": (1.7, 4.5),
    "foot jiggling": (1.8, 5.6), "rubbing feet": (0.8, 3.5), "cramp massage": (0.8, 3.5),
    "pet licks itself": (2.8, 5.2),
}  # fmt: skip
"""What a plan of strokes may become, Hz, with its slowing and a clock that is 3 % off."""
SPASM_MANNERS = {"ramped flexor", "ramped extensor", "sudden flexor", "sudden extensor"}
DRAWS: tuple[Draw, ...] = (
    *held.FAMILIES, held.stiffening, held.held_with_clonus, acts.stretch, acts.blanket, acts.fidget,
    acts.resettle, strokes.hand_scratches, strokes.foot_scratches, strokes.jiggling,
    strokes.rubbing_feet, strokes.kneading, gait.limp_out, gait.limp_back, others.ring,
    others.partner_gets_out, others.pet_jumps_up, others.pet_walks, others.pet_licks,
    others.washing_machine, others.train,
)  # fmt: skip


@cache
def recording(name: str, seed: int, duration_s: float = 900.0) -> Trace:
    return sealed(name, seed=seed, duration_s=duration_s)


def manner(truth: Truth) -> str:
    return (truth.manner or "").split(";")[0]


def resting(draw: Draw, rest_s: float) -> Draw:
    """Return a draw of the same movement with so much rest behind it."""

    def longer(rng: np.random.Generator, rate_hz: float, pose_rad: Array) -> Motion:
        motion, more = draw(rng, rate_hz, pose_rad), math.ceil(rest_s * rate_hz)
        push_g = None if motion.push_g is None else np.pad(motion.push_g, ((0, more), (0, 0)))
        angles_rad = np.pad(motion.angles_rad, ((0, 0), (0, more)), mode="edge")
        return replace(motion, angles_rad=angles_rad, push_g=push_g)

    return longer


def played(draw: Draw, seed: int, *, slack: bool) -> Recorder:
    """Return a minute or more in which one movement is played on a firm or a slack strap.

    The end of a movement is measured against its last sample: both straps are given the rest
    that the slack one needs, without which a firm one may be cut while it still rings.
    """
    rng = np.random.default_rng(seed)
    worn = Wearable.drawn(rng, fs=FS)
    loosened = worn.loosened(np.random.default_rng([seed, 1]))
    recorder = Recorder(
        int(400 * FS), fs=FS, site=SITES["ankle"], firm=worn, fine=True,
        wearable=loosened if slack else worn, pose_rad=lying(rng),
    )  # fmt: skip
    rest_s = 0.0 if slack else loosened.rings_s
    assert recorder.play(np.random.default_rng([seed, 2]), resting(draw, rest_s), at_s=5.0)
    recorder.finish()
    return recorder


def inside(trace: Trace, truth: Truth) -> Array:
    return trace.samples[int(truth.onset_s * trace.fs) : int(truth.end_s * trace.fs) + 2]


def planned(entries: list[Entry]) -> Counter[Draw]:
    return Counter(draw for entry in entries for _, draw in entry.steps)


@pytest.mark.parametrize("draw", DRAWS, ids=lambda draw: draw.__name__)
@settings(max_examples=5)
@given(seed=st.integers(0, 2**32))
def test_a_movement_starts_and_ends_at_rest_whatever_the_pose(draw: Draw, seed: int) -> None:
    pose_rad = lying(np.random.default_rng(seed))
    motion = draw(np.random.default_rng([seed, 1]), 400.0, pose_rad)
    speed = np.diff(motion.angles_rad, axis=1) * 400.0

    assert np.isfinite(motion.angles_rad).all()
    assert np.abs(motion.angles_rad[:, 0]).max() < 1e-6
    assert np.abs(speed[:, :40]).max() < 1e-3
    assert np.abs(speed[:, -40:]).max() < 0.02
    assert motion.active_s < motion.angles_rad.shape[1] / 400.0
    assert motion.manner
    if motion.push_g is not None:
        largest_g = np.abs(motion.push_g).max()
        assert np.abs(motion.push_g[:40]).max() <= 0.02 * largest_g
        assert np.abs(motion.push_g[-40:]).max() <= 0.02 * largest_g


@pytest.mark.parametrize("draw", DRAWS, ids=lambda draw: draw.__name__)
@settings(max_examples=2, deadline=None)
@example(seed=2035)
@given(seed=st.integers(0, 2**32))
def test_a_slack_strap_changes_what_is_felt_and_not_what_is_true(draw: Draw, seed: int) -> None:
    firm, slack = played(draw, seed, slack=False), played(draw, seed, slack=True)

    assert not np.array_equal(firm.specific_g, slack.specific_g)
    for true, worn in zip(firm.truth, slack.truth, strict=False):  # a hum may not pass it
        assert (worn.onset_s, worn.kind) == (true.onset_s, true.kind)
        assert worn.end_s == pytest.approx(true.end_s, abs=0.03)
        assert worn.manner == f"{true.manner}; loose strap"


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_slack_strap_swings_on_at_its_own_rate(seed: int) -> None:
    firm = Wearable.drawn(np.random.default_rng(seed), fs=FS)
    worn = firm.loosened(np.random.default_rng([seed, 1]))
    blow = np.zeros((4000, 3))
    blow[400:410, 0] = 1.0
    after = worn.carried(blow, rate_hz=400.0)[480:]
    firmly = firm.carried(blow, rate_hz=400.0)[480:]

    assert 4.0 <= worn.strap_hz <= 9.0
    assert strongest_hz(after, 400.0) == pytest.approx(worn.strap_hz, abs=0.25)
    assert np.std(after) > 1.5 * np.std(firmly)
    end = min(int(worn.rings_s * 400), 3400)
    assert np.abs(after[end:]).max() < 0.06 * np.abs(after).max()


def test_a_quarter_of_hard_recordings_is_worn_slack_and_says_so_throughout() -> None:
    slack = 0
    for seed in range(40):
        said = {"loose strap" in (t.manner or "") for t in recording("rings", seed, 200.0).truth}
        assert len(said) <= 1
        slack += True in said

    assert 40 * 0.08 < slack < 40 * 0.45


@pytest.mark.parametrize("name", [name for name in NAMES if name not in HARD])
def test_older_recordings_have_firm_straps_and_no_manners(name: str) -> None:
    assert all(truth.manner is None for truth in recording(name, 3).truth)


@pytest.mark.parametrize("seed", range(3))
def test_held_spasms_last_and_say_their_family(seed: int) -> None:
    truths = recording("ramped-spasms", seed).truth

    assert truths
    assert {truth.kind for truth in truths} <= {Kind.SPASM, Kind.TONIC, Kind.CLONUS}
    for truth in truths:
        if truth.kind is Kind.SPASM:
            assert manner(truth) in SPASM_MANNERS
            assert 0.5 <= truth.duration_s <= 75.0
        elif truth.kind is Kind.CLONUS:
            assert truth.parts == (Kind.SPASM, Kind.CLONUS)
            assert manner(truth).removesuffix(", then clonus") in SPASM_MANNERS
        else:
            assert truth.duration_s > 2.5
            assert manner(truth) == "stiffness"


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32), rise_s=st.floats(0.1, 3.0))
def test_a_force_rises_to_its_height_within_its_time_and_never_falls(
    seed: int, rise_s: float
) -> None:
    force = held.risen(np.random.default_rng(seed), 2000, 400.0, rise_s)
    up = int((held.LEAD_S + rise_s) * 400.0) + 1

    assert np.diff(force).min() > -1e-9
    assert force[int(held.LEAD_S * 400.0) - 1] == 0.0
    np.testing.assert_allclose(force[up:], 1.0, atol=1e-6)


@pytest.mark.parametrize("flexor", [True, False])
def test_a_ramped_spasm_starts_more_gently_than_a_sudden_one(flexor: bool) -> None:
    pose_rad = lying(np.random.default_rng(4))
    sudden, ramped = (
        (held.sudden_flexor, held.ramped_flexor)
        if flexor
        else (held.sudden_extensor, held.ramped_extensor)
    )

    def first_speed(draw: Draw) -> float:
        drawn = [
            draw(np.random.default_rng(seed), 400.0, pose_rad).angles_rad for seed in range(30)
        ]
        fastest = [np.abs(np.diff(angles[:, :280], axis=1)).max() * 400.0 for angles in drawn]
        return float(np.median(fastest))

    assert first_speed(sudden) > 1.8 * first_speed(ramped)


def test_spasms_are_as_often_strongest_where_they_end_as_the_families_say() -> None:
    late = []
    for seed in range(6):
        trace = recording("ramped-spasms", seed)
        for truth in (each for each in trace.truth if each.kind is Kind.SPASM):
            power = np.sum(np.diff(inside(trace, truth), axis=0) ** 2, axis=1)
            late.append(np.argmax(power) > 0.6 * len(power))

    assert 0.15 < np.mean(late) < 0.75


@pytest.mark.parametrize("seed", range(3))
def test_acts_by_will_are_no_spasms_and_keep_their_rhythm(seed: int) -> None:
    trace = recording("rhythmic-acts", seed)

    assert len({manner(truth) for truth in trace.truth}) >= 4
    for truth in trace.truth:
        assert truth.kind not in SPASM_FAMILY
        low_hz, high_hz = RHYTHMS[manner(truth)]
        assert truth.rhythm_hz is not None
        assert low_hz <= truth.rhythm_hz <= high_hz


def test_an_independent_spectrum_finds_the_rhythm_of_a_jiggling_foot() -> None:
    found = []
    for seed in range(4):
        trace = recording("rhythmic-acts", seed)
        for truth in trace.truth:
            long = truth.duration_s > 5.0 and truth.peak_g > 0.1
            if manner(truth) == "foot jiggling" and long and (truth.rhythm_hz or 0) > 2.6:
                hz = strongest_hz(inside(trace, truth), trace.fs)
                found.append(min(abs(hz - (truth.rhythm_hz or 0) * n) for n in (1, 2)))

    assert len(found) >= 5
    assert np.max(found) < 0.5


def test_ordinary_acts_are_no_spasms() -> None:
    truths = [t for seed in range(4) for t in recording("ordinary-acts", seed).truth]

    assert not SPASM_FAMILY & {truth.kind for truth in truths}
    assert {"stretch", "blanket", "repositioning"} <= {manner(truth) for truth in truths}
    stretches = [truth for truth in truths if manner(truth) == "stretch"]
    assert all(1.5 < truth.duration_s < 14.0 for truth in stretches)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_mattress_rings_and_dies_away(seed: int) -> None:
    motion = others.ring(np.random.default_rng(seed), 400.0, np.zeros(6))
    assert motion.push_g is not None
    size = np.sqrt(np.sum(motion.push_g**2, axis=1))
    last = size[int(motion.active_s * 400.0) :]

    assert motion.kind is Kind.VIBRATION
    assert last.max() < 0.1 * size.max()
    assert not motion.angles_rad.any()


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32), hours=st.floats(0.1, 10))
def test_no_plan_of_a_hard_night_without_spasms_holds_one(seed: int, hours: float) -> None:
    entries = hard.night(np.random.default_rng(seed), hours * 3600, spasms=False)

    assert not set(planned(entries)) & set(hard.NIGHT_SPASMS)
    assert [entry.at_s for entry in entries] == sorted(entry.at_s for entry in entries)


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32))
def test_a_severe_night_is_one_spasm_after_another(seed: int) -> None:
    usual = planned(hard.night(np.random.default_rng(seed), NIGHT_S, spasms=True))
    severe = planned(hard.severe_night(np.random.default_rng(seed), NIGHT_S))
    spasms = sum(severe[draw] for draw in hard.NIGHT_SPASMS)

    assert spasms >= 60
    assert spasms > sum(usual[draw] for draw in hard.NIGHT_SPASMS) >= 1


@pytest.mark.parametrize("name", ["hard-night", "hard-night-without-spasms", "severe-night"])
def test_a_hard_night_is_mostly_still(name: str) -> None:
    trace = recording(name, 2, 3 * 3600.0)
    kinds = Counter(truth.kind for truth in trace.truth)
    spasms = sum(kinds[kind] for kind in SPASM_FAMILY)
    moving_s = sum(t.duration_s for t in trace.truth if t.kind is not Kind.VIBRATION)

    assert moving_s < (0.15 if name == "severe-night" else 0.07) * trace.duration_s
    assert {Kind.TURN, Kind.MOVEMENT, Kind.VIBRATION} <= set(kinds)
    if name == "severe-night":
        assert spasms >= 20
    else:
        assert (spasms > 0) == (name == "hard-night")
