"""What a rhythm is must not depend on how the sensor sits, how strong it is, or what came before.

Its slow twins are in `test_oracles.py`.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detector.block import Samples
from detector.dsp.frames import FRAME
from detector.dsp.grid import GRID_HZ
from detector.dsp.rhythm import BEAT_LAGS, DROWNED, HALF, WINDOW, WindowRhythm, measure
from detector.recognition.rules.thresholds import load_rules

RULES = load_rules()
OF_SHAPE = ("regularity", "beats", "frequency_hz", "stride", "line", "pace_hz")
"""What tells of the movement's shape alone; the others are its strength, in g."""

seeds = st.integers(0, 10_000)
clonus_hz = [3.0, 3.7, 4.4, 5.1, 5.8, 6.5, 7.2, 8.0]


def window(seed: int) -> Samples:
    """Anything that a limb may do: noise, a beat, a jerk, each or all of them; (1, 128, 3) g."""
    rng = np.random.default_rng(seed)
    t = np.arange(WINDOW) / GRID_HZ
    x = np.array([0.1, 0.0, 0.99]) + rng.normal(0, 10 ** rng.uniform(-3, -1), (WINDOW, 3))
    beat = np.sin(2 * np.pi * rng.uniform(1, 12) * t) * (t > rng.uniform(-1, 2))
    jerk = np.exp(-(((t - rng.uniform(0, 2.5)) / 0.05) ** 2))
    for wave, most in ((beat, 0.3), (jerk, 1.0)):
        x += rng.uniform(0, most) * rng.integers(2) * wave[:, np.newaxis] * rng.normal(size=3)
    return x[np.newaxis]


def along(
    wave: NDArray[np.float64], axis: tuple[float, float, float] = (0.1, 0.05, 0.02)
) -> Samples:
    """Move a limb at rest along one direction: (samples,) -> (1, samples, 3) g."""
    moved: Samples = np.array([0.1, 0.0, 0.99]) + np.outer(wave, axis)
    return moved[np.newaxis]


def sine(rate_hz: float, samples: int = WINDOW, phase: float = 0.0) -> NDArray[np.float64]:
    wave: NDArray[np.float64] = np.sin(2 * np.pi * rate_hz * np.arange(samples) / GRID_HZ + phase)
    return wave


def shape(rhythm: WindowRhythm) -> NDArray[np.float64]:
    return np.concatenate([getattr(rhythm, name) for name in OF_SHAPE])


@given(seeds)
def test_no_rotation_or_mirroring_of_the_sensor_changes_anything(seed: int) -> None:
    turned, _ = np.linalg.qr(np.random.default_rng(seed + 1).normal(size=(3, 3)))
    straight, rotated = measure(window(seed)), measure(window(seed) @ turned)

    for field in fields(WindowRhythm):
        left, right = getattr(straight, field.name), getattr(rotated, field.name)
        np.testing.assert_allclose(left, right, rtol=0, atol=1e-9)


