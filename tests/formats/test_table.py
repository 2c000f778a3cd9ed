"""Laws of tables: what is written is what is read, gaps stay gaps, and each error has its place."""

from __future__ import annotations

import collections
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from detector.errors import RecordingError
from detector.store.formats.reader import load, open_recording
from detector.store.formats.table import text

REST_G = np.array([0.02, -0.1, 0.99])


def resting(n: int, seed: int = 0) -> np.ndarray:
    """A limb at rest, (n, 3), g."""
    return np.round(np.random.default_rng(seed).normal(0, 0.003, (n, 3)) + REST_G, 6)


def axes(a: np.ndarray) -> dict[str, object]:
    return {"x": a[:, 0], "y": a[:, 1], "z": a[:, 2]}


def refused(path, **options) -> str:
    with pytest.raises(RecordingError) as caught:
        load(path, **options)
    return str(caught.value)


HEADERS = [
    ("time", "x", "y", "z"),
    ("t", "acc_x", "acc_y", "acc_z"),
    ("Timestamp", "ACCEL_X", "Accel_Y", "accel_z"),
    ("time_s", "ax", "ay", "az"),
    ("time (s)", "accX", "accY", "accZ"),
    ("TIME [s]", "acc_x_g", "acc_y_g", "acc_z_g"),
    ("t", "x (g)", "y [g]", "z (g)"),
    ("Zeit", "x", "y", "z"),
    ("tijd [s]", "x", "y", "z"),
    ("temps_s", "x", "y", "z"),
]


def test_an_english_time_goes_before_one_in_another_language(table):
    a = resting(100)
    file = table({"tempo": [60] * 100, "time": np.arange(100) / 50, **axes(a)})
    assert load(file).fs == 50


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("sep", [",", ";", "\t"])
def test_every_spelling_of_a_header_reads_the_same(table, header, sep):
    a = resting(400)
    file = table(dict(zip(header, [np.arange(400) / 50, *a.T], strict=True)), sep=sep)
    found = load(file)
    assert found.fs == 50
    assert found.timebase.epoch_ns is None
    np.testing.assert_array_equal(found.samples, a)


def test_the_order_of_columns_and_other_columns_do_not_matter(table):
    a = resting(100)
    file = table(
        {"gyr_x": ["n/a"] * 100, "z": a[:, 2], "x": a[:, 0], "t": np.arange(100) / 50,
         "y": a[:, 1], "note": [""] * 100}
    )  # fmt: skip
    np.testing.assert_array_equal(load(file).samples, a)


def test_comments_empty_lines_crlf_quotes_and_a_byte_order_mark_do_not_matter(table):
    a = resting(100)
    file = table({"time": np.arange(100) / 50, **axes(a)})
    plain = file.read_bytes().split(b"\n")
    plain[1:1] = [b"# worn on the left", b"", b"   "]
    quoted = [b",".join(b'"%s"' % f for f in line.split(b",")) for line in plain[50:60]]
    file.write_bytes(
        b"\xef\xbb\xbf# made by hand\r\n" + b"\r\n".join(plain[:50] + quoted + plain[60:])
    )
    np.testing.assert_array_equal(load(file).samples, a)


def test_a_decimal_comma_is_understood(table):
    a = resting(100)
    a[0] = [0, 0, 1]
    file = table({"time": np.arange(100) / 50, **axes(a)}, sep=";")
    file.write_text(file.read_text().replace(".", ","))
    np.testing.assert_array_equal(load(file).samples, a)


@pytest.mark.parametrize(
    ("unit", "factor", "given"),
    [("m/s2", 9.80665, "m/s2"), ("m/s²", 9.80665, None), ("mg", 1000, None), ("mg", 1000, "mg")],
)
def test_a_unit_in_the_header_or_given_converts_to_g(table, unit, factor, given):
    a = resting(200)
    suffix = "" if given else f" [{unit}]"
    columns = {"t": np.arange(200) / 50} | {f"{k}{suffix}": v for k, v in axes(a * factor).items()}
    np.testing.assert_allclose(load(table(columns), unit=given).samples, a, atol=1e-6)


def test_a_wrong_unit_is_one_sentence_with_the_remedy(table):
    a = resting(200)
    metric = table({"t": np.arange(200) / 50, **axes(a * 9.80665)})
    assert load(metric).warnings == ("night.csv is read as m/s² (|a| at rest is 9.76)",)
    assert "looks like m/s²" in refused(metric, unit="g")
    plain = table({"t": np.arange(200) / 50, **axes(a)})
    assert "looks like g" in refused(plain, unit="m/s2")
    claimed = table({"t": np.arange(200) / 50} | {f"{k}_mg": v for k, v in axes(a).items()})
    assert "looks like g" in refused(claimed)
    assert "add --unit" in refused(table({"t": np.arange(200) / 50, **axes(a * 0.01)}))
    assert "the unit must be g, m/s2, mg, or counts as in 8192/g" in refused(plain, unit="furlong")


