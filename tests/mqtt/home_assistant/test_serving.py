"""Laws of serving: a Home Assistant that comes is told; only a broker with rights lets it act."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from detector.alerts.commands import Acknowledge, Command, CommandError, PauseAlerts
from detector.mqtt.contract import Message, Topics
from detector.mqtt.endpoint import Endpoint
from detector.mqtt.home_assistant.discovery import NightDevice, discovery
from detector.mqtt.home_assistant.serving import HomeAssistant
from detector.mqtt.publisher import Publisher
from detector.mqtt.security.gate import Flaw

from ...kit.brokers import Ear, listening
from ...kit.waiting import running, until
from ..publishing import LIVE, WEARER, make_publisher, tenfold

Mosquitto = Callable[..., AbstractAsyncContextManager[int]]
DEVICE = NightDevice(topics=Topics(wearer=WEARER), label="bedroom", commands=True)
STATUS = "homeassistant/status"


def told(ear: Ear) -> list[str]:
    """The discoveries that came."""
    return [each.payload.decode() for each in ear.heard if each.topic == DEVICE.topic]


def publisher_of(
    endpoint: Endpoint, log: Any, obey: Callable[[Command], None] | None = None
) -> Publisher:
    home = HomeAssistant(DEVICE, obey=obey, sleep=tenfold)
    return make_publisher(endpoint, log, home_assistant=home)


@pytest.mark.usefixtures("impatient")
def test_it_is_told_after_each_connection_and_each_birth(
    mosquitto_with: Mosquitto, log: Any
) -> None:
    async def check() -> None:
        async with mosquitto_with("allow_anonymous true") as port:
            endpoint = Endpoint(port=port)
            async with listening(endpoint, "homeassistant/#") as ear:
                publisher = publisher_of(endpoint, log)
                async with running(publisher.run()):
                    await until(lambda: len(told(ear)) == 1)
                    await ear.link.publish(Message(STATUS, "offline"))
                    await ear.link.publish(Message(STATUS, "online"))
                    await until(lambda: len(told(ear)) == 2)
                async with running(publisher_of(endpoint, log).run()):
                    await until(lambda: len(told(ear)) == 3)
            assert told(ear) == [discovery(DEVICE).payload] * 3
            async with listening(endpoint, "homeassistant/#") as late:
                await until(lambda: told(late))
                assert late.heard[0].retained

    asyncio.run(check())


def test_a_flood_of_births_costs_few_answers_and_an_old_one_none(
    mosquitto_with: Mosquitto, log: Any
) -> None:
    async def check() -> None:
        async with mosquitto_with("allow_anonymous true") as port:
            endpoint = Endpoint(port=port)
            async with listening(endpoint, "homeassistant/#") as ear:
                await ear.link.publish(Message(STATUS, "online", retain=True))
                async with running(publisher_of(endpoint, log).run()):
                    await until(lambda: told(ear))
                    await asyncio.sleep(0.2)
                    assert len(told(ear)) == 1
                    await asyncio.gather(
                        *(ear.link.publish(Message(STATUS, "online")) for _ in range(300))
                    )
                    await until(lambda: len(told(ear)) > 1)
                    await asyncio.sleep(0.2)
            assert len(told(ear)) < 30

    asyncio.run(check())


def test_presses_are_obeyed_or_refused_counted_and_told(
    mosquitto_with: Mosquitto, log: Any
) -> None:
    obeyed: list[Command] = []

    def obey(command: Command) -> None:
        if isinstance(command, Acknowledge):
            raise CommandError("there is no open alert")
        obeyed.append(command)

    async def check() -> None:
        async with mosquitto_with("allow_anonymous true") as port:
            endpoint = Endpoint(port=port)
            publisher = publisher_of(endpoint, log, obey)
            refused = publisher.requests.refused
            async with listening(endpoint, f"{LIVE}/ha/+") as ear:
                await ear.link.publish(Message(f"{LIVE}/ha/pause", "PRESS", retain=True))
                async with running(publisher.run()):
                    await until(lambda: refused[Flaw.RETAINED] == 1)
                    await ear.link.publish(Message(f"{LIVE}/ha/pause", "for ever"))
                    await until(lambda: refused[Flaw.UNREADABLE] == 1)
                    await ear.link.publish(Message(f"{LIVE}/ha/pause", "PRESS"))
                    await until(lambda: obeyed)
                    await ear.link.publish(Message(f"{LIVE}/ha/snooze", "PRESS"))
                    await until(lambda: refused[Flaw.OTHER] == 1)
                    await asyncio.sleep(1)
                    await ear.link.publish(Message(f"{LIVE}/ha/ack", "PRESS"))
                    await until(lambda: refused[Flaw.OTHER] == 2)
            assert publisher.requests.last_refusal == "ha/ack: there is no open alert"
            assert publisher.losses["commands_refused"] == 4

    asyncio.run(check())
    assert obeyed == [PauseAlerts(by="home-assistant", minutes=30)]


def test_without_rights_nobody_listens_to_presses(mosquitto_with: Mosquitto, log: Any) -> None:
    async def check() -> None:
        async with mosquitto_with("allow_anonymous true") as port:
            endpoint = Endpoint(port=port)
            run = publisher_of(endpoint, log).run()
            async with listening(endpoint, DEVICE.topic) as ear, running(run):
                await until(lambda: told(ear))
                ack = await ear.link.publish(Message(f"{LIVE}/ha/ack", "PRESS"))
                assert ack.no_subscribers

    asyncio.run(check())


def test_a_broker_that_forbids_the_discovery_is_named_in_the_log(
    mosquitto_with: Mosquitto, log: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def check() -> None:
        acl = {"acl": f"topic readwrite {LIVE}/#\n"}
        async with mosquitto_with("allow_anonymous true", "acl_file {dir}/acl", files=acl) as port:
            home = HomeAssistant(DEVICE, sleep=tenfold)
            publisher = make_publisher(Endpoint(port=port), log, home_assistant=home)
            async with running(publisher.run()):
                await until(lambda: home.refusal)

    asyncio.run(check())
    assert DEVICE.topic in caplog.text
    assert "access list" in caplog.text
