"""A service that was killed goes on where it was, and leaves nothing hanging in the air."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from detector.channels import EntryKind
from detector.config import read_configuration
from detector.devices.stream import Reading
from detector.events import Origin, Phase, to_dict
from detector.night.offline import detect
from detector.service.assembly import Assembly, assembled
from detector.service.persistence.places import DataFolder
from detector.service.presentation.news import News, Trouble
from detector.sources.clock import HostClock
from detector.sources.replay import ReplaySource
from detector.status import StateWord, Status
from detector.store.log import of_status
from detector.store.state import State
from firmware_sim.motion.scenarios import scenario

Assembled = AbstractAsyncContextManager[Assembly]


def assembled_in(data: Path, news: list[News], items: Sequence[Reading] = ()) -> Assembled:
    settings = read_configuration(
        environ={}, flags={"data_dir": data, "mqtt.broker": "none"}
    ).settings
    clock = HostClock()
    return assembled(
        settings,
        sources=[ReplaySource(items, clock)],
        origin=Origin.SIMULATED,
        clock=clock,
        tell=news.append,
    )


def test_a_service_killed_in_its_first_moment_goes_on_in_the_same_recording(
    config_home: Path,
) -> None:
    """A copy of its folder is what a kill leaves."""
    data, left = config_home / "data", config_home / "left"
    news: list[News] = []

    async def start_twice() -> list[Assembly]:
        async with assembled_in(data, news) as first:
            shutil.copytree(data, left)
        async with assembled_in(left, news) as second:
            await second.service.run()
        return [first, second]

    first, second = asyncio.run(start_twice())
    (recording,) = first.recordings

    assert second.night.worn == first.night.worn
    assert [path.name for path in second.recordings] == [recording.name]
    assert [each for each in news if isinstance(each, Trouble)] == []


def test_troubles_that_an_earlier_process_left_open_are_resolved(config_home: Path) -> None:
    data, news = config_home / "data", list[News]()
    names = ("memory", "broker", "night", "retention", "state")

    async def start_twice() -> Assembly:
        async with assembled_in(data, news) as first:
            now_ns = HostClock().mono_ns(), HostClock().utc_ns()
            alerts = [
                alert
                for name in names
                for alert in first.night.trouble(name, "it was so", *now_ns).alerts
            ]
            saved = {"night": first.night.save(), "ended": False}
            assert len(alerts) == len(names)
            await first.archive.ask(
                lambda state: state.commit(at=datetime.now(UTC), alerts=alerts, saved=saved)
            )
        async with assembled_in(data, news) as second:
            assert len(second.night.open_alerts) == len(names)
            await second.service.run()
        return second

    assert asyncio.run(start_twice()).night.open_alerts == ()
    with State.open(DataFolder.of(data, Origin.SIMULATED).state) as state:
        assert state.open_alerts() == []


def test_an_event_that_a_crash_interrupted_is_said_to_be_over(config_home: Path) -> None:
    trace = scenario("clonus", seed=1, duration_s=60)
    now = datetime.now(UTC).replace(microsecond=0)
    ended = [
        replace(event, onset=now - timedelta(hours=1), end=now - timedelta(hours=1))
        for event in detect(trace.samples, trace.fs)
    ]
    left_open = replace(ended[0], phase=Phase.UPDATE)
    place = DataFolder.of(config_home / "data", Origin.SIMULATED)
    with State.open(place.state) as state:
        state.commit(at=now, events=[left_open, *ended[1:]])
        entries = len(state.replay_from(0))
    settings = read_configuration(
        environ={}, flags={"data_dir": config_home / "data", "mqtt.broker": "none"}
    ).settings

    async def start_and_stop() -> None:
        async with assembled(
            settings,
            sources=[ReplaySource([], HostClock())],
            origin=Origin.SIMULATED,
            clock=HostClock(),
            tell=lambda news: None,
        ) as made:
            await made.service.run()

    asyncio.run(start_and_stop())
    with State.open(place.state) as state:
        kept = {event.id: event for event in state.events()}
        logged = state.replay_from(0)
        assert sum(entry.kind is EntryKind.EVENT for entry in logged) == entries + 1
        assert len(logged) == state.depth("mqtt"), "nobody has heard any of it"
    over = kept[left_open.id]

    assert (over.phase, over.cut_short) == (Phase.END, True)
    assert to_dict(over) == to_dict(replace(left_open, phase=Phase.END, cut_short=True))
    assert [kept[event.id] for event in ended[1:]] == ended[1:]


def test_time_before_a_start_in_which_nothing_ran_is_logged_as_not_watched(
    config_home: Path,
) -> None:
    place = DataFolder.of(config_home / "data", Origin.SIMULATED)
    ended = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=9)
    watching = Status(StateWord.WATCHING)
    with State.open(place.state) as state:
        entry = of_status(watching, wearer=state.wearer, source=Origin.SIMULATED, at=ended)
        state.commit(at=ended, entries=[entry])

    async def start_and_stop() -> None:
        async with assembled_in(config_home / "data", []) as made:
            await made.service.run()

    asyncio.run(start_and_stop())
    with State.open(place.state) as state:
        told = [each for each in state.replay_from(1) if each.kind is EntryKind.STATUS]
    assert [(each.subject, each.at) for each in told[:2]] == [
        (StateWord.WATCHING, ended),
        (StateWord.NO_SIGNAL, ended),
    ]
