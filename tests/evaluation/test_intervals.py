"""Laws of intervals: they agree with the textbook's, and say nothing where there is nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from detector.evaluation.intervals import (
    Rate,
    Share,
    over_subjects,
    poisson,
    spread,
    wilson,
)


@given(st.integers(1, 500).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_wilson_is_scipys(pair):
    hits, of = pair
    low, high = stats.binomtest(hits, of).proportion_ci(method="wilson")
    assert wilson(hits, of) == pytest.approx((low, high), abs=1e-12)


@given(st.integers(1, 2000))
def test_poisson_is_garwoods_with_chi_square_quantiles(count):
    low = stats.chi2.ppf(0.025, 2 * count) / 2
    high = stats.chi2.ppf(0.975, 2 * count + 2) / 2
    assert poisson(count) == pytest.approx((low, high), rel=1e-9)


def test_nothing_in_so_many_hours_means_less_than_three_of_them():
    assert poisson(0) == pytest.approx((0, 2.995732), rel=1e-6)
    assert Rate(0, 72).interval == pytest.approx((0, 0.99858), rel=1e-4)
    assert Rate(0, 72).per_24h == 0


def test_a_figure_of_nothing_is_unknown_not_zero():
    assert Share(0, 0).value is None
    assert Share(0, 0).interval is None
    assert Rate(0, 0.0).per_24h is None
    assert Rate(0, 0.0).interval is None
    assert spread([]).p50 is None


@given(st.integers(0, 50), st.integers(1, 50))
def test_more_of_the_same_narrows_the_interval_and_holds_the_value(hits, more):
    of = hits + more
    low, high = wilson(hits, of)
    lower, higher = wilson(4 * hits, 4 * of)
    assert low <= hits / of <= high
    assert higher - lower < high - low


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(9, 20)), min_size=3, max_size=8))
def test_over_subjects_lies_between_the_worst_and_the_best(pairs):
    hits, sizes = zip(*pairs, strict=True)
    interval = over_subjects(hits, sizes)
    assert interval is not None
    shares = [hit / size for hit, size in pairs]
    low, high = interval
    assert min(shares) - 1e-12 <= low <= high <= max(shares) + 1e-12
    assert interval == over_subjects(hits, sizes)  # the same recordings, the same interval


def test_two_subjects_are_too_few_and_empty_ones_do_not_count():
    assert over_subjects([1, 2], [3, 4]) is None
    assert over_subjects([1, 2, 0], [3, 4, 0]) is None
    assert over_subjects([1, 2, 0], [3, 4, 5]) is not None


def test_subjects_who_differ_widen_what_events_alone_would_say():
    hits, sizes = [50, 50, 0, 0], [50, 50, 50, 50]
    share = Share(100, 200, over_subjects(hits, sizes))
    assert share.interval is not None
    assert share.subjects is not None
    assert share.subjects[1] - share.subjects[0] > 3 * (share.interval[1] - share.interval[0])
