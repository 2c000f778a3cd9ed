"""Laws of signal quality: what is the matter with a sensor, and what must never be called so."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from detector.block import Block, Samples
from detector.dsp import quality
from detector.dsp.quality import Cause, Quality, QualityCondition

from ..kit.traces import TRACES
from .stillness import FS, STEP_G, UP, lying

seeds = st.integers(0, 2**32 - 1)


def moving(minutes: float, *, seed: int = 0, fs: float = FS) -> Samples:
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(0, 0.01, (round(minutes * 60 * fs), 3)), axis=0)
    return np.round((UP + 0.3 * np.sin(walk)) / STEP_G) * STEP_G


def held(seconds: float, value: Samples = UP, fs: float = FS) -> Samples:
    return np.tile(value, (round(seconds * fs), 1))


def tell(samples: Samples, fs: float = FS, range_g: float | None = None) -> list[QualityCondition]:
    return Quality(fs, range_g).process(Block(samples, 0, fs))


def text(state: dict[str, Any]) -> str:
    return json.dumps(state, allow_nan=False)


def words(told: list[QualityCondition]) -> list[tuple[str, float, float | None]]:
    return [(str(each.cause), each.onset_s, each.end_s) for each in told]


@pytest.fixture(scope="module")
def eventful() -> list[Block]:
    """Everything that can be the matter, one after the other, with a gap of 7 samples inside."""
    clipping = np.clip(3 * np.sin(np.arange(40 * FS) / 3)[:, None] * UP + 0.01, -2, 2)
    first = np.concatenate((
        moving(2), lying(45), moving(1.5, seed=1), clipping, moving(1.3, seed=2), held(70),
        moving(0.4, seed=3), held(62.35, UP * 0.5),
    ))  # fmt: skip
    second = np.concatenate((held(80, UP * 0.5), lying(42, seed=4), moving(2, seed=5)))
    return [Block(first, 0, FS), Block(second, len(first) + 7, FS)]


def cut(blocks: list[Block], places: list[int]) -> list[Block]:
    pieces = []
    for block in blocks:
        edges = sorted(
            {0, len(block), *(p - block.start for p in places)} & {*range(len(block) + 1)}
        )
        pieces += [Block(block.samples[a:b], block.start + a, FS) for a, b in pairwise(edges)]
    return pieces


def test_each_cause_is_told_once_and_told_to_be_over(eventful):
    one = Quality(FS)
    told = [each for block in eventful for each in one.process(block)]
    began = [str(each.cause) for each in told if each.end_s is None]
    ended = [str(each.cause) for each in told if each.end_s is not None]

    assert began == ["non-wear", "clipped", "stuck", "stuck", "stuck", "non-wear"]
    assert Counter(ended) == Counter(began)
    assert one.active == ()
    assert all(each.reason and each.numbers for each in told)


@settings(max_examples=25)
@given(st.data())
def test_cutting_a_stream_into_blocks_changes_nothing(eventful, data):
    last = eventful[-1].stop
    places = data.draw(st.lists(st.integers(0, last), max_size=60))
    begin = data.draw(st.integers(0, last - 300))
    places += range(begin, begin + 300)  # single samples
    whole, parts = Quality(FS), Quality(FS)

    assert [c for b in eventful for c in whole.process(b)] == [
        c for b in cut(eventful, places) for c in parts.process(b)
    ]


@settings(max_examples=15)
@given(places=st.lists(st.integers(1, 130_000), min_size=1, max_size=6))
def test_a_restart_from_a_saved_state_at_any_sample_changes_nothing(eventful, places):
    whole, one = Quality(FS), Quality(FS)
    expected = [c for b in eventful for c in whole.process(b)]
    told = []
    for block in cut(eventful, places):
        told += one.process(block)
        state = json.loads(text(one.save()))
        one = Quality(FS)
        one.load(state)

    assert told == expected
    assert len(text(state)) < 8_000, "a live wearer has 20 kB for everything"


def test_a_saved_state_does_not_change_with_what_follows(eventful):
    one = Quality(FS)
    one.process(eventful[0])
    saved = one.save()
    before = text(saved)
    one.process(eventful[1])

    assert text(saved) == before


@settings(max_examples=12)
@given(
    seed=seeds,
    fs=st.sampled_from([25.0, 52.0, 104.0]),
    noise_g=st.floats(0.6e-3, 2e-3),
    breath_g=st.floats(0.5e-3, 2e-3),
    breath_hz=st.floats(0.15, 0.35),
    step_g=st.sampled_from([2**-12, 2**-10, 2**-8, 2**-6]),
)
def test_nothing_is_the_matter_with_a_sleeper_who_lies_still_for_an_hour(seed, fs, **body):
    """Simulated; on sedatives the body does nothing but breathe, and a leg feels little of it."""
    assert tell(lying(60, seed=seed, fs=fs, **body), fs) == []


@settings(max_examples=12)
@given(
    seed=seeds,
    fs=st.sampled_from([25.0, 52.0]),
    noise_g=st.floats(0.6e-3, 2e-3),
    step_g=st.sampled_from([2**-12, 2**-10]),
)
def test_white_noise_on_gravity_is_neither_stuck_nor_clipped_nor_early_unworn(seed, fs, **sensor):
    assert tell(lying(37, seed=seed, fs=fs, **sensor), fs) == []


@settings(max_examples=10)
@given(seed=seeds, noise_g=st.floats(0.6e-3, 1.1e-3))
def test_a_sensor_on_a_table_is_not_worn_until_it_is_taken_up(seed, noise_g):
    table = lying(60, seed=seed, noise_g=noise_g, fs=50)
    taken = [moving(2, seed=seed, fs=50), table, moving(2, seed=seed + 1, fs=50)]
    told = tell(np.concatenate(taken), 50)

    assert [each.cause for each in told] == [Cause.NON_WEAR] * 2
    assert 60 <= told[0].onset_s <= 180
    assert told[1].end_s is not None
    assert 62 * 60 <= told[1].end_s <= 63 * 60
    assert "no breathing" in told[0].reason
    assert 39 <= told[0].numbers["still_min"] <= 40


def test_a_body_that_is_felt_and_then_no_more_was_not_taken_off_unless_moved():
    felt, unfelt = lying(41, breath_g=2e-3), lying(60, seed=1)

    assert tell(np.concatenate((felt, unfelt))) == []
    told = tell(np.concatenate((felt, moving(1), unfelt)))
    assert [each.cause for each in told] == [Cause.NON_WEAR]


def test_a_sensor_too_coarse_for_breathing_asks_after_two_hours_without_movement():
    coarse = {"step_g": 2**-6, "noise_g": 0.6e-3}

    assert tell(lying(118, **coarse)) == []
    [told] = tell(lying(125, **coarse))
    assert "cannot feel breathing" in told.reason


def test_short_gaps_do_not_hide_that_a_sensor_is_not_worn():
    one, told, first = Quality(FS), [], 0
    for seed in range(60):
        samples = lying(1, seed=seed)
        told += one.process(Block(samples, first, FS))
        first += len(samples) + 40  # two seconds are lost each minute

    assert [each.cause for each in told] == [Cause.NON_WEAR]


def test_a_long_gap_makes_it_count_anew():
    one = Quality(FS)
    before, after = lying(30), lying(35, seed=1)
    told = one.process(Block(before, 0, FS))
    told += one.process(Block(after, len(before) + round(700 * FS), FS))

    assert told == []


def test_a_fine_sensor_that_holds_one_value_for_a_minute_is_stuck():
    told = tell(np.concatenate((lying(1), held(59.5), lying(1, seed=1))))
    assert told == []
    told = tell(np.concatenate((lying(1), held(75.5), lying(1, seed=1))))
    assert words(told) == [("stuck", 60.0, None), ("stuck", 60.0, 135.0)]


def test_a_gap_ends_a_hold_and_nothing_is_counted_across_it():
    def across(first_s: float, second_s: float) -> list[QualityCondition]:
        one = Quality(FS)
        before = np.concatenate((lying(1), held(first_s)))
        told = one.process(Block(before, 0, FS))
        return told + one.process(Block(held(second_s), len(before) + 1, FS))

    assert across(50, 50) == []
    assert words(across(70, 50)) == [("stuck", 60.0, None), ("stuck", 60.0, 130.0)]


@pytest.mark.parametrize("value", [0.0, 2.0, -8.0])
def test_a_constant_that_is_not_gravity_is_stuck_from_the_first_sample(value):
    [told] = [
        each for each in tell(held(61, np.array([value, 0, 0])), range_g=16) if not each.end_s
    ]

    assert (told.cause, told.onset_s) == (Cause.STUCK, 0.0)
    assert f"{abs(value):.1f} g at rest" in told.reason


def test_what_is_open_is_saved_under_the_name_that_saved_nights_have():
    one = Quality(FS)
    one.process(Block(np.concatenate((lying(1), held(70))), 0, FS))
    [saved] = json.loads(json.dumps(one.save()))["open"]

    assert (saved["is"], saved["cause"]) == ("Condition", "stuck")
    assert Quality.of(one.save()).active == one.active != ()


def test_a_coarse_sensor_that_rests_is_not_stuck():
    handled = np.round(moving(1) * 64) / 64
    resting = held(3600, np.round(UP * 64) / 64)

    assert tell(np.concatenate((handled, resting))) == []


def test_a_sensor_that_sleeps_by_design_is_not_stuck_once_it_has_woken_three_times():
    nap = [held(15), moving(0.5)]

    assert [c.cause for c in tell(np.concatenate((moving(1), *nap, *nap, held(80))))] == ["stuck"]
    assert tell(np.concatenate((moving(1), *nap, *nap, *nap, held(80)))) == []


def waves(peak_g: float, seconds: float, *, range_g: float) -> Samples:
    """Beats at 5 Hz on one axis, as a sensor of this range shows them at 50 Hz."""
    beats = peak_g * np.sin(2 * np.pi * 5 * np.arange(round(seconds * 50)) / 50 + 0.3)
    return np.clip(np.column_stack((beats, 0 * beats, 0 * beats)) + UP, -range_g, range_g)


def test_a_clonus_that_is_cut_at_every_beat_is_clipped_whether_the_range_is_known_or_not():
    rest = lying(1.5, fs=50)
    samples = np.concatenate((rest, waves(6, 5, range_g=2), rest))
    for range_g in (2.0, None):
        told = tell(samples, 50, range_g)
        assert words(told) == [("clipped", 90.0, None), ("clipped", 90.0, 95.0)]
        assert "range of 2.0 g" in told[0].reason
        assert told[0].numbers["share"] >= quality.CLIP_SHARE
    assert tell(np.concatenate((rest, waves(6, 5, range_g=8), rest)), 50) == []


def test_one_cut_jerk_is_no_trouble():
    rest = lying(1.5, fs=50)

    assert tell(np.concatenate((rest, waves(6, 0.4, range_g=2), rest)), 50, 2.0) == []


@settings(max_examples=60)
@given(st.lists(st.sampled_from([0.0, 1.0, 1.9, 2.0, 2.0, -2.0]), min_size=10, max_size=400))
def test_cut_samples_are_counted_like_a_slow_twin_counts_them(values):
    samples = np.column_stack((values, np.zeros((len(values), 2))))
    told = [c for c in tell(samples, 10, 2.0) if c.cause is Cause.CLIPPED and c.end_s is None]
    cut_in = [0] * (len(values) // 10 + 1)
    for i, value in enumerate(values):
        run = 1
        while i - run >= 0 and values[i - run] == value:
            run += 1
        if abs(value) >= 2 * quality.RAIL_SHARE and run >= 3:
            cut_in[i // 10] += 3 if run == 3 else 1
    shares = [sum(cut_in[max(0, k - 9) : k + 1]) / 100 for k in range(len(values) // 10)]
    reached = [k for k, share in enumerate(shares) if share >= quality.CLIP_SHARE]
    expected = [next(k for k in range(max(0, k - 9), 99) if cut_in[k]) for k in reached[:1]]

    assert [round(each.onset_s) for each in told][:1] == expected


@settings(max_examples=40)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 90)), max_size=8), seeds)
def test_holds_are_found_like_a_slow_twin_finds_them(spells, seed):
    noise = lying(0.5, seed=seed, fs=10.0)[:10]
    assume((noise[5] != noise[0]).any())  # else it has shown no step by which to judge it
    seconds = [True]
    for is_held, length in spells:
        seconds += [is_held] * length
    seconds[0] = False
    samples = np.concatenate([held(1, fs=10.0) if s else noise for s in seconds])
    began, run, naps = [], 0, 0
    for index, is_held in enumerate([*seconds, False]):
        if is_held:
            run += 1
            began += [index - 59] if run == 60 and naps < quality.NAPS else []
        else:
            naps += 10 <= run and (run < 60 or naps >= quality.NAPS)
            run = 0
    told = [c for c in tell(samples, 10.0) if c.cause is Cause.STUCK and c.end_s is None]

    assert [round(each.onset_s) for each in told] == began


@settings(max_examples=10)
@given(
    gain=st.floats(0.97, 1.03),
    offset_g=st.tuples(*[st.floats(-0.05, 0.05)] * 3),
    turn=st.permutations(range(3)),
)
def test_calibration_and_mounting_change_no_verdict(eventful, gain, offset_g, turn):
    def causes(blocks: list[Block]) -> list[tuple[str, bool]]:
        one = Quality(FS)
        told = [c for b in blocks for c in one.process(b)]
        return [(str(each.cause), each.end_s is None) for each in told]

    other = [Block(gain * (b.samples + offset_g)[:, list(turn)], b.start, FS) for b in eventful]

    assert causes(other) == causes(eventful)


def test_an_empty_block_says_nothing_and_changes_nothing():
    one = Quality(FS)
    one.process(Block(lying(1), 0, FS))
    before = text(one.save())

    assert one.process(Block(np.empty((0, 3)), 5, FS)) == []
    assert text(one.save()) == before


BARS = {"actigraph_day": 2, "daphnet": 0, "stanford_fog": 0, "hmp_wrist_adl": 8}
"""Conditions in all of a folder: ActiGraph's idle sleep until it is known for it, and climbing
stairs at the wrist with a range of 1.5 g."""


@pytest.mark.parametrize("folder", BARS)
def test_real_recordings_almost_never_have_anything_the_matter(folder):
    files = sorted((TRACES / folder).glob("*.npz"))
    if not files:
        pytest.skip(f"no recordings of {folder}: set SPASMWATCH_TRACES to the folder of traces")
    causes: Counter[str] = Counter()
    hours = 0.0
    for path in files:
        with np.load(path, allow_pickle=False) as file:
            samples, fs = file["acc"].astype(np.float64), float(file["fs"])
        hours += len(samples) / fs / 3600
        causes += Counter(str(c.cause) for c in tell(samples, fs) if c.end_s is None)
    print(f"\nreal, {folder}: {len(files)} files, {hours:.1f} h, {dict(causes) or 'nothing'}")

    assert causes.total() <= BARS[folder]
