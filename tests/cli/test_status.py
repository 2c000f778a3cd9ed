"""`status` and `note` beside a night that runs, that hangs, that died, and without one."""

from __future__ import annotations

import asyncio
import json
import os
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from detector.alert import Alert, AlertClass, AlertState, Level
from detector.alerts.commands import NOTE_MOST
from detector.boot import host_boot_id
from detector.channels import EntryKind
from detector.service.persistence.watched_nights import watched_nights
from detector.store.state import State
from detector.supervision.heartbeat import Heartbeat, heartbeat_path
from detector.web.schemas import schemas
from detector.web.serving.address_file import PageAddress, read_address, write_address

from ..alerts.made import MIDNIGHT, make_event
from ..kit.waiting import until
from .a_night import a_night, run

__all__ = ["run"]

WATCHED, NOBODY, BLIND = 0, 3, 4


def heart(tmp_path: Path, words: str = "Watching", *, age_s: float = 0.0, **more: object) -> None:
    """Leave a heartbeat as a service of this boot does."""
    path = heartbeat_path(tmp_path / "data", {"XDG_RUNTIME_DIR": str(tmp_path / "run")})
    beat = Heartbeat(host_boot_id() or "", time.monotonic() - age_s, os.getpid(), words)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(vars_of(replace(beat, **more))))  # type: ignore[arg-type]


def vars_of(beat: Heartbeat) -> dict[str, object]:
    return {name: getattr(beat, name) for name in Heartbeat.__slots__}


def shown(run, words: str):
    """Return `status` once it says so: the page is made anew each second."""
    asyncio.run(until(lambda: words in run("status").stdout, within_s=20))
    return run("status")


def printed(run) -> dict[str, Any]:
    """Return what --json prints, which keeps its schema."""
    said = json.loads(run("status", "--json").stdout)
    jsonschema.Draft202012Validator(schemas()["now"]).validate(said)
    return dict(said)


def test_beside_a_night_it_shows_what_the_page_shows_and_a_note_gets_there(tmp_path, run):
    with a_night(tmp_path) as page:
        asyncio.run(until(lambda: run("status").returncode == WATCHED, within_s=60))
        noted = run("note", "took", "baclofen", "--by", "anna")
        assert (noted.returncode, noted.stderr) == (0, "Noted by anna, in the night that runs.\n")
        told = shown(run, "Note by anna: took baclofen")
        assert told.stdout.startswith("● Watching  ")
        assert "bedroom (simulated): leg   last data " in told.stdout
        said = printed(run)
        assert (said["schema"], said["running"], said["watching"]) == ("now/1", True, True)
        assert said["view"]["schema"] == "page/1"
        nobody = "Heard by nobody. Only a night with a real sensor tells phones."
        assert said["view"]["heard"]["words"] == nobody
        assert f"  {nobody}\n" in told.stdout
        for refused in ("x" * (NOTE_MOST + 1), "a\x1b[31mb", ""):
            done = run("note", refused)
            assert done.returncode == 2
            assert "Nothing was noted: a note is one line" in done.stderr
        # Only who may read the data folder is answered: the key of another process opens nothing.
        write_address(tmp_path / "data", replace(page, key="another"))
        assert "for commands on this computer alone" in run("status").stdout
        assert printed(run)["view"] is None
        assert run("note", "by a stranger").returncode != 0
        write_address(tmp_path / "data", page)
        undone = run("note", "--undo", "--by", "anna")
        assert undone.stderr == (
            "Taken back: Note by anna: took baclofen, in the night that runs.\n"
        )
        asyncio.run(until(lambda: "baclofen" not in run("status").stdout, within_s=20))
        assert "took back" not in run("status").stdout
        again = run("note", "--undo", "--by", "anna")
        assert again.returncode == 2
        assert "anna has said nothing among the newest 12 lines of this night" in again.stderr
    assert printed(run)["watching"] is False
    over = run("status")
    assert over.returncode == NOBODY
    assert "No night runs: the last ended" in over.stdout


def test_a_note_without_a_night_is_in_the_log_and_one_beside_a_silent_one_is_refused(tmp_path, run):
    assert run("note", "new sensor", "--by", "anna").stderr == (
        "Noted by anna, behind the last night.\n"
    )
    with closing(State.open(tmp_path / "data" / "state.sqlite")) as state:
        [entry] = state.replay_from(1, 10)
        assert entry.kind is EntryKind.NOTE
        said = json.loads(entry.body)
        assert (said["by"], said["text"], said["source"]) == ("anna", "new sensor", "live")
        heart(tmp_path)  # of a night without a page
        refused = run("note", "another")
        assert refused.returncode == 69
        assert "nothing was noted" in refused.stderr
        assert state.last == 1


@pytest.mark.parametrize(
    ("beat", "code", "words"),
    [
        (None, NOBODY, "No night runs. To start it: "),
        ({"words": "Watching"}, WATCHED, "Watching; the page is off"),
        ({"words": "Clonus: since 02:14"}, WATCHED, "Clonus: since 02:14; the page is off"),
        ({"words": "Paused: by anna"}, BLIND, "Paused: by anna; the page is off"),
        ({"words": "No signal – not watching: away"}, BLIND, "No signal"),  # noqa: RUF001
        ({"age_s": 7260.0}, NOBODY, "spasmwatch hangs: no progress for 2 h 1 min"),
        ({"age_s": 7260.0, "ended": True}, NOBODY, "the last ended 2 h 1 min ago"),
        ({"age_s": 7260.0, "pid": 2**22 + 1}, NOBODY, "died, or was killed, 2 h 1 min ago"),
        ({"pid": 2**22 + 1}, NOBODY, "died, or was killed, "),
    ],
)
def test_without_a_page_the_heartbeat_says_whether_somebody_watches(
    tmp_path, run, beat, code, words
):
    if beat is not None:
        heart(tmp_path, **beat)
    done = run("status")
    assert words in done.stdout
    assert done.returncode == code
    assert printed(run)["watching"] is (code == WATCHED)


