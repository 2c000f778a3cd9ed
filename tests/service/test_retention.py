"""Laws of retention: the oldest nights go, never tonight's, and nothing that is no recording."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from detector.service.persistence.retention import delete, expired

TONIGHT = date(2026, 11, 20)


@given(
    ages=st.sets(st.integers(0, 60), max_size=30),
    again=st.sets(st.integers(0, 60), max_size=10),
    nights=st.integers(1, 40),
)
def test_the_newest_nights_are_kept_whole_and_no_other(
    tmp_path_factory, ages: set[int], again: set[int], nights: int
) -> None:
    folder = tmp_path_factory.mktemp("nights")
    for age in ages:
        names = [f"{TONIGHT - timedelta(days=age)}.sqlite"]
        if age in again:
            names += [names[0].replace(".sqlite", "-2.sqlite")]
        for name in names:
            (folder / name).touch()
    doomed = expired(folder, nights=nights, current=str(TONIGHT))
    gone, trouble = delete(doomed)
    left = {path.name[:10] for path in folder.iterdir()}

    assert trouble is None
    assert gone == sorted(doomed)
    older = sorted(ages - {0})
    expected = {0} & ages | set(older[: nights - 1])
    assert left == {str(TONIGHT - timedelta(days=age)) for age in expected}


def test_what_is_no_recording_of_a_night_is_never_touched(tmp_path: Path) -> None:
    strangers = ["holiday.sqlite", "2020-01-01.csv", "2020-01-01.sqlite.bak", "state.sqlite"]
    for name in [*strangers, "2020-01-01.sqlite", "2020-01-01.sqlite-wal", "2099-01-01.sqlite"]:
        (tmp_path / name).touch()
    delete(expired(tmp_path, nights=1, current=str(TONIGHT)))

    assert {path.name for path in tmp_path.iterdir()} == {*strangers, "2099-01-01.sqlite"}


def test_what_cannot_be_deleted_is_told(tmp_path: Path) -> None:
    (tmp_path / "2020-01-01.sqlite").mkdir()
    gone, trouble = delete(expired(tmp_path, nights=1, current=str(TONIGHT)))

    assert gone == []
    assert "2020-01-01.sqlite cannot be deleted" in (trouble or "")
