"""Laws of `replay`: it writes again the lines of a night, in their order."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ..conftest import Done

SETTINGS = """\
[mqtt]
broker = "none"
[alerts]
wake_for = ["clonus >= 3s", "2 spasms in 1min", "no-signal >= 2min"]
[wearer]
label = "Ada's room"
"""


def run(folder: Path, *arguments: str) -> Done:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "detector", "-c", str(folder / "settings.toml")),
            *("--data-dir", str(folder / "data"), *arguments),
        ],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
        env=os.environ | {"XDG_CONFIG_HOME": str(folder)},
    )
    assert done.returncode == 0, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


def is_of_the_sensor(line: str) -> bool:
    """Whether a line of a night tells its status or its end, not an event or an alert."""
    said = line[10:]
    return line[2:3] != ":" or said == "Watching." or said.startswith("No signal ")


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_replay_writes_the_nights_events_and_alerts_byte_for_byte(tmp_path, form):
    (tmp_path / "settings.toml").write_text(SETTINGS)
    simulated = ["run", "--source", "simulator", "--scenario", "clonus", "--speed", "60"]
    night = run(tmp_path, *form, *simulated).stdout.splitlines()
    if form:
        assert json.loads(night.pop())["schema"] == "night-end/1"
    (recording,) = (tmp_path / "data").rglob("20*.sqlite")
    again = run(tmp_path, *form, "replay", str(recording)).stdout.splitlines()

    found = [line for line in night if form or not is_of_the_sensor(line)]
    # That nobody answered is no part of a recording, which people cannot answer either.
    nobody = '"state": "escalated"' if form else "NOBODY ANSWERED"
    assert again == [line for line in found if nobody not in line]
    if form:
        states = [told.get("state", told.get("phase")) for told in map(json.loads, again)]
    else:
        states = ["raised" if "ALERT (Ada's room): " in line else "event" for line in again]
    assert "raised" in states[1:-1], "an alert among the events"
