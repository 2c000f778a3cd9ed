"""`load_night` gives a night to Python as it is kept, and its page's code runs."""

from __future__ import annotations

import re
import sys
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from detector import load_night
from detector.errors import RecordingNotFoundError
from detector.notebook import COLUMNS, MissingLibraryError, NightData
from detector.store.formats.reader import load, open_recording

from ..kit.kept_night import BEGAN, a_kept_night, jerking, packets, record

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "notebooks.md").read_text(encoding="utf-8")
CODE = re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("SPASMWATCH_WEARER__TIME_ZONE", "Europe/Berlin")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


def contents(folder: Path) -> dict[Path, bytes]:
    return {each: each.read_bytes() for each in folder.rglob("*") if each.is_file()}


@pytest.mark.parametrize("evening", ["2026-11-20", "last", date(2026, 11, 20)])
def test_a_night_is_what_was_kept_of_it_and_stays_so(data, evening):
    kept = a_kept_night(data)
    before = contents(data)
    night = load_night(evening, data_dir=data)
    assert list(night.events) == kept
    assert list(night.recordings) == ["2026-11-20"]
    np.testing.assert_array_equal(
        night.samples().samples, load(night.recordings["2026-11-20"]).samples
    )
    assert contents(data) == before


def test_every_row_is_dated_as_the_night_dated_it(data):
    """A sensor whose clock is slow by four in a thousand, over twenty minutes."""
    path = record(data, packets(jerking(1200, 50, ()), 50, pace=1.004))
    with open_recording(path) as reader:
        list(reader.blocks())
        base = reader.timebase
    assert base.knots
    read = load_night("2026-11-20", data_dir=data).samples()
    assert read.times_ns is not None
    for index in (0, 1, 20_000, 40_000, len(read.samples) - 1):
        moment = base.at_s(index / read.fs)
        assert moment is not None
        assert abs(int(read.times_ns[index]) - int(moment.timestamp() * 1e9)) <= 1_000_001


def test_rows_have_every_column_and_times_of_the_wearer(data):
    kept = a_kept_night(data)
    rows = load_night("2026-11-20", data_dir=data).rows()
    assert [set(row) for row in rows] == [set(COLUMNS)] * len(kept)
    assert rows[0]["onset"] == kept[0].onset
    assert rows[0]["onset"].utcoffset() == timedelta(hours=1)
    assert [row["kind"] for row in rows] == [event.kind.value for event in kept]


def test_what_is_not_there_is_said(data):
    with pytest.raises(RecordingNotFoundError, match="No night is kept"):
        load_night("last", data_dir=data)
    a_kept_night(data)
    with pytest.raises(RecordingNotFoundError, match="Nothing is kept of the night of 2026-11-19"):
        load_night("2026-11-19", data_dir=data)
    with pytest.raises(ValueError, match="isoformat"):
        load_night("yesterday", data_dir=data)
    with pytest.raises(RecordingNotFoundError, match=r"There is 2026-11-20\."):
        load_night("2026-11-20", data_dir=data).samples("left")


@pytest.mark.parametrize(
    ("missing", "ask"),
    [
        ("pandas", lambda night: night.to_pandas()),
        ("pandas", lambda night: night.samples().to_pandas()),
        ("matplotlib", lambda night: night.plot()),
    ],
)
def test_a_missing_library_is_named_with_what_installs_it(data, monkeypatch, missing, ask):
    a_kept_night(data)
    for name in [name for name in sys.modules if name.partition(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    night = load_night("2026-11-20", data_dir=data)
    with pytest.raises(MissingLibraryError, match=rf"pip install {missing}$"):
        ask(night)


def test_pandas_is_given_rows_and_times(data, monkeypatch):
    """Where pandas is not installed this says what it would be given."""
    given = []
    fake = SimpleNamespace(
        Index=lambda values, name: (list(values), name),
        to_datetime=lambda values, utc: (values.tolist(), utc),
        DataFrame=lambda body, columns, index: given.append((body, columns, index)),
    )
    monkeypatch.setitem(sys.modules, "pandas", fake)
    kept = a_kept_night(data)
    night = load_night("2026-11-20", data_dir=data)
    night.to_pandas()
    night.samples().to_pandas()
    (rows, columns, index), (samples, axes, times) = given
    assert rows == night.rows()
    assert (columns, index) == (list(COLUMNS), ([event.id for event in kept], "id"))
    assert (samples.shape[1], axes, times[1]) == (3, ["x", "y", "z"], True)
    assert abs(times[0][0] - BEGAN.timestamp() * 1e9) < 1e6


def test_a_plot_shows_each_kind_once_in_its_legend(data):
    kept = a_kept_night(data)
    figure = load_night("2026-11-20", data_dir=data).plot()
    legend = figure.axes[0].get_legend()
    assert legend is not None
    shown = [text.get_text() for text in legend.get_texts()]
    assert len(shown) == len(set(shown)) <= len({event.kind for event in kept})
    assert "Not a medical device" in figure.get_supxlabel()


def test_a_night_without_a_recording_is_drawn_all_the_same(data):
    a_kept_night(data)
    (data / "nights" / "2026-11-20.sqlite").unlink()
    night = load_night("2026-11-20", data_dir=data)
    assert night.plot() is not None
    with pytest.raises(RecordingNotFoundError, match="deleted, or not recorded"):
        night.samples()


def test_the_code_of_its_page_runs(data, monkeypatch, capsys):
    """In order, in one notebook; what needs pandas only where pandas is."""
    kept = a_kept_night(data)
    monkeypatch.setenv("SPASMWATCH_DATA_DIR", str(data))
    try:
        import pandas  # noqa: F401, PLC0415
    except ImportError:
        pandas_is_here = False
    else:
        pandas_is_here = True
    names: dict[str, object] = {}
    for code in CODE:
        if "to_pandas" in code and not pandas_is_here:
            continue
        exec(code, names)  # noqa: S102 - the page's own code
    printed = capsys.readouterr().out
    assert len(CODE) == 4
    assert isinstance(names["night"], NightData)
    assert printed.count("\n") >= len(kept) + 1
    assert (data.parent / "night.png").stat().st_size > 10_000
