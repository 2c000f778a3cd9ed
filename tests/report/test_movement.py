"""A recording has the same movement however it is cut; sensors stand beside each other."""

from __future__ import annotations

import itertools
import json
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.block import EPOCH, Block, Timebase
from detector.evaluation.wearing import context_hours
from detector.events import Kind, Origin
from detector.report.movement import SensorMovement
from detector.report.night import report_of
from detector.report.page import report_html
from detector.report.reported import ReportedNight
from detector.report.view import report_view
from detector.store.known_night import KnownNight

from .long_night import BEGIN, SETTINGS, long_night
from .made import AMSTERDAM, HOUR, MIN, event

FS = 10.0
EVENING = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)


def timebase(begin: datetime) -> Timebase:
    return Timebase(FS, (begin - EPOCH) // timedelta(microseconds=1) * 1000)


def movement(name: str = "left-calf") -> SensorMovement:
    return SensorMovement(name, "ankle", NOON, NOON + 24 * HOUR)


SAMPLES = np.random.default_rng(2).normal(0, 0.1, (6000, 3)) + np.array([0.0, 0.0, 1.0])


@given(st.lists(st.integers(1, 5999), max_size=30), st.integers(0, 3000))
@settings(max_examples=50)
def test_a_recording_has_the_same_movement_however_it_is_cut(cuts: list[int], gap: int) -> None:
    edges = [0, *sorted({*cuts, 3000}), 6000]
    pieces = [
        Block(SAMPLES[a:b], a + (gap if a >= 3000 else 0), FS) for a, b in itertools.pairwise(edges)
    ]
    whole = [Block(SAMPLES[:3000], 0, FS), Block(SAMPLES[3000:], 3000 + gap, FS)]
    found = []
    for blocks in (pieces, whole):
        seen = movement()
        seen.take(blocks, lambda: timebase(BEGIN + 7 * MIN / 2))
        found.append(seen)
    one, other = found
    np.testing.assert_array_equal(one.strip, other.strip)
    assert one.samples == other.samples == 6000
    assert one.stretches == other.stretches
    assert one.gap_count == other.gap_count == (gap > 0)
    assert one.gap_s == pytest.approx(gap / FS)
    moved = np.abs(np.linalg.norm(SAMPLES, axis=1) - 1.0)
    assert np.nanmax(one.strip) == pytest.approx(moved.max())


def test_what_lies_between_two_recordings_of_a_night_is_a_gap() -> None:
    seen = movement()
    for begin in (BEGIN, BEGIN + 30 * MIN):
        seen.take([Block(SAMPLES, 0, FS)], lambda begin=begin: timebase(begin))
    assert seen.gap_count == 1
    assert seen.gap_s == pytest.approx(20 * 60)


def test_sensors_stand_side_by_side_and_their_counts_have_no_interval_of_one() -> None:
    both = event(Kind.CLONUS, BEGIN + MIN, 8.0, sensor="left-calf+right-calf")
    left = event(Kind.SPASM, BEGIN + 5 * MIN, 2.0, sensor="left-calf")
    known = KnownNight(evening=EVENING, now=NOON + 24 * HOUR, zone=AMSTERDAM, events=(both, left))
    sensors = [movement("left-calf"), movement("right-calf")]
    for each in sensors:
        each.take([Block(np.tile(SAMPLES, (12, 1)), 0, FS)], lambda: timebase(BEGIN))
    night = report_of(
        known, context_hours, origin=Origin.LIVE, label="bedroom", model="learned-v1",
        site="ankle", sensors=sensors,
    )  # fmt: skip
    view = report_view(night)
    assert [(row["sensor"], row["likely"]) for row in view["sensors"]] == [
        ("left calf", "2"),
        ("right calf", "1"),
    ]
    assert "several sensors were worn" in view["headline"]
    page = report_html([ReportedNight(night)])
    assert page.count(">left calf</text>") == page.count(">right calf</text>") == 1


def test_a_damaged_recording_is_reported_as_far_as_it_can_be_read(
    spasmwatch, tmp_path: Path
) -> None:
    house = long_night(tmp_path / "data", hours=1)
    (tmp_path / "c.toml").write_text(SETTINGS)
    given_ = ("-c", tmp_path / "c.toml", "--data-dir", tmp_path / "data", "report", "2026-11-20")
    whole = spasmwatch(*given_, "--json")
    assert whole.returncode == 0
    file = house.folder / "nights" / "2026-11-20.sqlite"
    kept = tmp_path / "kept.sqlite"
    shutil.copy(file, kept)
    for damage in (b"\xff" * 9000, b""):
        raw = bytearray(kept.read_bytes())
        if damage:
            raw[len(raw) // 2 : len(raw) // 2 + len(damage)] = damage
        else:
            raw = bytearray(b"no recording")
        file.write_bytes(bytes(raw))
        done = spasmwatch(*given_, "--json")
        assert done.returncode == 65
        body, before = json.loads(done.stdout), json.loads(whole.stdout)
        assert body["quality"]["damaged"]
        assert body["quality"]["remarks"]
        assert body["counts"] == before["counts"]
        assert body["coverage"] == before["coverage"]
    assert "2026-11-20.sqlite" in spasmwatch(*given_, COLUMNS="200").stdout


def test_a_file_in_which_noon_lies_is_a_report_for_each_night(spasmwatch, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(SETTINGS)
    at_s = NOON.timestamp() - 300 + np.arange(15_000) / 25  # five minutes before, as many after
    values = np.random.default_rng(3).normal(0, 0.01, (len(at_s), 3))
    values[:, 2] += 1.0
    file = tmp_path / "days.csv"
    table = np.column_stack([at_s, values])
    np.savetxt(file, table, "%.4f", delimiter=",", header="time,x,y,z", comments="")
    done = spasmwatch("-c", tmp_path / "c.toml", "report", file, "--json")
    assert done.returncode == 0, done.stderr
    first, second = map(json.loads, done.stdout.splitlines())
    assert [first["evening"], second["evening"]] == ["2026-11-19", "2026-11-20"]
    watched = [each["coverage"]["watched_s"] for each in (first, second)]
    assert sum(watched) == pytest.approx(600, abs=1)
    assert sum(each["sensors"][0]["samples"] for each in (first, second)) == 15_000
