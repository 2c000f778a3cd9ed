"""Laws of `record`: what came is kept, is read again to the bit, and gives nobody away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.cli.recordings.record import parse_duration
from detector.store.formats.reader import load

from .airs import FS, on_air


@pytest.fixture(scope="module")
def air(tmp_path_factory):
    with on_air(tmp_path_factory.mktemp("air"), "--battery", 86) as air:
        yield air


def find(samples, air):
    """Where in the motion these samples were felt."""
    starts = np.flatnonzero((air.samples == samples[0]).all(axis=1))
    return next(s for s in starts if np.array_equal(air.samples[s : s + len(samples)], samples))


@pytest.fixture(scope="module")
def recorded(air, tmp_path_factory):
    """A minute of a sensor, as a recording, as a capture, and what was said of it."""
    folder = tmp_path_factory.mktemp("recorded")
    command = [sys.executable, "-W", "error", "-m", "detector", "--data-dir", folder, "--json"]
    command += ["record", "--duration", "1min", "--out", "r.sqlite", "--capture", "c.jsonl"]
    done = subprocess.run(
        [str(word) for word in [*command, *air.reach]],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"XDG_CONFIG_HOME": str(folder)},
    )
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


def test_recording_and_capture_hold_what_the_sensor_felt_to_the_bit(recorded, air):
    folder, said = recorded
    recording, capture = load(folder / "r.sqlite"), load(folder / "c.jsonl")

    assert np.array_equal(recording.samples, capture.samples)
    assert find(recording.samples, air) == 0
    assert 60 <= len(recording.samples) / FS < 90  # at 30x a busy machine stops a second late
    assert (said["samples"], said["missing"]) == (len(recording.samples), 0)
    assert (said["fs"], said["driver"], said["battery_percent"]) == (52, "polar-verity-sense", 86)
    assert said["rate_hz"] == pytest.approx(52, rel=0.1)  # by arrival, 30 times as hurried


def test_a_capture_has_no_time_of_day_and_gives_nobody_away(recorded):
    folder, _ = recorded
    text = (folder / "c.jsonl").read_text()

    assert "3F2A1C29" not in text.upper()
    assert "C0:5E" not in text
    assert load(folder / "c.jsonl").timebase.epoch_ns is None
    assert load(folder / "r.sqlite").timebase.epoch_ns is not None


def test_detect_replay_and_decode_read_a_capture(recorded, spasmwatch):
    folder, _ = recorded
    capture, recording = folder / "c.jsonl", folder / "r.sqlite"
    found = [spasmwatch("detect", file, "--json") for file in (capture, recording)]
    events = [
        [
            (e["kind"], e["onset_s"], e["duration_s"])
            for e in map(json.loads, done.stdout.splitlines())
        ]
        for done in found
    ]
    replayed = spasmwatch("replay", capture, "--json")
    again = spasmwatch("replay", capture, "--json")
    decoded = spasmwatch("decode", capture)
    samples = [row for line in decoded.stdout.splitlines() for row in json.loads(line)["samples_g"]]

    assert events[0] == events[1]
    assert replayed.returncode == decoded.returncode == 0, replayed.stderr + decoded.stderr
    assert replayed.stdout == again.stdout
    assert "watched, 0 gaps" in replayed.stderr
    assert np.array_equal(np.array(samples), load(capture).samples)


def test_a_damaged_capture_is_one_sentence_with_file_and_line(recorded, spasmwatch, tmp_path):
    folder, _ = recorded
    lines = (folder / "c.jsonl").read_bytes().splitlines(keepends=True)
    lines[4] = lines[4].replace(b'"hex": "', b'"hex": "x')
    (tmp_path / "d.jsonl").write_bytes(b"".join(lines))
    for verb in ("detect", "replay", "decode"):
        done = spasmwatch(verb, "d.jsonl")

        assert done.returncode == 65, done.stderr
        assert done.stdout == ""
        assert done.stderr.startswith("d.jsonl line 5 ")
        assert done.stderr.count("\n") == 1


def test_packets_that_make_no_sense_are_told_by_decode(recorded, spasmwatch, tmp_path):
    folder, _ = recorded
    lines = (folder / "c.jsonl").read_text().splitlines(keepends=True)
    lines[-1] = lines[-1].replace('"hex": "02', '"hex": "09')
    (tmp_path / "n.jsonl").write_text("".join(lines))
    done = spasmwatch("decode", "n.jsonl")

    assert done.returncode == 65
    assert f"n.jsonl line {len(lines)}: " in done.stderr
    assert "1 packets made no sense" in done.stderr


def test_a_sensor_in_use_is_heard_by_nobody_and_ctrl_c_keeps_what_was_got(
    spasmwatch, air, tmp_path
):
    command = [sys.executable, "-m", "detector", "--data-dir", tmp_path, "record", *air.reach]
    command += ["--duration", "20min"]
    with subprocess.Popen(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"XDG_CONFIG_HOME": str(tmp_path)},
    ) as recording:
        try:
            for line in recording.stderr:
                if " %" in line:
                    break
            scanned = spasmwatch("scan", "--timeout", "1", "--radio", air.address)
            recording.send_signal(signal.SIGINT)
            stdout, stderr = recording.communicate(timeout=20)
        finally:
            recording.kill()
    (file,) = (tmp_path / "simulated" / "recordings").iterdir()

    assert (scanned.returncode, scanned.stdout) == (69, "")
    assert "No sensor found in 1 s." in scanned.stderr
    assert recording.returncode == 0, stderr
    assert "Recorded" in stdout
    assert "Traceback" not in stderr
    assert len(load(file).samples) >= 60 * FS


def test_a_terminal_less_run_says_a_tenth_at_most_once(spasmwatch, air, tmp_path):
    done = spasmwatch("--data-dir", tmp_path, "record", "--duration", "30s", *air.reach)

    assert done.returncode == 0, done.stderr
    tenths = [line for line in done.stderr.splitlines() if line.startswith("Recording: ")]
    assert tenths == [] or tenths[-1] == "Recording: 100 %"
    assert len(tenths) <= 10
    assert "Look at it: spasmwatch detect" in done.stderr


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--duration", "soon"], "'soon' is not a time"),
        (["--duration", "25h"], "'25h' is not a time"),
        (["--out", "there"], "there exists already"),
        (["--capture", "there"], "there exists already"),
        (["--speed", "2"], "--speed goes with --radio"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error_before_anybody_moves(
    spasmwatch, tmp_path, words, complaint
):
    (tmp_path / "there").touch()
    done = spasmwatch("record", *words)

    assert done.returncode == 2
    assert complaint in " ".join(done.stderr.split())


def test_a_folder_that_does_not_exist_is_told_before_anybody_moves(spasmwatch):
    done = spasmwatch("record", "--out", "nowhere/x.sqlite")

    assert done.returncode == 74
    assert "mkdir -p nowhere" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["record", "--capture", "/proc/x.jsonl"],
        ["record", "--out", "/proc/x.sqlite"],
        ["simulate", "--scenario", "quiet", "--out", "/proc/x.npz"],
        ["--data-dir", "/proc/x", "record"],
        ["--data-dir", "/proc/x", "demo"],
        ["-c", "/proc/x/c.toml", "setup"],
    ],
)
def test_a_folder_that_cannot_be_written_is_told_before_anybody_moves(spasmwatch, words):
    done = spasmwatch(*words)

    assert done.returncode == 74, done.stderr
    assert "/proc/x" in done.stderr
    assert "Errno" not in done.stderr
    assert done.stdout == ""


def test_without_a_radio_nothing_is_left_behind(spasmwatch, tmp_path):
    done = spasmwatch(
        "--data-dir", tmp_path / "d", "record", "--radio", f"unix:{tmp_path}/none",
        "--capture", "c.jsonl",
    )  # fmt: skip

    assert done.returncode == 69
    assert not list(tmp_path.rglob("*.jsonl"))
    assert not [f for f in tmp_path.rglob("*.sqlite") if f.name != "state.sqlite"]


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10min", 600), ("10 m", 600), ("2H", 7200), ("45", 45)]
)
def test_a_time_is_understood_as_people_write_it(text, seconds):
    assert parse_duration(text) == seconds


@given(st.text(max_size=12))
def test_any_other_time_is_refused(text):
    try:
        seconds = parse_duration(text)
    except ValueError:
        seconds = 1
    assert 1 <= seconds <= 24 * 3600
