"""Laws of `detect`: each event once, data apart from talk, all of a file or nothing of it."""

from __future__ import annotations

import csv
import importlib.util
import json
import subprocess
import sys

import numpy as np
import pytest

from detector.events import Kind, from_dict
from detector.terminal import output
from detector.words.phrases import STRAP_LOOSE
from firmware_sim.trace_files import make_trace, save_trace


def test_json_gives_each_event_once_in_order_and_nothing_else(spasmwatch, night):
    done = spasmwatch("detect", night, "--json")
    assert done.returncode == 0
    events = [from_dict(json.loads(line)) for line in done.stdout.splitlines()]
    assert [round(e.onset_s) for e in events if e.kind is Kind.CLONUS] == [900, 1050]
    assert [e.onset_s for e in events] == sorted(e.onset_s for e in events)
    assert len({e.id for e in events}) == len(events)
    assert {e.recording.name for e in events} == {"night"}
    assert all(e.onset is not None for e in events)
    assert done.stderr == ""
    assert spasmwatch("detect", night, "--json").stdout == done.stdout


def test_a_person_gets_lines_a_sum_and_the_notice(spasmwatch, night):
    done = spasmwatch("detect", night, SPASMWATCH_WEARER__TIME_ZONE="Asia/Tokyo")
    lines = done.stdout.splitlines()
    assert lines[0] == "night.csv   20 min, 50 samples/s"
    clonus = [line for line in lines if "Clonus" in line]
    assert clonus[0].startswith("15:15:00  Clonus, 8.")
    assert "(about 6 a second)" in clonus[0]
    assert lines[-1].startswith("2 likely spasms, all of them clonus, 2 of these not sure.")
    assert "Not a medical device" in done.stderr


def test_without_a_wall_clock_times_count_from_the_start(spasmwatch, night):
    text = night.read_text().replace("\n17955", "\n").replace("time,", "t,")
    night.write_text(text)
    assert "+0:15:00  Clonus" in spasmwatch("detect", night).stdout


def test_progress_is_lines_away_from_a_terminal_and_silent_where_asked(
    spasmwatch, night, monkeypatch
):
    monkeypatch.setattr(output, "QUIET_S", 0.0)
    said = spasmwatch("detect", night).stderr.splitlines()
    assert [line for line in said if "%" in line][-1] == "night.csv: 100 %"
    assert "%" not in spasmwatch("-q", "detect", night).stderr
    assert spasmwatch("detect", night, "-q").stderr == ""


def test_alerts_are_those_that_the_rules_would_have_raised(spasmwatch, night):
    rules = {"SPASMWATCH_ALERTS__WAKE_FOR": '["clonus >= 5s"]'}
    done = spasmwatch("detect", night, "--json", "--alerts", **rules)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    alerts = [item for item in told if item["schema"] == "alert/1"]
    assert [a["state"] for a in alerts] == ["raised", "resolved"] * 2
    assert {a["source"] for a in alerts} == {"replay"}
    assert (
        "ALERT: Clonus lasting 5 s or longer."
        in spasmwatch("detect", night, "--alerts", **rules).stdout
    )
    none = spasmwatch("detect", night, "--json", "--alerts").stdout
    assert "alert/1" not in none


def test_a_program_gets_alerts_about_the_sensor_only_when_it_asks(spasmwatch, tmp_path):
    stuck = tmp_path / "stuck.npz"
    acc = np.tile([0.1, 0.2, 0.97], (30_000, 1))
    acc[:6000, 1] += 0.001 * (np.arange(6000) % 3)
    np.savez(stuck, acc=acc, fs=50.0)
    assert "Sensor" in spasmwatch("detect", stuck).stdout
    assert spasmwatch("detect", stuck, "--json").stdout == ""
    assert "alert/1" in spasmwatch("detect", stuck, "--json", "--alerts").stdout


def test_alerts_stand_among_the_events_in_order_of_time(spasmwatch, night):
    rules = {"SPASMWATCH_ALERTS__WAKE_FOR": '["clonus >= 5s", "1 spasms in 2min"]'}
    told = [
        json.loads(line)
        for line in spasmwatch("detect", night, "--json", "--alerts", **rules).stdout.splitlines()
    ]
    times = [item["onset"] if item["schema"] == "event/1" else item["at"] for item in told]
    states = [item.get("state", item["kind"]) for item in told]

    assert times == sorted(times)
    assert states == ["clonus", "raised", "resolved", "clonus", "raised", "resolved"]

    text = spasmwatch("detect", night, "--alerts", SPASMWATCH_WEARER__TIME_ZONE="UTC", **rules)
    lines = text.stdout.splitlines()[1:-1]
    assert [line[10:17] for line in lines] == ["Clonus,", "ALERT: ", "Alert o"] * 2
    assert [line[:8] for line in lines] == sorted(line[:8] for line in lines)