def test_gravity_taken_out_is_read_with_a_warning_when_the_unit_is_given(table):
    a = resting(200) - REST_G
    found = load(table({"t": np.arange(200) / 50, **axes(a)}), unit="g")
    assert "holds no gravity" in found.warnings[0]


@pytest.mark.parametrize("fs", [25, 31.25, 50, 64, 100, 104.17, 128])
@pytest.mark.parametrize("digits", [3, 6])
def test_the_rate_is_found_from_rounded_and_jittered_times(table, fs, digits):
    n = 5000
    jitter = np.random.default_rng(1).uniform(-0.2, 0.2, n) / fs
    times = np.round(np.arange(n) / fs + jitter, digits)
    found = load(table({"t": times, **axes(resting(n))}))
    assert found.fs == pytest.approx(fs, rel=2e-4)
    assert len(found.samples) == n


@pytest.mark.parametrize("fs", [5, 10, 14])
def test_too_slow_is_refused_with_the_reason(table, fs):
    file = table({"t": np.arange(200) / fs, **axes(resting(200))})
    assert "clonus beats 3 to 8 times a second" in refused(file)


def test_a_low_rate_is_read_with_a_warning(table):
    found = load(table({"t": np.arange(200) / 20, **axes(resting(200))}))
    assert "fast clonus may be missed" in found.warnings[0]


def test_the_rate_must_be_known_and_must_not_contradict(table):
    bare = table(axes(resting(200)), name="bare.csv")
    assert refused(bare) == (
        "bare.csv has no time column among x, y, z. Call it time, t or timestamp, with its unit as "
        "in time_ms; or give the rate: --fs HZ"
    )
    assert load(bare, fs=50).fs == 50
    for nonsense in (0.0, -5.0, float("nan"), float("inf"), 1e9):
        assert "bare.csv" in refused(bare, fs=nonsense) or "above 0" in refused(bare, fs=nonsense)
    timed = table({"t": np.arange(200) / 50, **axes(resting(200))})
    assert "--fs 100 contradicts night.csv, which runs at 50 Hz" in refused(timed, fs=100)
    assert load(timed, fs=50.2).fs == 50.2


def test_milliseconds_are_read_where_named_and_known_by_their_steps(table):
    a = axes(resting(200))
    assert load(table({"time_ms": np.arange(200) * 20, **a})).fs == 50
    assert load(table({"time": np.arange(200) * 20, **a})).fs == 50
    wrong = load(table({"time_s": np.arange(200) * 20, **a}))
    assert wrong.fs == 50
    assert "time_s: read as milliseconds" in wrong.warnings[0]


START = datetime(2026, 10, 24, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        lambda t: f"{t.timestamp():.3f}",
        lambda t: t.isoformat().replace("+00:00", "Z"),
        lambda t: t.isoformat(),
        lambda t: t.isoformat(" ", "milliseconds"),
        lambda t: (t + timedelta(hours=2)).isoformat().replace("+00:00", "+02:00"),
        lambda t: (t + timedelta(hours=2)).isoformat().replace("+00:00", "+0200"),
    ],
)
def test_a_wall_clock_is_taken_over(table, written):
    times = [written(START + timedelta(seconds=i / 50)) for i in range(300)]
    found = load(table({"timestamp": times, **axes(resting(300))}))
    assert found.fs == 50
    assert found.timebase.at_s(0) == START
    assert not found.warnings


def test_the_night_of_the_clock_change_has_no_gap_when_times_say_their_zone(table):
    autumn = datetime(2026, 10, 25, 0, 59, tzinfo=UTC)
    moments = [autumn + timedelta(seconds=i / 50) for i in range(6000)]
    times = [
        (m + timedelta(hours=2 if m.hour == 0 else 1)).strftime("%Y-%m-%dT%H:%M:%S.%f")
        + ("+02:00" if m.hour == 0 else "+01:00")
        for m in moments
    ]
    found = load(table({"t": times, **axes(resting(6000))}))
    assert found.timebase.at_s(0) == autumn
    assert not np.isnan(found.samples).any()
    assert len(found.samples) == 6000


def test_times_without_a_zone_give_no_wall_clock_and_a_warning(table):
    times = [(START + timedelta(seconds=i / 50)).replace(tzinfo=None) for i in range(100)]
    found = load(table({"t": [t.isoformat() for t in times], **axes(resting(100))}))
    assert found.timebase.epoch_ns is None
    assert "zone" in found.warnings[0]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lost=st.lists(st.tuples(st.integers(1, 950), st.integers(1, 4000)), max_size=5),
    empty=st.lists(st.integers(0, 999), max_size=5),
    jitter=st.floats(0, 0.3),
    piece=st.sampled_from([60, 333, 30_000]),
)
def test_what_is_missing_is_missing_at_its_place_and_nothing_else_is(
    table, monkeypatch, lost, empty, jitter, piece
):
    """Rows that are not there, and fields that are empty, are the gaps; jitter makes none."""
    # The rate of a short piece is measured to within the jitter of its two ends.
    assume(piece > 60 or jitter < 0.2)
    monkeypatch.setattr(text, "PIECE_LINES", piece)
    index = np.arange(1000)
    for at, missing in lost:
        index[at:] += missing
    a = resting(1000)
    wobble = np.random.default_rng(3).uniform(-jitter, jitter, 1000)
    wobble[0] = 0
    times = np.round((index + wobble) / 50, 6)
    file = table({"t": times, **axes(a)}, fields={(row, 2): "" for row in empty})
    with open_recording(file, fs=50) as reader:
        blocks = list(reader.blocks())
    kept = np.setdiff1d(np.arange(1000), empty)
    np.testing.assert_array_equal(
        np.concatenate([np.arange(b.start, b.stop) for b in blocks]), index[kept]
    )
    np.testing.assert_array_equal(np.concatenate([b.samples for b in blocks]), a[kept])


