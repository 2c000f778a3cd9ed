"""What fewer wakes would cost is told of the nights in the data folder, and nothing is changed."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from detector.alert import Alert, AlertClass, AlertState, Level
from detector.alerts.commands import LabelEvent, SaidKind
from detector.events import Origin
from detector.store.log import of_command
from detector.store.state import State
from tests.alerts.made import MIDNIGHT, make_event


def test_a_budget_is_proposed_from_what_was_watched_and_labelled(
    spasmwatch, tmp_path: Path
) -> None:
    (tmp_path / "nights").mkdir(parents=True)
    for day in range(20, 27):  # a week, most of it quiet
        (tmp_path / "nights" / f"2026-11-{day}.sqlite").touch()
    events = [
        make_event(f"e{n}", "clonus", n * 3600.0, length_s, episode=f"p{n}")
        for n, length_s in enumerate([65.0, 70.0, 200.0])
    ]
    alert = Alert(
        id="a2", episode="p2", state=AlertState.RAISED, alert_class=AlertClass.CLINICAL,
        level=Level.HIGH, kind="clonus", reason="clonus >= 60s", rule="clonus >= 60s",
        raised_at=MIDNIGHT, at=MIDNIGHT,
    )  # fmt: skip
    labels = [
        LabelEvent(by="anna", event="e0", verdict=SaidKind.NOT_A_SPASM),
        LabelEvent(by="anna", alert="a2", verdict=SaidKind.CLONUS),
    ]
    at = MIDNIGHT + timedelta(hours=8)
    with closing(State.open(tmp_path / "state.sqlite")) as state:
        entries = [of_command(each, at=at, whose=None, source=Origin.LIVE) for each in labels]
        state.commit(at=at, events=events, alerts=[alert])
        state.commit(at=at, entries=entries)

    told = spasmwatch("--json", "--data-dir", tmp_path, "alerts", "budget")
    found = json.loads(told.stdout)
    assert told.returncode == 0, told.stderr
    assert (found["nights"], found["labelled"]) == (7, 2)
    assert found["present"]["per_week"] == 3
    assert found["present"]["false"] == 1
    assert found["proposed"]["per_week"] <= 1
    assert found["kept"] == 1.0
    lines = spasmwatch("--data-dir", tmp_path, "alerts", "budget").stdout
    assert "From 7 nights that were watched, 2 events of them labelled" in lines
    assert "3.0 wakes a week, 1 of them for what was no spasm" in lines
    assert "Of 1 likely spasm labelled so by people" in lines


def test_without_a_night_it_says_so(spasmwatch, tmp_path: Path) -> None:
    told = spasmwatch("--data-dir", tmp_path, "alerts", "budget")
    assert told.returncode == 66
    assert "No night was watched yet" in told.stderr
    assert "run`" in told.stderr, "what to do"
    assert not (tmp_path / "state.sqlite").exists()
