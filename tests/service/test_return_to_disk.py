"""A night that began in memory returns to its disk, with all that it and earlier nights have."""

from __future__ import annotations

import asyncio
import json
import resource
import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detector.alert import Alert, AlertState
from detector.alerts.commands import CallForHelp, PauseAlerts
from detector.alerts.conditions import Condition
from detector.alerts.response import AlertResponse
from detector.channels import Entry, EntryKind
from detector.config import Settings, read_configuration
from detector.devices.interpreter import Interpreter
from detector.devices.registry import installed
from detector.devices.stream import LinkUp
from detector.events import Origin
from detector.mqtt.contract import LEAVES
from detector.mqtt.endpoint import Endpoint
from detector.mqtt.session import Received
from detector.night.outcome import Outcome
from detector.service.assembly import Assembly, assembled
from detector.service.checks.starts import STARTS
from detector.service.ending import MQTT
from detector.service.persistence.resumption import ANSWERS, ENDED
from detector.service.presentation.answering import RESPONSE
from detector.service.presentation.news import News
from detector.sources.clock import ScaledClock
from detector.sources.replay import ReplaySource
from detector.store.log import Draft, of_command
from detector.store.state import State
from firmware_sim.motion.scenarios import scenario
from tests.store.faulty_disk import AVAILABLE, IOERR, Disk, Operation, below_sqlite

from ..kit.brokers import free_port, needs_mosquitto, overhearing, running_mosquitto
from ..kit.caregiver import Caregiver
from ..kit.traces import save
from ..kit.waiting import running, until
from .conftest import open_house

SPEED = 100.0  # 30 s pass in 0.3 s
WITHIN_S = 30.0  # for a machine under load


