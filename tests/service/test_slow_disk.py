"""A disk that hangs for seconds holds up no sample and no alarm; what waited is kept after all."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from detector.alerts.conditions import Condition
from detector.disk_room import LOW_BYTES, free_bytes
from detector.service.checks.disk_space import DiskSpace
from detector.service.presentation.news import Trouble
from detector.store.formats.reader import open_recording
from detector.store.state import State
from firmware_sim.motion.scenarios import scenario
from tests.store.faulty_disk import AVAILABLE, Disk, Operation, below_sqlite

from ..kit.traces import save
from .conftest import House, live_through

HANGS_S = 6.0  # real: what an SD card takes when it tidies up, or a disk that wakes
MOST_LAG_S = 3.0  # of the event loop, on a busy machine; a link is lost after 4 s


@pytest.mark.skipif(not AVAILABLE, reason="sqlite3 of this Python is no library of its own")
def test_alarms_flow_while_the_disk_hangs(tmp_path: Path, config_home: Path) -> None:
    samples = np.round(scenario("clonus", seed=1, fs=52.0, duration_s=100.0).samples, 3)
    trace = save(tmp_path / "clonus.npz", samples, 52.0)
    syncs, never = 0, threading.Event()

    def before(operation: Operation) -> int:
        nonlocal syncs
        syncs += operation.kind == "sync"
        if operation.kind == "sync" and syncs == 40:  # some seconds into the night
            never.wait(HANGS_S)
        return 0

    async def night() -> tuple[House, float]:
        loop, lags = asyncio.get_running_loop(), [0.0]

        async def measure() -> None:
            while True:
                began_s = loop.time()
                await asyncio.sleep(0.02)
                lags.append(loop.time() - began_s)

        measuring = asyncio.create_task(measure())
        house = await live_through(trace, config_home / "data", speed=10.0)
        measuring.cancel()
        return house, max(lags)

    with below_sqlite(Disk(before=before)):
        house, lag_s = asyncio.run(night())

    troubles = {news.name for _, news in house.news if isinstance(news, Trouble) and news.why}
    assert syncs > 40
    assert lag_s < MOST_LAG_S
    assert {"disk", "recording"} <= troubles
    assert any(event["n"] is None for event in house.events_heard()), "told before it was kept"
    assert house.state is not None
    assert house.recording is not None
    with State.open(house.state) as state:
        assert {event.id for event in house.events} == {event.id for event in state.events()}
    with open_recording(house.recording) as recording:
        assert sum(len(block) for block in recording.blocks()) == house.samples
        assert recording.warnings == []


def test_little_room_is_told_before_there_is_none_and_no_more_once_there_is(tmp_path: Path) -> None:
    left = [LOW_BYTES, LOW_BYTES - 1, 0, LOW_BYTES]
    space = DiskSpace(tmp_path, lambda _: left.pop(0))
    told = [space.troubles()[Condition.DISK_LOW] for _ in range(4)]
    assert told[0] is told[3] is None
    assert told[1] is not None
    assert told[2] is not None
    assert f"only 500 MB are free on the disk of {tmp_path}" in told[1]
    assert "recording.retention_nights" in told[1]
    assert free_bytes(tmp_path / "not" / "yet") == free_bytes(tmp_path) > 0


def test_a_disk_that_does_not_say_how_much_is_left_holds_up_one_tick_at_most(
    tmp_path: Path,
) -> None:
    asked, answers = 0, threading.Event()

    def hanging(_: Path) -> int:
        nonlocal asked
        asked += 1
        answers.wait(60)
        return 0

    space = DiskSpace(tmp_path, hanging)
    began_s = time.monotonic()
    assert [space.troubles()[Condition.DISK_LOW] for _ in range(20)] == [None] * 20
    assert time.monotonic() - began_s < MOST_LAG_S
    assert asked == 1
    answers.set()
    while space.troubles()[Condition.DISK_LOW] is None:
        assert time.monotonic() - began_s < 60
