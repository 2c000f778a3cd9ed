"""What was watched and what was not make up a night, on every clock; hours keep all of both."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.evenings import DAY, bounds, evening_of, utc_bounds
from detector.events import Kind
from detector.report.coverage import HOUR, NightCoverage, clock_hours, hour_names
from detector.store.known_night import SpanState

from .made import AMSTERDAM, MIN, House, MadeNight, event

ZONES = ["UTC", "Europe/Amsterdam", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]
moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
zones = st.sampled_from(ZONES).map(ZoneInfo)


@given(moments, zones)
def test_every_moment_belongs_to_the_night_whose_noons_it_lies_between(
    moment: datetime, zone: ZoneInfo
) -> None:
    since, until = utc_bounds(evening_of(moment, zone), zone)
    assert since <= moment < until


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), zones)
def test_nights_follow_each_other_without_a_moment_between(evening: date, zone: ZoneInfo) -> None:
    assert utc_bounds(evening, zone)[1] == utc_bounds(evening + DAY, zone)[0]
    assert all(noon.hour == 12 for noon in bounds(evening, zone))


@pytest.mark.parametrize(
    ("evening", "hours"),
    [(date(2026, 3, 28), 23), (date(2026, 10, 24), 25), (date(2026, 11, 20), 24)],
)
def test_a_night_in_which_clocks_change_is_as_long_as_it_was(
    tmp_path: Path, evening: date, hours: int
) -> None:
    since, until = utc_bounds(evening, AMSTERDAM)
    assert (until - since) == timedelta(hours=hours)
    house = House(tmp_path)
    house.keep(MadeNight(since, hours))
    night = house.read().report(evening)
    assert night is not None
    assert night.coverage.watched_s == hours * 3600
    assert sum(hour.watched_s for hour in night.hours) == hours * 3600
    assert len(night.hours) == hours


def test_an_hour_that_clocks_repeat_is_told_twice_with_its_offset() -> None:
    begin = datetime(2026, 10, 24, 22, 30, tzinfo=UTC)
    hours = clock_hours(begin, begin + 5 * HOUR, AMSTERDAM)
    assert hour_names(hours, AMSTERDAM) == [
        "00:00", "01:00", "02:00 (UTC+0200)", "02:00 (UTC+0100)", "03:00", "04:00",
    ]  # fmt: skip


pieces = st.lists(
    st.tuples(st.sampled_from(SpanState), st.integers(1, 20_000)), min_size=1, max_size=20
)


@given(pieces, zones, moments)
def test_hours_add_up_to_what_was_watched(
    lengths: list[tuple[SpanState, int]], zone: ZoneInfo, begin: datetime
) -> None:
    states, at = [], begin
    for state, seconds in lengths:
        states.append((state, at, at + timedelta(seconds=seconds)))
        at += timedelta(seconds=seconds)
    coverage = NightCoverage(states=tuple(states))
    hours = clock_hours(begin, at, zone)
    watched = [coverage.between(hour, hour + HOUR) for hour in hours]
    assert sum(watched) == pytest.approx(coverage.watched_s)
    assert all(0 <= each <= 3600 for each in watched)
    assert hours[0] <= begin
    assert hours[-1] < at <= hours[-1] + HOUR
    spans = coverage.seconds_from(begin)
    assert sum(b - a for a, b in spans) == pytest.approx(coverage.watched_s)


def test_gaps_and_watched_time_make_up_the_night(tmp_path: Path) -> None:
    begin = datetime(2026, 11, 20, 22, 4, tzinfo=UTC)
    house = House(tmp_path)
    house.keep(MadeNight(begin, 8, [event(Kind.CLONUS, begin + 60 * MIN)], [(124 * MIN, 20 * MIN)]))
    night = house.read().report(date(2026, 11, 20))
    assert night is not None
    coverage = night.coverage
    assert [gap.seconds for gap in coverage.gaps] == [1200]
    assert coverage.watched_s + 1200 == 8 * 3600
    assert (coverage.begin, coverage.end) == (begin, begin + 8 * HOUR)


def test_what_nobody_watched_is_no_quiet_night(tmp_path: Path) -> None:
    house = House(tmp_path)
    begin = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
    house.keep(MadeNight(begin), MadeNight(begin + 2 * DAY))
    read = house.read()
    assert read.report(date(2026, 11, 21)) is None
    night = read.report(date(2026, 11, 22))
    assert night is not None
    known = {evening: figures is not None for evening, figures in night.trend}
    assert known[date(2026, 11, 20)]
    assert not known[date(2026, 11, 21)]
    assert len(night.trend) == 14
