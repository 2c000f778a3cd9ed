"""A limb that is held and trembles is tonic; one whose foot lands again and again is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.dsp.frames import FRAME, FRAME_S
from detector.dsp.rhythm import SUBFRAME_S
from detector.events import Kind
from detector.night.offline import detect
from detector.recognition.bouts.bout import OnsetFacts
from detector.recognition.bouts.strides import PERIODS, STRIDES, impacts
from detector.recognition.rules.kinds import IMPACTS, STRIDED_S
from detector.recognition.rules.verdict import judge
from firmware_sim.motion import scenario

from .made_bouts import FIRST, RULES, bout, frames, tilted

GENTLE = OnsetFacts(FIRST * FRAME, peak_g=0.02, rise_s=0.6, jerk_g_s=0.1)
MOST = sum(IMPACTS) / 2
PER_FRAME = round(FRAME_S / SUBFRAME_S)
SHORTEST = -(-STRIDES * PERIODS[1] // PER_FRAME)
"""Frames of the shortest bout in which impacts are looked for."""


def trembling(count: int, seed: int):
    """Make frames of a limb that trembles: its strength varies without a period."""
    table = frames(count)
    table["envelope_g2"] = np.random.default_rng(seed).gamma(4.0, 0.0025, (count, PER_FRAME))
    return table


@given(
    period_s=st.floats(0.85, 2.4),
    jitter=st.floats(0.0, 0.05),
    seconds=st.floats(16.0, 60.0),
    seed=st.integers(0, 1000),
)
def test_impacts_that_recur_at_a_stride_are_seen(period_s, jitter, seconds, seed):
    """At any usual period and a variation of 5 %: that of healthy walks is 2 to 3 %."""
    rng = np.random.default_rng(seed)
    table = trembling(round(seconds / FRAME_S), seed)
    strides_s = period_s * rng.normal(1.0, jitter, int(seconds / period_s) + 4)
    lands = (np.cumsum(strides_s) / SUBFRAME_S).astype(int)
    level = table["envelope_g2"].flatten()
    for behind, times in enumerate((40.0, 25.0, 12.0, 5.0)):  # it rings for a third of a second
        level[lands[lands + behind < len(level)] + behind] *= times
    table["envelope_g2"] = level.reshape(-1, PER_FRAME)

    assert impacts(bout(table)) > MOST


def test_a_tremble_without_a_period_has_none():
    """Of two hundred holds of 13 to 60 s, none."""
    for seed in range(200):
        count = SHORTEST + seed % 200
        assert impacts(bout(trembling(count, seed))) < MOST


def test_too_few_strides_are_none():
    table = trembling(SHORTEST - 1, 1)
    table["envelope_g2"][::4] *= 50

    assert impacts(bout(table)) == 0.0


def held(count: int):
    """Make frames of a limb that is held at 8 degrees and trembles fast."""
    table = frames(count, pace_hz=9.0)
    table["mean_g"] = tilted(8.0)
    return table


@pytest.mark.parametrize(
    ("strided_s", "kind"), [(0.0, Kind.TONIC), (STRIDED_S[1], Kind.TONIC), (4.0, Kind.MOVEMENT)]
)
def test_a_hold_in_which_strides_recur_is_no_tonic_one(strided_s, kind):
    table = held(60)
    table["stride"][: round(strided_s / FRAME_S)] = RULES.beat.stride[0] + 0.1

    assert judge(bout(table, onset=GENTLE), RULES).kind is kind


def test_a_hold_in_which_impacts_recur_is_no_tonic_one():
    table = held(80)
    assert judge(bout(table, onset=GENTLE), RULES).kind is Kind.TONIC

    table["envelope_g2"][::7, 0] *= 50  # 1.7 s
    assert judge(bout(table, onset=GENTLE), RULES).kind is Kind.MOVEMENT


@pytest.mark.parametrize("seed", [501, 502, 503])
def test_a_stiff_slow_walk_is_no_tonic_spasm_by_the_rules(seed):
    walk = scenario("hemiparetic", seed=seed, duration_s=240.0)

    assert Kind.TONIC not in {e.kind for e in detect(walk.samples, walk.fs, model="rules-v1")}
