"""A service that was killed goes on where it was, and leaves nothing hanging in the air."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from detector.channels import EntryKind
from detector.config import read_configuration
from detector.events import Origin, Phase, to_dict
from detector.night.offline import detect
from detector.service.assembly import assembled
from detector.service.places import DataFolder
from detector.sources.clock import HostClock
from detector.sources.replay import ReplaySource
from detector.store.state import State
from firmware_sim.motion.scenarios import scenario


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
