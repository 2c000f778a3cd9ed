"""`detect` says how many there were in truth where that was measured, and only there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from detector.recognition.counts.error_rates import error_rates
from detector.recognition.rules import model_files

FS = 50.0
CLONUS_AT_S = (600, 1800, 3000)


@pytest.fixture
def hours(tmp_path: Path) -> Path:
    """A little more than an hour at rest with three runs of 6-a-second jerks."""
    t = np.arange(int(3900 * FS)) / FS
    a = np.random.default_rng(0).normal(0, 0.002, (len(t), 3)) + np.array([0.02, -0.1, 0.99])
    for onset_s in CLONUS_AT_S:
        during = (t >= onset_s) & (t < onset_s + 8)
        a[during, 0] += 0.35 * np.sign(np.sin(2 * np.pi * 6 * (t[during] - onset_s)))
    file = tmp_path / "hours.npz"
    np.savez(file, acc=a, fs=FS)
    return file


def counts(done) -> dict:
    last = json.loads(done.stdout.splitlines()[-1])
    assert last["schema"] == "counts/1"
    return last | {
        "of": {each["counted"]: each for each in last["counts"] if each["context"] is None}
    }


def test_a_person_reads_what_was_found_and_how_many_there_were(spasmwatch, hours):
    last = spasmwatch("detect", hours).stdout.splitlines()[-1]
    told = counts(spasmwatch("detect", hours, "--json", "--counts"))["of"]["likely"]

    assert told["found"] == len(CLONUS_AT_S)
    assert told["low"] <= told["middle"] <= told["high"]
    assert last.startswith(
        "3 likely spasms found, all of them clonus, 3 of these not sure (likely "
    )
    assert " in truth; figures from simulated nights)." in last
    said = re.findall(r"\d+", last.partition("(")[2].partition(")")[0])
    assert said == [str(each) for each in (told["low"], told["high"]) if each]


def test_a_program_gets_counts_after_the_events_and_only_when_it_asks(spasmwatch, hours):
    plain = spasmwatch("detect", hours, "--json").stdout
    both = spasmwatch("detect", hours, hours, "--json", "--counts").stdout.splitlines()
    schemas = [json.loads(line)["schema"] for line in both]
    events = plain.splitlines()

    assert "counts/1" not in plain
    assert schemas == 2 * [*["event/1"] * len(events), "counts/1"]
    assert both[: len(events)] == events
    told = json.loads(both[-1])
    assert (told["recording"], told["model"], told["level"]) == ("hours.npz", "learned-v1", 0.9)
    assert told["hours"] == pytest.approx(3900 / 3600, abs=0.01)
    assert told["simulated_by"] == ["own", "torque"]
    assert "Not a medical device" in told["notice"]


def test_counts_without_json_say_what_they_need_and_change_nothing_else(spasmwatch, hours):
    asked, plain = spasmwatch("detect", hours, "--counts"), spasmwatch("detect", hours)

    assert "--counts adds a line for programs: give it with --json." in asked.stderr
    assert asked.stdout == plain.stdout
    assert (asked.returncode, plain.returncode) == (0, 0)


@pytest.mark.parametrize("where", [["--site", "wrist"], ["--together"]])
def test_where_nothing_was_measured_there_is_no_interval(spasmwatch, hours, tmp_path, where):
    other = tmp_path / "other.npz"
    other.write_bytes(hours.read_bytes())
    files = [hours, other] if "--together" in where else [hours]
    told = counts(spasmwatch("detect", *files, *where, "--json", "--counts"))

    assert told["of"]["likely"]["found"] > 0
    assert {each[end] for each in told["counts"] for end in ("low", "middle", "high")} == {None}
    assert told["simulated_by"] == []
    assert "in truth" not in spasmwatch("detect", *files, *where).stdout


@pytest.mark.parametrize("asked", [[], ["--json", "--counts"]])
def test_a_damaged_file_of_rates_costs_the_interval_and_no_event(
    spasmwatch, hours, monkeypatch, asked
):
    whole = spasmwatch("detect", hours, *asked)
    damaged = dict(model_files.RATES_FILES, **{"learned-v1": b"{"})
    monkeypatch.setattr(model_files, "RATES_FILES", damaged)
    error_rates.cache_clear()
    done = spasmwatch("detect", hours, *asked)

    assert done.returncode == 78
    assert "error rates of model 'learned-v1' cannot be read" in done.stderr
    told = whole.stdout.splitlines()[:-1]
    assert len(told) >= len(CLONUS_AT_S)
    assert done.stdout.splitlines()[: len(told)] == told
    assert "in truth" not in done.stdout
    assert "counts/1" not in done.stdout


def test_a_short_recording_gets_none(spasmwatch, night):
    told = counts(spasmwatch("detect", night, "--json", "--counts"))

    assert told["of"]["clonus"] == {
        "counted": "clonus", "context": None, "found": 2, "low": None, "middle": None,
        "high": None,
    }  # fmt: skip
