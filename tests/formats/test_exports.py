"""What is exported is read again as the recording it was: samples, gaps, dates, and so events."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

import edfio
import numpy as np
import pyarrow.parquet
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from detector.block import Knot, Timebase
from detector.errors import RecordingError
from detector.events import Origin
from detector.store.formats.edf import GAP
from detector.store.formats.edf_out import resolution_of, write_edf
from detector.store.formats.exported import ExportNote, WholeRecording, whole_recording
from detector.store.formats.exported_table import write_table
from detector.store.formats.motion_bids_out import BidsNight, write_motion_bids
from detector.store.formats.parquet import write_parquet
from detector.store.formats.reader import load, open_recording

from ..kit.kept_night import HEADER, events_in, jerking, packets, record

EPOCH_NS = 1_795_500_000_250_000_000
STEP_G = 0.001


def _edf(folder: Path, made: WholeRecording) -> Path:
    resolution = resolution_of(made.samples)
    path = folder / f"made{resolution.suffix}"
    write_edf(path, made, resolution, zone=timezone(timedelta(hours=5, minutes=30)))
    return path


def _bdf(folder: Path, made: WholeRecording) -> Path:
    write_edf(folder / "made.bdf", made, resolution_of(made.samples, ".bdf"))
    return folder / "made.bdf"


def _csv(folder: Path, made: WholeRecording) -> Path:
    write_table(folder / "made.csv", made)
    return folder / "made.csv"


def _parquet(folder: Path, made: WholeRecording) -> Path:
    write_parquet(folder / "made.parquet", made)
    return folder / "made.parquet"


def _bids(folder: Path, made: WholeRecording) -> Path:
    (path,) = write_motion_bids(folder, BidsNight(date(2026, 11, 20), [(made, ())]))
    return path


WRITERS = {"csv": _csv, "parquet": _parquet, "edf": _edf, "bdf": _bdf, "bids": _bids}
EXACT = {"csv", "parquet", "bids"}

names = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=30
)


@st.composite
def recordings(draw: st.DrawFn) -> WholeRecording:
    """A recording of any rate, gaps, dates and names, whose sensor counts in steps of its own."""
    fs = draw(
        st.sampled_from([25.0, 26.0, 31.25, 50.0, 52.0, 100.0, 833.0])
        | st.floats(16, 400).map(lambda value: round(value, 4))
    )
    n = draw(st.integers(60, 1500))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    step = draw(st.sampled_from([STEP_G, 2.0**-11, 16 / 32768, 0.0]))
    samples = rng.normal(0, 0.3, (n, 3)) + np.array([0.0, 0.0, 1.0])
    samples = np.rint(samples / step) * step if step else samples
    for start, length in draw(
        st.lists(st.tuples(st.integers(1, n - 5), st.integers(1, n)), max_size=4)
    ):
        samples[start : start + length] = np.nan
    dated = draw(st.booleans())
    epoch_ns = draw(st.integers(10**18, 3 * 10**18)) if dated else None
    froms = sorted(draw(st.lists(st.floats(0, n / fs), max_size=30))) if dated else []
    knots = tuple(
        Knot(from_s, (epoch_ns or 0) + draw(st.integers(-(10**9), 10**9)), 1 + at * 1e-6)
        for at, from_s in enumerate(froms)
    )
    return WholeRecording(
        samples,
        ExportNote(
            recording=draw(names),
            timebase=Timebase(fs, epoch_ns, knots),
            wearer=draw(st.none() | st.just("k3vq7m2xta")),
            sensor=draw(st.none() | names),
            site=draw(st.sampled_from([None, "ankle", "wrist"])),
            origin=draw(st.sampled_from([None, *Origin][:3])),
        ),
        (),
    )


@pytest.mark.parametrize("form", WRITERS)
@given(made=recordings())
@settings(max_examples=40)
def test_samples_gaps_dates_and_names_come_back(form: str, made: WholeRecording) -> None:
    with TemporaryDirectory() as folder:
        path = WRITERS[form](Path(folder), made)
        with open_recording(path) as reader:
            again = whole_recording(reader)

    known = np.flatnonzero(made.known)
    tail = made.samples[: known[-1] + 1]  # behind the last sample nothing says how long nothing was
    assert again.note == made.note
    assert again.samples.shape == tail.shape
    if form in EXACT:
        np.testing.assert_array_equal(again.samples, tail)
    else:
        resolution = resolution_of(made.samples, ".bdf" if form == "bdf" else "")
        np.testing.assert_array_equal(np.isnan(again.samples), np.isnan(tail))
        most = 1e-9 if resolution.exact else resolution.step_g / 2 + 1e-9
        assert np.nanmax(np.abs(again.samples - tail)) <= most


@pytest.mark.parametrize("form", WRITERS)
@given(
    seed=st.integers(0, 1000),
    fs=st.sampled_from([50, 52, 100]),
    lost=st.sets(st.integers(2, 200), max_size=40),
    pace=st.sampled_from([1.0, 0.999, 1.004]),
    at_s=st.floats(60, 200),
)
@settings(max_examples=4)
def test_the_same_events_are_found(form, seed, fs, lost, pace, at_s) -> None:
    """Ids, dates and every number of them; a drifting clock and lost packets change nothing."""
    samples = jerking(240, fs, (at_s,), seed)
    with TemporaryDirectory() as folder:
        path = record(Path(folder), packets(samples, fs, lost=lost, pace=pace))
        wanted = events_in(path)
        with open_recording(path) as reader:
            made = whole_recording(reader)
        assume(wanted)
        assert events_in(WRITERS[form](Path(folder), made)) == wanted


@pytest.mark.parametrize("form", WRITERS)
def test_two_sensors_of_one_night_stay_one_night(form, tmp_path) -> None:
    """They began at different moments, and their clocks run apart: files say when each was."""
    paths, files = [], []
    for number, (name, later_s, pace) in enumerate((("left", 0, 1.001), ("right", 7.5, 0.999))):
        header = replace(HEADER, name=f"2026-11-20-{name}", sensor=name)
        began = HEADER.created + timedelta(seconds=later_s)
        samples = jerking(400, 50, (200 - later_s, 310 - later_s), number)
        paths.append(record(tmp_path, packets(samples, 50, began=began, pace=pace), header))
        with open_recording(paths[-1]) as reader:
            made = whole_recording(reader)
        (tmp_path / name).mkdir()
        files.append(WRITERS[form](tmp_path / name, made))
    wanted = events_in(*paths)
    assert len(wanted) >= 2
    assert events_in(*files) == wanted


def test_edf_is_read_by_its_own_library_with_gaps_and_events_in_it(tmp_path) -> None:
    path = record(tmp_path, packets(jerking(240, 50, (150,)), 50, lost=range(40, 60)))
    events = events_in(path)
    with open_recording(path) as reader:
        made = whole_recording(reader)
    resolution = resolution_of(made.samples)
    write_edf(tmp_path / "a.edf", made, resolution, events, UTC)

    read = edfio.read_edf(tmp_path / "a.edf")

    assert read.is_continuous
    assert [signal.label for signal in read.signals] == ["acc_x", "acc_y", "acc_z"]
    assert read.startdatetime == datetime(2026, 11, 20, 22, 30, 0, 250_000)
    gaps = [(each.onset, each.duration) for each in read.annotations if each.text == GAP]
    assert gaps == [(20.0, 10.0)]
    kinds = [each.text for each in read.annotations if each.text in {"clonus", "spasm"}]
    assert kinds == [
        event.kind.value for event in events if event.kind.value in {"clonus", "spasm"}
    ]
    assert resolution.exact


def test_sixteen_bits_are_used_only_where_nothing_is_lost() -> None:
    whole = np.array([[0.0, 0.001, 1.0], [0.002, -0.5, 0.999]])
    assert (resolution_of(whole).suffix, resolution_of(whole).exact) == (".edf", True)
    wide = np.random.default_rng(0).normal(0, 1, (500, 3))
    assert (resolution_of(wide).suffix, resolution_of(wide).exact) == (".bdf", False)
    assert resolution_of(wide * 30).range_g >= np.abs(wide * 30).max()
    with pytest.raises(RecordingError, match=r"name it \.bdf"):
        resolution_of(wide, ".edf")


def test_parquet_is_what_others_read(tmp_path) -> None:
    path = record(tmp_path, packets(jerking(60, 50, ()), 50, lost=range(40, 60)))
    with open_recording(path) as reader:
        made = whole_recording(reader)
    table = pyarrow.parquet.read_table(_parquet(tmp_path, made))
    assert table.column_names == ["time_s", "acc_x_g", "acc_y_g", "acc_z_g"]
    assert table.column("acc_x_g").null_count == 500
    assert table.column("time_s").to_pylist()[:3] == [0.0, 0.02, 0.04]
    assert table.schema.field("acc_x_g").metadata == {b"unit": b"g"}


@pytest.mark.parametrize(
    ("form", "module"), [("parquet", "pyarrow"), ("edf", "edfio"), ("bdf", "edfio")]
)
def test_a_library_that_is_missing_is_named_with_what_installs_it(
    form, module, tmp_path, monkeypatch
) -> None:
    path = record(tmp_path, packets(jerking(20, 50, ()), 50))
    with open_recording(path) as reader:
        file = WRITERS[form](tmp_path, whole_recording(reader))
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(
        RecordingError, match=rf"needs {module}: pip install 'spasmwatch\[export\]'"
    ):
        load(file)


@pytest.mark.parametrize("form", WRITERS)
def test_a_file_whose_rows_were_changed_says_so_and_is_read_as_it_is(form, tmp_path) -> None:
    """Half of the rows taken out: its note is of a recording that this no longer is."""
    path = record(tmp_path, packets(jerking(40, 50, ()), 50))
    with open_recording(path) as reader:
        made = whole_recording(reader)
    other = replace(made.note, timebase=replace(made.note.timebase, fs=100.0))
    wrong = WholeRecording(made.samples, other, ())
    file = WRITERS[form](tmp_path, wrong)
    if form == "csv":  # times that say 50 Hz under a note that says 100
        lines = file.read_text().splitlines()
        file.write_text("\n".join([*lines[:2], *lines[2::2]]) + "\n")
        with pytest.raises(RecordingError, match="contradicts"):
            load(file)
    else:
        assert load(file).fs == 100.0


notes = st.dictionaries(
    st.sampled_from(["schema", "recording", "wearer", "fs", "epoch_ns", "knots", "site", "origin"]),
    st.none() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.integers()),
)


@given(damage=notes)
def test_a_note_that_anybody_wrote_is_read_or_refused_in_one_way(damage) -> None:
    good = ExportNote(recording="n", timebase=Timebase(50.0, EPOCH_NS, (Knot(1.0, EPOCH_NS, 1.0),)))
    body = json.loads(good.to_json()) | damage
    try:
        text = json.dumps(body)
        found = ExportNote.parse(text)
    except ValueError:
        return
    assert 15 <= found.timebase.fs <= 10_000
    assert found.timebase.at_s(1e6) is None or found.timebase.at_s(1e6).year < 2130
