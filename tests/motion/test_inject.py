"""An injected movement has the asked-for size and nothing else of the recording changes."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from detector.events import Kind
from firmware_sim.motion import bed, clonus, spasm
from firmware_sim.motion.inject import inject
from firmware_sim.motion.limb import strap_on

FS = 64.0
TRACES = Path(os.environ.get("SPASMWATCH_TRACES", "../shared/traces"))


def spread(samples):
    return np.sqrt(((samples - samples.mean(axis=0)) ** 2).sum(axis=1).mean())


def restless(seed, seconds=60):
    rng = np.random.default_rng(seed)
    up = rng.standard_normal(3)
    return up / np.linalg.norm(up) + 0.03 * rng.standard_normal((round(seconds * FS), 3))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), ratio=st.floats(0.2, 10), spasmodic=st.booleans())
def test_the_ratio_is_as_asked_and_the_past_untouched(seed, ratio, spasmodic):
    background = restless(seed)
    rng = np.random.default_rng(seed)
    limb = strap_on(rng, "calf")
    act = (
        spasm.spasm(rng, limb, longest_hold_s=3)
        if spasmodic
        else clonus.bout(rng, limb, longest_s=8)
    )
    mixed, truth = inject(background, FS, act, limb, at_s=20.0, ratio=ratio)
    span = slice(int(truth.onset_s * FS), int(truth.end_s * FS) + 1)
    assert spread((mixed - background)[span]) / spread(background[span]) == pytest.approx(
        ratio, rel=0.05
    )
    assert np.array_equal(mixed[: round(20 * FS)], background[: round(20 * FS)])
    assert truth.onset_s >= 20
    assert truth.kind in {Kind.SPASM, Kind.CLONUS}


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_after_a_turn_the_rest_of_the_night_is_turned_with_it(seed):
    rng = np.random.default_rng(seed)
    background = restless(seed)
    up = background.mean(axis=0)
    quiet = up + 0.1 * (background - up)
    limb = strap_on(rng, "ankle")
    try:
        mixed, truth = inject(quiet, FS, bed.turn(rng, limb), limb, at_s=10.0, ratio=10)
    except ValueError as refused:  # a turn grows only until it has gone all the way round
        if "no size" not in str(refused):
            raise
        reject()
    stop = round((truth.end_s + 1) * FS)
    before, after = mixed[stop - 40 : stop - 5].mean(axis=0), mixed[stop + 40 :].mean(axis=0)
    assert np.linalg.norm(after) == pytest.approx(np.linalg.norm(up), abs=0.003)
    assert np.linalg.norm(after - before) < 0.02, "no step where it ends"
    assert np.linalg.norm(after - up) > 0.05, "a turn changes the posture"
    assert spread(mixed[stop + 40 :]) == pytest.approx(spread(quiet[stop + 40 :]), rel=1e-9)


def test_what_cannot_be_injected_is_refused():
    rng = np.random.default_rng(2)
    limb = strap_on(rng, "calf")
    act = clonus.bout(rng, limb, seconds=5)
    background = restless(1, seconds=20)
    with pytest.raises(ValueError, match=r"recording ends at 20\.0"):
        inject(background, FS, act, limb, at_s=17.0, ratio=1)
    with pytest.raises(ValueError, match="begin later"):
        inject(background, FS, act, limb, at_s=0.0, ratio=1)
    with pytest.raises(ValueError, match="constant"):
        inject(np.tile([0.0, 0.0, 1.0], (2000, 1)), FS, act, limb, at_s=5.0, ratio=1)


def test_a_clonus_can_be_put_into_real_walking(dominant_hz):
    found = sorted((TRACES / "daphnet").glob("*_ankle.npz"))
    if not found:
        pytest.skip(f"no real recordings in {TRACES / 'daphnet'}; set SPASMWATCH_TRACES")
    with np.load(found[0], allow_pickle=False) as file:
        walking, fs = file["acc"].astype(np.float64), float(file["fs"])
    rng = np.random.default_rng(8)
    limb = strap_on(rng, "ankle")
    act = clonus.bout(rng, limb, seconds=6)
    at_s = len(walking) / fs / 2
    mixed, truth = inject(walking, fs, act, limb, at_s=at_s, ratio=3.0)
    span = slice(int(truth.onset_s * fs), int(truth.end_s * fs) + 1)
    assert spread((mixed - walking)[span]) / spread(walking[span]) == pytest.approx(3, rel=0.05)
    assert abs(dominant_hz(mixed[span], fs) - truth.rhythm_hz) < 0.2
