"""Another limb moves otherwise, lies as the first one did, and does the same things."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from variation import DAMPING, RESONANCE_HZ, SIZE, TEMPO, Moved, varied

from detector.evaluation.matching import Truth
from detector.events import Kind

FS = 50.0
CLONUS = Truth(onset_s=10.0, end_s=16.0, kind=Kind.CLONUS, rhythm_hz=5.0)
T = np.arange(round(60 * FS)) / FS
seeds = st.integers(0, 10_000)


def limb(swing: np.ndarray, truths: tuple[Truth, ...] = (CLONUS,)) -> Moved:
    samples = np.array([0.6, 0.0, 0.8]) + np.outer(swing, (0.5, 0.3, 0.1))
    return Moved(samples, FS, truths)


@given(seeds)
def test_a_limb_at_rest_lies_as_it_did(seed: int) -> None:
    still = limb(np.zeros(len(T)))

    assert np.allclose(varied(still, seed).samples, still.samples, atol=1e-6)


@given(seeds)
def test_what_happens_is_the_same_at_another_tempo(seed: int) -> None:
    made = varied(limb(np.zeros(len(T))), seed)
    tempo, (truth,) = made.fs / FS, made.truths

    assert TEMPO[0] <= tempo <= TEMPO[1]
    assert truth.kind is CLONUS.kind
    assert truth.onset_s * tempo == pytest.approx(CLONUS.onset_s)
    assert truth.end_s * tempo == pytest.approx(CLONUS.end_s)
    assert truth.rhythm_hz == pytest.approx(5.0 * tempo)


@settings(deadline=None)
@given(seeds, st.floats(3.0, 7.0))
def test_a_slow_beat_is_felt_by_as_much_as_the_limb_is_larger(seed: int, rate_hz: float) -> None:
    """Far below its resonance a coupling passes everything; damping and resonance add to it."""
    beat = 0.1 * np.sin(2 * np.pi * rate_hz * T)
    within = slice(500, -500)
    before, after = (
        each.samples[within].std(axis=0) for each in (limb(beat), varied(limb(beat), seed))
    )
    ratio = (rate_hz / RESONANCE_HZ[0]) ** 2
    gain = np.sqrt((1 + 4 * ratio) / ((1 - ratio) ** 2 + 4 * DAMPING[0] ** 2 * ratio))

    assert np.allclose(after / before, (after / before)[0])
    assert 0.9 * SIZE[0] <= (after / before)[0] <= 1.1 * gain * SIZE[1]


def test_seeds_draw_different_limbs_and_a_seed_the_same() -> None:
    beat = limb(0.1 * np.sin(2 * np.pi * 5 * T))
    one, again, other = (varied(beat, seed) for seed in (1, 1, 2))

    assert np.array_equal(one.samples, again.samples)
    assert one.fs != other.fs


def test_without_truths_there_are_none() -> None:
    assert varied(limb(np.zeros(len(T)), truths=()), 3).truths == ()