@contextmanager
def no_disk() -> Iterator[None]:
    """No file of this process takes a byte."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def settings_of(home: Path, broker: str = "none") -> Settings:
    flags = {"data_dir": home / "data", "mqtt.broker": broker}
    return read_configuration(environ={}, flags=flags).settings


def state_in(home: Path) -> Path:
    return home / "data" / "simulated" / "state.sqlite"


@dataclass
class Night:
    """A night that watches a sensor from which nothing comes, and what it told."""

    made: Assembly
    told: list[Alert] = field(default_factory=list)

    def said(self, kind: Condition) -> list[tuple[AlertState, str]]:
        alerts = [alert for alert in self.told if alert.kind == kind]
        return [(a.state, a.reason) for a in alerts if a.state is not AlertState.REPEATED]

    def states(self, kind: Condition) -> list[AlertState]:
        return [state for state, _ in self.said(kind)]

    async def note(self, by: str) -> None:
        """Have an entry in the log that names somebody."""
        self.made.service.obey(PauseAlerts(by=by, minutes=1))

        async def logged() -> bool:
            log = await self.made.archive.ask(lambda state: state.replay_from(0))
            return by in names(log)

        async with asyncio.timeout(WITHIN_S):
            while not await logged():
                await asyncio.sleep(0.01)

    async def until_kept(self) -> None:
        await until(lambda: self.made.kept, WITHIN_S)


@asynccontextmanager
async def begun_in_memory(home: Path) -> AsyncIterator[Night]:
    """Begin while the disk takes nothing; it works again in the block."""
    clock = ScaledClock(SPEED)
    link = LinkUp(1, "polar-verity-sense", "C0:5E", "Polar", clock.mono_ns(), clock.utc_ns())
    late = replace(link, session=2, mono_ns=link.mono_ns + 36_000_000_000_000)
    interpreter = Interpreter(installed())
    told: list[Alert] = []

    def tell(news: News) -> None:
        if isinstance(news, Outcome):
            told.extend(news.alerts)

    async with AsyncExitStack() as stack:
        with no_disk():
            made = await stack.enter_async_context(
                assembled(
                    settings_of(home),
                    sources=[ReplaySource([interpreter.feed(link), interpreter.feed(late)], clock)],
                    origin=Origin.SIMULATED,
                    clock=clock,
                    tell=tell,
                    pace=SPEED,
                )
            )
        assert not made.kept
        watching = asyncio.create_task(made.service.run())
        yield Night(made, told)
        await made.service.stop()
        await watching


def said(by: str) -> Draft:
    """Return an entry that names somebody."""
    command = PauseAlerts(by=by, minutes=1)
    return of_command(command, at=datetime.now(UTC), whose=None, source=Origin.SIMULATED)


def earlier_night(home: Path, *by: str, wearer: str | None = None) -> None:
    state_in(home).parent.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    with State.open(state_in(home), wearer=wearer) as state:
        state.open_channel(MQTT, from_start=True)
        for name in by:
            state.commit(at=now, entries=[said(name)], saved={STARTS: [["boot", 1.0, 2.0]]})


def names(log: Sequence[Entry]) -> list[str]:
    """Return who is named by the entries of the log that name anybody, in order."""
    return [json.loads(entry.body)["by"] for entry in log if entry.kind is EntryKind.COMMAND]


def names_in(home: Path) -> list[str]:
    with State.open(state_in(home)) as state:
        return names(state.replay_from(0))


def test_a_night_goes_on_in_its_file_behind_what_was_there_and_the_alarm_is_over(
    config_home: Path,
) -> None:
    earlier_night(config_home, "ada", "bea")

    async def night() -> Night:
        async with begun_in_memory(config_home) as night:
            await night.note("cleo")
            await night.until_kept()
            await night.note("dora")
            await until(lambda: len(night.states(Condition.MEMORY)) == 2, WITHIN_S)
            assert await night.made.unkept() == []
        return night

    told = asyncio.run(night())
    assert told.states(Condition.MEMORY) == [AlertState.RAISED, AlertState.RESOLVED]
    assert told.states(Condition.STATE) == []
    assert "unless the disk takes it before" in told.said(Condition.MEMORY)[0][1]
    assert names_in(config_home) == ["ada", "bea", "cleo", "dora"]
    with State.open(state_in(config_home)) as state:
        assert names(state.read(MQTT)) == ["ada", "bea", "cleo", "dora"], "nobody has heard them"
        assert state.saved(ENDED) is True
        assert len(state.saved(STARTS)) == 2


def test_where_there_was_no_file_one_is_made(config_home: Path) -> None:
    async def night() -> str:
        async with begun_in_memory(config_home) as night:
            await night.note("ada")
            await night.until_kept()
            return night.made.topics.wearer

    wearer = asyncio.run(night())
    assert names_in(config_home) == ["ada"]
    with State.open(state_in(config_home)) as state:
        assert state.wearer == wearer


def test_a_file_that_another_has_by_then_is_left_to_it_until_it_ends(config_home: Path) -> None:
    earlier_night(config_home, "ada")

    async def night() -> Night:
        async with begun_in_memory(config_home) as night:
            await night.note("cleo")
            with State.open(state_in(config_home)) as other:
                other.commit(at=datetime.now(UTC), entries=[said("bea")])
                await until(lambda: night.states(Condition.STATE), WITHIN_S)
                assert not night.made.kept
            await night.until_kept()
            await until(lambda: len(night.states(Condition.STATE)) == 2, WITHIN_S)
        return night

    told = asyncio.run(night()).said(Condition.STATE)
    assert "another spasmwatch is using" in told[0][1]
    assert "kept in memory only" in told[0][1]
    assert told[1][0] is AlertState.RESOLVED
    assert names_in(config_home) == ["ada", "bea", "cleo"]


def test_a_damaged_file_is_moved_aside_and_said_and_a_new_one_takes_the_night(
    config_home: Path,
) -> None:
    earlier_night(config_home, "ada")

    async def night() -> Night:
        async with begun_in_memory(config_home) as night:
            state_in(config_home).write_bytes(b"no database at all" * 500)
            await night.note("bea")
            await night.until_kept()
            await until(lambda: night.states(Condition.STATE), WITHIN_S)
        return night

    told = asyncio.run(night())
    assert "was moved to state.sqlite.damaged-1" in told.said(Condition.STATE)[0][1]
    assert told.states(Condition.STATE) == [AlertState.RAISED]
    assert state_in(config_home).with_name("state.sqlite.damaged-1").exists()
    assert names_in(config_home) == ["bea"]


def test_a_file_of_another_wearer_is_left_alone_and_said(config_home: Path) -> None:
    async def night() -> Night:
        async with begun_in_memory(config_home) as night:
            earlier_night(config_home, "ada", wearer="k3vq7m2xta")
            await until(lambda: night.states(Condition.STATE), WITHIN_S)
            assert not night.made.kept
        return night

    assert "belongs to the wearer k3vq7m2xta" in asyncio.run(night()).said(Condition.STATE)[0][1]
    assert names_in(config_home) == ["ada"]


@pytest.mark.skipif(not AVAILABLE, reason="sqlite3 of this Python is no library of its own")
def test_a_disk_that_refuses_again_in_the_middle_loses_nothing_and_is_tried_again(
    config_home: Path,
) -> None:
    earlier_night(config_home, "ada")
    refusals = 0

    def before(operation: Operation) -> int:
        nonlocal refusals
        if operation.kind == "sync" and operation.path.name == "state.sqlite-wal" and refusals < 4:
            refusals += 1
            return IOERR
        return 0

    async def night() -> Night:
        async with begun_in_memory(config_home) as night:
            for name in ("bea", "cleo", "dora"):
                await night.note(name)
                await asyncio.sleep(0.3)
            await night.until_kept()
            await night.note("edda")
        return night

    with below_sqlite(Disk(before=before)):
        told = asyncio.run(night())

    assert refusals == 4
    assert told.states(Condition.INTERNAL_FAULT) == []
    assert names_in(config_home) == ["ada", "bea", "cleo", "dora", "edda"]


def test_what_a_killed_process_left_open_is_over(config_home: Path) -> None:
    killed = config_home / "killed"

    async def earlier() -> set[str]:
        async with begun_in_memory(config_home) as night:
            await night.until_kept()
            await until(lambda: night.states(Condition.NO_SIGNAL), WITHIN_S)
            await night.note("ada")
            shutil.copytree(config_home / "data", killed / "data")
            return {alert.id for alert in night.made.night.open_alerts}

    async def later() -> set[str]:
        async with begun_in_memory(killed) as night:
            await night.until_kept()
            await night.note("bea")
            return {alert.id for alert in night.made.night.open_alerts}

    left_open, open_now = asyncio.run(earlier()), asyncio.run(later())
    assert left_open
    assert not left_open & open_now
    with State.open(state_in(killed)) as state:
        assert {alert.id for alert in state.open_alerts()} <= open_now
        states = [json.loads(e.body) for e in state.replay_from(0) if e.subject in left_open]
    for about in left_open:
        told = [each["state"] for each in states if each["id"] == about]
        assert (told[0], told[-1]) == ("raised", "resolved")


def test_a_call_for_help_that_a_killed_process_left_open_still_waits_for_somebody(
    config_home: Path,
) -> None:
    earlier = AlertResponse()
    (call,) = earlier.obey(CallForHelp(by="bert"), 0, datetime.now(UTC))
    earlier_night(config_home, "ada")
    with State.open(state_in(config_home)) as state:
        saved = {ANSWERS: {RESPONSE: earlier.save()}}
        state.commit(at=datetime.now(UTC), alerts=[call], saved=saved)

    async def night() -> Night:
        async with begun_in_memory(config_home) as night:
            await night.until_kept()
            await until(lambda: [each for each in night.told if each.id == call.id], WITHIN_S)
        return night

    told = [each for each in asyncio.run(night()).told if each.id == call.id]
    assert told[0].state in {AlertState.ESCALATED, AlertState.REPEATED}
    with State.open(state_in(config_home)) as state:
        assert call.id in {alert.id for alert in state.open_alerts()}


@needs_mosquitto
def test_receivers_hear_what_was_kept_in_memory_and_what_lay_on_the_disk(
    config_home: Path,
) -> None:
    """Nobody was there to hear the night before; then one receiver hears both."""
    made = scenario("clonus", seed=1, fs=52.0, duration_s=400.0)
    long = save(config_home / "long.npz", np.round(made.samples, 3), 52.0)
    short = save(config_home / "short.npz", np.round(made.samples[: 60 * 52], 3), 52.0)

    async def before() -> None:
        async with open_house(settings_of(config_home), short, lambda _: None) as made:
            await made.service.run()

    on_air: list[tuple[str, dict[str, Any]]] = []

    def overhear(received: Received) -> None:
        leaf = received.topic.rsplit("/", 1)[-1]
        if leaf in {"health", "event", "alert"}:
            on_air.append((leaf, json.loads(received.payload)))

    async def after() -> tuple[Caregiver, int]:
        port = free_port()
        settings = settings_of(config_home, f"mqtt://127.0.0.1:{port}")
        conf = config_home / "mosquitto.conf"
        conf.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(running_mosquitto(conf, port))
            with no_disk():
                house = open_house(settings, long, lambda _: None, speed=20.0)
                made = await stack.enter_async_context(house)
            endpoint = Endpoint(port=port)
            await stack.enter_async_context(overhearing(endpoint, overhear))
            anna = Caregiver(endpoint, made.topics)
            async with running(anna.begin().run(), made.service.run()):
                await until(lambda: made.kept, WITHIN_S)
                over = {"kind": "memory", "state": "resolved"}
                await until(lambda: any(over.items() <= each.items() for each in anna.told))
                last = await made.archive.log_of(MQTT).last()
                await until(lambda: anna.saved["upto"] >= last, WITHIN_S)
                await until(lambda: not made.reception.waiting, WITHIN_S)
                await made.service.stop()
            return anna, last

    asyncio.run(before())
    with State.open(state_in(config_home)) as state:
        unheard = state.waiting(MQTT, {EntryKind.EVENT})
    anna, last = asyncio.run(after())
    with State.open(state_in(config_home)) as state:
        log = [json.loads(e.body) for e in state.replay_from(0) if e.kind in LEAVES and e.n <= last]
        heard = [dict(each) for each in anna.told]
        named = next(n for n, (_, said) in enumerate(on_air) if said.get("epoch") == state.epoch)
        assert unheard > 2
        assert [entry["n"] for entry in log if entry not in heard] == []
        assert len({e["id"] for e in log if e["kind"] == "memory"}) == 1
        early = [said["n"] for _, said in on_air[:named] if said in log]
        assert early == [], "receivers are told of the new log before they get entries of it"
