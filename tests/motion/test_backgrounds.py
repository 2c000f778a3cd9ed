"""Movements in real recordings: as large as asked, where there is room, and reproducible."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.events import Kind
from firmware_sim.motion import inject_every, inject_many, scenario
from firmware_sim.motion.act import PEAK_G
from firmware_sim.motion.backgrounds import MOST_PEAK_G
from firmware_sim.motion.repertoire import REPERTOIRES

FS = 50.0


def restless(seed, seconds=240, size_g=0.05):
    """A stand-in for somebody who moves all the time."""
    rng = np.random.default_rng(seed)
    up = rng.standard_normal(3)
    return up / np.linalg.norm(up) + size_g * rng.standard_normal((round(seconds * FS), 3))


@pytest.mark.parametrize("repertoire", sorted(REPERTOIRES))
def test_every_repertoire_goes_into_a_recording_and_changes_nothing_before(repertoire):
    background = restless(1)
    made = inject_every(background, FS, repertoire, every_s=60, background_ratio=0.5, seed=4)
    assert made.truth
    assert len(made.truth) + made.left_out == 4
    first = round((made.truth[0].onset_s - 5) * FS)
    assert np.array_equal(made.samples[:first], background[:first])
    assert np.isfinite(made.samples).all()
    onsets = [t.onset_s for t in made.truth]
    assert onsets == sorted(onsets)


@settings(max_examples=5)
@given(seed=st.integers(0, 2**32 - 1), ratio=st.floats(0.2, 3))
def test_a_lively_recording_is_outdone_by_as_much_as_asked_and_the_truth_says_so(seed, ratio):
    background = restless(seed)
    made = inject_every(background, FS, "clonus", every_s=40, background_ratio=ratio, seed=seed)
    again = inject_every(background, FS, "clonus", every_s=40, background_ratio=ratio, seed=seed)
    assert made.samples.tobytes() == again.samples.tobytes()
    assert made.truth == again.truth
    assert made.truth
    for truth in made.truth:
        assert truth.kind is Kind.CLONUS
        assert truth.peak_g <= MOST_PEAK_G
        assert truth.background_ratio == pytest.approx(ratio, rel=0.02)


def test_in_a_still_recording_movements_keep_a_size_that_can_be_seen():
    still = scenario("quiet", seed=3, duration_s=240)
    made = inject_every(still.samples, FS, "clonus", every_s=30, background_ratio=0.3, seed=2)
    constant = np.tile([0.0, 0.6, 0.8], (6000, 1))
    frozen = inject_every(constant, FS, "twitch", every_s=30, background_ratio=0.3, seed=2)
    assert (made.left_out, frozen.left_out) == (0, 0)
    for truth in (*made.truth, *frozen.truth):
        assert PEAK_G[0] * 0.99 <= truth.peak_g <= PEAK_G[1] * 1.01
        assert truth.background_ratio < 0.3
    assert len({round(t.peak_g, 3) for t in made.truth}) > 4, "each its own"


def test_gaps_stay_gaps_and_nothing_is_put_into_them():
    background = restless(5, seconds=300)
    background[100 * 50 : 170 * 50] = np.nan
    made = inject_every(background, FS, "clonus", every_s=30, background_ratio=0.3, seed=1)
    assert np.array_equal(np.isnan(made.samples), np.isnan(background))
    assert made.left_out >= 2
    assert made.truth
    assert all(t.end_s < 100 or t.onset_s > 172 for t in made.truth)


def test_a_grid_has_every_cell_and_its_sizes_are_exact():
    background = restless(7, seconds=200)
    cells = list(
        inject_many(background, FS, background_ratios=(0.3, 1.0), seconds=(1.5, 5.0), seed=3)
    )
    assert [(c.seconds, c.background_ratio) for c in cells] == [
        (1.5, 0.3), (1.5, 1.0), (5.0, 0.3), (5.0, 1.0),
    ]  # fmt: skip
    for cell in cells:
        assert len(cell.injected.truth) >= 5
        for truth in cell.injected.truth:
            assert truth.background_ratio == pytest.approx(cell.background_ratio, rel=0.02)
            assert truth.duration_s == pytest.approx(cell.seconds, abs=0.8)
            assert PEAK_G[0] <= truth.peak_g <= MOST_PEAK_G
    small, large = (
        {round(t.onset_s): t.peak_g for t in cell.injected.truth} for cell in (cells[3], cells[2])
    )
    both = small.keys() & large.keys()
    assert len(both) >= 5, "the same bouts in the same places"
    assert all(large[at] > 2 * small[at] for at in both)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"repertoire": "night"}, "movements must be one of spasms"),
        ({"every_s": 5.0}, "every_s must be at least 20"),
        ({"every_s": float("nan")}, "every_s must be"),
        ({"background_ratio": 0.0}, "above 0"),
        ({"background_ratio": float("nan")}, "above 0"),
        ({"fs": 1.0}, "5 samples a second or more"),
        ({"site": "nose"}, "site must be"),
        ({"engine": "petrol"}, "engine must be"),
    ],
)
def test_what_cannot_be_put_in_is_refused_with_its_value(change, said):
    usual = {"fs": FS, "repertoire": "clonus", "every_s": 60.0, "background_ratio": 0.3}
    with pytest.raises(ValueError, match=said):
        inject_every(restless(1), **(usual | {"seed": 1} | change))
