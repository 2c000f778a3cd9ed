"""Laws of a night within a real Home Assistant, for `make test-ha`: outside the default suite."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detector.alert import Alert, AlertClass, AlertState, Level
from detector.alert import to_json as alert_json
from detector.alerts.commands import Acknowledge, Command, PauseAlerts, Snooze
from detector.config import Settings, read_configuration
from detector.events import Kind, Origin, Phase
from detector.events import to_json as event_json
from detector.mqtt.contract import Leaf, Message, Topics
from detector.mqtt.endpoint import Endpoint
from detector.mqtt.home_assistant.discovery import (
    STATUS,
    NightDevice,
    discovery,
    payload,
    removal,
)
from detector.mqtt.home_assistant.serving import HomeAssistant
from detector.mqtt.publisher import Publisher
from detector.status import Snapshot, StateWord, Status

from ...kit.brokers import overhearing
from ...kit.traces import save
from ...kit.waiting import running, until
from ...service.conftest import open_house
from ..publishing import LIVE, NIGHT, WEARER, make_event, make_publisher
from .household_client import HomeAssistantProcess, discovering, home_assistant

Broker = AbstractAsyncContextManager[Endpoint]
Mosquitto = Callable[..., AbstractAsyncContextManager[int]]
FS = 50
OF_OLDER = (
    # Of 2024.3.3: it knows no device discovery, and no *unknown* of a timestamp.
    "Integration device is not supported",
    "Invalid state message",
)
TOPICS = Topics(wearer=WEARER)
DEVICE = NightDevice(topics=TOPICS, label="bedroom", commands=True)


class Home:
    """A Home Assistant with a night's entities, by their keys in the discovery."""

    def __init__(self, process: HomeAssistantProcess, device: NightDevice) -> None:
        self.process = process
        self.device = device
        self.wanted = payload(device)["cmps"]
        self.ids: dict[str, str] = {}

    async def found(self) -> dict[str, bool]:
        """Return which entities there are, and which of them are disabled."""
        listed = await self.process.ask("entities")
        start = f"{self.device.node}_"
        mine = [each for each in listed if each["unique_id"].startswith(start)]
        self.ids = {each["unique_id"].removeprefix(start): each["entity"] for each in mine}
        return {each["unique_id"].removeprefix(start): each["disabled"] for each in mine}

    async def until_whole(self) -> None:
        """Wait for every entity, and none that is not ours."""
        for _ in range(200):
            if (await self.found()).keys() == self.wanted.keys():
                return
            await asyncio.sleep(0.1)
        missing = self.wanted.keys() ^ (await self.found()).keys()
        pytest.fail(f"{missing}: {await self.process.ask('log')}")

    async def until_none(self) -> None:
        """Wait until nothing of ours is left."""
        async with asyncio.timeout(20):
            while await self.found():
                await asyncio.sleep(0.1)

    async def until(self, key: str, *states: str, within_s: float = 60.0) -> dict[str, Any]:
        """Wait until an entity has one of these states; return its attributes."""
        entity = self.ids[key]

        def true(found: dict[str, Any]) -> bool:
            return entity in found and found[entity]["state"] in states

        found = await self.process.until(true, within_s)
        return dict(found[entity]["attributes"])

    async def state(self, key: str) -> str | None:
        """Return the state of an entity."""
        return await self.process.state(self.ids[key])

    async def fired(self, key: str) -> list[dict[str, Any]]:
        """Return how often an event entity fired, with what."""
        return [
            each["attributes"]
            for each in await self.process.ask("fired")
            if each["entity"] == self.ids[key]
        ]


@pytest.fixture
def broker(mosquitto_with: Mosquitto) -> Broker:
    """A broker of somebody's house."""

    @asynccontextmanager
    async def start() -> AsyncIterator[Endpoint]:
        async with mosquitto_with("allow_anonymous true") as port:
            yield Endpoint(port=port, username="spasmwatch", password="s")  # noqa: S106

    return start()


@asynccontextmanager
async def household(
    folder: Path, endpoint: Endpoint, device: NightDevice = DEVICE
) -> AsyncIterator[Home]:
    """Run a Home Assistant; older ones with a translator of device discovery beside them."""
    async with (
        home_assistant(folder / "ha", endpoint) as process,
        discovering(endpoint, process.version),
    ):
        yield Home(process, device)


def publisher_of(
    endpoint: Endpoint, log: Any, obey: Callable[[Command], None] = lambda _: None
) -> Publisher:
    return make_publisher(endpoint, log, home_assistant=HomeAssistant(DEVICE, obey=obey))


def settings_of(folder: Path, endpoint: Endpoint, **more: object) -> Settings:
    """Return the settings of a night that Home Assistant is told of."""
    flags: dict[str, object] = {
        "data_dir": folder / "data",
        "mqtt.broker": f"mqtt://127.0.0.1:{endpoint.port}",
        "mqtt.home_assistant": True,
    }
    return read_configuration(environ={}, flags=flags | more).settings


