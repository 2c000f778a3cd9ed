"""`listen` finds the wearer there is, and says what to start where there is none."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from detector.cli.caregivers import discovery
from detector.cli.caregivers.discovery import discover, the_one
from detector.events import Origin
from detector.mqtt.broker import provide
from detector.mqtt.contract import Availability, Leaf, Topics, message
from detector.mqtt.endpoint import Endpoint
from detector.mqtt.link import Link
from detector.terminal.invocation import UsageError
from detector.terminal.output import Output
from tests.kit.brokers import free_port

FIRST, SECOND = "a" * 10, "b" * 10
PATIENCE_S = 30.0


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "DISCOVERY_S", 0.3)
    monkeypatch.setattr(discovery, "SILENT_S", 0.5)


async def published(link: Link, wearer: str, origin: Origin, word: Availability) -> None:
    topics = Topics(prefix="sw/v1", wearer=wearer, origin=origin)
    assert (await link.publish(message(topics, Leaf.AVAILABILITY, word))).accepted


def test_a_simulated_night_is_named_to_whoever_listens_for_a_live_one(capfd):
    async def scene() -> str:
        async with provide("embedded", port=0) as broker:
            assert broker.endpoint is not None
            link = Link(broker.endpoint, "night")
            tasks = [asyncio.create_task(link.run())]
            await asyncio.wait_for(link.connected(), PATIENCE_S)
            await published(link, FIRST, Origin.SIMULATED, Availability.ONLINE)
            looking = discover(
                Output(), broker.endpoint, "sw/v1", Origin.LIVE, ours=True, silent=print
            )
            tasks.append(found := asyncio.create_task(looking))
            said = ""
            async with asyncio.timeout(PATIENCE_S):
                while "listen --simulated" not in said:
                    await asyncio.sleep(0.05)
                    said += capfd.readouterr().err
            assert "No spasmwatch is at" in said
            await published(link, SECOND, Origin.LIVE, Availability.ONLINE)
            whom = await asyncio.wait_for(found, PATIENCE_S)
            tasks[0].cancel()
            await asyncio.wait(tasks)
            return whom

    assert asyncio.run(scene()) == SECOND


@pytest.mark.parametrize(
    ("ours", "why"),
    [
        (True, "Nothing runs on this computer yet: start `spasmwatch run`. Waiting"),
        (False, "Nothing listens on 127.0.0.1:"),
    ],
)
def test_where_no_broker_is_configured_only_run_is_missing(capfd, monkeypatch, ours, why):
    monkeypatch.setattr(discovery, "program_name", lambda: "spasmwatch")
    free = Endpoint(port=free_port())

    async def scene() -> None:
        with suppress(TimeoutError):
            looking = discover(Output(), free, "sw/v1", Origin.LIVE, ours=ours, silent=print)
            await asyncio.wait_for(looking, 2.0)

    asyncio.run(scene())
    assert why in capfd.readouterr().err


@pytest.mark.parametrize("stopped", [False, True])
def test_where_nobody_is_found_it_alarms_unless_a_person_has_stopped_it(capfd, stopped):
    async def scene() -> list[str]:
        silences: list[str] = []
        async with provide("embedded", port=0) as broker:
            assert broker.endpoint is not None
            link = Link(broker.endpoint, "night")
            tasks = [asyncio.create_task(link.run())]
            await asyncio.wait_for(link.connected(), PATIENCE_S)
            if stopped:
                await published(link, FIRST, Origin.LIVE, Availability.STOPPED)
            looking = discover(
                Output(), broker.endpoint, "sw/v1", Origin.LIVE, ours=True, silent=silences.append
            )
            tasks.append(found := asyncio.create_task(looking))
            said = ""
            async with asyncio.timeout(PATIENCE_S):
                while "Waiting" not in said or not (silences or stopped):
                    await asyncio.sleep(0.05)
                    said += capfd.readouterr().err
            assert ("A person has stopped it. Waiting" in said) is stopped
            await asyncio.sleep(1.0)  # twice as long as a service may be silent here
            await published(link, SECOND, Origin.LIVE, Availability.ONLINE)
            assert await asyncio.wait_for(found, PATIENCE_S) == SECOND
            tasks[0].cancel()
            await asyncio.wait(tasks)
        return silences

    assert len(asyncio.run(scene())) == (0 if stopped else 1)


def test_a_night_that_was_lost_is_listened_to(capfd):
    """Its receiver alarms at once, and is there when the night goes on."""

    async def scene() -> str:
        async with provide("embedded", port=0) as broker:
            assert broker.endpoint is not None
            link = Link(broker.endpoint, "night")
            running = asyncio.create_task(link.run())
            await asyncio.wait_for(link.connected(), PATIENCE_S)
            await published(link, FIRST, Origin.LIVE, Availability.OFFLINE)
            looking = discover(
                Output(), broker.endpoint, "sw/v1", Origin.LIVE, ours=True, silent=print
            )
            whom = await asyncio.wait_for(looking, PATIENCE_S)
            running.cancel()
            await asyncio.wait({running})
            return whom

    assert asyncio.run(scene()) == FIRST


def test_of_several_wearers_the_one_that_was_not_stopped_is_meant():
    stopped, online, gone = Availability.STOPPED, Availability.ONLINE, Availability.OFFLINE

    assert the_one({FIRST: stopped, SECOND: online}, "here") == SECOND
    with pytest.raises(UsageError) as refused:
        the_one({FIRST: gone, SECOND: online, "c" * 10: stopped}, "here")
    said = refused.value.format_message()
    assert said == (
        f"There are several wearers at here: choose one by --wearer: {FIRST} (gone), "
        f"{SECOND} (runs)"
    )
