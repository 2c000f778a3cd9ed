"""Laws of the envelope of movement: the same however the stream is cut, bounded, at most 25 Hz."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detector.block import Block
from detector.dsp.envelope import HZ, KEPT_S, Envelope

rates = st.sampled_from([10.0, 25.0, 26.0, 50.0, 52.0, 100.0, 208.0, 31.25])
lengths = st.integers(0, 150)


def samples(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, (count, 3))


def slow(moved: np.ndarray, start: int, fs: float) -> list[float]:
    """Say it sample by sample: the largest distance from 1 g in each 40 ms but the last."""
    rate = min(HZ, fs)
    bins: dict[int, float] = {}
    for n, (x, y, z) in enumerate(moved.tolist(), start):
        number = math.floor(n * (rate / fs) + 1e-9)
        bins[number] = max(bins.get(number, 0.0), abs(math.sqrt(x * x + y * y + z * z) - 1))
    return [round(most, 3) for most in list(bins.values())[:-1]]


@given(rates, lengths, st.integers(0, 10**9), st.integers(0, 99), st.lists(st.integers(0, 150)))
def test_any_cutting_of_the_stream_gives_the_same_values(
    fs: float, count: int, start: int, seed: int, cuts: list[int]
) -> None:
    count = min(count, int(KEPT_S * min(fs, HZ)))  # more than that nobody leaves untaken
    moved, envelope = samples(count, seed), Envelope()
    edges = [0, *sorted(min(cut, count) for cut in cuts), count]
    taken: list[float] = []
    for first, last in pairwise(edges):
        envelope.feed(Block(moved[first:last], start + first, fs))
        taken += envelope.take()
    assert taken == slow(moved, start, fs)
    assert len(taken) <= count / fs * HZ + 1


@given(rates, st.integers(1, 9999))
def test_it_is_bounded_and_keeps_the_latest(fs: float, count: int) -> None:
    envelope = Envelope()
    still = np.tile([0.0, 0.0, 1.0], (count, 1))
    envelope.feed(Block(still, 0, fs))
    envelope.feed(Block(2 * still[:1], count, fs))
    assert len(envelope._done) <= KEPT_S * HZ
    assert set(envelope.take()) <= {0.0, 1.0}
    assert envelope.take() == []


def test_nothing_is_joined_across_a_gap_and_a_broken_sample_is_no_value() -> None:
    envelope = Envelope()
    one = np.array([[0.0, 0.0, 3.0]])
    envelope.feed(Block(one, 0, 100.0))
    envelope.feed(Block(0 * one, 2, 100.0))  # of the same 40 ms, but what came before is lost
    envelope.feed(Block(np.full((9, 3), np.nan), 3, 100.0))
    envelope.feed(Block(one, 12, 100.0))
    assert envelope.take() == [1.0]


def test_who_lies_still_has_no_movement_and_a_kick_shows() -> None:
    envelope, moved = Envelope(), np.tile([0.0, 0.6, 0.8], (100, 1))
    moved[50] *= 3
    envelope.feed(Block(moved, 0, 50.0))
    values = envelope.take()
    assert len(values) == 49
    assert values[25] == 2.0
    assert sum(values) == 2.0
