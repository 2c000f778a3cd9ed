"""Parquet, EDF and Motion-BIDS as other programs write them: read, or refused in one sentence."""

from __future__ import annotations

import json
import warnings
from datetime import UTC, date, datetime, time
from pathlib import Path

import edfio
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from detector.errors import RecordingError, RecordingNotFoundError
from detector.store.formats.reader import load, open_recording

FS = 50
BEGAN = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)


def rest(n: int = 600, unit: float = 1.0) -> np.ndarray:
    """Samples at rest, with a number of its own in each row, in units of so many to a g."""
    made = np.array([0.02, -0.1, 0.99]) + np.random.default_rng(0).normal(0, 0.003, (n, 3))
    return np.round(made, 3) * unit


def parquet(folder: Path, columns: dict[str, object], **metadata: bytes) -> Path:
    path = folder / "night.parquet"
    pq.write_table(pa.table(columns).replace_schema_metadata(metadata or None), path)
    return path


def axes(samples: np.ndarray, names: str = "xyz") -> dict[str, object]:
    return {name: samples[:, i] for i, name in enumerate(names)}


seconds = np.arange(600) / FS
stamps = np.datetime64("2026-11-20T22:30:00", "ns") + np.arange(600) * np.timedelta64(20, "ms")
TIMES = {
    "time": pa.array(seconds),
    "time_ms": pa.array(seconds * 1000),
    "t": pa.array(seconds.astype(np.float32)),
    "timestamp": pa.array(stamps, pa.timestamp("ns", tz="UTC")),
    "time (us)": pa.array((seconds * 1e6).astype(np.int64)),
    "__index_level_0__": pa.array(stamps, pa.timestamp("us", tz="Europe/Berlin")),
    "Time": pa.array([str(stamp)[:-3] + "Z" for stamp in stamps]),
    "Timestamp": pa.array((seconds * 1e3).astype(np.int64), pa.duration("ms")),
}


@pytest.mark.parametrize("name", TIMES)
def test_parquet_says_its_times_in_any_of_these_ways(tmp_path, name):
    found = load(parquet(tmp_path, {name: TIMES[name], "label": pa.nulls(600), **axes(rest())}))
    assert found.fs == FS
    np.testing.assert_allclose(found.samples, rest())
    dated = name in {"timestamp", "__index_level_0__", "Time"}
    assert found.timebase.at_s(0.0) == (BEGAN if dated else None)


@pytest.mark.parametrize(
    ("names", "unit", "given"),
    [
        (("acc_x_mg", "acc_y_mg", "acc_z_mg"), 1000, None),
        (("x (m/s2)", "y (m/s2)", "z (m/s2)"), 9.80665, None),
        (("X", "Y", "Z"), 1, None),
        (("accel_x", "accel_y", "accel_z"), 1000, "mg"),
    ],
)
def test_parquet_has_units_as_tables_have(tmp_path, names, unit, given):
    samples = rest(unit=unit)
    columns = {name: samples[:, i] for i, name in enumerate(names)}
    found = load(parquet(tmp_path, {"time": seconds, **columns}), unit=given)
    np.testing.assert_allclose(found.samples, rest(), atol=1e-9)


def test_parquet_without_times_needs_the_rate_and_rows_that_are_null_are_gaps(tmp_path):
    samples = rest()
    samples[100:150, 1] = np.nan
    path = parquet(tmp_path, axes(samples))
    with pytest.raises(RecordingError, match="add --fs"):
        load(path)
    found = load(path, fs=FS)
    assert np.flatnonzero(np.isnan(found.samples).any(axis=1)).tolist() == list(range(100, 150))


