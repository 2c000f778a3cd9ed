"""A limb on its mattress, against textbook formulas."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim.sealed.contact import Bedded

RATE_HZ = 400.0
TARGETS = st.floats(math.radians(4), math.radians(40))


def drawn(seed: int, *, lifted: bool) -> Bedded:
    return Bedded.drawn(np.random.default_rng(seed), lifted=lifted)


def let_go_at(held_s: float, after_s: float, *, rise_s: float = 1.5) -> np.ndarray:
    """Return a force that rises smoothly, is held, and ends at once."""
    seconds = np.arange(int((held_s + after_s) * RATE_HZ)) / RATE_HZ
    risen = 0.5 - 0.5 * np.cos(math.pi * np.clip(seconds / rise_s, 0, 1))
    return np.where(seconds < held_s, risen, 0.0)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32), lifted=st.booleans(), target_rad=TARGETS)
def test_a_limb_that_nothing_pulls_lies_still(seed: int, lifted: bool, target_rad: float) -> None:
    limb = drawn(seed, lifted=lifted)
    angle = limb.moved(np.zeros(800), target_rad=target_rad, rate_hz=RATE_HZ)

    np.testing.assert_allclose(angle, 0.0, atol=1e-9)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32), target_rad=TARGETS)
def test_a_lasting_force_lifts_a_limb_to_its_target(seed: int, target_rad: float) -> None:
    limb = drawn(seed, lifted=True)
    angle = limb.moved(let_go_at(8.0, 0.0), target_rad=target_rad, rate_hz=RATE_HZ)
    sunk = limb.weight_rad_s2 / (2 * math.pi * limb.bed_hz) ** 2

    assert angle[-1] == pytest.approx(target_rad + sunk, rel=0.02, abs=0.001)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32), target_rad=TARGETS)
def test_a_limb_that_is_let_go_falls_as_a_stone_and_comes_to_lie_where_it_lay(
    seed: int, target_rad: float
) -> None:
    limb = replace(drawn(seed, lifted=True), passive_hz=0.01, damping=0.3)
    angle = limb.moved(let_go_at(8.0, 6.0), target_rad=target_rad, rate_hz=RATE_HZ)
    sunk = limb.weight_rad_s2 / (2 * math.pi * limb.bed_hz) ** 2
    lands = 8 * RATE_HZ + int(np.argmax(angle[int(8 * RATE_HZ) :] < sunk))
    falls_s = math.sqrt(2 * target_rad / limb.weight_rad_s2)

    assert lands / RATE_HZ - 8.0 == pytest.approx(falls_s, rel=0.1, abs=0.01)
    assert angle[-1] == pytest.approx(0.0, abs=0.002)
    push = np.diff(angle, 2) * RATE_HZ**2  # the bed brakes harder than gravity pulled
    assert push[int(lands) - 2 :].max() > limb.weight_rad_s2
    assert push[int(8.2 * RATE_HZ) : int(lands) - 4].max(initial=-1.0) < 0.0


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32), target_rad=TARGETS)
def test_a_sheet_keeps_a_limb_where_less_than_its_friction_pulls(
    seed: int, target_rad: float
) -> None:
    limb = drawn(seed, lifted=False)
    angle = limb.moved(let_go_at(8.0, 8.0), target_rad=target_rad, rate_hz=RATE_HZ)
    last = angle[-int(RATE_HZ) :]

    assert np.ptp(last) == 0.0
    assert abs((2 * math.pi * limb.passive_hz) ** 2 * last[-1]) <= limb.friction_rad_s2
    freed = replace(limb, friction_rad_s2=0.0, damping=0.7)
    back = freed.moved(let_go_at(8.0, 8.0), target_rad=target_rad, rate_hz=RATE_HZ)
    assert abs(back[-1]) < 0.02 * target_rad