def alert_of(state: AlertState, **changes: Any) -> Alert:
    """Return a clinical alert that wakes somebody."""
    values: dict[str, Any] = {
        "id": f"alert-{changes.get('kind', 'clonus')}",
        "state": state,
        "alert_class": AlertClass.CLINICAL,
        "level": Level.HIGH,
        "kind": "clonus",
        "reason": "3 likely spasms within 10 min",
        "raised_at": NIGHT,
        "at": NIGHT,
        "source": Origin.LIVE,
        "wearer": WEARER,
    }
    return Alert(**(values | changes))


def trace_with_a_clonus(folder: Path, clonus_s: float) -> Path:
    t = np.arange(round((60 + clonus_s) * FS)) / FS
    a = np.random.default_rng(0).normal(0, 0.002, (len(t), 3)) + np.array([0.02, -0.1, 0.99])
    during = (t >= 30) & (t < 30 + clonus_s)
    a[during, 0] += 0.35 * np.sign(np.sin(2 * np.pi * 6 * (t[during] - 30)))
    return save(folder / "clonus.npz", a, FS)


def ours(lines: list[str]) -> list[str]:
    """Return what Home Assistant warns of because of us."""
    found = [line for line in lines if any(word in line for word in ("mqtt", "template", "script"))]
    return [line for line in found if not any(known in line for known in OF_OLDER)]


def test_a_67_s_clonus_begins_and_ends_once_and_is_counted(tmp_path: Path, broker: Broker) -> None:
    heard: list[str] = []

    async def check() -> None:
        async with AsyncExitStack() as stack:
            endpoint = await stack.enter_async_context(broker)
            settings = settings_of(tmp_path, endpoint)
            trace = trace_with_a_clonus(tmp_path, 67)
            house = await stack.enter_async_context(
                open_house(settings, trace, lambda _: None, 20.0, free_port=False)
            )
            device = NightDevice(topics=house.topics, label="bedroom")
            home = await stack.enter_async_context(household(tmp_path, endpoint, device))
            hear = overhearing(
                endpoint,
                lambda got: heard.append(got.payload.decode()),
                f"{house.topics.base}/event",
            )
            link = await stack.enter_async_context(hear)
            await link.publish(discovery(device))  # as an earlier night left it
            await home.until_whole()
            await home.process.ask("enable", entities=[home.ids["event"]])
            night = asyncio.create_task(house.service.run())
            details = await home.until("state", "Spasm")
            assert details["words"] == "Clonus"
            assert await home.state("spasm_now") == "on"
            await home.until("watching", "on")
            await home.until("spasm_now", "off")
            await home.until("clonus_tonight", "1")
            details = await home.until("spasms_tonight", "1")
            assert (details["clonus"], details["monitored_s"] > 60) == (1, True)
            await night

            (begins,), (ended,) = await home.fired("begins"), await home.fired("ended")
            assert begins["id"] == ended["id"]
            assert (begins["event_type"], ended["event_type"]) == ("clonus", "clonus")
            assert ended["duration_s"] == pytest.approx(67, abs=3)
            assert len(await home.fired("event")) == len(heard) > 10
            await home.until("state", "unavailable")
            at = datetime.fromisoformat(str(await home.state("last_event")))
            assert at == datetime.fromisoformat(begins["onset"]).replace(microsecond=0)
            assert ours(await home.process.ask("log")) == []

    asyncio.run(check())


def test_all_entities_appear_and_are_there_again_after_a_restart_of_each(
    tmp_path: Path, broker: Broker, log: Any
) -> None:
    async def check() -> None:
        async with broker as endpoint:
            async with household(tmp_path, endpoint) as home:
                async with running(publisher_of(endpoint, log).run()):
                    await home.until_whole()
                    disabled = {key for key, is_off in (await home.found()).items() if is_off}
                    assert disabled == {"event", "data_age"}
                    assert await home.process.ask("devices") == ["Night sensor (bedroom)"]
                    await home.until("state", "Watching")
                    await home.until("watching", "on")
                    await home.until("battery", "80")
                    log.put(make_event())
                    await home.until("last_event", "2026-11-21T02:14:07+00:00")
                    began = await home.state("begins")
                # A person stopped the service, or it died: neither shows what it said last.
                await home.until("state", "unavailable")
                details = await home.process.attributes(home.ids["watching"])
                assert details["service"] == "offline"
                assert await home.state("watching") == "on"  # until heartbeats are overdue
                await home.until("watching", "off", within_s=20)
                async with running(publisher_of(endpoint, log).run()):
                    await home.until("state", "Watching")
                    await home.until("watching", "on")
                assert ours(await home.process.ask("log")) == []
            again = running(publisher_of(endpoint, log).run(), within_s=100)
            async with again, household(tmp_path, endpoint) as home:
                await home.until_whole()
                await home.until("state", "Watching")
                await home.until("watching", "on")
                assert await home.state("last_event") == "2026-11-21T02:14:07+00:00"
                assert await home.state("begins") == began

    asyncio.run(check())


