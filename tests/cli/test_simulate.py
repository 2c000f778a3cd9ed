"""Laws of `simulate`: it makes what it lists, says what it put in, or refuses in a sentence."""

from __future__ import annotations

import json
from typing import get_args

import numpy as np
import pytest

from detector.cli.recordings.simulate import ModelName
from firmware_sim.motion import SCENARIOS, read_events
from firmware_sim.motion.repertoire import REPERTOIRES
from firmware_sim.torque import NIGHTS, PREFIX, SCENES
from firmware_sim.wearables.catalogue import WEARABLES


def test_every_virtual_sensor_can_be_chosen():
    assert set(get_args(ModelName)) == set(WEARABLES)


def contents(path):
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


@pytest.fixture
def recording(tmp_path):
    """Five minutes of a restless sleeper with a gap, as CSV."""
    n = 5 * 60 * 50
    t = np.arange(n) / 50
    samples = np.random.default_rng(0).normal(0, 0.03, (n, 3)) + np.array([0.02, -0.1, 0.99])
    keep = (t < 100) | (t > 130)
    rows = np.column_stack([1_795_500_000 + t, samples])[keep]
    file = tmp_path / "mine.csv"
    np.savetxt(file, rows, "%.5f", delimiter=",", header="time,x,y,z", comments="")
    return file


def test_the_scenarios_are_listed_a_line_each(spasmwatch):
    plain = spasmwatch("simulate", "--list").stdout.splitlines()
    listed = [
        json.loads(line) for line in spasmwatch("simulate", "--list", "--json").stdout.splitlines()
    ]
    names = [*SCENARIOS, *(PREFIX + name for name in (*SCENES, *NIGHTS))]
    assert [line.split()[0] for line in plain] == names
    assert [each["scenario"] for each in listed] == names
    assert all(each["about"].endswith(".") for each in listed)
    assert {each["scenario"] for each in listed if each["into"]} == set(REPERTOIRES)


def test_a_leg_on_a_mattress_is_simulated_by_its_dynamics(spasmwatch, tmp_path):
    how = ("--scenario", "torque-twitch", "--duration", "40", "--fs", "50", "--out", "t.npz")

    done = spasmwatch("simulate", *how)
    refused = spasmwatch("simulate", *how, "--engine", "pulse")

    assert done.returncode == 0
    assert contents(tmp_path / "t.npz")["acc"].shape == (2000, 3)
    assert {truth.kind for truth in read_events(tmp_path / "t_events.tsv")} == {"twitch"}
    assert refused.returncode == 2
    assert "leave out --engine" in refused.stderr


def test_a_simulated_recording_says_by_itself_what_it_is(spasmwatch, tmp_path):
    how = ("--scenario", "mixed", "--duration", "60", "--site", "calf", "--fs", "25")
    done = spasmwatch("simulate", *how, "--engine", "pulse", "--seed", "7", "--out", "m.npz")
    spasmwatch("simulate", *how, "--engine", "pulse", "--seed", "7", "--out", "n.npz")
    assert done.returncode == 0
    made = contents(tmp_path / "m.npz")
    truth = read_events(tmp_path / "m_events.tsv")
    assert made["acc"].shape == (60 * 25, 3)
    assert float(made["fs"]) == 25.0
    assert (str(made["placement"]), str(made["source"])) == ("calf", "simulated")
    assert json.loads(str(made["labels"])) == [[t.onset_s, t.end_s, t.kind] for t in truth]
    assert json.loads(str(made["meta"]))["scenario"] == "mixed"
    assert {t.engine for t in truth} == {"pulse"}
    again = contents(tmp_path / "n.npz")
    assert again["acc"].tobytes() == made["acc"].tobytes()
    assert not list(tmp_path.glob(".*")), "no drafts are left"


