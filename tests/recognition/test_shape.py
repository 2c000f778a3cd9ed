"""The course of a bout: a pull, a hold and a release, and what only rings out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.dsp.frames import FRAME_S
from detector.dsp.rhythm import SUBFRAME_S
from detector.recognition.bouts.shape import shape_of

from .made_bouts import bout, frames, tilted


@given(
    up=st.integers(1, 8),
    hold=st.integers(6, 40),
    down=st.integers(1, 8),
    degrees=st.floats(5, 80),
)
def test_a_limb_drawn_up_held_and_let_go_is_seen_to_be(
    up: int, hold: int, down: int, degrees: float
) -> None:
    angles = [*np.linspace(0, degrees, up + 1)[:-1], *[degrees] * hold]
    angles += [*np.linspace(degrees, 0, down + 1)[1:]]
    shape = shape_of(bout(frames(len(angles), mean_g=np.array([tilted(a) for a in angles]))))

    assert hold * FRAME_S <= shape.away_s <= (hold + up + down) * FRAME_S
    assert shape.pull_s <= up * FRAME_S
    assert shape.release_s <= down * FRAME_S
    assert shape.pull_s + shape.away_s + shape.release_s == pytest.approx(len(angles) * FRAME_S)
    assert shape.back_share < 0.01


def test_a_limb_laid_elsewhere_has_not_come_back() -> None:
    angles = [0, 10, 20, 30, 40, 40, 40]
    shape = shape_of(bout(frames(7, mean_g=np.array([tilted(a) for a in angles]))))

    assert shape.back_share == pytest.approx(1.0)
    assert shape.release_s == 0.0


@given(per_s=st.floats(1.0, 6.0), count=st.integers(6, 20))
def test_what_rings_out_fades_evenly_at_its_rate(per_s: float, count: int) -> None:
    at_s = np.arange(3 * count) * SUBFRAME_S
    envelope = np.exp(-2 * per_s * at_s).reshape(-1, 3)
    shape = shape_of(bout(frames(count, envelope_g2=envelope)))

    assert shape.decay_per_s == pytest.approx(per_s, rel=0.15)
    assert shape.decay_even > 0.95
    assert shape.decays_after_s <= SUBFRAME_S


def test_where_a_bout_was_strongest_is_told_and_how_strong_the_rest_was() -> None:
    rms_g = np.array([0.1, 0.1, 0.1, 0.2, 0.2, 0.2, 0.4, 0.4, 0.8])
    shape = shape_of(bout(frames(9, rms_g=rms_g)))

    assert shape.strongest_at == 1.0
    assert shape.level_first == pytest.approx(0.125)
    assert shape.level_middle == pytest.approx(0.25)
    assert shape.level_last == pytest.approx((0.5 + 0.5 + 1) / 3)


@given(count=st.integers(1, 4))
def test_the_shortest_bouts_have_a_course_too(count: int) -> None:
    shape = shape_of(bout(frames(count)))

    values = np.array([getattr(shape, name) for name in shape.__slots__])
    assert np.isfinite(values).all()