def test_a_row_without_a_measurement_is_a_gap_however_it_is_written(table):
    fields = {(10, 1): "", (20, 2): "nan", (30, 3): "NaN", (40, 1): "inf", (50, 1): " "}
    file = table({"t": np.arange(100) / 50, **axes(resting(100))}, fields=fields)
    assert np.flatnonzero(np.isnan(load(file).samples).any(axis=1)).tolist() == [10, 20, 30, 40, 50]


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ((40, 2, "n/a"), 'night.csv line 42, column acc_y: "n/a" is not a number. Remove the line'),
        ((40, 2, "1_0"), "line 42, column acc_y"),
        ((40, 2, "0x10"), "line 42, column acc_y"),
        ((40, 2, "1e300"), "line 42: 1e+300 g is no acceleration"),
        ((40, 2, "1,2"), "line 42 has 5 fields, the header 4"),
        ((40, 2, '"1'), "line 42"),
        ((40, 2, "x" * 300), "line 42"),
        ((40, 0, ""), 'line 42, column t: "" is not a time'),
        ((40, 0, "nan"), "line 42, column t"),
        ((40, 0, "2026-01-01T00:00:00Z"), "line 42, column t"),
    ],
)
def test_a_wrong_field_is_named_by_line_and_column(table, field, words):
    row, column, text = field
    columns = {"t": np.arange(200) / 50, **{f"acc_{k}": v for k, v in axes(resting(200)).items()}}
    found = refused(table(columns, fields={(row, column): text}))
    assert words in found
    assert len(found) < 200


def test_a_sensor_that_was_put_on_late_is_no_problem(table, monkeypatch):
    monkeypatch.setattr(text, "PIECE_LINES", 100)
    empty = {(row, column): "" for row in range(2450) for column in (1, 2, 3)}
    file = table({"t": np.arange(3000) / 50, **axes(resting(3000))}, fields=empty)
    assert np.isnan(load(file).samples[:2450]).all()
    monkeypatch.setattr("detector.store.formats.table.reader.MOST_AHEAD", 3)
    assert "holds no measurement" in refused(file)


def test_a_wrong_field_far_down_is_named_after_the_good_samples_were_given(table, monkeypatch):
    monkeypatch.setattr(text, "PIECE_LINES", 100)
    file = table({"t": np.arange(3000) / 50, **axes(resting(3000))}, fields={(2900, 1): "oops"})
    got = []
    with (
        open_recording(file) as reader,
        pytest.raises(RecordingError, match='line 2902, column x: "oops"'),
    ):
        collections.deque(map(got.append, reader.blocks()))
    assert got[-1].stop == 2899


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("\n\n# nothing\n", "is empty"),
        ("t,x,y,z\n", "nothing follows the header"),
        ("0,1,2,3\n0.02,1,2,3\n", "has no header line"),
        ("t,x,y\n0,0,1\n", "no column for the z axis"),
        ("t,a,b,z\n0,0,1,1\n", "no column for the x axis, among t, a, b, z. It must name"),
        ("ora,x,y,z\n0,0,0,1\n", "no time column among ora, x, y, z. Call it time"),
        (",".join(["x,y,z", *"abcdefgh"]) + "\n0,0,1\n", "a, b, c, d, e and 3 more. Call it"),
        ("t,x,y,z,acc_x\n0,0,0,1,0\n", "two columns for the x axis"),
        ("t,x_g,y_mg,z_g\n0,0,0,1\n", "different units"),
        ("hello\nworld\n", "no column"),
        ("t,x,y,z\n0,0,0\x00,1\n", "UTF-8"),
        ("x" * 20_000, "more than 8 kB"),
        ("t,x,y,z\n" + "5,0,0,1\n" * 50, "same time"),
    ],
)
def test_what_is_no_recording_is_refused_in_a_sentence(tmp_path, text, words):
    file = tmp_path / "night.csv"
    file.write_text(text)
    assert words in refused(file)


def test_the_size_of_a_piece_changes_nothing(table, monkeypatch):
    times = np.arange(700) / 50
    times[300:] += 13.37
    file = table({"t": times, **axes(resting(700))}, fields={(11, 1): ""})
    whole = load(file)
    for size in (60, 61, 301, 699, 701):
        monkeypatch.setattr(text, "PIECE_LINES", size)
        np.testing.assert_array_equal(load(file).samples, whole.samples)
