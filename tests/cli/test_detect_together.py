"""Laws of `detect --together`: two sensors of one wearer, one event for what both saw."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from detector.events import Event, Kind, from_dict
from detector.store.formats import reader
from detector.store.formats.reading import RecordingReader

LATER = 350  # samples at 50 Hz: the second sensor began seven seconds after the first


@pytest.fixture
def legs(night: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Both legs of one night: the right one starts later and has no part in the second clonus."""
    header, *rows = night.read_text().splitlines()
    left, right = tmp_path / "left.csv", tmp_path / "right.csv"
    left.write_text("\n".join([header, *rows]))
    right.write_text("\n".join([header, *rows[LATER : 1000 * 50]]))
    return left, right


@pytest.fixture
def events(spasmwatch: Callable[..., object]) -> Callable[..., list[Event]]:
    """Return what `detect --json` prints of files."""

    def detected(*arguments: object) -> list[Event]:
        done = spasmwatch("detect", *arguments, "--json")
        assert done.returncode == 0, done.stderr
        return [from_dict(json.loads(line)) for line in done.stdout.splitlines()]

    return detected


def clonus(found: list[Event]) -> list[Event]:
    return [event for event in found if event.kind is Kind.CLONUS]


def test_what_both_legs_saw_is_one_event_that_names_them(events, legs):
    both, one = clonus(events("--together", *legs))

    assert both.sensor == "left+right"
    assert "clonus at left (" in both.reason
    assert "clonus at right (" in both.reason
    assert one.sensor == "left"
    assert len(clonus(events(*legs))) == 3


def test_the_order_of_the_files_does_not_matter(events, legs):
    assert events("--together", *legs) == events("--together", *reversed(legs))


def test_without_wall_clocks_they_are_taken_to_have_begun_together(spasmwatch, events, legs):
    for leg in legs:
        text = leg.read_text().replace("\n17955", "\n").replace("time,", "t,")
        leg.write_text(text)
    found = clonus(events("--together", *legs))

    assert [event.sensor for event in found] == ["left+right", "left"]
    assert {event.onset for event in found} == {None}
    assert "taken to have begun together" in spasmwatch("detect", "--together", *legs).stderr


def test_a_person_reads_which_leg_it_was(spasmwatch, legs):
    lines = spasmwatch("detect", "--together", *legs).stdout.splitlines()

    assert [line.split("   ")[0] for line in lines[:2]] == ["left.csv", "right.csv"]
    assert [line.rpartition(" ")[2] for line in lines if "Clonus, " in line] == [
        "[left+right]",
        "[left]",
    ]
    assert lines[-1].startswith("2 likely spasms, all of them clonus, 2 of these not sure.")


def test_one_clonus_of_two_legs_raises_one_alert(spasmwatch, legs):
    rules = {"SPASMWATCH_ALERTS__WAKE_FOR": '["clonus >= 5s"]'}
    done = spasmwatch("detect", "--together", *legs, "--alerts", "--json", **rules)
    told = [json.loads(line) for line in done.stdout.splitlines()]

    states = [item["state"] for item in told if item["schema"] == "alert/1"]
    assert states == ["raised", "resolved"] * 2


def test_two_sensors_of_one_name_are_told_apart(events, legs, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    again = legs[1].rename(other / "left.csv")

    assert clonus(events("--together", legs[0], again))[0].sensor == "left 1+left 2"


def test_a_name_with_a_plus_cannot_pass_for_two_sensors(events, legs, tmp_path):
    hostile = legs[0].rename(tmp_path / "a+b.csv")

    assert clonus(events("--together", hostile, legs[1]))[0].sensor == r"a\+b+right"


def test_a_file_that_cannot_be_read_leaves_nothing_half_told(spasmwatch, legs, tmp_path):
    done = spasmwatch("detect", "--together", *legs, "none.csv", "--out", "events.tsv")

    assert (done.returncode, done.stdout) == (66, "")
    assert "none.csv: there is no such file" in done.stderr
    assert not (tmp_path / "events.tsv").exists()


def test_recordings_of_two_people_are_refused(spasmwatch, legs, monkeypatch):
    whose = {"left.csv": "k3vq7m2xta", "right.csv": "abcdefg234"}
    read = reader.open_exported_table

    def owned(file: Path, **known: object) -> RecordingReader:
        recording = read(file, **known)
        recording.wearer = whose[file.name]
        return recording

    monkeypatch.setattr(reader, "open_exported_table", owned)
    done = spasmwatch("detect", "--together", *legs)

    assert (done.returncode, done.stdout) == (65, "")
    assert "different wearers" in done.stderr


def test_out_writes_what_was_told_together(spasmwatch, events, legs, tmp_path):
    found = events("--together", *legs, "--out", "events.tsv")

    header, *rows = (tmp_path / "events.tsv").read_text().splitlines()
    at = header.split("\t").index("id")
    assert [row.split("\t")[at] for row in rows] == [event.id for event in found]
