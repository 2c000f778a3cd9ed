"""`review`: a night's movements are labelled by question, by script, and in one go."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from detector.channels import EntryKind
from detector.events import Event, Origin
from detector.service.persistence.places import DataFolder
from detector.store.state import State
from detector.words.phrases import NOTICE
from detector.words.review import REAL_IS_REAL

from ..kit.waiting import until
from ..review.made import spasm
from ..web.stand import ask, let_in
from .a_night import a_night, run

__all__ = ["run"]

NOW = datetime.now(UTC)
LAST_NIGHT = NOW.replace(hour=1, minute=0, second=0, microsecond=0) - timedelta(days=1)


def kept(folder: Path, events: Sequence[Event], origin: Origin = Origin.LIVE) -> None:
    """Leave a night's events, each a minute after the other, as a service does."""
    with closing(State.open(DataFolder.of(folder, origin).state)) as state:
        placed = [
            spasm(
                each.id, onset=LAST_NIGHT + timedelta(minutes=n), wearer=state.wearer,
                duration_s=each.duration_s, episode=each.episode,
            )
            for n, each in enumerate(events)
        ]  # fmt: skip
        state.commit(at=NOW - timedelta(hours=2), events=placed)


def night(folder: Path, count: int = 12, **more: Origin) -> None:
    kept(folder, [spasm(f"e{n}", duration_s=1.0 + n) for n in range(count)], **more)


def listed(run, *words: str) -> dict[str, object]:
    done = run("review", "--json", *words)
    assert done.returncode == 0
    return dict(json.loads(done.stdout))


def commands(folder: Path) -> list[dict[str, object]]:
    with closing(State.open(folder / "state.sqlite")) as state:
        entries = state.replay_from(1)
    return [json.loads(entry.body) for entry in entries if entry.kind is EntryKind.LABEL]


def kept_events(folder: Path) -> list[Event]:
    with closing(State.open(folder / "state.sqlite")) as state:
        return state.events()


def test_each_answer_is_one_entry_and_events_stay_as_they_are(tmp_path, run, spasmwatch):
    night(tmp_path / "data")
    before = kept_events(tmp_path / "data")
    answers = "y\nc\n\nmaybe\nn\nz\nu\nq\n"
    done = spasmwatch("--data-dir", tmp_path / "data", "review", "--by", "anna", stdin=answers)

    assert done.returncode == 0
    assert "10 to review, the longest and the least sure first. 2 others need no" in done.stdout
    assert "3 answered. 7 to review" in done.stdout
    assert f"{REAL_IS_REAL}\n{NOTICE}\n" in done.stderr
    assert "'maybe' is no answer: type y, s, c, n, u, z, r, q or Enter." in done.stderr
    said = [
        (each.get("event"), each.get("verdict") or each["command"])
        for each in commands(tmp_path / "data")
    ]
    assert said == [
        ("e11", "spasm"), ("e10", "clonus"), ("e8", "not-a-spasm"), (None, "withdraw"),
        ("e8", "not-sure"),
    ]  # fmt: skip
    assert kept_events(tmp_path / "data") == before
    asked = listed(run)
    assert [each["id"] for each in asked["asked"]] == ["e9", *(f"e{n}" for n in range(7, 1, -1))]
    assert asked["reviewed"][-1] | {"onset": None, "events": None} == asked["reviewed"][-1] | {
        "onset": None, "events": None, "id": "e11", "state": "spasm",
    }  # fmt: skip


def test_a_label_and_its_undo_leave_the_list_as_it_was_to_the_byte(tmp_path, run):
    night(tmp_path / "data")
    before = run("review", "--json").stdout
    for words in (["--label", "e3=yes"], ["--label", "e3=clonus", "--label", "e3=not-sure"]):
        assert run("review", *words, "--by", "anna").returncode == 0
        assert run("review", "--json").stdout != before
        for _ in words[::2]:
            assert run("review", "--undo", "--by", "anna").returncode == 0
        assert run("review", "--json").stdout == before
    assert run("review", "--rest", "--yes", "--by", "anna").returncode == 0
    assert listed(run)["unreviewed"] == 0
    assert len(commands(tmp_path / "data")) == 7, "the rest is one entry"
    assert run("review", "--undo", "--by", "anna").returncode == 0
    assert run("review", "--json").stdout == before
    refused = run("review", "--undo", "--by", "anna")
    assert (refused.returncode, "anna has no label" in refused.stderr) == (2, True)


