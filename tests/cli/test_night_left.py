"""What a night leaves behind is told in its last lines: messages, alerts, and what was not kept."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from detector.events import Origin
from detector.mqtt.contract import LEAVES
from detector.service.ending import MQTT
from detector.service.persistence.places import DataFolder
from detector.store.state import State
from firmware_sim.trace_files import make_trace, save_trace


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "clonus.npz"
    save_trace(make_trace("clonus", seed=1, duration_s=120), path)
    return path


def configured(tmp_path: Path, broker: str) -> Path:
    config = tmp_path / "c.toml"
    config.write_text(f'[mqtt]\nbroker = "{broker}"\n')
    return config


@pytest.mark.parametrize("source", ["file", "simulator"])
def test_messages_that_no_broker_took_are_counted_in_the_last_lines(
    process, tmp_path, trace, source
):
    speed = "60" if source == "simulator" else "1000"
    night = ("run", "--source", source, trace, "--speed", speed)
    nowhere = ("-c", configured(tmp_path, "mqtt://127.0.0.1:1"))
    text = process(*nowhere, "--data-dir", tmp_path / "text", *night)
    plain = process(*nowhere, "--data-dir", tmp_path / "json", "--json", *night)
    origin = Origin.REPLAY if source == "file" else Origin.SIMULATED
    with State.open(DataFolder.of(tmp_path / "text", origin).state) as state:
        waiting = state.waiting(MQTT, LEAVES)
    (end,) = [
        line for line in map(json.loads, plain.stdout.splitlines()) if "night-end" in line["schema"]
    ]

    assert (text.returncode, plain.returncode) == (0, 0)
    assert f"{waiting} messages have reached nobody yet: they are sent" in text.stdout
    assert waiting > 3
    assert "Publishing to" not in text.stderr, "there was no connection"
    assert "Will publish to 127.0.0.1:1" in text.stderr
    assert end["messages_waiting"] > 3
    assert (end["schema"], end["kept"]) == ("night-end/1", True)
    said = text.stdout[text.stdout.rfind(" Clonus, ") :]
    assert "No signal" not in said, "what comes after the end is no silence"
    assert "ALERT (bedroom): Broker" not in said


def test_a_night_that_publishes_nothing_leaves_no_message(process, tmp_path, trace):
    config = configured(tmp_path, "none")
    done = process("-c", config, "--data-dir", tmp_path, "run", "--source", "file", trace,
                   "--speed", "1000")  # fmt: skip

    assert done.returncode == 0
    assert "broker" not in done.stdout + done.stderr
    assert done.stdout.count("No signal") <= 1, "opening a file is no time of its night"


def test_a_night_that_was_not_kept_says_so_once_at_each_end(process, tmp_path, trace):
    (tmp_path / "file").write_text("no folder")
    config = configured(tmp_path, "mqtt://127.0.0.1:1")
    done = process("-c", config, "--data-dir", tmp_path / "file" / "data", "run", "--source",
                   "file", trace, "--speed", "1000")  # fmt: skip
    lines = (done.stdout + done.stderr).splitlines()
    kept_in_memory = [line for line in lines if "kept in memory only" in line]

    assert done.returncode == 74
    assert len([line for line in kept_in_memory if "still open" not in line.lower()]) == 1
    assert "Nothing of this night was kept: " in done.stdout
    last = done.stdout[done.stdout.index("could not be kept on the disk:") :]
    assert re.search(r"\n  .*clonus", last, re.IGNORECASE), "named, with time and kind"
    assert "messages have reached nobody." in done.stdout
