"""Laws of the battery's forecast: never before it can know, never later than the gauge falls."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.devices.charge import Charge

H = 3600
S = 1_000_000_000


def drained(hours_full: float, until_h: float, start: int = 100, every_s: float = 60.0) -> Charge:
    """Follow a battery that falls evenly; its gauge says whole per cent, rounded up."""
    charge = Charge()
    for i in range(int(until_h * H / every_s) + 1):
        left = start - 100 * i * every_s / H / hours_full
        charge.feed(max(0, -int(-left // 1)), round(i * every_s * S))
    return charge


@given(st.floats(4, 200), st.integers(30, 100), st.floats(0.05, 0.95))
def test_an_even_battery_is_foretold_to_a_step(hours_full, start, share):
    lasting_h = start / 100 * hours_full
    now_h = share * lasting_h
    lasts_s = drained(hours_full, now_h, start).lasts_s(round(now_h * H * S))
    if lasts_s is not None:
        error_h = lasts_s / H - (lasting_h - now_h)
        step_h = hours_full / 100

        assert abs(error_h) <= 0.5 * (lasting_h - now_h) + 2 * step_h
        assert share < 0.3 or abs(error_h) <= 0.2 * (lasting_h - now_h) + 2 * step_h


def test_nothing_is_foretold_from_a_gauge_that_has_hardly_moved():
    charge = Charge()
    for i, percent in enumerate([80, 80, 79, 79, 78]):
        assert charge.lasts_s(i * H * S) is None
        charge.feed(percent, i * H * S)

    assert charge.lasts_s(5 * H * S) is None


def test_a_battery_that_falls_faster_at_the_end_is_foretold_by_its_end():
    charge, at = Charge(), 0
    for percent in range(60, 19, -1):
        at += H if percent > 28 else H // 6
        charge.feed(percent, at * S)

    assert charge.lasts_s(at * S) == pytest.approx(20 * H / 6)


def test_a_charger_forgets_the_pace_and_a_resting_cell_does_not():
    slow = [50, 49, 48, 47, 46]
    rested, charged = Charge(), Charge()
    for i, percent in enumerate([*slow, 47, 46, 45]):
        rested.feed(percent, i * H * S)
    for i, percent in enumerate([*slow, 90, 89]):
        charged.feed(percent, i * H * S)

    assert rested.lasts_s(7 * H * S) is not None
    assert charged.lasts_s(6 * H * S) is None


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 10**6)), max_size=300))
def test_any_gauge_gives_a_number_that_time_uses_up_and_a_restart_keeps(readings):
    charge, now_s = Charge(), 0
    for percent, waited_s in readings:
        now_s += waited_s
        charge.feed(percent, now_s * S)
        again = Charge()
        again.load(json.loads(json.dumps(charge.save())))
        lasts_s = charge.lasts_s(now_s * S)

        assert again.lasts_s(now_s * S) == lasts_s
        if lasts_s is not None:
            later_s = charge.lasts_s((now_s + 60) * S)
            assert later_s is not None
            assert 0 <= later_s <= lasts_s