@pytest.mark.parametrize(
    ("scenario", "kinds"),
    [("clonus", {"clonus"}), ("spasms", {"spasm", "twitch", "tonic"}), ("twitch", {"twitch"})],
)
def test_simulated_events_are_put_into_a_real_recording(
    spasmwatch, tmp_path, recording, scenario, kinds
):
    words = ("--into", recording, "--scenario", scenario, "--every", "30", "--ratio", "0.4")
    done = spasmwatch("simulate", *words, "--seed", "2", "--out", "o.npz")
    assert done.returncode == 0
    made = contents(tmp_path / "o.npz")
    truth = read_events(tmp_path / "o_events.tsv")
    assert len(made["acc"]) == 5 * 60 * 50
    lost = np.isnan(made["acc"][:, 0])
    assert 29 < lost.sum() / 50 < 31, "the gap stays a gap"
    assert {t.kind.value for t in truth} <= kinds
    assert f"{len(truth)} simulated events in o_events.tsv" in done.stderr
    assert "more found no place" in done.stderr
    assert len(truth) >= 5
    assert all(t.background_ratio == pytest.approx(0.4, rel=0.02) for t in truth)
    assert not any(t.onset_s < 130 and t.end_s > 100 for t in truth)
    assert "simulated" in str(made["source"])
    assert recording.name in str(made["source"])
    assert str(made["placement"]) == "ankle"
    assert spasmwatch("detect", "o.npz", "--json").returncode == 0


def test_the_same_seed_puts_in_the_same_and_another_does_not(spasmwatch, tmp_path, recording):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        spasmwatch("simulate", "--into", recording, "--seed", seed, "--out", f"{name}.npz")
    a, b, c = (contents(tmp_path / f"{name}.npz")["acc"].tobytes() for name in "abc")
    assert a == b
    assert a != c
    assert read_events(tmp_path / "a_events.tsv") == read_events(tmp_path / "b_events.tsv")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--into", "mine.csv"], 2, "--into needs --out"),
        (["--ratio", "1"], 2, "go with --into"),
        (["--into", "mine.csv", "--out", "o.npz", "--duration", "60"], 2, "--duration"),
        (["x.npz", "--out", "o.npz"], 2, "a TRACE is played"),
        (["--into", "mine.csv", "--out", "o.npz", "--every", "5"], 2, "--every"),
        (["--into", "mine.csv", "--out", "o.npz", "--engine", "petrol"], 2, "--engine"),
        (["--drop", "soon"], 2, "AT:FOR"),
        (["--listen", "radio"], 2, "unix:PATH"),
        (["--model", "polar"], 2, "--model"),
        (["--scenario", "quiet", "--duration", "2"], 2, "quiet takes 20 seconds or more"),
        (["--into", "gone.csv", "--out", "o.npz"], 66, "gone.csv: there is no such file"),
        (["--into", "mine.csv", "--out", "o.csv"], 2, "must end in .npz"),
        (["--into", "mine.csv", "--out", "no/o.npz"], 74, "mkdir -p no"),
        (["--into", "mine.csv", "--out", "o.npz", "--scenario", "night"], 2, "these can: spasms"),
        (["--into", "mine.csv", "--out", "o.npz", "--every", "400"], 65, "there is no room"),
        (["--into", "magnitude.npz", "--out", "o.npz"], 65, "three axes"),
        (["--into", "o.npz", "--out", "o.npz"], 2, "another file"),
        (["--scenario", "quiet", "--fs", "2", "--out", "o.npz"], 2, "fs must be 5"),
        (["--scenario", "quiet", "--fs", "nan", "--out", "o.npz"], 2, "fs must be 5"),
        (["--scenario", "quiet", "--duration", "20", "--fs", "50.5"], 65, "whole number"),
    ],
)
def test_what_cannot_be_simulated_is_one_sentence_and_leaves_nothing(
    spasmwatch, tmp_path, recording, arguments, code, words
):
    np.savez(tmp_path / "magnitude.npz", mag=np.linspace(0.9, 1.1, 9000), fs=50.0)
    if arguments[1] == "o.npz":
        np.savez(tmp_path / "o.npz", acc=np.ones((9000, 3)), fs=50.0)
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    done = spasmwatch("simulate", *arguments)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert before == {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
