"""Laws of `spasmwatch evaluate`: figures or one sentence, and a bar that is missed is exit 1."""

from __future__ import annotations

import json

import pytest


def test_a_person_gets_tables_hours_and_the_notice(spasmwatch, night):
    done = spasmwatch("evaluate", night)
    assert done.returncode == 0
    assert "1 recording, 0.03 h monitored, 1 subject named." in done.stdout
    assert "1 labelled movement, 1 of them simulated." in done.stdout
    assert "clonus" in done.stdout
    assert "OSD alarm" in done.stdout
    assert "named right: found under that name" in done.stdout
    assert "Not a medical device" in done.stdout
    assert "asleep" in done.stdout


def test_json_is_one_object_with_our_figures_and_the_peers(spasmwatch, night):
    done = spasmwatch("evaluate", night.parent, "--json")
    data = json.loads(done.stdout)
    assert data["schema"] == "evaluation/1"
    assert done.stderr == ""
    assert list(data["scores"]) == ["spasmwatch", "OSD alarm", "OSD first block", "band power"]
    ours = data["scores"]["spasmwatch"]
    assert ours["named"]["hits"] == ours["named"]["of"] == 1
    assert 0 <= ours["named"]["interval"][0] <= ours["named"]["value"] == 1.0
    assert ours["false"]["count"] == 1
    assert {context["label"] for context in ours["contexts"]} == {"asleep", "(no label)"}
    alone = json.loads(spasmwatch("evaluate", night, "--json", "--no-peers").stdout)
    assert list(alone["scores"]) == ["spasmwatch"]
    assert alone["scores"]["spasmwatch"] == ours


def test_skip_and_kind_narrow_what_is_scored(spasmwatch, night):
    words = ["evaluate", night, "--json", "--no-peers", "--skip", "asleep", "--kind", "clonus"]
    data = json.loads(spasmwatch(*words).stdout)
    assert data["scores"]["spasmwatch"]["false"]["count"] == 0
    assert data["hours"] == pytest.approx(60 / 3600)
    assert list(data["scores"]["spasmwatch"]["false_by_kind"]) == ["clonus"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--fail-under", "sensitivity=0.97"], 0, ""),
        (["--fail-under", "sensitivity.clonus=0.97", "--fail-under", "precision=0.4"], 0, ""),
        (["--fail-under", "precision=0.9"], 1, "precision is 0.5, below the bar of 0.9"),
        (["--fail-over", "false_per_24h=2"], 1, "false_per_24h is 720, above the bar of 2"),
        (["--fail-under", "sensitivity.twitch=0.8"], 1, "sensitivity.twitch cannot be computed"),
    ],
)
def test_a_missed_bar_is_exit_1_and_names_bar_and_value(spasmwatch, night, words, code, said):
    done = spasmwatch("evaluate", night, "--no-peers", "-q", *words)
    assert done.returncode == code
    assert said in done.stderr
    assert "Found" in done.stdout
    if not said:
        assert done.stderr == ""


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["none.npz"], 66, "none.npz: there is no such file"),
        (["bad.csv"], 65, "bad.csv"),
        (["empty"], 65, "holds no recordings"),
        (["nights", "--labels", "none.tsv"], 66, "none.tsv: there is no such file"),
        (["nights", "--labels", "bad_events.tsv"], 65, "bad_events.tsv line 2, column onset"),
        (["nights", "--labels", "a.tsv", "--labels", "b.tsv"], 2, "2 given for 1"),
        (["nights", "--out", "result.xls"], 2, ".md or .json"),
        (["nights", "--out", "none/result.md"], 74, "no such folder"),
        (["nights", "--fail-under", "speed=1"], 2, "no measure is called"),
        (["nights", "--fail-under", "false_per_24h=1"], 2, "belongs to --fail-over"),
        (["nights", "--fail-under", "sensitivity=much"], 2, "NAME=NUMBER"),
        (["nights", "--fail-under", "sensitivity=nan"], 2, "NAME=NUMBER"),
        (["nights", "--fail-under", "sensitivity=1.97"], 2, "is a share: its bar is from 0 to 1"),
        (["nights", "--fail-under", "seen.clonus=97"], 2, "from 0 to 1, not 97"),
        (["nights", "--fail-over", "ece=1.5"], 2, "ece is a share"),
        (["nights", "--fail-under", "sensitivity.hiccup=0.9"], 2, "no measure is called"),
        (["nights", "--kind", "sneeze"], 2, "sneeze"),
        (["nights", "--site", "nose"], 2, "nose"),
        ([], 2, "FILE"),
    ],
)
def test_what_goes_wrong_is_one_sentence_and_a_code(spasmwatch, night, tmp_path, words, code, said):
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.csv").write_text("nothing\n1\n")
    (tmp_path / "bad_events.tsv").write_text("onset\tduration\ttrial_type\nsoon\t1\tspasm\n")
    done = spasmwatch("evaluate", *words)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_of_several_files_each_bad_one_is_named_and_nothing_is_scored(spasmwatch, night, tmp_path):
    (tmp_path / "bad.csv").write_text("nothing\n1\n")
    done = spasmwatch("evaluate", night, tmp_path / "bad.csv", tmp_path / "none.npz")
    assert (done.returncode, done.stdout) == (65, "")
    assert "bad.csv" in done.stderr
    assert "none.npz: there is no such file" in done.stderr


@pytest.mark.parametrize("suffix", [".md", ".json"])
def test_out_writes_the_same_figures_whole(spasmwatch, night, tmp_path, suffix):
    out = tmp_path / f"result{suffix}"
    done = spasmwatch("evaluate", night, "--out", out, "--json", "--latency")
    text = out.read_text(encoding="utf-8")
    if suffix == ".json":
        assert json.loads(text) == json.loads(done.stdout)
    else:
        assert text.startswith("# How well")
        assert "| clonus | 1 |" in text
        assert "spasmwatch: clonus" in text
    assert {path.name for path in tmp_path.iterdir()} == {"nights", out.name}


def test_a_hostile_label_cannot_steer_the_terminal(spasmwatch, night):
    beside = night.with_name("night_events.tsv")
    beside.write_text("onset\tduration\ttrial_type\n0\t9\ta\x1b[2Jb\n")
    done = spasmwatch("evaluate", night)
    assert done.returncode == 0
    assert "\x1b" not in done.stdout + done.stderr
