"""Laws of the share of lost time: many short pauses are noticed, a working link is left alone."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.timing.lost_share import LONG_STEPS, LostShare

S = 1_000_000_000


def raised_after_s(lost: np.ndarray, *, share: LostShare | None = None) -> float | None:
    """Seconds until it is high; each second of the stream comes, or is lost."""
    share = LostShare() if share is None else share
    share.came(S, S)
    for second, gone in enumerate(lost.tolist(), 2):
        share.note(second * S, works=not gone)
        if share.judge():
            return float(second)
    return None


@settings(max_examples=60, deadline=None)
@given(on=st.integers(1, 14), off=st.integers(1, 7), late=st.integers(0, 3000))
def test_a_link_that_loses_a_third_of_5_min_is_known_within_6(on, off, late):
    pattern = np.tile([False] * on + [True] * off, 400 // (on + off) + 1)[:400]
    after_s = raised_after_s(np.concatenate((np.zeros(late, bool), pattern)))

    if off >= 0.32 * (on + off):
        assert after_s is not None
        assert after_s <= late + 360
    elif off < 0.29 * (on + off):
        assert after_s is None or after_s > late + 360


@pytest.mark.parametrize(("share", "known"), [(0.0, False), (0.02, False), (0.2, True)])
@pytest.mark.parametrize("seed", range(4))
def test_an_hour_is_judged_by_a_tenth(share, known, seed):
    lost = np.random.default_rng(seed).random(2 * 3600) < share

    assert (raised_after_s(lost) is not None) == known


def test_a_backlog_after_a_stall_is_no_loss():
    share = LostShare()
    share.came(S, S)
    share.came(75 * S, S)
    for _ in range(73):
        share.came(75 * S, S)
    for second in range(76, 330):
        share.note(second * S, works=second % 4 != 0)

    assert not share.judge(), "75 s came late, and then a quarter was lost: less than 30 %"


def test_what_was_lost_is_forgotten_once_the_link_works_again():
    share = LostShare()
    assert raised_after_s(np.tile([False, True], 400), share=share)
    began_s = 1000
    for second in range(began_s, began_s + 300 + 10):
        share.note(second * S, works=second > began_s)
    assert not share.judge()
    for second in range(began_s + 310, began_s + 3600):
        share.note(second * S, works=True)
        assert not share.judge()


@settings(max_examples=40, deadline=None)
@given(
    steps=st.lists(st.tuples(st.integers(0, 40 * S), st.integers(0, 3 * S)), max_size=60),
    cut=st.integers(0, 60),
    ticks=st.integers(1, 7),
    by=st.integers(-5 * S, 10**6 * S),
)
def test_neither_a_restart_nor_the_clock_of_another_boot_nor_more_ticks_change_it(
    steps, cut, ticks, by
):
    one, other = LostShare(), LostShare()
    now = moved = 0
    for number, (pause_ns, length_ns) in enumerate(steps):
        if number == cut:
            again = LostShare()
            again.load(json.loads(json.dumps(other.save())))
            again.shift_clock(by)
            other, moved = again, by
        for part in range(1, ticks + 1):
            other.pass_time(now + moved + pause_ns * part // ticks)
        now += pause_ns
        one.came(now, length_ns)
        other.came(now + moved, length_ns)
        assert one.judge() == other.judge()
    one.shift_clock(moved)
    assert one.save() == other.save()


def test_memory_is_bounded_however_long_nothing_comes():
    share = LostShare()
    share.came(S, S)
    for hour in range(1, 1000):
        share.pass_time(hour * 3600 * S)
        assert len(share.save()["lost_ns"]) <= LONG_STEPS