def test_the_rest_is_labelled_only_by_who_says_yes(tmp_path, run, spasmwatch):
    night(tmp_path / "data", 3)
    for typed in ("", "\n", "no\n"):
        done = spasmwatch("--data-dir", tmp_path / "data", "review", "--rest", stdin=typed)
        assert (done.returncode, commands(tmp_path / "data")) == (1, [])
        assert "Nothing was noted." in done.stderr
    done = spasmwatch(
        "--data-dir", tmp_path / "data", "review", "--by", "bo", stdin="y\nr\nn\nr\ny"
    )
    assert "Say of all 2 that are left: not a spasm? [y/N]" in done.stderr
    assert "3 answered. All 3 are reviewed." in done.stdout
    said = [(each["event"], each["events"], each["by"]) for each in commands(tmp_path / "data")]
    assert said == [("e2", None, "bo"), (None, ["e1", "e0"], "bo")]


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["yesterday"], 2, "'yesterday' is no night: give the date of its evening"),
        (["--label", "e1"], 2, "'e1' is no label: write ID=KIND"),
        (["--label", "e1=seizure"], 2, "'e1=seizure' is no label"),
        (["--label", "e1=spasm", "--label", "x9=spasm"], 2, "there is no likely spasm 'x9'"),
        (["2026-01-01", "--label", "e1=spasm"], 2, "no likely spasm 'e1' on the night of 2026"),
        (["--label", "theirs=spasm"], 2, "there is no likely spasm 'theirs'"),
        (["--label", "\x1b[31m=spasm"], 2, "there is no likely spasm '\\x1b[31m'"),
        (["--label", "e1=spasm", "--by", "Anna B"], 2, "by must be up to 32"),
        (["--undo", "--rest"], 2, "--undo and --rest do not go together"),
        (["--yes"], 2, "--yes goes with --rest"),
        (["--simulated"], 66, "No night was watched yet."),
    ],
)
def test_what_cannot_be_labelled_is_refused_and_nothing_is_written(tmp_path, run, words, code, why):
    night(tmp_path / "data", 3)
    with closing(State.open(tmp_path / "data" / "state.sqlite")) as state:
        theirs = spasm("theirs", onset=LAST_NIGHT, wearer="another234")
        state.commit(at=NOW, events=[theirs])
    done = run("review", *words)

    assert done.returncode == code
    assert why in done.stderr
    assert commands(tmp_path / "data") == []
    assert "theirs" not in run("review", "--json").stdout


def test_without_a_night_it_says_so_and_makes_no_file(tmp_path, run):
    done = run("review")

    assert (done.returncode, "No night was watched yet." in done.stderr) == (66, True)
    assert not (tmp_path / "data").exists()


def test_beside_a_simulated_night_labels_go_to_the_night_that_they_are_of(tmp_path, run):
    night(tmp_path / "data", 3)
    night(tmp_path / "data", 2, origin=Origin.SIMULATED)
    with a_night(tmp_path) as page:
        asyncio.run(until(lambda: run("status").returncode == 0, within_s=60))
        assert run("review", "--label", "e2=yes", "--by", "anna").returncode == 0
        assert [each["event"] for each in commands(tmp_path / "data")] == ["e2"]
        # The running service has this state, and is told.
        said = run("review", "--simulated", "--label", "e1=not-a-spasm", "--by", "anna")
        assert said.returncode == 0

        def reviewed() -> bool:
            return len(listed(run, "--simulated")["reviewed"]) == 1

        asyncio.run(until(reviewed, within_s=60))
        assert run("review", "--simulated", "--undo", "--by", "anna").returncode == 0
        asyncio.run(until(lambda: not reviewed(), within_s=60))
        # Its page asks of the same night, and shows what is proposed.
        token = let_in(tmp_path / "data")
        evening = listed(run, "--simulated")["night"]
        shown = ask(page.port, f"/nights/{evening}/review", token=token)
        assert "2 to review" in shown.body
        assert (
            "20 labels and 3 reviewed nights are missing"
            in ask(page.port, "/tune", token=token).body
        )
    assert [each["command"] for each in commands(tmp_path / "data" / "simulated")] == [
        "label", "withdraw",
    ]  # fmt: skip
