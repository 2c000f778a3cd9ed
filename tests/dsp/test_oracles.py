"""Each vectorised routine against a slow twin that says the same thing sample by sample."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from detector.block import Block
from detector.dsp import onset, rhythm
from detector.dsp.frames import FRAME, Floor, Framer, measure_frames
from detector.dsp.grid import GRID_HZ, Grid
from detector.dsp.posture import angle_deg
from detector.dsp.trigger import hysteresis, ramp

features = arrays.arrays(np.float64, st.integers(0, 60), elements=st.floats(0, 1))


def burst(rate_hz: float, length: int, seed: int, noise_g: float = 2e-3) -> np.ndarray:
    """Beat in a turned direction over the last `length` samples of one rhythm window."""
    rng = np.random.default_rng(seed)
    t = np.arange(rhythm.WINDOW) / GRID_HZ
    wave = np.sin(2 * np.pi * rate_hz * t) + 0.4 * np.sin(4 * np.pi * rate_hz * t + 1)
    wave[: rhythm.WINDOW - length] = 0
    direction = rng.normal(size=3)
    return 0.1 * wave[:, None] * direction + rng.normal(0, noise_g, (rhythm.WINDOW, 3))


@given(features, st.floats(0.3, 0.9), st.floats(0.0, 0.3))
def test_hysteresis_is_a_loop_with_one_bit_of_memory(
    feature: np.ndarray, on: float, off: float
) -> None:
    high, expected = False, []
    for value in feature:
        high = value >= on or (high and value >= off)
        expected.append(high)

    assert expected == hysteresis(feature, on=on, off=off).tolist()


def test_a_ramp_falls_where_full_lies_below_none() -> None:
    assert [0.0, 0.5, 1.0] == ramp([0.1, 0.5, 0.9], 0.1, 0.9).tolist()
    assert [1.0, 0.5, 0.0] == ramp([0.1, 0.5, 0.9], 0.9, 0.1).tolist()


def test_frame_statistics_are_the_mean_and_the_rms_about_it() -> None:
    samples = np.random.default_rng(0).normal(size=(2, 5 * FRAME, 3))
    (means, rms), row, frame = measure_frames(samples), 1, 3
    piece = samples[row, frame * FRAME : (frame + 1) * FRAME]

    np.testing.assert_allclose(means[row, frame], piece.mean(axis=0))
    np.testing.assert_allclose(rms[row, frame], np.sqrt((piece.var(axis=0)).sum()))


@given(st.lists(st.integers(0, 700), min_size=1, max_size=8))
def test_the_floor_is_the_least_quiet_quantile_of_ten_minutes(cuts: list[int]) -> None:
    rms = np.random.default_rng(1).gamma(2.0, 1e-3, 4000)
    floor = Floor(1)
    pieces = np.split(rms, np.cumsum(cuts))
    got = np.concatenate([floor.follow(np.array([0]), piece[np.newaxis])[0] for piece in pieces])
    minutes: list[float] = []
    for frame, value in enumerate(got):
        if frame and frame % 250 == 0:
            minutes.append(np.sort(rms[frame - 250 : frame])[50])

        assert value == min(*minutes[-10:], 6e-3) if minutes else value == 2.4e-3


@given(st.integers(0, 40), st.lists(st.integers(0, 40), min_size=1, max_size=10))
def test_frames_lie_at_multiples_of_their_length(start: int, sizes: list[int]) -> None:
    framer, samples = Framer(), np.arange(3 * sum(sizes), dtype=float).reshape(-1, 3)
    got, at = [], 0
    for size in sizes:
        frames = framer.process(Block(samples[at : at + size], start + at, GRID_HZ))
        got.append(frames.samples)
        assert frames.start % FRAME == 0
        at += size
    first = -(-start // FRAME) * FRAME - start
    usable = max(len(samples) - first, 0) // FRAME * FRAME

    np.testing.assert_array_equal(samples[first : first + usable], np.concatenate(got))


@pytest.mark.parametrize("fs", [25.0, 52.0, 64.0, 104.0, 200.0])
def test_the_grid_keeps_gravity_and_a_clonus_rhythm(fs: float) -> None:
    t = np.arange(int(20 * fs)) / fs
    wave = 0.2 * np.sin(2 * np.pi * 5.3 * t)
    grid = Grid()
    block = grid.process(Block(np.column_stack([wave, 0 * t, 0 * t + 1]), 0, fs))
    tail = grid.finish()
    assert tail is not None
    got = np.concatenate([block.samples, tail.samples])
    truth = 0.2 * np.sin(2 * np.pi * 5.3 * np.arange(len(got)) / GRID_HZ)
    inner = slice(25, -25)

    np.testing.assert_allclose(got[:, 2], 1.0, atol=1e-12)
    assert np.abs(got[inner, 0] - truth[inner]).max() < 0.2 * (0.05 if fs > 30 else 0.15)
    assert abs(len(got) - 20 * GRID_HZ) <= 1


@pytest.mark.parametrize("rate_hz", [3.0, 4.3, 5.5, 6.7, 8.0])
@pytest.mark.parametrize("length", [128, 80, 60])
def test_a_beat_is_measured_within_a_fifth_of_a_hertz(rate_hz: float, length: int) -> None:
    windows = np.stack([burst(rate_hz, length, seed) for seed in range(20)])
    measured = rhythm.measure(windows)

    assert np.abs(measured.frequency_hz - rate_hz).max() < 0.2
    assert measured.regularity.min() > 0.6


def test_a_rhythm_does_not_depend_on_how_the_sensor_is_turned() -> None:
    window = burst(5.0, 128, 1)
    turned, _ = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))
    straight, rotated = rhythm.measure(window[None]), rhythm.measure((window @ turned)[None])

    for name in ("regularity", "beats", "frequency_hz", "stride", "line", "pace_hz"):
        np.testing.assert_allclose(getattr(straight, name), getattr(rotated, name), rtol=1e-6)


@given(st.integers(0, 1000), st.sampled_from([0.0, 0.2, 1.0]))
def test_the_share_along_one_line_is_that_of_the_largest_eigenvalue(
    seed: int, width: float
) -> None:
    rng = np.random.default_rng(seed)
    shape = np.diag([1.0, width, width * rng.uniform()]) @ rng.normal(size=(3, 3))
    window = rng.normal(size=(rhythm.WINDOW, 3)) @ shape
    by_axis = window.T[None]
    quick = (by_axis - rhythm._moving_mean(by_axis))[0]
    values = np.linalg.eigvalsh(quick @ quick.T)

    assert rhythm.measure(window[None]).line[0] == pytest.approx(values[-1] / values.sum())
    assert rhythm.measure(np.zeros((1, rhythm.WINDOW, 3))).line[0] == 0


def test_noise_and_a_ringing_jerk_have_no_beats() -> None:
    rng = np.random.default_rng(2)
    noise = rng.normal(0, 0.02, (300, rhythm.WINDOW, 3))
    t = np.arange(rhythm.WINDOW) / GRID_HZ
    ring = np.exp(-t / 0.15) * np.sin(2 * np.pi * 5 * t)
    jerk = 0.3 * ring[:, None] * np.array([1.0, 0.5, 0.2]) + noise[0] * 0.1

    assert rhythm.measure(noise).beats.max() < 1.4
    assert rhythm.measure(jerk[None]).beats[0] < 2.0


def test_windows_measured_together_equal_windows_measured_alone() -> None:
    windows = np.stack([burst(3 + 0.05 * seed, 70, seed) for seed in range(33)])
    together = rhythm.measure(windows)
    for row in range(len(windows)):
        alone = rhythm.measure(windows[row : row + 1])
        for name in (
            "regularity",
            "beats",
            "frequency_hz",
            "stride",
            "line",
            "pace_hz",
            "peak_g",
            "envelope_g2",
        ):
            np.testing.assert_array_equal(getattr(together, name)[row], getattr(alone, name)[0])


@pytest.mark.parametrize("until", [0, 1, 30, 51, 120, 249, 250, 600])
def test_a_floor_goes_on_from_what_was_saved_of_an_unfinished_minute(until: int) -> None:
    rms = np.random.default_rng(until).gamma(4.0, 1e-3, (1, 5000))
    row, whole, half, rest = np.array([0]), Floor(1), Floor(1), Floor(1)
    expected = whole.follow(row, rms)

    first = half.follow(row, rms[:, :until])
    rest.load(json.loads(json.dumps(half.save(), allow_nan=False)))
    actual = np.concatenate((first, rest.follow(row, rms[:, until:])), axis=1)

    np.testing.assert_array_equal(expected, actual)


def test_autocorrelation_is_the_sum_of_products_over_the_overlap() -> None:
    window = burst(6.0, 90, 3)
    quick = window - rhythm._moving_mean(window.T[None])[0].T
    products, normalised = rhythm._autocorrelation(quick.T[None], (quick**2).sum(axis=1)[None])
    for lag in (0, 5, 9, 40):
        early, late = quick[: len(quick) - lag], quick[lag:]
        product = (early * late).sum()

        assert products[0, lag] == pytest.approx(product)
        scale = np.sqrt((early**2).sum() * (late**2).sum())
        assert normalised[0, lag] == pytest.approx(product / scale)


@pytest.mark.parametrize("seed", range(5))
def test_an_onset_is_found_to_the_sample(seed: int) -> None:
    rng = np.random.default_rng(seed)
    errors = []
    for _ in range(50):
        true = rng.integers(60, 75)
        window = np.array([0, 0, 1.0]) + rng.normal(0, 1.5e-3, (96, 3))
        t = np.arange(96) - true
        window += 0.2 * np.where(t >= 0, np.sin(0.6 * t), 0)[:, None] * rng.normal(size=3)
        errors.append(onset.measure(window[None])[0].sample - true)

    assert np.abs(errors).max() <= 2


def test_angles_are_exact_for_small_and_large_turns() -> None:
    down = np.array([0, 0, 1.0])
    for degrees in (0.0, 0.001, 30.0, 90.0, 179.9):
        radians = np.radians(degrees)
        turned = 0.98 * np.array([np.sin(radians), 0, np.cos(radians)])
        assert angle_deg(down, turned) == pytest.approx(degrees, abs=1e-9)