def test_what_is_delivered_twice_or_revised_fires_once(tmp_path: Path, broker: Broker) -> None:
    first, second = make_event(0, phase=Phase.START), make_event(1, phase=Phase.START)
    ends = [replace(each, phase=Phase.END) for each in (first, second)]
    short = make_event(2, kind=Kind.TWITCH)  # told when it is over
    events = [
        *(first, second, first, replace(second, phase=Phase.UPDATE), make_event(9, kind=Kind.TURN)),
        *(*ends, *ends, replace(ends[0], revision=1, kind=Kind.SPASM), first, short),
    ]
    alerts = [alert_of(AlertState.RAISED), alert_of(AlertState.RESOLVED)] * 2

    async def check() -> None:
        async with (
            broker as endpoint,
            household(tmp_path, endpoint) as home,
            overhearing(endpoint, lambda _: None) as link,
        ):
            await link.publish(discovery(DEVICE))
            await home.until_whole()
            await link.publish(Message(TOPICS.of(Leaf.AVAILABILITY), "online", retain=True))
            await home.until("button_ack", "unknown")  # it is there, and was never pressed
            await asyncio.sleep(1.5)  # Home Assistant subscribes to what is new once a second
            for alert in alerts:
                await link.publish(Message(TOPICS.of(Leaf.ALERT), alert_json(alert)))
            for event in events:
                await link.publish(Message(TOPICS.of(Leaf.EVENT), event_json(event)))
            await home.until("last_event", "2026-11-21T02:14:09+00:00")
            for key in ("begins", "ended"):
                told = [each["id"] for each in await home.fired(key)]
                assert told == [first.id, second.id, short.id]
            states = [each["event_type"] for each in await home.fired("alert")]
            assert states == ["raised", "resolved"]
            assert ours(await home.process.ask("log")) == []

    asyncio.run(check())


def test_birth_brings_back_what_the_broker_lost_and_removal_lasts(
    tmp_path: Path, broker: Broker, log: Any
) -> None:
    async def check() -> None:
        async with (
            broker as endpoint,
            household(tmp_path, endpoint) as home,
            overhearing(endpoint, lambda _: None) as link,
        ):
            async with running(publisher_of(endpoint, log).run()):
                await home.until_whole()
                await link.publish(removal(DEVICE))
                await home.until_none()
                await link.publish(Message(STATUS, "online"))
                await home.until_whole()
            await link.publish(removal(DEVICE))
            await home.until_none()
            assert await home.process.ask("devices") == []

    asyncio.run(check())


def test_each_button_that_is_pressed_says_one_thing(
    tmp_path: Path, broker: Broker, log: Any
) -> None:
    obeyed: list[Command] = []

    async def check() -> None:
        async with broker as endpoint, household(tmp_path, endpoint) as home:
            publisher = publisher_of(endpoint, log, obeyed.append)
            async with running(publisher.run()):
                await home.until_whole()
                await home.until("state", "Watching")
                for key in ("button_ack", "button_snooze", "button_pause"):
                    await home.process.ask("press", entity=home.ids[key])
                    await asyncio.sleep(1.1)
                await until(lambda: len(obeyed) == 3)
                await home.process.ask("press", entity=home.ids["button_ack"])
                await home.process.ask("press", entity=home.ids["button_ack"])
                await until(lambda: publisher.requests.refused.total() == 1)

    asyncio.run(check())
    by = "home-assistant"
    assert obeyed[:3] == [
        Acknowledge(by=by),
        Snooze(by=by, minutes=15),
        PauseAlerts(by=by, minutes=30),
    ]
    assert len(obeyed) == 4


def test_problems_and_open_alerts_are_shown_with_their_words(
    tmp_path: Path, broker: Broker, log: Any
) -> None:
    blind = Status(StateWord.NO_SIGNAL, why="nothing came for 12 s")
    watching = Status(StateWord.WATCHING)
    silent = alert_of(AlertState.RAISED, kind="no-signal", alert_class=AlertClass.TECHNICAL)
    spasms, test = alert_of(AlertState.RAISED), alert_of(AlertState.RAISED, level=Level.TEST)
    handled = alert_of(AlertState.ACKNOWLEDGED, by="anna")

    async def check() -> None:
        async with broker as endpoint, household(tmp_path, endpoint) as home:
            publisher = publisher_of(endpoint, log)
            async with running(publisher.run()):
                await home.until_whole()
                await home.until("problem", "off")
                publisher.show(Snapshot(status=blind, open_alerts=(silent,)))
                details = await home.until("problem", "on")
                assert details["message"] == "nothing came for 12 s"
                assert details["kinds"] == ["no-signal"]
                details = await home.until("open_alert", "on")
                assert (details["kind"], details["class"]) == ("no-signal", "technical")
                await home.until("state", "No signal – not watching")  # noqa: RUF001
                publisher.show(Snapshot(status=watching, open_alerts=(test, handled)))
                await home.until("open_alert", "off")
                await home.until("problem", "off")
                publisher.show(Snapshot(status=watching, open_alerts=(handled, spasms)))
                details = await home.until("open_alert", "on")
                assert details["message"] == "3 likely spasms within 10 min"
                assert details["commands"] == f"{LIVE}/ha"
                assert await home.state("problem") == "off"
                assert ours(await home.process.ask("log")) == []

    asyncio.run(check())
