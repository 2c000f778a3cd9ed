"""Laws of tables by other programs: a clock is known, in whatever form it is written."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detector.errors import RecordingError
from detector.store.formats.reader import load
from detector.store.formats.table import text

from .limb import FS, START, N, limb, moments, refused, rows, same, seconds, written

PER_FILE = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


TIME_NAMES = [
    ("sensor timestamp [ns]", 599616050e9, 1e9), ("Time (seconds)", 0, 1), ("time", 0, 1),
    ("time", 1767767458.0481e9, 1e9), ("timestamp", 1767767458048.0, 1e3),
    ("time", 1767767458048101.0, 1e6), ("seconds_elapsed", 0.07, 1), ("Time (ms)", 0, 1e3),
    ("elapsed_us", 5e6, 1e6), ("SampleTimeFine", 1.9e9, 1e6), ("t_ms", 57, 1e3),
    ("epoch (ms)", 1767767458048.0, 1e3), ("loggingTime", 1767767458.0, 1), ("Zeit (s)", 0, 1),
    ("ts", 12345678, 1e3), ("unix", 1767767458.0, 1), ("millis", 900, 1e3), ("ns", 5e12, 1e9),
    ("Time", 46095.09, 1 / 86_400),
]  # fmt: skip


@pytest.mark.parametrize(("name", "start", "per_s"), TIME_NAMES)
def test_a_clock_is_known_by_its_name_and_its_unit_by_its_content(
    tmp_path: Path, name: str, start: float, per_s: float
) -> None:
    digits = 10 if per_s < 1 else 4
    times = [f"{start + i / FS * per_s:.{digits}f}" for i in range(N)]
    found = load(written(tmp_path, [f"{name},x,y,z", *rows(times)]))

    same(found)
    epoch = start / per_s > 1e9 and per_s >= 1
    assert (found.timebase.epoch_ns is not None) is epoch


@pytest.mark.parametrize("fs", [None, 50.0])
def test_a_clock_is_never_ignored_because_a_rate_is_given(tmp_path: Path, fs: float | None) -> None:
    kept = np.r_[0:400, 700:N]
    lines = [rows(seconds())[i] for i in kept]
    for name in ("Time (seconds)", "sensor timestamp", "Uhrzeit", "elapsed"):
        found = load(written(tmp_path, [f"{name},x,y,z", *lines]), fs=fs)
        assert np.isnan(found.samples[400:700]).all()
        np.testing.assert_allclose(found.samples[kept], limb()[kept], atol=1e-6)


FORMS: list[Callable[[datetime], str]] = [
    lambda t: t.strftime("%d/%m/%Y %H:%M:%S.") + f"{t.microsecond // 1000:03d}",
    lambda t: t.strftime("%d.%m.%Y %H:%M:%S,") + f"{t.microsecond // 1000:03d}",
    lambda t: t.strftime("%m/%d/%Y %I:%M:%S.") + f"{t.microsecond // 1000:03d} " + t.strftime("%p"),
    lambda t: f"{t.month}/{t.day}/{t.year} {t.hour}:{t:%M:%S}.{t.microsecond // 1000:03d}",
    lambda t: t.strftime("%Y-%m-%d %H:%M:%S:") + f"{t.microsecond // 1000:03d}",
    lambda t: t.strftime("%Y/%m/%d %H:%M:%S.%f"),
    lambda t: t.strftime("%d-%b-%Y %H:%M:%S.%f"),
    lambda t: t.strftime("%b %d, %Y, %I:%M:%S.%f %p"),
    lambda t: t.strftime("%Y%m%dT%H%M%S.%f"),
    lambda t: t.strftime("%H:%M:%S.%f"),
    lambda t: t.strftime("%M:%S.%f"),
    lambda t: t.strftime("%Y-%m-%d_%H:%M:%S.%f"),
]
ZONED: list[tuple[Callable[[datetime], str], float]] = [
    (lambda t: t.strftime("%Y-%m-%d %H:%M:%S.%f") + "+0100 [Europe/Berlin]", 1),
    (lambda t: t.strftime("%Y-%m-%d %H:%M:%S.%f") + " [Europe/Berlin]", 1),
    (lambda t: t.strftime("%a %b %d %Y %H:%M:%S.%f GMT-0400 (EDT)"), -4),
    (lambda t: t.strftime("%d/%m/%Y %H:%M:%S.%f") + " CET", 1),
    (lambda t: t.strftime("%Y-%m-%d %I:%M:%S.%f %p") + " UTC", 0),
    (lambda t: t.strftime("%Y-%m-%dT%H:%M:%S,%fZ"), 0),
]


@pytest.mark.parametrize("form", FORMS)
def test_a_time_is_read_in_whatever_form_it_is_written(
    tmp_path: Path, form: Callable[[datetime], str]
) -> None:
    mark = ";" if "," in form(START) else ","
    found = load(
        written(tmp_path, [mark.join(["Timestamp", *"xyz"]), *rows(moments(form), mark=mark)])
    )

    same(found)
    assert found.timebase.epoch_ns is None
    assert any("does not say" in warning for warning in found.warnings)


@pytest.mark.parametrize(("form", "hours"), ZONED)
def test_a_time_that_says_its_zone_dates_the_recording(
    tmp_path: Path, form: Callable[[datetime], str], hours: float
) -> None:
    mark = ";" if "," in form(START) else ","
    found = load(
        written(tmp_path, [mark.join(["Timestamp", *"xyz"]), *rows(moments(form), mark=mark)])
    )

    same(found)
    assert found.timebase.at_s(0) == START - timedelta(hours=hours)


@pytest.mark.parametrize("names", ["Date,Time", "datum,uhrzeit", "date (local),time (local)"])
def test_date_and_time_of_day_may_stand_apart(tmp_path: Path, names: str) -> None:
    both = moments(lambda t: t.strftime("%d.%m.%Y,%H:%M:%S.%f"))
    same(load(written(tmp_path, [f"{names},x,y,z", *rows(both)])))


def test_times_of_day_go_on_over_midnight(tmp_path: Path) -> None:
    late = datetime(2026, 3, 14, 23, 59, 52, tzinfo=UTC)
    times = [(late + timedelta(seconds=i / FS)).strftime("%H:%M:%S.%f") for i in range(N)]
    same(load(written(tmp_path, ["time,x,y,z", *rows(times)])))


def test_a_form_that_nobody_knows_is_refused_with_a_remedy_that_works(tmp_path: Path) -> None:
    times = [f"frame {i}" for i in range(N)]
    message = refused(written(tmp_path, ["time,x,y,z", *rows(times)]))
    assert 'this form of time is not known: "frame 0"' in message
    iso = re.search(r"as in (\S+),", message)
    assert iso is not None
    first = datetime.fromisoformat(iso[1])
    as_told = [(first + timedelta(seconds=i / FS)).isoformat() for i in range(N)]
    same(load(written(tmp_path, ["time,x,y,z", *rows(as_told)])))
    same(load(written(tmp_path, ["x,y,z", *rows([""] * N)]), fs=FS))


def test_the_day_may_be_told_by_the_lines_above_or_is_said_to_be_guessed(tmp_path: Path) -> None:
    times = moments(lambda t: t.replace(day=4).strftime("%m/%d/%Y %H:%M:%S.%fZ"))
    table = ["time,x,y,z", *rows(times)]
    guessed = load(written(tmp_path, table))
    assert guessed.timebase.at_s(0).month == 4
    assert any("day or the month" in warning for warning in guessed.warnings)
    said = load(written(tmp_path, ["date format MM/dd/yyyy at 50 Hz", *table]))
    assert said.timebase.at_s(0).month == 3


ABOVE = [
    ["---- Data File Created By ActiGraph GT3X+ date format M/d/yyyy at 50 Hz  Filter Normal ----",
     "Serial Number: XXX", "Start Time 02:10:00", "Start Date 3/14/2026", "------"],
    ["Device Type,GENEActiv", "Measurement Frequency,50.0 Hz", "Range,-8 to 8", "Volts,4.1"],
    ["Sample rate: 50"], ["fs=50"], ["# sampling frequency (Hz): 50", "# worn on the left"],
    ["Some logger 2.1", "", "Sampling rate;50,0 Hz"],
]  # fmt: skip


@pytest.mark.parametrize("above", ABOVE)
@pytest.mark.parametrize("header", ["Accelerometer X,Accelerometer Y,Accelerometer Z", "x,y,z"])
def test_lines_above_the_header_are_passed_over_and_may_say_the_rate(
    tmp_path: Path, above: list[str], header: str
) -> None:
    file = written(tmp_path, [*above, header, *rows([""] * N)])
    same(load(file))
    assert "contradicts" in refused(file, fs=100)


def test_a_table_without_a_header_is_read_where_its_content_says_what_it_is(tmp_path: Path) -> None:
    iso = moments(lambda t: t.strftime("%Y-%m-%d %H:%M:%S:") + f"{t.microsecond // 1000:03d}")
    geneactiv = [f"{row},12,0,23.5" for row in rows(iso)]
    for lines in (rows(seconds()), geneactiv, rows(seconds(), mark="\t")):
        found = load(written(tmp_path, lines))
        same(found)
        assert any("has no header" in warning for warning in found.warnings)
    same(load(written(tmp_path, rows([""] * N)), fs=FS))
    same(load(written(tmp_path, ["# t x y z", *rows(seconds(), mark=" ")], name="a.txt")))
    assert "header" in refused(written(tmp_path, [f"{row},1,2" for row in rows([""] * N)]), fs=FS)


def test_a_line_of_units_below_the_header_is_read(tmp_path: Path) -> None:
    lines = ["time,x,y,z", "ms,m/s2,m/s2,m/s2", *rows(seconds(per_s=1e3), scale=9.80665)]
    same(load(written(tmp_path, lines)), atol=1e-5)


def test_rows_that_were_dated_when_they_came_are_timed_by_their_number(tmp_path: Path) -> None:
    index = np.arange(N)
    came = {
        "by 3": (index // 3 + 1) * 60 - 3 + index % 3,
        "whole seconds": (index // 50) * 1000,
        "by 16": (index // 16 + 1) * 320 + (index % 16) // 8,
        "by 10, late by chance": (index // 10) * 200
        + np.repeat(np.random.default_rng(1).integers(0, 60, N // 10), 10),
    }
    for how, times in came.items():
        lines = ["time_ms,x,y,z", *rows([str(t) for t in times.tolist()])]
        found = load(written(tmp_path, lines))
        assert found.fs == pytest.approx(FS, rel=4e-3), how
        assert len(found.samples) == N
        assert not np.isnan(found.samples).any()
        assert any("bursts" in warning for warning in found.warnings)


def test_a_gap_between_bursts_is_a_gap(tmp_path: Path) -> None:
    times = np.arange(N) // 50 * 1000
    times[500:] += 30_000
    found = load(written(tmp_path, ["time_ms,x,y,z", *rows([str(t) for t in times.tolist()])]))
    missing = np.isnan(found.samples).any(axis=1)
    assert missing.sum() / FS == pytest.approx(30, abs=0.5)
    assert np.flatnonzero(missing)[0] == 500


def test_times_that_cannot_be_those_of_samples_are_refused_with_a_remedy_that_works(
    tmp_path: Path,
) -> None:
    wild = np.sort(np.random.default_rng(3).pareto(0.4, N)) % 5000
    message = refused(written(tmp_path, ["time,x,y,z", *rows([f"{t:.3f}" for t in np.sort(wild)])]))
    assert "Remove the time column and add --fs" in message
    same(load(written(tmp_path, ["x,y,z", *rows([""] * N)]), fs=FS))


@PER_FILE
@given(
    swaps=st.lists(st.integers(5, N - 10), max_size=4, unique=True),
    doubles=st.lists(st.integers(0, N - 1), max_size=8),
    piece=st.sampled_from([60, 333, 30_000]),
)
def test_swapped_and_doubled_rows_are_put_right_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swaps: list[int], doubles: list[int],
    piece: int,
) -> None:  # fmt: skip
    monkeypatch.setattr(text, "PIECE_LINES", piece)
    lines = rows(seconds())
    for at in swaps:
        lines[at], lines[at + 1] = lines[at + 1], lines[at]
    for at in sorted(doubles, reverse=True):
        lines.insert(at, lines[at])
    found = load(written(tmp_path, ["time,x,y,z", *lines]))
    same(found)
    assert any("out of order" in each for each in found.warnings) is bool(swaps)
    doubled = [each for each in found.warnings if "doubled" in each]
    assert bool(doubled) is bool(doubles)


@pytest.mark.parametrize("times", [2, 3])
def test_rows_written_several_times_count_once(tmp_path: Path, times: int) -> None:
    lines = [line for line in rows(seconds()) for _ in range(times)]
    found = load(written(tmp_path, ["time,x,y,z", *lines]))
    same(found)
    assert f"{(times - 1) * N} doubled rows" in found.warnings[0]
    bare = [line for line in rows([""] * N) for _ in range(2)]
    assert "each row is there twice" in load(written(tmp_path, ["x,y,z", *bare]), fs=50).warnings[0]


def test_a_block_that_was_sent_again_counts_once(tmp_path: Path) -> None:
    lines = rows(seconds())
    again = [*lines[:500], *lines[436:500], *lines[500:]]
    found = load(written(tmp_path, ["time,x,y,z", *again]))
    same(found)
    assert "64 doubled rows" in found.warnings[0]


@pytest.mark.parametrize("header_again", [False, True])
@pytest.mark.parametrize("piece", [100, 30_000])
def test_a_logger_that_begins_anew_makes_a_break(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, header_again: bool, piece: int
) -> None:
    monkeypatch.setattr(text, "PIECE_LINES", piece)
    times = [f"{i % 500 / FS + 0.11:.2f}" for i in range(N)]
    lines = rows(times)
    middle = ["Time (seconds),x,y,z"] if header_again else []
    found = load(written(tmp_path, ["Time (seconds),x,y,z", *lines[:500], *middle, *lines[500:]]))
    assert found.fs == FS
    assert np.isnan(found.samples[500:550]).all()
    np.testing.assert_allclose(np.delete(found.samples, np.s_[500:550], axis=0), limb(), atol=1e-6)
    assert any("begins anew" in warning for warning in found.warnings)


@pytest.mark.parametrize("wrong", ["0.1", "1e7", "99999", "1e15"])
def test_one_time_far_from_its_neighbours_costs_one_row(tmp_path: Path, wrong: str) -> None:
    times = seconds(start=100)
    times[600] = wrong
    found = load(written(tmp_path, ["time,x,y,z", *rows(times)]))
    assert np.isnan(found.samples[600]).all()
    np.testing.assert_allclose(
        np.delete(found.samples, 600, axis=0), np.delete(limb(), 600, axis=0), atol=1e-6
    )
    assert "line 602" in found.warnings[0]


def test_a_table_in_no_order_is_refused(tmp_path: Path) -> None:
    lines = rows(seconds())
    order = np.arange(N)
    order[100:800] = np.random.default_rng(2).permutation(700) // 4 * 4 + np.arange(700) % 4 + 100
    mixed = [lines[i] for i in np.clip(order, 0, N - 1)]
    with pytest.raises(RecordingError, match=r"order|from row to row"):
        load(written(tmp_path, ["time,x,y,z", *mixed]))


AUTUMN, SPRING = datetime(2026, 10, 25, 2, 59, 50), datetime(2026, 3, 29, 1, 59, 50)


@pytest.mark.parametrize(("start", "hours"), [(AUTUMN, -1), (SPRING, 1)])
def test_a_clock_that_is_changed_for_summer_makes_no_gap(
    tmp_path: Path, start: datetime, hours: int
) -> None:
    times = []
    for i in range(N):
        at = start + timedelta(seconds=i / FS)
        times.append(
            (at + timedelta(hours=hours if i >= 500 else 0)).isoformat(" ", "milliseconds")
        )
    found = load(written(tmp_path, ["time,x,y,z", *rows(times)]))
    same(found)
    assert any("an hour" in warning for warning in found.warnings)
