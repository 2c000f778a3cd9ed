"""A night always starts: whatever disk and broker do, the wearer is watched and told what fails."""

from __future__ import annotations

import asyncio
import resource
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detector.alert import Alert, AlertClass, AlertState
from detector.config import read_configuration
from detector.devices.interpreter import Interpreter
from detector.devices.registry import installed
from detector.devices.stream import LinkUp
from detector.events import Event, Origin
from detector.mqtt import broker_process
from detector.night.outcome import Outcome
from detector.service.assembly import Assembly, assembled
from detector.service.presentation.news import News
from detector.sources.clock import ScaledClock
from detector.sources.replay import ReplaySource
from firmware_sim.motion.scenarios import scenario

from ..kit.traces import save
from .conftest import open_house


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    made = scenario("clonus", seed=1, fs=52.0, duration_s=60.0)
    return save(tmp_path / "trace.npz", np.round(made.samples, 3), 52.0)


def watched(
    trace: Path,
    home: Path,
    *,
    broker: str = "none",
    port: int | None = None,
    disturb: Callable[[Assembly], None] = lambda made: None,
) -> tuple[list[Event], list[Alert], str]:
    """Live through the trace; return events, technical alerts and the wearer's id.

    Alerts that are told again while they are open are left out.
    """
    news: list[News] = []
    flags: dict[str, object] = {"data_dir": home / "data", "mqtt.broker": broker}
    if port is not None:
        flags["mqtt.port"] = port
    settings = read_configuration(environ={}, flags=flags).settings

    async def night() -> str:
        async with open_house(settings, trace, news.append, free_port=port is None) as made:
            disturb(made)
            await made.service.run()
            return made.topics.wearer

    wearer = asyncio.run(night())
    told = [each for each in news if isinstance(each, Outcome)]
    alerts = [alert for each in told for alert in each.alerts if alert.state != AlertState.REPEATED]
    technical = [alert for alert in alerts if alert.alert_class is AlertClass.TECHNICAL]
    return [event for each in told for event in each.events], technical, wearer


@contextmanager
def files_of_at_most(size: int):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [0, 4096, 20_000])
def test_a_full_disk_at_the_start_costs_the_memory_of_the_night_only(
    trace: Path, config_home: Path, size: int
) -> None:
    with files_of_at_most(size):
        events, alerts, _ = watched(trace, config_home)

    assert len(events) > 2
    assert {"memory", "recording"} <= {alert.kind for alert in alerts}


def test_a_folder_that_cannot_be_made_costs_the_memory_of_the_night_only(
    trace: Path, config_home: Path
) -> None:
    (config_home / "data").write_text("a file where the folder should be")
    events, alerts, _ = watched(trace, config_home)

    assert len(events) > 2
    assert {"memory", "recording"} <= {alert.kind for alert in alerts}


def test_a_night_in_memory_says_so_again_and_again_until_it_is_over(config_home: Path) -> None:
    (config_home / "data").write_text("a file where the folder should be")
    clock = ScaledClock(100.0)
    link = LinkUp(1, "polar-verity-sense", "C0:5E", "Polar", clock.mono_ns(), clock.utc_ns())
    late = replace(link, session=2, mono_ns=link.mono_ns + 3_600_000_000_000)
    interpreter = Interpreter(installed())
    told: list[Alert] = []

    def tell(news: News) -> None:
        if isinstance(news, Outcome):
            told.extend(alert for alert in news.alerts if alert.kind == "memory")

    async def night() -> None:
        settings = read_configuration(
            environ={}, flags={"data_dir": config_home / "data", "mqtt.broker": "none"}
        ).settings
        async with assembled(
            settings,
            sources=[ReplaySource([interpreter.feed(link), interpreter.feed(late)], clock)],
            origin=Origin.SIMULATED,
            clock=clock,
            tell=tell,
            pace=100.0,
        ) as made:
            running = asyncio.create_task(made.service.run())
            for count, passed_s in enumerate([0, 61, 301, 301], 1):
                clock.advance_to(clock.mono_ns() + passed_s * 1_000_000_000)
                async with asyncio.timeout(20):
                    while len(told) < count:
                        await asyncio.sleep(0.001)
            await made.service.stop()
            await running

    asyncio.run(night())

    assert [alert.state for alert in told[:4]] == [AlertState.RAISED, *[AlertState.REPEATED] * 3]
    assert len({alert.id for alert in told}) == 1
    assert "mend the disk while the night goes on" in told[3].reason


