"""Laws of the sealed generator, tried with means that share nothing with it or the detector."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detector.events import SPASM_FAMILY, Kind
from firmware_sim.motion.truth import Trace, Truth
from firmware_sim.sealed import NAMES, SITES, plan, sealed
from firmware_sim.sealed.ordinary import periodic, walk_back, walk_out

from .spectrum import strongest_hz

Array = NDArray[np.float64]
SHORT = tuple(name for name in NAMES if "night" not in name)
SHORT_S = 150.0
NIGHT_S = 1.0 * 3600.0
RING_DOWN_S = 2.5
"""A movement's truth ends at a tenth of its size; by then the rest has died away as well."""


@cache
def recording(name: str, seed: int = 5, duration_s: float = SHORT_S, site: str = "ankle") -> Trace:
    return sealed(name, seed=seed, duration_s=duration_s, site=site)


def at_rest(trace: Trace) -> NDArray[np.bool_]:
    """Samples outside of every truth, a margin on either side."""
    rest = np.ones(len(trace.samples), dtype=bool)
    for truth in trace.truth:
        first = max(0, int((truth.onset_s - 1.0) * trace.fs))
        rest[first : int((truth.end_s + RING_DOWN_S) * trace.fs)] = False
    return rest


def inside(trace: Trace, truth: Truth) -> Array:
    return trace.samples[int(truth.onset_s * trace.fs) : int(truth.end_s * trace.fs) + 2]


def roughness_g(samples: Array) -> float:
    """Rms of the difference of neighbours: neither gravity nor a slow tilt is in it."""
    return float(np.sqrt(np.mean(np.sum(np.diff(samples, axis=0) ** 2, axis=1))))


@settings(max_examples=6)
@given(
    name=st.sampled_from(SHORT),
    seed=st.integers(0, 2**32),
    site=st.sampled_from(sorted(SITES)),
    fs=st.sampled_from([25.0, 50.0, 52.0, 100.0]),
)
def test_the_same_arguments_give_the_same_bytes(name: str, seed: int, site: str, fs: float) -> None:
    first = sealed(name, seed=seed, duration_s=60, site=site, fs=fs)
    second = sealed(name, seed=seed, duration_s=60, site=site, fs=fs)

    assert first.samples.tobytes() == second.samples.tobytes()
    assert first.truth == second.truth
    assert first.true_fs == second.true_fs
    assert len(first.samples) == round(60 * fs)
    assert np.isfinite(first.samples).all()


def test_every_seed_gives_another_recording() -> None:
    batch = [sealed("clonus", seed=seed, duration_s=60) for seed in range(12)]

    assert len({trace.samples.tobytes() for trace in batch}) == len(batch)
    assert len({trace.true_fs for trace in batch}) == len(batch)
    assert len({trace.truth for trace in batch}) == len(batch)


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("seed", range(2))
def test_a_limb_at_rest_feels_one_g_and_little_else(site: str, seed: int) -> None:
    trace = recording("knocks", seed, SHORT_S, site)
    size_g = np.sqrt(np.sum(trace.samples[at_rest(trace)] ** 2, axis=1))

    assert abs(np.median(size_g) - 1) < 0.03
    assert np.std(size_g) < (0.012 if site == "trunk" else 0.006)
    assert np.std(size_g) > 0.0002


@pytest.mark.parametrize("name", SHORT)
def test_truths_are_in_order_apart_and_inside(name: str) -> None:
    trace = recording(name)

    assert trace.truth
    assert trace.truth[0].onset_s > 0
    assert trace.truth[-1].end_s < trace.duration_s
    for before, after in pairwise(trace.truth):
        assert after.onset_s - before.end_s >= 1.0


@pytest.mark.parametrize("name", SHORT)
def test_the_recording_moves_in_every_truth_and_nowhere_else(name: str) -> None:
    trace = recording(name)
    quiet = at_rest(trace)
    joined = quiet[1:] & quiet[:-1]
    still_g = np.abs(np.diff(trace.samples, axis=0))[joined]
    step_g = float(np.min(np.diff(np.unique(trace.samples))))

    assert np.max(still_g) < 0.014 + 2 * step_g  # six sigmas of the worst sensor's difference
    for truth in trace.truth:
        moved = inside(trace, truth)
        travelled_g = float(np.max(np.ptp(moved, axis=0)))
        assert travelled_g > 0.006
        if truth.peak_g > 0.06:
            assert roughness_g(moved) > 1.5 * float(np.sqrt(3 * np.mean(still_g**2)))


@pytest.mark.parametrize("name", ["clonus", "spasms", "knocks"])
def test_the_peak_said_is_the_peak_recorded(name: str) -> None:
    trace = recording(name, seed=9)
    for truth in trace.truth:
        moved = inside(trace, truth)
        excess_g = np.max(np.sqrt(np.sum((moved - np.median(moved, axis=0)) ** 2, axis=1)))

        assert excess_g > 0.35 * truth.peak_g - 0.005  # the median is not gravity when tilting
        if name == "clonus":
            assert excess_g < 2.0 * truth.peak_g + 0.05


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("site", ["foot", "ankle", "wrist"])
def test_an_independent_spectrum_finds_the_rhythm_of_clonus(seed: int, site: str) -> None:
    trace = recording("clonus", seed, 300.0, site)
    long = [truth for truth in trace.truth if truth.duration_s > 2.0]

    assert long
    for truth in long:
        assert truth.rhythm_hz is not None
        assert 3.0 <= truth.rhythm_hz <= 8.0
        found_hz = strongest_hz(inside(trace, truth), trace.fs)
        assert found_hz == pytest.approx(truth.rhythm_hz, abs=0.3)