@given(seeds, st.floats(0.01, 100.0))
def test_only_the_strength_grows_with_the_strength(seed: int, times: float) -> None:
    weak, strong = measure(window(seed)), measure(window(seed) * times)

    np.testing.assert_allclose(shape(weak), shape(strong), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(times * weak.peak_g, strong.peak_g, rtol=1e-9)
    np.testing.assert_allclose(times**2 * weak.envelope_g2, strong.envelope_g2, rtol=1e-9)


@settings(max_examples=50)
@given(seeds)
def test_what_is_measured_lies_within_its_bounds(seed: int) -> None:
    rhythm, (low, high) = measure(window(seed)), BEAT_LAGS
    envelope_g2 = rhythm.envelope_g2[0]

    assert -1 <= rhythm.regularity[0] <= 1
    assert 1 <= rhythm.beats[0] <= 100
    assert GRID_HZ / (high + 0.5) <= rhythm.frequency_hz[0] <= GRID_HZ / (low - 0.5)
    assert 0 <= rhythm.pace_hz[0] <= GRID_HZ / 2
    assert envelope_g2.mean() <= rhythm.peak_g[0] ** 2 <= FRAME * envelope_g2.mean() * (1 + 1e-9)


def test_stillness_has_no_rhythm_and_no_strength() -> None:
    still = measure(along(np.zeros(WINDOW)))

    assert [0.0] * 4 == [still.regularity[0], still.stride[0], still.pace_hz[0], still.peak_g[0]]
    assert still.beats[0] == 1.0
    assert not still.envelope_g2.any()


@pytest.mark.parametrize("rate_hz", clonus_hz)
@pytest.mark.parametrize("beats", [3, 4, 5, 6])
def test_a_burst_of_so_many_beats_has_so_many(rate_hz: float, beats: int) -> None:
    samples = round(beats * GRID_HZ / rate_hz)
    wave = np.zeros(WINDOW)
    wave[-samples:] = sine(rate_hz, samples)
    rhythm = measure(along(wave))

    assert abs(rhythm.frequency_hz[0] - rate_hz) < 0.15
    assert 0.75 * beats <= rhythm.beats[0] <= 1.2 * beats
    assert rhythm.regularity[0] > np.mean(RULES.beat.regularity)


@settings(max_examples=60)
@given(st.floats(2.0, 8.0), st.floats(0.0, 6.3))
def test_the_pace_of_a_sine_is_its_frequency(rate_hz: float, phase: float) -> None:
    """Differences of neighbours fall short of a derivative by 4 % at 8 Hz; ends do the rest."""
    pace_hz = measure(along(sine(rate_hz, phase=phase))).pace_hz[0]

    assert 0.8 * rate_hz <= pace_hz <= 1.2 * rate_hz


def test_a_trembling_muscle_is_told_from_a_beating_foot_by_its_pace() -> None:
    slow, fast = (
        [measure(along(sine(rate, phase=p))).pace_hz[0] for rate in rates for p in range(6)]
        for rates in (np.arange(2.0, 6.1, 0.5), np.arange(8.0, 13.1, 0.5))
    )

    assert max(slow) < RULES.tonic.tremble_hz < min(fast)


@pytest.mark.parametrize("rate_hz", clonus_hz)
@pytest.mark.parametrize("jerk_g", [1.0, 3.0])
def test_a_loud_jerk_in_the_first_half_does_not_hide_the_rhythm_behind_it(
    rate_hz: float, jerk_g: float
) -> None:
    beat = np.zeros(WINDOW)
    beat[HALF - 12 :] = sine(rate_hz, HALF + 12)
    jerk = np.zeros(WINDOW)
    jerk[24:36] = np.hanning(12)
    x = along(beat) + jerk_g * np.outer(jerk, [0.8, -0.5, 0.3])
    rhythm = measure(x)
    quick = x[0] - x[0].mean(axis=0)

    assert (quick[:HALF] ** 2).sum() > DROWNED * (quick[HALF:] ** 2).sum()
    assert abs(rhythm.frequency_hz[0] - rate_hz) < 0.25
    assert rhythm.regularity[0] > RULES.beat.regularity[1]
    assert rhythm.beats[0] >= RULES.beat.beats[1]


@pytest.mark.parametrize("noise_g", [0.002, 0.05])
def test_white_noise_beats_nowhere(noise_g: float) -> None:
    """Of 4,000 windows none reaches half of the evidence that a frame must have to beat."""
    noise = np.random.default_rng(5).normal(0, noise_g, (4000, WINDOW, 3))
    rhythm = measure(noise)

    assert rhythm.regularity.max() < np.mean(RULES.beat.regularity)
    assert rhythm.beats.max() < RULES.beat.beats[0]


@pytest.mark.parametrize("stride_hz", [0.8, 0.9, 1.0, 1.2, 1.4])
def test_a_gait_has_a_stride_that_beats_its_steps(stride_hz: float) -> None:
    """Left and right differ, and heel strikes ring: the stride repeats, the step only nearly."""
    stride = sine(stride_hz) + 0.8 * sine(2 * stride_hz, phase=1) + 0.8 * sine(5 * stride_hz)

    assert measure(along(stride)).stride[0] > np.mean(RULES.beat.stride)


@pytest.mark.parametrize("rate_hz", clonus_hz)
def test_a_steady_beat_has_no_stride_under_it(rate_hz: float) -> None:
    assert measure(along(sine(rate_hz))).stride[0] < 0.1
