"""Whole nights: mostly still, with their turns, and free of spasms where they say so."""

import time
from collections import Counter
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.events import Kind
from firmware_sim.motion import SCENARIOS, bed, night, scenario
from firmware_sim.motion.families import hard_night, held

seeds = st.integers(0, 2**32 - 1)
PERIODIC_S = (9.0, 93.0)  # 10 to 90 s between onsets, as a noisy sensor and a fast clock see them


@pytest.fixture(scope="module")
def calm_nights():
    return [scenario("night-without-spasms", seed=seed) for seed in range(2)]


def still_share(trace):
    frames = trace.samples[: len(trace.samples) // 12 * 12].reshape(-1, 12, 3)
    return (np.sqrt(frames.var(axis=1).sum(axis=1)) < 0.006).mean()


def series_of(plans):
    """Plans of one leg, by the habit they share."""
    found = {}
    for plan in plans:
        if isinstance(plan.perform, partial) and plan.perform.func is bed.leg_movement:
            found.setdefault(id(plan.perform), []).append(plan.at_s)
    return list(found.values())


def test_a_night_is_mostly_still_has_its_turns_and_is_made_a_thousand_times_faster_than_it_lasts():
    still, turns, hours = [], 0, 0.0
    for seed in range(2):
        began = time.process_time()
        trace = scenario("night", seed=seed)
        spent_s = time.process_time() - began
        assert spent_s < trace.duration_s / 1000  # about 2 s of 8 h, on a machine without others
        assert 7 * 3600 <= trace.duration_s <= 10 * 3600
        still.append(still_share(trace))
        turns += sum(t.kind is Kind.TURN and t.manner is None for t in trace.truth)
        hours += trace.duration_s / 3600
        assert all(a.end_s < b.onset_s for a, b in pairwise(trace.truth))
        assert any(t.kind.is_spasm_family for t in trace.truth)
    assert 0.94 <= np.mean(still) <= 0.985
    assert 1.5 <= turns / hours <= 5


@pytest.mark.parametrize("name", sorted(n for n in SCENARIOS if "night" in n))
def test_a_night_repeats_to_the_byte(name):
    once, again = (scenario(name, seed=11, duration_s=3600) for _ in range(2))
    assert once.same_as(again)


def test_a_night_without_spasms_has_all_that_looks_like_them_as_often_as_promised(calm_nights):
    hours = sum(t.duration_s for t in calm_nights) / 3600
    truths = [t for trace in calm_nights for t in trace.truth]
    seen = Counter((t.kind, t.manner) for t in truths)
    promised = {
        (Kind.TREMOR, None): 0.5,
        (Kind.TURN, None): 3.0,
        (Kind.TURN, "shift"): 10.0,
        (Kind.TURN, "reposition"): 0.5,
        (Kind.VIBRATION, "knock"): 4.0,
        (Kind.VIBRATION, "bed partner"): 2.0,
        (Kind.VIBRATION, "buzz"): 0.3,
        (Kind.MOVEMENT, "scratching"): 2.0,
        (Kind.MOVEMENT, "fidgeting"): 1.0,
        (Kind.MOVEMENT, "walk"): 0.25,
    }

    assert not [t for t in truths if t.kind.is_spasm_family]
    assert seen.keys() - promised.keys() == {(Kind.PLM, None)}
    for what, per_hour in promised.items():
        mean = per_hour * hours
        spread = 3 * np.sqrt(mean) + 0.3 * mean  # chance, and what series and collisions leave out
        assert mean - spread <= seen[what] <= mean + spread, what
    assert 0.94 <= np.mean([still_share(t) for t in calm_nights]) <= 0.985


def test_every_night_without_spasms_has_one_to_three_periodic_series(calm_nights):
    for trace in calm_nights:
        onsets = np.array([t.onset_s for t in trace.truth if t.kind is Kind.PLM])
        gaps = np.diff(onsets)
        series = np.split(onsets, np.flatnonzero(gaps > PERIODIC_S[1]) + 1)
        assert 1 <= len(series) <= 3
        assert all(len(each) >= 4 for each in series)
        assert gaps.min() > PERIODIC_S[0]


@settings(max_examples=60)
@given(seed=seeds, hours=st.floats(0.17, 10))
def test_nothing_breaks_into_a_periodic_series_and_nothing_of_it_lies_outside(seed, hours):
    plans = night.without_spasms(np.random.default_rng(seed), hours * 3600, 50.0)
    series = series_of(plans)
    assert 1 <= len(series) <= 3
    for onsets in series:
        assert len(onsets) >= 4
        assert 10 - 1e-6 <= np.diff(onsets).min()
        assert np.diff(onsets).max() <= 90 + 1e-6
        assert onsets[0] >= 60
        assert onsets[-1] < hours * 3600 - 10
        inside = [p for p in plans if onsets[0] <= p.at_s <= onsets[-1]]
        assert len(inside) == len(onsets)


def test_a_hard_night_has_held_spasms_among_all_that_people_do_and_is_mostly_still():
    traces = [scenario("hard-night", seed=seed) for seed in range(3)]
    truths = [t for trace in traces for t in trace.truth]
    manners = {t.manner for t in truths}
    assert sum(m is not None and m.endswith(("flexor", "extensor")) for m in manners) >= 3
    assert {"stretch", "blanket", "rubbing", "mattress ring"} <= manners
    assert all(sum(t.kind.is_spasm_family for t in trace.truth) >= 3 for trace in traces)
    assert 0.94 <= np.mean([still_share(t) for t in traces]) <= 0.985
    for trace in traces:
        assert all(a.end_s < b.onset_s for a, b in pairwise(trace.truth))


def test_a_hard_night_without_spasms_has_none_and_the_same_movements():
    traces = [scenario("hard-night-without-spasms", seed=seed) for seed in range(3)]
    truths = [t for trace in traces for t in trace.truth]
    assert not [t for t in truths if t.kind.is_spasm_family]
    assert {"stretch", "blanket", "jiggling", "mattress ring"} <= {t.manner for t in truths}
    assert 0.94 <= np.mean([still_share(t) for t in traces]) <= 0.985


@pytest.mark.parametrize(("seed", "hours"), [(1, 1.0), (2, 1.0), (3, 4.0), (4, None), (5, None)])
def test_a_severe_night_has_sixty_spasms_at_least_one_after_another(seed, hours):
    began = time.process_time()
    trace = scenario("severe-night", seed=seed, duration_s=hours and hours * 3600)
    assert time.process_time() - began < 15
    pulls = [t for t in trace.truth if t.kind is Kind.SPASM and t.manner]
    assert len(pulls) >= hard_night.FEWEST_SEVERE
    gaps = np.array([b.onset_s - a.end_s for a, b in pairwise(pulls)])
    assert np.median(gaps) < 60, "one after another"
    assert gaps.min() > 0
    assert still_share(trace) > (0.55 if hours == 1 else 0.85)


@settings(max_examples=60)
@given(seed=seeds, hours=st.floats(1, 10))
def test_the_runs_of_a_severe_night_have_their_room(seed, hours):
    plans = hard_night.severe(np.random.default_rng(seed), hours * 3600, 50.0, "both")
    runs = [p for p in plans if isinstance(p.perform, partial) and "pull" in p.perform.keywords]
    assert hard_night.FEWEST_SEVERE <= len(runs) <= hard_night.MOST_SEVERE
    around_s = held.MOST_S + hard_night.RINGING_S
    ends = [p.at_s + p.perform.keywords["pull"].hold_s + around_s for p in runs]
    for plan, end_s in zip(runs, ends, strict=True):
        assert not [p for p in plans if plan.at_s < p.at_s < end_s]
    assert ends[-1] < hours * 3600
