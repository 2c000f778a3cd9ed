"""Laws of what can be: a held axis and a wrong scale are told, rest and movement never are."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.block import Block, Samples
from detector.dsp.quality import Cause, Quality, QualityCondition

from .stillness import FS, STEP_G, lying

OF_PLAUSIBLE = (Cause.STUCK_AXIS, Cause.WRONG_SCALE)


def moving(minutes: float, *, seed: int = 0) -> Samples:
    """A limb that turns, and jerks: gravity stays 1 g."""
    rng = np.random.default_rng(seed)
    count = round(minutes * 60 * FS)
    angle = np.cumsum(rng.normal(0, 0.1, (2, count)), axis=1)
    sin, cos = np.sin(angle), np.cos(angle)
    up = np.column_stack((sin[0] * cos[1], sin[0] * sin[1], cos[0]))
    jerks = rng.normal(0, 0.1, (count, 3)) * (rng.random((count, 1)) < 0.1)
    return np.round((up + jerks) / STEP_G) * STEP_G


def tell(
    samples: Samples, *, places: tuple[int, ...] = (), restart: bool = False
) -> list[QualityCondition]:
    one, told = Quality(FS), list[QualityCondition]()
    edges = [0, *sorted(places), len(samples)]
    for first, stop in pairwise(edges):
        told += one.process(Block(samples[first:stop], first, FS))
        if restart:
            one = Quality.of(json.loads(json.dumps(one.save())))
    return [each for each in told if each.cause in OF_PLAUSIBLE]


def with_held_axis(axis: int, minutes: float = 3) -> Samples:
    samples = np.concatenate((lying(1), moving(minutes), lying(1, seed=1)))
    samples[:, axis] = samples[0, axis]
    return samples


@pytest.mark.parametrize("axis", range(3))
def test_an_axis_that_keeps_its_value_while_others_move_is_told_and_over_once_it_moves(axis):
    began, ended = tell(np.concatenate((with_held_axis(axis), moving(1, seed=3))))

    assert (began.cause, began.onset_s) == (Cause.STUCK_AXIS, 0.0)
    assert "xyz"[axis] + " axis" in began.reason
    assert began.known_s < 240
    assert ended.end_s == pytest.approx(300, abs=2)


@pytest.mark.parametrize("scale", [0.5, 0.85, 1.15, 2.0])
def test_gravity_that_is_not_1_g_is_told_and_over_once_it_is(scale):
    wrong = np.concatenate((moving(1), lying(4), moving(1, seed=1))) * scale
    began, ended = tell(np.concatenate((wrong, lying(4, seed=2))))

    assert began.cause is Cause.WRONG_SCALE
    assert began.known_s <= 60 + 130
    assert began.numbers["rest_g"] == pytest.approx(scale, rel=0.01)
    assert f"{began.numbers['rest_g']:.2f} g at rest" in began.reason
    assert ended.end_s is not None


@pytest.mark.parametrize("step_g", [2**-12, 4e-3, 16e-3, 62e-3])
@pytest.mark.parametrize("scale", [0.95, 1.0, 1.05])
@pytest.mark.parametrize("seed", range(3))
def test_rest_and_movement_of_any_resolution_are_neither(step_g, scale, seed):
    moved = np.round(moving(4, seed=seed) / step_g) * step_g
    still = lying(6, seed=seed, step_g=step_g)

    assert tell(np.concatenate((still, moved, still)) * scale) == []


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 5999), max_size=30), st.booleans())
def test_neither_cuts_nor_restarts_change_it(places, restart):
    samples = np.concatenate((with_held_axis(1, 2), lying(1) * 0.5))[:6000]

    assert tell(samples, places=tuple(places), restart=restart) == tell(samples) != []