def test_rows_that_are_missing_in_parquet_are_a_gap(tmp_path):
    kept = np.r_[0:200, 400:600]
    path = parquet(tmp_path, {"time": seconds[kept], **axes(rest()[kept])})
    with open_recording(path) as reader:
        assert [(block.start, block.stop) for block in reader.blocks()] == [(0, 200), (400, 600)]


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"time": seconds, "a": seconds}, "no column for the x axis"),
        ({"time": pa.array([None, *seconds[1:]]), **axes(rest())}, "no time"),
        ({"time": seconds[::-1].copy(), **axes(rest())}, "not in order of time"),
        ({"time": seconds, **{f"{a}_g": rest()[:, 2] * 6 for a in "xyz"}}, "looks like m/s²"),
        ({"time": seconds, "x": ["a"] * 600, "y": seconds, "z": seconds}, "not numbers"),
        ({"time": pa.array([], pa.float64()), **axes(rest(0))}, "is empty"),
        ({"time": [[1.0]] * 600, **axes(rest())}, "no Parquet file|not numbers"),
    ],
)
def test_parquet_that_makes_no_sense_gets_one_sentence(tmp_path, columns, told):
    with pytest.raises(RecordingError, match=told) as error:
        load(parquet(tmp_path, columns))
    assert "night.parquet" in str(error.value)
    assert "\n" not in str(error.value)


def edf(
    folder: Path,
    samples: np.ndarray,
    labels: tuple[str, ...],
    dimension: str,
    wide: bool = False,
) -> Path:
    signal = edfio.BdfSignal if wide else edfio.EdfSignal
    # What stands beside the accelerometer in such files, at a rate of its own.
    other = signal(np.sin(np.arange(12 * 200) / 9), 200, label="ECG", physical_dimension="mV")
    signals = [other] + [
        signal(samples[:, i], FS, label=label, physical_dimension=dimension)
        for i, label in enumerate(labels)
    ]
    path = folder / ("night.bdf" if wide else "night.edf")
    (edfio.Bdf if wide else edfio.Edf)(
        signals,
        recording=edfio.Recording(startdate=date(2026, 11, 20)),
        starttime=time(23, 30),
    ).write(path)
    return path


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize(
    ("labels", "dimension", "unit"),
    [
        (("acc_x", "acc_y", "acc_z"), "g", 1),
        (("ACC X", "ACC Y", "ACC Z"), "mg", 1000),
        (("X", "Y", "Z"), "m/s^2", 9.80665),
        (("leg accX", "leg accY", "leg accZ"), "G", 1),
    ],
)
def test_edf_of_others_is_read_among_their_other_signals(tmp_path, labels, dimension, unit, wide):
    found = load(edf(tmp_path, rest(unit=unit), labels, dimension, wide))
    assert found.fs == FS
    np.testing.assert_allclose(found.samples, rest(), atol=1e-4)
    assert found.timebase.at_s(0) is None
    assert any("zone" in warning for warning in found.warnings)


def test_edf_in_pieces_has_gaps_between_them(tmp_path):
    """EDF+D: each record of 1 s says when it began; four of them are missing."""
    samples = rest(600)
    signals = [
        edfio.EdfSignal(samples[:, i], FS, label=f"acc_{a}", physical_dimension="g")
        for i, a in enumerate("xyz")
    ]
    path = tmp_path / "night.edf"
    edfio.Edf(signals, annotations=[], data_record_duration=1).write(path)
    content = bytearray(path.read_bytes())
    content[192:197] = b"EDF+D"
    for record in reversed(range(5, 12)):  # from the sixth on four seconds later
        was, now = f"+{record}\x14\x14".encode(), f"+{record + 4}\x14\x14".encode()
        at = content.index(was.ljust(len(now), b"\0"), 256)
        content[at : at + len(now)] = now
    path.write_bytes(content)
    with open_recording(path) as reader:
        assert [(block.start, block.stop) for block in reader.blocks()] == [(0, 250), (450, 800)]


def test_an_edf_that_ends_within_a_record_is_read_as_far_as_it_is_whole(tmp_path):
    path = edf(tmp_path, rest(), ("acc_x", "acc_y", "acc_z"), "g")
    path.write_bytes(path.read_bytes()[:-500])
    found = load(path)
    assert 0 < len(found.samples) < 600
    assert any("what is whole of it was read" in each for each in found.warnings)


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (("acc_x", "acc_y", "gyro"), "no signal for the z axis"),
        (("acc_x", "acc_y", "acc_z", "X"), "two signals for the x axis"),
    ],
)
def test_edf_without_one_accelerometer_says_which_signals_it_has(tmp_path, labels, told):
    samples = np.column_stack([rest(), rest()[:, 0]])
    with pytest.raises(RecordingError, match=told):
        load(edf(tmp_path, samples, labels, "g"))


