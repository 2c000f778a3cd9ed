"""A bout's numbers: what they mean, and what they do not depend on."""

from __future__ import annotations

from dataclasses import fields, replace
from math import isfinite

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.dsp.frames import FRAME, FRAME_S
from detector.recognition.bouts.bout import Bout, Moment, OnsetFacts
from detector.recognition.bouts.facts import PULL_FRAMES, Facts, facts_of, strength

from .made_bouts import DOWN, FIRST, RULES, bout, frames, tilted

ABRUPT = OnsetFacts(FIRST * FRAME + 5, peak_g=0.3, rise_s=0.08, jerk_g_s=6.0)


def facts(of: Bout) -> Facts:
    return facts_of(of, stride=RULES.beat.stride[0], tremble_hz=RULES.tonic.tremble_hz)


@st.composite
def any_bouts(draw: st.DrawFn) -> Bout:
    """Anything that the tracker may hand on: first and last frame active, some still between."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    count = draw(st.integers(1, 60))
    table = frames(count)
    table["active"] = rng.random(count) < 0.8
    table["active"][[0, -1]] = True
    table["mean_g"] = np.stack([tilted(rng.uniform(0, 40)) for _ in range(count)])
    table["rms_g"] = rng.gamma(1.0, 0.1, count) + 0.006
    table["rms_g"][~table["active"]] = 0.004  # below any gate
    table["peak_g"] = table["rms_g"] * rng.uniform(1, 3, count)
    table["pace_hz"], table["stride"] = rng.uniform(1, 12, count), rng.uniform(-1, 1, count)
    over = draw(st.booleans())
    return bout(
        table,
        moment=Moment.OVER if over else Moment.UPDATE,
        onset=ABRUPT,
        before_g=tilted(rng.uniform(0, 40)),
        after_g=tilted(rng.uniform(0, 40)) if over and rng.random() < 0.8 else None,
    )


@settings(max_examples=60)
@given(any_bouts())
def test_every_number_is_finite_and_within_its_bounds(made: Bout) -> None:
    found = facts(made)
    numbers = [getattr(found, field.name) for field in fields(Facts)]

    assert all(isfinite(number) for number in numbers if number is not None)
    assert 0 < found.early_share <= 1
    assert 0 <= found.striding <= 1
    assert 0 <= found.trembling <= 1
    assert 0 <= found.impacts <= 1
    assert 0 <= found.strided_s <= made.duration_s + FRAME_S
    for degrees in (found.turned_deg, found.held_deg, found.drift_deg):
        assert 0 <= degrees <= 180
    assert found.over == (made.moment is Moment.OVER)


@settings(max_examples=60)
@given(any_bouts(), st.integers(0, 1000))
def test_no_rotation_of_the_sensor_changes_a_number(made: Bout, seed: int) -> None:
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    table = made.frames.copy()
    table["mean_g"] = table["mean_g"] @ turn
    after_g = None if made.after_g is None else made.after_g @ turn
    turned = replace(made, frames=table, before_g=made.before_g @ turn, after_g=after_g)

    for field in fields(Facts):
        left, right = getattr(facts(made), field.name), getattr(facts(turned), field.name)
        assert left == pytest.approx(right, abs=2e-3)  # posture is kept in single precision


@settings(max_examples=60)
@given(any_bouts())
def test_a_limb_that_came_to_lie_elsewhere_turned_at_least_so_far(made: Bout) -> None:
    """The reason divides by it: what was kept of a turn is never more than the turn."""
    found = facts(made)

    assert found.settled_deg is None or found.settled_deg <= found.turned_deg + 1e-9


@settings(max_examples=60)
@given(any_bouts(), st.integers(-30, 90), st.integers(1, 90))
def test_strength_is_that_of_some_of_its_frames(made: Bout, begin: int, length: int) -> None:
    onset = (FIRST * FRAME) + begin
    peak_g, rms_g = strength(made, onset, onset + length)

    assert made.frames["rms_g"].min() - 1e-6 <= rms_g <= made.frames["rms_g"].max() + 1e-6
    assert peak_g in made.frames["peak_g"]


def test_length_counts_from_the_onset_to_the_last_active_frame() -> None:
    found = facts(bout(frames(10), onset=ABRUPT))

    assert found.duration_s == pytest.approx(10 * FRAME_S - 5 / 50)
    assert found.slope_s == pytest.approx(0.3 / 6.0)


def test_a_turn_and_where_it_ends_are_angles_from_the_posture_left_behind() -> None:
    table = frames(8)
    table["mean_g"][3:6] = tilted(20.0)
    back, stayed = bout(table, after_g=DOWN), bout(table, after_g=tilted(12.0))

    assert facts(back).turned_deg == pytest.approx(20.0, abs=1e-3)
    assert facts(back).settled_deg == pytest.approx(0.0, abs=1e-3)
    assert facts(stayed).settled_deg == pytest.approx(12.0, abs=1e-3)
    assert facts(bout(table)).settled_deg is None


def test_a_posture_of_one_frame_is_no_turn() -> None:
    """A beat tilts gravity to and fro; half a second averages it out."""
    table = frames(8)
    table["mean_g"][3] = tilted(20.0)

    assert facts(bout(table)).turned_deg == pytest.approx(10.0, abs=0.1)


@pytest.mark.parametrize(("strongest", "share"), [(0, 1.0), (2, 1.0), (3, 0.25), (9, 0.25)])
def test_a_spasm_is_strongest_in_its_first_three_frames(strongest: int, share: float) -> None:
    table = frames(10)
    table["rms_g"][strongest] = 0.4

    assert facts(bout(table)).early_share == pytest.approx(share)


def test_a_hold_is_looked_at_behind_the_pull() -> None:
    """The pull of two seconds neither trembles nor drifts; a hold shorter than it is none."""
    assert PULL_FRAMES * FRAME_S == pytest.approx(2.16)
    table = frames(3 * PULL_FRAMES, pace_hz=9.0)
    table["mean_g"][:PULL_FRAMES] = tilted(40.0)
    table["pace_hz"][:PULL_FRAMES] = 1.0
    table["mean_g"][PULL_FRAMES:] = tilted(8.0)
    held = facts(bout(table))
    short = facts(bout(table[: 2 * PULL_FRAMES - 1]))

    assert (held.trembling, held.held_deg) == (1.0, pytest.approx(8.0, abs=1e-3))
    assert held.drift_deg == pytest.approx(0.0, abs=1e-3)
    assert (short.trembling, short.held_deg, short.drift_deg) == (0.0, 0.0, 0.0)


def test_a_hold_that_goes_on_turning_drifts() -> None:
    table = frames(3 * PULL_FRAMES)
    table["mean_g"] = np.stack([tilted(float(degrees)) for degrees in range(3 * PULL_FRAMES)])

    assert facts(bout(table)).drift_deg == pytest.approx(PULL_FRAMES, abs=0.1)


def test_a_still_frame_neither_strides_nor_trembles() -> None:
    table = frames(4 * PULL_FRAMES, pace_hz=9.0, stride=0.9)
    table["active"][PULL_FRAMES : 3 * PULL_FRAMES] = False
    found = facts(bout(table))

    assert found.striding == 1.0  # of the frames that moved
    assert found.trembling == pytest.approx(1 / 3)  # of all behind the pull