def test_clonus_says_how_many_beats_in_how_long() -> None:
    for truth in recording("clonus", 2, 300.0).truth:
        assert truth.kind is Kind.CLONUS
        assert truth.engine == "emg-bursts"
        assert truth.beats is not None
        assert truth.beats >= 3
        assert truth.rhythm_hz is not None
        assert truth.beats / truth.rhythm_hz < 1.3 * truth.duration_s + 0.3
        assert truth.duration_s < 1.3 * truth.beats / truth.rhythm_hz + 1.0


def test_a_twitch_is_over_in_half_a_second() -> None:
    twitches = [t for t in recording("spasms", 4, 600.0).truth if t.kind is Kind.TWITCH]

    assert twitches
    assert all(twitch.duration_s <= 0.5 for twitch in twitches)


def test_a_tonic_pull_lasts_and_turns_the_limb() -> None:
    trace = recording("tonic", 4, 240.0)
    for truth in trace.truth:
        middle = trace.samples[int((truth.onset_s + truth.end_s) / 2 * trace.fs)]
        before = trace.samples[int((truth.onset_s - 0.5) * trace.fs)]

        assert truth.kind is Kind.TONIC
        assert truth.duration_s >= 3.0
        assert np.sqrt(np.sum((middle - before) ** 2)) > 0.02


def test_mixed_events_name_their_parts() -> None:
    compound = [t for t in recording("mixed", 4, 600.0).truth if t.parts]

    assert compound
    assert all(t.kind is Kind.CLONUS for t in compound)
    assert all(t.parts == (Kind.SPASM, Kind.CLONUS) for t in compound)


@pytest.mark.parametrize("seed", range(2))
def test_periodic_movements_keep_the_intervals_of_wasm(seed: int) -> None:
    trace = recording("plm", seed, 400.0)
    onsets_s = np.array([truth.onset_s for truth in trace.truth])
    intervals_s = np.diff(onsets_s)
    within = intervals_s[intervals_s < 90]  # the others lie between two series

    assert {truth.kind for truth in trace.truth} == {Kind.PLM}
    assert all(0.5 <= truth.duration_s <= 10 for truth in trace.truth)
    assert len(within) >= 3
    assert within.min() >= 10


@pytest.mark.parametrize("name", SHORT)
def test_a_site_changes_what_is_felt_and_not_what_happens(name: str) -> None:
    ankle, calf = recording(name), recording(name, site="calf")
    strong = [truth for truth in ankle.truth if truth.peak_g > 0.05]

    assert ankle.samples.tobytes() != calf.samples.tobytes()
    for truth in strong:
        near = [t.kind for t in calf.truth if abs(t.onset_s - truth.onset_s) < 1.0]
        assert near == [truth.kind]


def test_a_foot_feels_more_of_a_clonus_than_a_calf_and_a_thigh() -> None:
    middle = [
        np.median([t.peak_g for t in recording("clonus", 1, 300.0, site).truth])
        for site in ("foot", "calf", "thigh")
    ]

    assert middle == sorted(middle, reverse=True)


def test_a_night_without_spasms_has_everything_else() -> None:
    trace = recording("night-without-spasms", 3, NIGHT_S)
    kinds = [truth.kind for truth in trace.truth]

    assert not SPASM_FAMILY & set(kinds)
    assert {Kind.TREMOR, Kind.PLM, Kind.TURN, Kind.MOVEMENT, Kind.VIBRATION} == set(kinds)
    assert kinds.count(Kind.PLM) >= 4
    assert sum(truth.duration_s for truth in trace.truth) < 0.2 * NIGHT_S


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32), hours=st.floats(0.1, 10))
def test_no_plan_of_a_night_without_spasms_holds_one(seed: int, hours: float) -> None:
    entries = plan.night(np.random.default_rng(seed), hours * 3600, spasms=False)
    planned = {draw for entry in entries for _, draw in entry.steps}

    assert not planned & set(plan.NIGHT_SPASMS)
    assert planned >= set(plan.HOURLY) | {periodic, walk_out, walk_back}


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32))
def test_spasms_of_a_night_come_in_clusters(seed: int) -> None:
    entries = plan.night(np.random.default_rng(seed), 8 * 3600.0, spasms=True)
    clusters = [len(e.steps) for e in entries if e.steps[0][1] in plan.NIGHT_SPASMS]

    assert max(clusters) >= 2
    assert len(clusters) <= sum(clusters) <= 8 * 40
    assert [entry.at_s for entry in entries] == sorted(entry.at_s for entry in entries)


def test_a_night_has_spasms() -> None:
    kinds = {truth.kind for truth in recording("night", 1, NIGHT_S).truth}

    assert kinds & SPASM_FAMILY


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": "waltz"}, "scenario 'waltz'"),
        ({"site": "ear"}, "site 'ear'"),
        ({"seed": -1}, "seed must be"),
        ({"fs": 10.0}, "fs must be"),
        ({"duration_s": 0.0}, "duration_s must be"),
        ({"duration_s": float("nan")}, "duration_s must be"),
    ],
)
def test_a_wrong_argument_is_named(wrong: dict[str, object], said: str) -> None:
    arguments: dict[str, object] = {"name": "clonus", "seed": 1, "duration_s": 10.0} | wrong

    with pytest.raises(ValueError, match=said):
        sealed(**arguments)  # type: ignore[arg-type]