@pytest.mark.parametrize(
    ("damage", "is_told"),
    [
        (lambda state: state.write_bytes(b""), True),
        (lambda state: state.write_bytes(b"no database at all" * 500), True),
        (lambda state: state.write_bytes(state.read_bytes()[: state.stat().st_size // 2]), True),
        (lambda state: state.unlink(), False),  # deleted on purpose
    ],
    ids=["empty", "nonsense", "half", "gone"],
)
def test_a_damaged_state_is_put_aside_and_the_wearer_stays_the_same(
    trace: Path, config_home: Path, damage: Callable[[Path], object], is_told: bool
) -> None:
    _, _, wearer = watched(trace, config_home)
    damage(config_home / "data" / "simulated" / "state.sqlite")
    events, alerts, same = watched(trace, config_home)

    assert same == wearer
    assert len(events) > 2
    assert ["state.sqlite" in a.reason for a in alerts if a.kind == "state"] == [True] * is_told


def test_a_port_that_a_stranger_holds_costs_the_port_only(trace: Path, config_home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        events, alerts, _ = watched(trace, config_home, broker="embedded", port=port)

    assert len(events) > 2
    assert alerts == []


def test_a_broker_that_cannot_be_had_costs_the_telling_only_and_is_an_alarm(
    trace: Path, config_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(broker_process, "SBIN", "/nowhere")
    events, alerts, _ = watched(trace, config_home, broker="mosquitto")

    assert len(events) > 2
    assert ["no alert leaves this computer" in a.reason for a in alerts if a.kind == "broker"] == [
        True
    ]


def delete_recordings(made: Assembly) -> None:
    for recording in made.recordings:
        recording.unlink()


def test_what_failed_in_one_night_is_told_anew_in_the_next_and_over_in_a_sound_one(
    trace: Path, config_home: Path
) -> None:
    nights = [
        [alert.state for alert in technical if alert.kind == "recording"]
        for _, technical, _ in (
            watched(trace, config_home, disturb=delete_recordings),
            watched(trace, config_home, disturb=delete_recordings),
            watched(trace, config_home),
            watched(trace, config_home),
        )
    ]

    assert nights == [["raised"], ["resolved", "raised"], ["resolved"], []]


def test_what_did_not_work_for_an_earlier_process_is_over_unless_it_is_found_again(
    trace: Path, config_home: Path
) -> None:
    (config_home / "data" / "simulated").mkdir(parents=True)
    (config_home / "data" / "simulated" / "nights").write_text("a file where a folder should be")
    _, before, _ = watched(trace, config_home)
    _, again, _ = watched(trace, config_home)
    (config_home / "data" / "simulated" / "nights").unlink()
    _, after, _ = watched(trace, config_home)

    assert [(alert.kind, alert.state) for alert in before] == [("recording", AlertState.RAISED)]
    assert again == [], "it is the same alarm, still open"
    assert [(alert.kind, alert.state) for alert in after] == [("recording", AlertState.RESOLVED)]


def test_damage_that_is_found_in_the_middle_of_a_night_is_told(
    trace: Path, config_home: Path
) -> None:
    watched(trace, config_home)
    (state,) = (config_home / "data").rglob("state.sqlite")
    with closing(sqlite3.connect(state)) as db, db:
        db.execute("UPDATE log SET kind = 'nonsense' WHERE n = 3")
    events, technical, _ = watched(trace, config_home, broker="embedded")

    assert events
    assert [(a.kind, a.state) for a in technical if a.kind == "state"] == [("state", "raised")]
    assert any("1 rows of log" in alert.reason for alert in technical)
