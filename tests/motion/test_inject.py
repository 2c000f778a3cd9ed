"""An injected movement has the asked-for size and nothing else of the recording changes."""

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from detector.events import Kind
from firmware_sim.motion import bed, clonus, spasm
from firmware_sim.motion.inject import fit, inject, mix
from firmware_sim.motion.kinematics import FINE_HZ
from firmware_sim.motion.limb import RING_DOWN_S, strap_on

from ..kit.traces import TRACES

FS = 64.0


def spread(samples):
    return np.sqrt(((samples - samples.mean(axis=0)) ** 2).sum(axis=1).mean())


def restless(seed, seconds=60):
    rng = np.random.default_rng(seed)
    up = rng.standard_normal(3)
    return up / np.linalg.norm(up) + 0.03 * rng.standard_normal((round(seconds * FS), 3))


@settings(max_examples=40)
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
    # The samples that the movement touches, as the injection counts them.
    span = slice(int(np.floor(truth.onset_s * FS)), int(np.ceil(truth.end_s * FS)) + 1)
    assert spread((mixed - background)[span]) / spread(background[span]) == pytest.approx(
        ratio, rel=0.05
    )
    assert np.array_equal(mixed[: round(20 * FS)], background[: round(20 * FS)])
    assert truth.onset_s >= 20
    assert truth.kind in {Kind.SPASM, Kind.CLONUS}


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1))
def test_after_a_turn_the_rest_of_the_night_is_turned_with_it(seed):
    rng = np.random.default_rng(seed)
    background = restless(seed)
    up = background.mean(axis=0)
    quiet = up + 0.1 * (background - up)
    limb = strap_on(rng, "ankle")
    turn = bed.turn(rng, limb)
    try:
        mixed, truth = inject(quiet, FS, turn, limb, at_s=10.0, ratio=10)
    except ValueError as refused:  # a turn grows only until it has gone all the way round
        if "no size" not in str(refused):
            raise
        reject()
    stop = round((10.0 + len(turn.motion) / FINE_HZ + RING_DOWN_S) * FS)
    assert truth.end_s * FS < stop
    before, after = mixed[stop - 40 : stop - 5].mean(axis=0), mixed[stop + 40 :].mean(axis=0)
    assert np.linalg.norm(after) == pytest.approx(np.linalg.norm(up), abs=0.003)
    assert np.linalg.norm(after - before) < 0.02, "no step where it ends"
    assert np.linalg.norm(after - up) > 0.05, "a turn changes the posture"
    assert spread(mixed[stop + 40 :]) == pytest.approx(spread(quiet[stop + 40 :]), rel=1e-9)


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1))
def test_movements_that_return_may_be_put_in_at_once_or_one_by_one(seed):
    rng = np.random.default_rng(seed)
    limb = strap_on(rng, "ankle")
    background = restless(seed, seconds=30)
    acts = [(8.0, spasm.twitch(rng, limb)), (16.0, spasm.twitch(rng, limb))]
    fitted = [fit(background, FS, act, limb, at_s=at_s, ratio=3) for at_s, act in acts]
    one_by_one = background
    for at_s, act in acts:
        one_by_one, _ = inject(one_by_one, FS, act, limb, at_s=at_s, ratio=3)
    assert np.allclose(mix(background, fitted), one_by_one, atol=1e-9)


def test_two_turns_turn_the_rest_twice_and_keep_what_goes_on_in_it():
    rng = np.random.default_rng(3)
    limb = strap_on(rng, "ankle")
    background = restless(3, seconds=120)
    fitted = [
        fit(background, FS, bed.turn(rng, limb), limb, at_s=at_s, ratio=1e-9, least_peak_g=0.05)
        for at_s in (20.0, 60.0)
    ]
    mixed = mix(background, fitted)
    last = fitted[-1].stop
    both = fitted[0].turn @ fitted[1].turn
    assert np.allclose(both @ both.T, np.eye(3), atol=1e-12)
    assert np.allclose(mixed[last:], background[last:] @ both.T, atol=1e-12)
    ends = [mixed[each.stop - 6 : each.stop].mean(axis=0) for each in fitted]
    begins = [mixed[each.stop : each.stop + 6].mean(axis=0) for each in fitted]
    assert np.allclose(ends, begins, atol=0.15), "no step where a turn is over"
    with pytest.raises(ValueError, match="without overlap"):
        mix(background, [fitted[0], fitted[0]])


def test_what_cannot_be_injected_is_refused():
    rng = np.random.default_rng(2)
    limb = strap_on(rng, "calf")
    act = clonus.bout(rng, limb, seconds=5)
    background = restless(1, seconds=20)
    with pytest.raises(ValueError, match=r"recording ends at 20\.0"):
        inject(background, FS, act, limb, at_s=17.0, ratio=1)
    with pytest.raises(ValueError, match="begin later"):
        inject(background, FS, act, limb, at_s=0.0, ratio=1)
    holed = background.copy()
    holed[600] = np.nan
    with pytest.raises(ValueError, match="has a gap"):
        inject(holed, FS, act, limb, at_s=8.0, ratio=1)
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