def test_without_a_wall_clock_alerts_are_timed_from_the_start(spasmwatch, night):
    text = night.read_text().replace("\n17955", "\n").replace("time,", "t,")
    night.write_text(text)
    rules = {"SPASMWATCH_ALERTS__WAKE_FOR": '["clonus >= 5s"]'}
    lines = spasmwatch("detect", night, "--alerts", **rules).stdout.splitlines()
    again = spasmwatch("replay", night, **rules).stdout.splitlines()
    told = [
        json.loads(line)
        for line in spasmwatch("detect", night, "--json", "--alerts", **rules).stdout.splitlines()
    ]
    times_s = [item["onset_s"] if item["schema"] == "event/1" else item["at_s"] for item in told]

    assert "+0:15:05  ALERT: Clonus lasting 5 s or longer." in lines
    assert "+0:15:05  ALERT (bedroom): Clonus lasting 5 s or longer." in again
    assert [each for each in again if "Alert over" in each] == [
        each.replace("over", "over (bedroom)") for each in lines if "Alert over" in each
    ]
    assert times_s == sorted(times_s)
    assert {item["at"] for item in told if item["schema"] == "alert/1"} == {None}


def test_of_several_files_a_bad_one_costs_only_itself(spasmwatch, night, tmp_path):
    bad = tmp_path / "bad.csv"
    lines = night.read_text().splitlines()
    lines[50_000] = "1795501000,n/a,0,1"
    bad.write_text("\n".join(lines))
    done = spasmwatch("detect", bad, night, tmp_path / "none.csv", "--json")
    assert done.returncode == 65
    assert {json.loads(line)["recording"]["name"] for line in done.stdout.splitlines()} == {"night"}
    assert 'bad.csv line 50001, column x: "n/a" is not a number' in done.stderr
    assert "none.csv: there is no such file" in done.stderr
    alone = spasmwatch("detect", bad)
    assert (alone.returncode, alone.stdout) == (65, "")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["none.csv"], 66, "none.csv: there is no such file"),
        (["."], 65, "is not a file"),
        (["night.csv", "--unit", "m/s2"], 65, "looks like g"),
        (["night.csv", "--fs", "10"], 65, "contradicts"),
        (["night.csv", "--fs", "nan"], 65, "above 0"),
        (["night.csv", "--unit", "furlong"], 2, "furlong"),
        (["night.csv", "--site", "nose"], 2, "nose"),
        (["night.csv", "--out", "events.xls"], 2, ".tsv, .csv or .parquet"),
        (["night.csv", "--out", "none/events.tsv"], 74, "no such folder"),
        ([], 2, "FILE"),
    ],
)
def test_what_goes_wrong_is_one_sentence_and_a_code(spasmwatch, night, arguments, code, words):
    done = spasmwatch("detect", *arguments)
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_hostile_file_name_cannot_steer_the_terminal(spasmwatch, night, tmp_path):
    hostile = tmp_path / "a\x1b[2Jb.csv"
    night.rename(hostile)
    done = spasmwatch("detect", hostile)
    assert done.returncode == 0
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize(("suffix", "delimiter"), [("tsv", "\t"), ("csv", ",")])
def test_out_writes_the_same_events_as_a_table(spasmwatch, night, tmp_path, suffix, delimiter):
    out = tmp_path / f"events.{suffix}"
    done = spasmwatch("detect", night, night, "--json", "--out", out)
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter=delimiter))
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert list(rows[0])[:3] == ["onset", "duration", "trial_type"]
    assert [(float(r["onset"]), r["trial_type"], r["id"]) for r in rows] == [
        (e["onset_s"], e["kind"], e["id"]) for e in events
    ]
    assert {p.name for p in tmp_path.iterdir()} == {"night.csv", out.name}


@pytest.mark.skipif(importlib.util.find_spec("pyarrow") is not None, reason="pyarrow is here")
def test_parquet_says_what_it_needs_before_any_work(spasmwatch, night):
    done = spasmwatch("detect", night, "--out", "events.parquet")
    assert done.returncode == 65
    assert "needs pyarrow" in done.stderr
    assert "%" not in done.stderr


def test_a_reader_that_leaves_is_no_error(night, tmp_path):
    command = [sys.executable, "-m", "detector", "detect", str(night), "--json", "-q"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.parametrize("name", ["loose-strap", "clonus"])
def test_the_last_line_says_that_the_strap_was_loose_and_only_then(spasmwatch, tmp_path, name):
    save_trace(make_trace(name, seed=1), tmp_path / "night.npz")
    lines = spasmwatch("detect", "night.npz").stdout.splitlines()
    told = [number for number, line in enumerate(lines) if "ALERT: Strap loose" in line]
    said = [number for number, line in enumerate(lines) if line == STRAP_LOOSE]

    assert bool(told) is (name == "loose-strap")
    assert said == ([len(lines) - 1] if told else [])
