"""`export` writes a night for other programs; `detect` finds the same events in what it wrote."""

from __future__ import annotations

import csv
import json
import os
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from shutil import which

import pytest

from detector.store.state import State

from ..kit.kept_night import HEADER, a_kept_night, jerking, packets, record

FORMATS = ["csv", "parquet", "edf", "bdf", "bids"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def ask(spasmwatch, data):
    return lambda *words, **env: spasmwatch("--data-dir", data, *words, **env)


def contents(folder: Path) -> dict[Path, bytes]:
    return {each: each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def samples_of(done) -> list[str]:
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [each["file"] for each in lines if each["what"] == "samples"]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("locale", ["C.UTF-8", "de_DE.UTF-8"])
def test_detect_finds_the_same_in_each_format(ask, data, tmp_path, form, locale) -> None:
    a_kept_night(data)
    before = contents(data)

    done = ask(
        "export", "last", "--to", tmp_path / "out", "--format", form, "--json", LC_ALL=locale
    )
    (file,) = samples_of(done)
    wanted = ask("detect", data / "nights" / "2026-11-20.sqlite", "--json").stdout

    assert (done.returncode, done.stderr) == (0, "")
    assert len(wanted.splitlines()) >= 2
    assert ask("detect", file, "--json", LC_ALL=locale).stdout == wanted
    assert contents(data) == before


@pytest.mark.parametrize("form", FORMATS)
def test_both_legs_of_a_night_are_one_night_again(ask, data, tmp_path, form) -> None:
    originals = []
    for number, name in enumerate(("left-calf", "right-calf")):
        header = replace(HEADER, name=f"2026-11-20-{name}", sensor=name)
        samples = jerking(300, 50, (150,), number)
        later = HEADER.created + timedelta(seconds=3 * number)
        originals.append(record(data, packets(samples, 50, began=later, pace=1.002), header))

    done = ask("export", "2026-11-20", "--to", tmp_path / "out", "--format", form, "--json")
    wanted = ask("detect", "--together", *originals, "--json").stdout

    assert wanted
    assert ask("detect", "--together", *samples_of(done), "--json").stdout == wanted


def test_a_file_is_named_for_one_recording_and_its_suffix_says_the_format(ask, data, tmp_path):
    kept = a_kept_night(data)
    done = ask("export", "--to", tmp_path / "night.parquet")
    assert done.returncode == 0
    assert (tmp_path / "night.parquet").read_bytes()[:4] == b"PAR1"
    rows = list(csv.DictReader((tmp_path / "night-events.csv").read_text().splitlines()))
    assert [row["id"] for row in rows] == [event.id for event in kept]
    assert "Not a medical device" in done.stderr
    assert "detect FILE" in done.stderr


def test_what_of_a_number_is_kept_is_said(ask, data, tmp_path):
    a_kept_night(data)
    assert "16 bits, in steps of 1000 µg, as the sensor sent them" in (
        ask("export", "--to", tmp_path / "out", "--format", "edf").stdout
    )
    assert "24 bits, in steps of 1 µg" in (
        ask("export", "--to", tmp_path / "out", "--format", "bdf", "--replace").stdout
    )


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_is_written_over_unless_that_is_asked_for(ask, data, tmp_path, form):
    a_kept_night(data)
    words = ("export", "--to", tmp_path / "out", "--format", form)
    assert ask(*words).returncode == 0
    before = contents(tmp_path / "out")

    again = ask(*words)

    assert again.returncode == 2
    assert "exists already" in again.stderr
    assert contents(tmp_path / "out") == before
    assert ask(*words, "--replace").returncode == 0
    assert contents(tmp_path / "out").keys() == before.keys()


def test_a_night_without_a_recording_still_has_its_events(ask, data, tmp_path):
    kept = a_kept_night(data)
    (data / "nights" / "2026-11-20.sqlite").unlink()
    done = ask("export", "--to", tmp_path / "out")
    assert done.returncode == 0
    assert "no recording any more" in done.stderr
    table = (tmp_path / "out" / "2026-11-20-events.csv").read_text()
    assert table.count("\n") == len(kept) + 1


def test_a_damaged_recording_gives_what_is_whole_of_it_and_says_so(ask, data, tmp_path):
    a_kept_night(data)
    path = data / "nights" / "2026-11-20.sqlite"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    wanted = ask("detect", path, "--json")
    done = ask("export", "--to", tmp_path / "out")
    assert (done.returncode, wanted.returncode) == (65, 65)
    assert "cut off or damaged" in done.stderr
    assert ask("detect", tmp_path / "out" / "2026-11-20.csv", "--json").stdout == wanted.stdout


def test_one_that_cannot_be_read_costs_no_other(ask, data, tmp_path):
    a_kept_night(data)
    (data / "nights" / "2026-11-20-2.sqlite").write_bytes(b"SQLite format 3\0" + bytes(2000))
    done = ask("export", "--to", tmp_path / "out")
    assert done.returncode == 65
    assert "2026-11-20-2.sqlite" in done.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "2026-11-20.csv",
        "2026-11-20-events.csv",
    }


def test_a_night_that_runs_is_exported_as_far_as_it_is(ask, data, tmp_path):
    kept = a_kept_night(data)
    with State.open(data / "state.sqlite") as state:
        done = ask("export", "--to", tmp_path / "out")
        state.commit(at=HEADER.created, events=[replace(kept[0], id="later")])
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--to", "a.csv", "--format", "edf"], 2, "give it the suffix .edf"),
        (["--to", "none/a.csv"], 74, "there is no such folder"),
        (["--to", "a.txt.d", "--format", "xls"], 2, "xls"),
        (["2026-11-19", "--to", "out"], 66, "Nothing is kept of the night of 2026-11-19"),
        ([], 2, "--to"),
        (["--to", "taken"], 2, "taken is a file"),
    ],
)
def test_what_is_asked_wrongly_gets_one_sentence_and_writes_nothing(
    ask, data, tmp_path, words, code, told
):
    a_kept_night(data)
    (tmp_path / "taken").write_text("mine")
    before = contents(tmp_path)
    done = ask("export", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert told in done.stderr
    assert contents(tmp_path) == before


def test_two_recordings_do_not_go_into_one_file(ask, data, tmp_path):
    a_kept_night(data)
    record(data, packets(jerking(20, 50, ()), 50), replace(HEADER, name="2026-11-20-2"))
    done = ask("export", "--to", tmp_path / "a.csv")
    assert done.returncode == 2
    assert "2 recordings: name a folder" in done.stderr
    assert not (tmp_path / "a.csv").exists()


def test_a_full_disk_leaves_no_half_of_a_file(ask, data, tmp_path, monkeypatch):
    a_kept_night(data)

    def full(*_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    done = ask("export", "--to", tmp_path / "out")
    assert done.returncode == 74
    assert "No space left" in done.stderr
    assert list((tmp_path / "out").iterdir()) == []


def test_bids_nights_gather_in_one_data_set(ask, data, tmp_path):
    a_kept_night(data)
    begun = HEADER.created + timedelta(days=1)
    header = replace(HEADER, name="2026-11-21", created=begun)
    record(data, packets(jerking(60, 50, ()), 50, began=begun), header)
    for night in ("2026-11-20", "2026-11-21"):
        assert ask("export", night, "--to", tmp_path / "set", "--format", "bids").returncode == 0
    root = tmp_path / "set"
    assert (root / "participants.tsv").read_text() == "participant_id\nsub-k3vq7m2xta\n"
    sessions = sorted(path.name for path in (root / "sub-k3vq7m2xta").iterdir())
    assert sessions == ["ses-20261120", "ses-20261121"]
    description = json.loads((root / "dataset_description.json").read_text())
    assert description["DatasetType"] == "raw"
    scans = root / "sub-k3vq7m2xta" / "ses-20261121" / "sub-k3vq7m2xta_ses-20261121_scans.tsv"
    (_, row) = scans.read_text().splitlines()
    name, at = row.split("\t")
    assert (scans.parent / name).is_file()
    assert at == "2026-11-21T22:30:00.250Z"


@pytest.mark.skipif(which("bids-validator-deno") is None, reason="no bids-validator-deno here")
def test_the_validator_of_bids_finds_no_error(ask, data, tmp_path):
    a_kept_night(data)
    assert ask("export", "--to", tmp_path / "set", "--format", "bids").returncode == 0
    done = subprocess.run(
        ["bids-validator-deno", "--json", tmp_path / "set"],
        capture_output=True,
        check=False,
        timeout=100,
    )
    issues = json.loads(done.stdout)["issues"]["issues"]
    assert [each for each in issues if each["severity"] == "error"] == []
