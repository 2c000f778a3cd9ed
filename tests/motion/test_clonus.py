"""The two clonus engines obey the physiology, and what is rendered carries the rhythm it says."""

import ast
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.events import Kind
from firmware_sim.motion import clonus, clonus_pulse, clonus_reflex, scenario
from firmware_sim.motion.act import peak_of
from firmware_sim.motion.clonus_reflex import STEP_S, Ankle, draw_ankle, oscillate
from firmware_sim.motion.limb import strap_on

seeds = st.integers(0, 2**32 - 1)


def steady_hz(ankle: Ankle, seconds: float = 4.0) -> float:
    angle, _ = oscillate(ankle, np.ones(round(seconds / STEP_S)), kick=4.0)
    late = angle[len(angle) // 2 :] - angle[len(angle) // 2 :].mean()
    assert np.ptp(late) > np.radians(2), "the reflex does not sustain itself"
    crossings = np.flatnonzero((late[:-1] < 0) & (late[1:] >= 0))
    return float((len(crossings) - 1) / ((crossings[-1] - crossings[0]) * STEP_S))


def test_the_reflex_slows_as_the_load_grows_and_stays_between_3_and_7_hz():
    rhythms = [steady_hz(Ankle().loaded(load)) for load in (1, 1.5, 2, 3)]
    assert rhythms == sorted(rhythms, reverse=True)
    assert rhythms[0] - rhythms[-1] > 0.5
    assert 3 <= rhythms[-1] <= rhythms[0] <= 7


@settings(max_examples=15)
@given(seed=seeds)
def test_every_ankle_drawn_shakes_by_itself_between_3_and_7_hz(seed):
    assert 3 <= steady_hz(draw_ankle(np.random.default_rng(seed))) <= 7


def test_a_longer_nerve_slows_the_reflex_and_without_excitability_nothing_beats():
    assert steady_hz(Ankle(delay_s=0.05)) < steady_hz(Ankle(delay_s=0.035))
    angle, _ = oscillate(Ankle(), np.zeros(3000), kick=4.0)
    assert np.abs(angle[1500:]).max() < 0.02 * np.abs(angle).max()


def test_the_reflex_is_integrated_finely_enough(monkeypatch):
    coarse = steady_hz(Ankle())
    monkeypatch.setattr(clonus_reflex, "STEP_S", STEP_S / 2)
    angle, _ = oscillate(Ankle(), np.ones(round(8.0 / STEP_S)), kick=4.0)
    late = angle[4000:] - angle[4000:].mean()
    crossings = np.flatnonzero((late[:-1] < 0) & (late[1:] >= 0))
    fine = (len(crossings) - 1) / ((crossings[-1] - crossings[0]) * STEP_S / 2)
    assert abs(fine - coarse) < 0.05


@given(seed=seeds, hz=st.floats(*clonus_pulse.RHYTHM_HZ), beats=st.integers(3, 400))
def test_pulse_intervals_shorten_until_the_fifth_beat_then_drift_slower(seed, hz, beats):
    intervals = clonus_pulse.intervals_s(np.random.default_rng(seed), hz, beats)
    first = intervals[: clonus_pulse.SETTLED_BEAT]
    assert (np.diff(first) < 0).all()
    if beats >= clonus_pulse.SETTLED_BEAT:
        assert 1.2 <= first[0] / first[-1] <= 1.4
    if beats > 100:
        assert 1.03 < np.median(intervals[-20:]) / np.median(intervals[5:25]) < 1.2


@settings(max_examples=30)
@given(seed=seeds, hz=st.floats(*clonus_pulse.RHYTHM_HZ), beats=st.integers(3, 60))
def test_pulses_flex_for_45_percent_of_a_beat_and_return_to_rest(seed, hz, beats):
    angle, edges = clonus_pulse.swing(np.random.default_rng(seed), hz, beats)
    assert len(edges) == beats + 1
    assert angle[0] == 0
    assert abs(angle[-1]) < 0.02
    middle = slice(*(np.searchsorted(np.arange(len(angle)) / 500, edges[[1, 2]])))
    share = angle[middle].argmax() / (middle.stop - middle.start)
    assert 0.35 < share < 0.55


def test_a_clonus_has_at_least_three_beats():
    with pytest.raises(ValueError, match="at least 3"):
        clonus_pulse.swing(np.random.default_rng(0), 5.0, 2)


@settings(max_examples=25)
@given(seed=seeds, engine=st.sampled_from(["reflex", "pulse", "both"]))
def test_a_bout_says_truly_how_large_long_and_fast_it_is(seed, engine):
    rng = np.random.default_rng(seed)
    limb = strap_on(rng, "ankle")
    act = clonus.bout(rng, limb, engine=engine, longest_s=8, peak_g=0.3)
    assert act.kind is Kind.CLONUS
    assert act.beats >= 3
    assert 3 <= act.rhythm_hz <= 8
    assert peak_of(act.motion, limb) == pytest.approx(0.3, rel=0.02)
    assert act.beats / (act.end_s - act.onset_s) == pytest.approx(act.rhythm_hz, rel=0.25)
    assert act.end_s <= len(act.motion) / 500 + 0.01


@pytest.mark.parametrize("engine", ["reflex", "pulse"])
def test_the_rendered_rhythm_is_the_true_one_within_a_fifth_of_a_hertz(engine, dominant_hz):
    checked = 0
    for seed in range(8):
        trace = scenario("clonus", seed=seed, engine=engine)
        for truth in trace.truth:
            if truth.duration_s < 2 or truth.peak_g < 0.05:
                continue
            part = trace.samples[round(truth.onset_s * 50) : round(truth.end_s * 50)]
            assert abs(dominant_hz(part, trace.fs) - truth.rhythm_hz) < 0.2
            assert truth.engine == engine
            checked += 1
    assert checked > 20


def test_the_engines_share_no_code_but_the_grid():
    def names(module) -> set[str]:
        tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
        return {
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("firmware_sim")
            for alias in node.names
        }

    assert names(clonus_reflex) <= {"FINE_HZ", "Curve"}
    assert names(clonus_pulse) <= {"FINE_HZ", "Curve"}


def test_an_unknown_engine_is_refused():
    with pytest.raises(ValueError, match="engine must be"):
        scenario("clonus", seed=1, engine="petrol")
