"""Each part may fail alone, and is announced: a full disk takes no alarm with it."""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detector.alerts.conditions import Condition
from detector.config import read_configuration
from detector.night.outcome import Outcome
from detector.service.persistence.resumption import ENDED
from detector.service.presentation.news import News, Trouble
from detector.store.state import State
from firmware_sim.motion.scenarios import scenario

from ..kit.traces import save
from .conftest import live_through, open_house

SMALL_DISK = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (130_000, resource.RLIM_INFINITY))
sys.argv = ["spasmwatch", *sys.argv[1:]]
from detector.cli import main
main()
"""


def run(*arguments: str, home: Path, program: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    config = home / "settings.toml"
    config.write_text('[mqtt]\nbroker = "none"\n')
    return subprocess.run(
        [sys.executable, *program, "-c", str(config), *arguments],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


@contextmanager
def small_disk() -> Iterator[None]:
    """No file of this process grows beyond 130 kB."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (130_000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    samples = np.round(scenario("clonus", seed=1, fs=52.0).samples, 3)
    return save(tmp_path / "clonus.npz", samples, 52.0)


def test_a_full_disk_costs_the_recording_and_no_event(trace, tmp_path):
    watch = ("run", "--json", "--source", "simulator", str(trace), "--speed", "60")
    healthy = run(
        "--data-dir", str(tmp_path / "a"), *watch, home=tmp_path, program=("-m", "detector")
    )
    full = run("--data-dir", str(tmp_path / "b"), *watch, home=tmp_path, program=("-c", SMALL_DISK))

    def words(done: subprocess.CompletedProcess[str]) -> list[tuple[object, ...]]:
        lines = map(json.loads, done.stdout.splitlines())
        events = [line for line in lines if line["schema"] == "event/1"]
        return [(e["kind"], e["phase"], e["onset_s"], e["duration_s"]) for e in events]

    assert (healthy.returncode, full.returncode) == (0, 74), full.stderr
    end = json.loads(full.stdout.splitlines()[-1])
    last = {line["id"] for line in map(json.loads, full.stdout.splitlines()) if "onset_s" in line}
    assert set(end["unkept"]) <= last
    assert end["unkept"], "what the disk did not take is named"
    assert len(words(healthy)) > 10
    assert words(healthy) == words(full)
    assert "TROUBLE" not in healthy.stderr
    for part in ("cannot be recorded to", "cannot be used"):
        told = [line for line in full.stderr.splitlines() if "TROUBLE" in line and part in line]
        assert len(told) == 1, "one trouble is told once, however often it comes and goes"
    assert "Traceback" not in full.stderr


def test_a_part_that_falls_over_is_announced_once_and_the_night_goes_on(trace, config_home):
    """The state's thread is taken away: every commit and every look at the outbox then fails."""
    news: list[News] = []

    async def night() -> None:
        settings = read_configuration(
            environ={}, flags={"data_dir": config_home / "data", "mqtt.broker": "embedded"}
        ).settings
        async with open_house(settings, trace, news.append) as made:
            made.archive.close()
            await made.service.run()

    asyncio.run(night())
    troubles = [each.name for each in news if isinstance(each, Trouble) and each.why]
    events = [event for told in news if isinstance(told, Outcome) for event in told.events]

    assert len(events) > 5
    assert Condition.INTERNAL_FAULT in troubles
    assert len(troubles) == len(set(troubles))


def test_a_screen_that_always_raises_costs_no_word(trace, config_home):
    def watch(folder: Path, tell: Callable[[News], None]) -> tuple[list[Any], set[str]]:
        settings = read_configuration(
            environ={}, flags={"data_dir": folder, "mqtt.broker": "none"}
        ).settings

        async def night() -> Path:
            async with open_house(settings, trace, tell) as made:
                await made.service.run()
            return made.state

        with State.open(asyncio.run(night())) as state:
            events = [(e.kind, e.phase, e.onset_s, e.duration_s) for e in state.events()]
            return events, {alert.kind for alert in state.open_alerts()}

    def fail(news: News) -> None:
        raise KeyError(type(news).__name__)

    whole, _ = watch(config_home / "whole", lambda _: None)
    dark, open_alarms = watch(config_home / "dark", fail)

    assert len(whole) > 5
    assert dark == whole
    assert Condition.INTERNAL_FAULT in open_alarms


def test_what_a_full_disk_refuses_is_told_all_the_same(trace, config_home):
    with small_disk():
        house = asyncio.run(live_through(trace, config_home / "data", speed=60.0))
    last_words = {event["id"]: event["revision"] for event in house.events_heard()}

    assert any(isinstance(news, Trouble) and news.name == "disk" for _, news in house.news)
    assert {event.id: event.revision for event in house.events} == last_words


def test_a_sensor_that_holds_one_value_is_said_to_watch_nothing_and_why(tmp_path, config_home):
    moving = np.round(scenario("mixed", seed=1, fs=52.0, duration_s=30.0).samples, 3)
    stuck = np.tile([0.1, -0.2, 0.97], (75 * 52, 1))
    trace = save(tmp_path / "stuck.npz", np.concatenate((moving, stuck, moving)), 52.0)
    house = asyncio.run(live_through(trace, config_home / "data", speed=60.0))
    states = [json.loads(body) for topic, body in house.heard if topic.endswith("/state")]
    blind = [each for each in states if "repeats one value" in (each["why"] or "")]
    alerts = [json.loads(body) for topic, body in house.heard if topic.endswith("/alert")]

    assert {each["state"] for each in blind} == {"no_signal"}
    assert "stuck" in {alert["kind"] for each in blind for alert in each["open_alerts"]}
    assert ["raised", "resolved"] == [a["state"] for a in alerts if a["kind"] == "stuck"]
    assert states[-1]["why"] is None or "one value" not in states[-1]["why"]


def test_a_night_without_an_adapter_never_began_and_the_next_one_is_not_told_of_it(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    for _ in range(2):
        night = run(
            *("--data-dir", str(data), "run", "--radio", "tcp:127.0.0.1:1"),
            home=tmp_path,
            program=("-m", "detector"),
        )
        assert night.returncode == 69, night.stderr
        assert "TROUBLE" not in night.stdout + night.stderr
        assert "ALERT" not in night.stdout
        with State.open(data / "simulated" / "state.sqlite") as state:
            assert state.saved(ENDED) is True
