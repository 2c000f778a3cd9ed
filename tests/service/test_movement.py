"""The strip shows the strongest movement of each piece, however the samples come."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detector.block import Block
from detector.service.presentation.movement import PIECE_S, PIECES, RecentMovement

FS = 50.0


def block(moved_g: np.ndarray, start: int) -> Block:
    """Return samples that differ from 1 g by so much."""
    samples = np.zeros((len(moved_g), 3))
    samples[:, 2] = 1.0 + moved_g
    return Block(samples, start, FS)


@given(st.lists(st.integers(1, 140), min_size=1, max_size=60), st.integers(0, 99))
def test_any_cutting_gives_the_same_strip(cuts: list[int], seed: int) -> None:
    moved_g = np.random.default_rng(seed).uniform(0, 1, sum(cuts))
    cut, whole, start = RecentMovement(), RecentMovement(), 0
    for length in cuts:
        cut.feed("leg", [block(moved_g[start : start + length], start)])
        start += length
    for begin in range(0, len(moved_g), 100):  # a sensor sends at most so many at once
        whole.feed("leg", [block(moved_g[begin : begin + 100], begin)])
    assert cut.pieces_g == whole.pieces_g
    values = (len(moved_g) - 1) // 2  # of 25 a second, without the one that may grow
    assert len(cut.pieces_g) == min(PIECES, values // round(PIECE_S * 25))


def test_a_kick_is_one_piece_and_the_stronger_sensor_counts() -> None:
    strip, still = RecentMovement(), np.zeros(round(PIECE_S * FS))
    kick = still.copy()
    kick[70] = 0.8
    for number, moved_g in enumerate([still, kick, still, still]):
        strip.feed("left", [block(moved_g, number * len(still))])
        strip.feed("right", [block(still, number * len(still))])
    assert strip.pieces_g == [0.0, 0.8, 0.0]
    assert RecentMovement().pieces_g == []
