"""Laws of a night within a real Home Assistant, for `make test-ha`: outside the default suite."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from detector.alert import AlertClass, AlertState, Level
from detector.alert import to_json as alert_json
from detector.alerts.commands import Acknowledge, Command, PauseAlerts, Snooze
from detector.channels import EntryKind
from detector.events import Kind, Phase
from detector.events import to_json as event_json
from detector.mqtt.contract import Leaf, Message
from detector.mqtt.home_assistant.discovery import STATUS, NightDevice, discovery, removal
from detector.status import Snapshot, StateWord, Status

from ...kit.brokers import overhearing
from ...kit.waiting import running, until
from ...service.conftest import open_house
from ..publishing import LIVE, make_event
from .house import (
    DEVICE,
    TOPICS,
    Broker,
    alert_of,
    household,
    ours,
    publisher_of,
    settings_of,
    trace_with_a_clonus,
)


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


def test_a_button_pauses_a_real_night_and_every_screen_says_who(
    tmp_path: Path, broker: Broker
) -> None:
    logged: list[dict[str, Any]] = []

    async def check() -> None:
        async with AsyncExitStack() as stack:
            endpoint = await stack.enter_async_context(broker)
            login = {"mqtt.username": "spasmwatch", "mqtt.password": "s"}
            settings = settings_of(
                tmp_path, endpoint, **login, **{"mqtt.home_assistant_commands": True}
            )
            trace = trace_with_a_clonus(tmp_path, 5)
            house = await stack.enter_async_context(
                open_house(settings, trace, lambda _: None, 2.0, free_port=False)
            )
            device = NightDevice(topics=house.topics, label="bedroom", commands=True)
            home = await stack.enter_async_context(household(tmp_path, endpoint, device))
            await stack.enter_async_context(running(house.service.run(), within_s=100))
            await home.until_whole()
            await home.until("state", "Watching", "Spasm")
            await home.process.ask("press", entity=home.ids["button_pause"])
            details = await home.until("state", "Paused")
            assert "home-assistant" in details["message"]
            await home.until("watching", "on")  # with the next heartbeat: a pause watches on
            entries = await house.archive.log_of("mqtt").replay(1, 1000)
            logged.extend(json.loads(e.body) for e in entries if e.kind is EntryKind.COMMAND)
            await house.service.stop()

    asyncio.run(check())
    (pause,) = logged
    assert (pause["command"], pause["by"], pause["minutes"]) == ("pause", "home-assistant", 30)
