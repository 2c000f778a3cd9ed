"""`tune`: nothing holds without a yes, and what held before comes back."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from detector.alerts.commands import SaidKind
from detector.events import Origin
from detector.review.answers import labelled
from detector.review.minimums_file import NAME
from detector.store.log import of_command
from detector.store.state import State
from detector.words.phrases import NOTICE
from detector.words.review import REAL_IS_REAL

from ..review.made import spasm
from .a_night import run

__all__ = ["run"]

NOW = datetime.now(UTC)
LAST_NIGHT = NOW.replace(hour=1, minute=0, second=0, microsecond=0) - timedelta(days=1)


def reviewed(folder: Path, nights: int = 8, labels: bool = True) -> None:
    """Leave nights of weak real ones and strong false ones, and labels of all but the newest."""
    with closing(State.open(folder / "state.sqlite")) as state:
        for night in range(nights):
            events = [
                spasm(
                    f"n{night}e{n}", onset=LAST_NIGHT - timedelta(days=night, minutes=9 * n),
                    rms_g=0.03 + 0.001 * night if n % 2 else 0.2 + 0.01 * night,
                    wearer=state.wearer, sensor="leg",
                )
                for n in range(6)
            ]  # fmt: skip
            said = [
                labelled(
                    [each.id for each in events if real is (each.rms_g < 0.1)], kind, by="anna"
                )
                for real, kind in ((True, SaidKind.SPASM), (False, SaidKind.NOT_A_SPASM))
            ]
            at = NOW - timedelta(minutes=10 + night)
            entries = [
                of_command(each, at=at, whose=state.wearer, source=Origin.LIVE) for each in said
            ]
            state.commit(at=at, events=events, entries=entries if labels and night else [])


def file(tmp_path: Path) -> bytes | None:
    path = tmp_path / "data" / NAME
    return path.read_bytes() if path.exists() else None


def test_without_a_yes_nothing_changes(tmp_path, run, spasmwatch):
    reviewed(tmp_path / "data")
    for words, typed in (
        ([], ""), ([], "\n"), ([], "n\n"), ([], "maybe\n"), (["--json"], "y\n"),
        (["--plain"], "no\n"),
    ):  # fmt: skip
        done = spasmwatch("--data-dir", tmp_path / "data", "tune", *words, stdin=typed)
        assert done.returncode == (0 if words == ["--json"] else 1)
        assert file(tmp_path) is None
    assert json.loads(run("tune", "--json").stdout)["applied"] is False
    assert file(tmp_path) is None


def test_a_yes_holds_is_shown_before_and_is_undone(tmp_path, run, spasmwatch):
    reviewed(tmp_path / "data")
    done = spasmwatch("--data-dir", tmp_path / "data", "tune", "--by", "bo", stdin="y\n")

    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith("For spasm ask for ")
    assert "it removes 21 of 21 false ones (now 0) and keeps 21 of 21 real ones" in lines[0]
    assert "% are expected to be held back, at most" in lines[0]
    assert lines[2] == "Night        now  then"
    assert all(len(line) <= 60 for line in lines[1:11])
    assert lines[-2] == "On the last 7 nights 21 likely spasms would be told, not 42."
    assert lines[-1].startswith("Your own minimums: spasm ")
    assert REAL_IS_REAL in done.stderr
    assert NOTICE in done.stderr
    held = json.loads(file(tmp_path))["changes"]
    assert [(each["by"], each["personal"]["version"]) for each in held] == [("bo", 1)]
    with closing(State.open(tmp_path / "data" / "state.sqlite")) as state:
        assert "Your own minimums" in state.replay_from(state.last)[0].body

    assert "Nothing is proposed. Spasm: no other minimum" in run("tune").stdout
    undo = run("tune", "--undo", "--by", "bo")
    assert undo.stdout == "No minimum of your own holds anything back now.\n"
    assert json.loads(file(tmp_path))["changes"][-1]["personal"]["minimums"] == {}
    again = json.loads(run("tune", "--json", "--yes", "--by", "bo").stdout)
    assert (again["applied"], again["then"]["version"]) == (True, 3)
    assert again["then"]["minimums"] == held[0]["personal"]["minimums"]


def test_too_few_labels_are_a_sentence_with_how_many_are_missing(tmp_path, run):
    reviewed(tmp_path / "data", nights=3)
    done = run("tune")

    assert (done.returncode, file(tmp_path)) == (0, None)
    assert done.stdout == (
        "Nothing is proposed: there are 12 labels of 2 nights, and 8 labels and 1 reviewed night "
        "are missing.\n"
    )
    assert json.loads(run("tune", "--json", "--yes").stdout)["missing"] == {
        "labels": 8,
        "nights": 1,
    }
    assert file(tmp_path) is None


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["--yes", "--undo"], 2, "--yes and --undo do not go together"),
        (["--undo"], 2, "there is nothing to go back to"),
        (["--by", "Anna B"], 2, "--by must be up to 32"),
        (["--simulated"], 66, "No night was watched yet."),
    ],
)
def test_what_cannot_be_done_is_refused(tmp_path, run, words, code, why):
    reviewed(tmp_path / "data")
    done = run("tune", *words)

    assert (done.returncode, why in done.stderr) == (code, True)
    assert file(tmp_path) is None


def test_a_damaged_file_is_told_and_left_alone(tmp_path, run):
    reviewed(tmp_path / "data")
    (tmp_path / "data" / NAME).write_text("nonsense")
    for words in ([], ["--yes"], ["--undo"], ["--json"]):
        done = run("tune", *words)
        assert done.returncode == 78
        assert "personal.json cannot be used" in done.stderr
    assert file(tmp_path) == b"nonsense"