@pytest.mark.parametrize("suffix", [".parquet", ".edf", ".bdf"])
@pytest.mark.parametrize("content", [b"PK\x03\x04 what", b"0       " + b"x" * 300, b"PAR1", b"\0"])
def test_what_is_no_such_file_says_so(tmp_path, suffix, content):
    path = tmp_path / f"night{suffix}"
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RecordingError, match=r"damaged, or no (Parquet|EDF or BDF) file"):
            load(path)


def motion(folder: Path, samples: np.ndarray, rows: list[str], **sidecar: object) -> Path:
    path = folder / "sub-01_task-night_tracksys-imu_motion.tsv"
    np.savetxt(path, samples, "%.6f", delimiter="\t")
    path.write_text(path.read_text().replace("nan", "n/a"))
    body = {"TaskName": "night", "SamplingFrequency": FS} | sidecar
    path.with_name(path.name.replace("motion.tsv", "motion.json")).write_text(json.dumps(body))
    head = "name\tcomponent\ttype\ttracked_point\tunits"
    table = path.with_name(path.name.replace("_motion.", "_channels."))
    table.write_text("\n".join([head, *rows]) + "\n")
    return path


ACCEL = [f"{a}\t{a}\tACCEL\tankle\tg" for a in "xyz"]


def test_motion_bids_of_others_is_read_among_their_other_channels(tmp_path):
    samples = rest(unit=9.80665)
    samples[100:150] = np.nan
    gyro = np.ones((600, 1))
    rows = ["g\tx\tGYRO\tankle\trad/s", *[row.replace("\tg", "\tm/s^2") for row in ACCEL]]
    found = load(motion(tmp_path, np.hstack([gyro, samples]), rows))
    assert found.fs == FS
    np.testing.assert_allclose(found.samples, samples / 9.80665, atol=1e-6)


def test_motion_bids_with_latencies_has_its_gaps_where_they_say(tmp_path):
    kept = np.r_[0:200, 400:600]
    rows = ["t\tn/a\tLATENCY\tn/a\ts", *ACCEL]
    path = motion(tmp_path, np.column_stack([seconds[kept], rest()[kept]]), rows)
    with open_recording(path) as reader:
        assert [(block.start, block.stop) for block in reader.blocks()] == [(0, 200), (400, 600)]


@pytest.mark.parametrize(
    ("rows", "sidecar", "told"),
    [
        (ACCEL[:2], {}, "one channel of type ACCEL"),
        ([*ACCEL, "b\tx\tACCEL\tcalf\tg"], {}, "ankle, calf: leave one sensor"),
        ([*ACCEL[:2], "z\tz\tACCEL\tankle\tmg"], {}, "different units"),
        ([*ACCEL, "b\tx\tGYRO\tankle\tg"], {}, "line 1 has 3 columns"),
        (ACCEL, {"SamplingFrequency": "fast"}, "is no number"),
        (ACCEL, {"SamplingFrequency": 2}, "2 samples a second"),
        ([], {}, "must name its columns"),
    ],
)
def test_motion_bids_that_does_not_fit_together_gets_one_sentence(tmp_path, rows, sidecar, told):
    with pytest.raises(RecordingError, match=told):
        load(motion(tmp_path, rest(), rows, **sidecar))


def test_a_missing_companion_is_named(tmp_path):
    path = motion(tmp_path, rest(), ACCEL)
    path.with_name(path.name.replace("_motion.", "_channels.")).unlink()
    with pytest.raises(RecordingNotFoundError, match=r"_channels\.tsv is missing"):
        load(path)


def test_a_cell_that_is_no_number_is_named_with_its_line(tmp_path):
    path = motion(tmp_path, rest(), ACCEL)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:7], "0.1\tabc\t0.9", *lines[8:]]) + "\n")
    with pytest.raises(RecordingError, match='line 8: "abc" is not a number'):
        load(path)
