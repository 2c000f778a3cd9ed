"""A program that hands over samples gets finite events, or one sentence about what is wrong."""

from __future__ import annotations

from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.block import Block
from detector.events import Kind
from detector.night.offline import detect
from detector.plain_json import plain
from detector.store.formats.checks import LARGEST_G

FS = 50.0


def beating(seconds: float = 20.0) -> np.ndarray:
    t = np.arange(int(seconds * FS)) / FS
    rest = np.array([0.1, 0.0, 0.99]) + np.random.default_rng(0).normal(0, 1e-3, (len(t), 3))
    during = (t > 8) & (t < 13)
    rest[during, 0] += 0.3 * np.sign(np.sin(2 * np.pi * 6 * t[during]))
    return rest


@given(size=st.floats(allow_nan=False, allow_infinity=False), at=st.integers(0, 900))
def test_whatever_its_samples_are_all_numbers_of_an_event_are_finite(size: float, at: int) -> None:
    samples = beating()
    samples[at : at + 5] = size
    if abs(size) > LARGEST_G:
        with pytest.raises(ValueError, match="is no acceleration"):
            detect(samples, FS)
        return
    for event in detect(samples, FS):
        numbers = [event.confidence, event.peak_g, event.rms_g, event.turn_deg]
        assert plain(numbers) == numbers  # which makes None of what is not finite


def test_rows_that_are_no_numbers_are_a_gap() -> None:
    samples = beating()
    samples[900:910] = nan, inf, -inf

    assert [event.kind for event in detect(samples, FS)] == [Kind.CLONUS]


@pytest.mark.parametrize("fs", [0.0, -50.0, nan, inf, 1e-9, 1.0, 1e12])
def test_a_rate_at_which_nothing_can_be_told_is_refused(fs: float) -> None:
    with pytest.raises(ValueError, match="fs must be 15 to 10000 Hz"):
        detect(beating(), fs)


@pytest.mark.parametrize("fs", [0.0, -50.0, nan, inf])
def test_a_block_has_a_rate(fs: float) -> None:
    with pytest.raises(ValueError, match="fs must be > 0 Hz"):
        Block(beating(), 0, fs)


@pytest.mark.parametrize("shape", [(), (3,), (5, 2), (3, 0), (2, 3, 3)])
def test_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="must have shape"):
        detect(np.ones(shape), FS)