def test_a_page_that_is_left_over_and_one_that_answers_nonsense_are_no_night(tmp_path, run):
    folder = tmp_path / "data"
    folder.mkdir()
    for left in (b"", b"{}", b"[1]", b'{"schema": "page-address/2", "port": "x"}', b"\xff" * 9000):
        (folder / "page.json").write_bytes(left)
        assert read_address(folder) is None
        assert run("status").returncode == NOBODY
    write_address(folder, PageAddress("http://127.0.0.1:9", "127.0.0.1", 9, "key"))
    heart(tmp_path, age_s=90.0, pid=2**22 + 1)
    assert "died, or was killed" in run("status").stdout


def test_without_a_night_the_latest_spasm_is_labelled_and_what_was_said_is_taken_back(
    tmp_path, run
):
    state_file = tmp_path / "data" / "state.sqlite"
    refused = run("note", "--label", "not-a-spasm")
    assert refused.returncode == 2
    assert "no likely spasm was found" in refused.stderr
    with closing(State.open(state_file)) as state:
        found = [
            make_event("e1", "clonus", 3600.0, 65.0),
            make_event("e2", "spasm", 7200.0, 5.0),
            make_event("e3", "twitch", 9000.0, 0.4),
        ]
        state.commit(at=MIDNIGHT, events=found)
    said = run("note", "--label", "not-a-spasm", "turned", "over", "--by", "anna").stderr
    assert said.startswith("Labelled by anna as not-a-spasm: spasm at ")
    assert said.endswith(" Noted by anna, behind the last night.\n")
    assert run("note", "--mark", "--by", "ben").stderr == (
        "A spasm is marked by ben, behind the last night.\n"
    )
    assert "Last entry" in (shown := run("status").stdout)
    assert "A spasm is marked by ben." in shown
    assert "Taken back: A spasm is marked by ben" in run("note", "--undo", "--by", "ben").stderr
    assert "Note by anna: turned over" in run("status").stdout
    other = run("note", "--undo", "--by", "ben")
    assert other.returncode == 2
    assert "ben has said nothing lately, but anna has (--by NAME)" in other.stderr
    assert run("note", "--undo", "--by", "anna").returncode == 0
    with closing(State.open(state_file)) as state:
        assert watched_nights(state, tmp_path).labels == {"e2": "not-a-spasm"}
    assert "Labelled by anna: not a spasm" in run("note", "--undo", "--by", "anna").stderr
    with closing(State.open(state_file)) as state:
        assert watched_nights(state, tmp_path).labels == {}
        kinds = [json.loads(entry.body).get("command") for entry in state.replay_from(1, 20)]
    assert [each for each in kinds if each] == ["label", "note", "mark", *["withdraw"] * 3]


@pytest.mark.parametrize("words", [[], ["--undo", "x"], ["--undo", "--mark"], ["--mark", ""]])
def test_a_note_of_nothing_or_of_two_things_at_once_is_refused_and_nothing_is_written(
    tmp_path, run, words
):
    assert run("note", *words).returncode == 2
    assert not (tmp_path / "data" / "state.sqlite").exists()


def test_without_a_night_it_shows_what_the_last_one_left_and_touches_nothing(tmp_path, run):
    folder = tmp_path / "data"
    with closing(State.open(folder / "state.sqlite")) as state:
        found = [
            make_event("e1", "clonus", 3600.0, 65.0, episode="p1"),
            make_event("old", "clonus", -86400.0, 9.0, episode="p0"),
        ]
        state.commit(at=MIDNIGHT, events=found, alerts=[make_alert("a1")])
    assert run("note", "new sensor", "--by", "anna").returncode == 0
    before = {each.name: each.read_bytes() for each in folder.iterdir()}

    done = run("status")

    assert done.returncode == NOBODY
    lines = done.stdout.splitlines()
    assert lines[1] == "The last night, 2026-11-20: 1 likely spasm, a clonus."
    assert lines[2].startswith("Left open since 2026-11-21 ")
    assert lines[2].endswith(": Clonus lasting 60 s or longer")
    assert lines[3].startswith("Last entry, ")
    assert lines[3].endswith(": Note by anna: new sensor")
    assert {each.name: each.read_bytes() for each in folder.iterdir()} == before
    (folder / "state.sqlite").write_bytes(b"nonsense")
    assert "cannot be read" in run("status").stdout
    assert (folder / "state.sqlite").read_bytes() == b"nonsense"  # the service tells of it


def make_alert(name: str) -> Alert:
    return Alert(
        id=name, episode="p1", state=AlertState.RAISED, alert_class=AlertClass.CLINICAL,
        level=Level.HIGH, kind="clonus", reason="clonus >= 60s", rule="clonus >= 60s",
        raised_at=MIDNIGHT, at=MIDNIGHT,
    )  # fmt: skip
