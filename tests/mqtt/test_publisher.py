"""Laws of telling: nothing committed is lost, nothing simulated passes for live, nobody waits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any

import pytest

from detector.alert import Alert, AlertClass, AlertState, Level
from detector.channels import EntryKind
from detector.events import Origin
from detector.mqtt.broker import provide
from detector.mqtt.contract import Leaf
from detector.mqtt.endpoint import Endpoint
from detector.mqtt.publisher import Publisher
from detector.mqtt.schemas import schemas
from detector.store.log import Draft, of_event
from tests.kit.brokers import listening
from tests.kit.waiting import running, until
from tests.mqtt.publishing import LIVE, SCHEMAS, WEARER, ids, make_event, make_publisher, tenfold

Mosquitto = Callable[..., AbstractAsyncContextManager[int]]
QUIET = {EntryKind.STATUS, EntryKind.COMMAND, EntryKind.NOTE, EntryKind.LABEL}


def test_without_trouble_every_event_is_told_once_and_in_order(kind: str, log: Any) -> None:
    events = [make_event(number) for number in range(100)]

    async def check() -> None:
        async with provide(kind, port=0) as broker:
            log.put(*events)  # before the start: a backlog
            publisher = make_publisher(broker.endpoint, log)
            async with listening(broker.endpoint, "sw/#") as ear, running(publisher.run()):
                await until(lambda: len(ids(ear)) == 100)
                await until(lambda: log.state.depth("mqtt") == 0)
            assert ids(ear) == [event.id for event in events]
            for received in ear.heard:
                leaf = received.topic.rpartition("/")[2]
                text = received.payload.decode()
                SCHEMAS[leaf].validate(text if leaf == "availability" else json.loads(text))
                assert received.topic == f"{LIVE}/{leaf}"
                # rumqttd clears the flag for those who listen already
                assert received.retained <= (leaf in ("availability", "state"))
                if leaf == "event":
                    assert received.expiry_s is not None
                    assert 604_700 < received.expiry_s <= 604_800
                else:
                    assert received.expiry_s == {"health": 15}.get(leaf, 90)

    asyncio.run(check())


def test_a_denied_alert_stays_in_the_outbox_and_holds_up_no_event(
    mosquitto_with: Mosquitto, log: Any
) -> None:
    acl = f"topic read sw/#\ntopic write {LIVE}/event\n"
    alerts = [
        Alert(
            id=f"{number:020x}",
            state=AlertState.RAISED,
            alert_class=AlertClass.CLINICAL,
            level=Level.HIGH,
            kind="clonus",
            reason="clonus for 60 s",
            wearer=WEARER,
        )
        for number in range(40)  # more than a window
    ]

    async def check() -> None:
        settings = ("allow_anonymous true", "acl_file {dir}/acl")
        async with mosquitto_with(*settings, files={"acl": acl}) as port:
            log.state.commit(at=datetime.now(UTC), alerts=alerts)
            log.put(make_event(1))
            publisher = make_publisher(Endpoint(port=port), log)
            async with (
                listening(Endpoint(port=port), "sw/#") as ear,
                running(publisher.run()),
            ):
                await until(lambda: ids(ear))
                await until(lambda: log.state.depth("mqtt") == len(alerts))
        assert publisher.counts.refused >= len(alerts)
        assert "Not authorized" in publisher.refusals[Leaf.ALERT]

    asyncio.run(check())


def test_what_was_refused_is_told_by_a_later_run_once_it_is_allowed(
    mosquitto_with: Mosquitto, log: Any
) -> None:
    async def run_with(acl: str, heard: Callable[[Any, Publisher], bool]) -> None:
        settings = ("allow_anonymous true", "acl_file {dir}/acl")
        async with mosquitto_with(*settings, files={"acl": acl}) as port:
            publisher = make_publisher(Endpoint(port=port), log, sleep=tenfold)
            async with (
                listening(Endpoint(port=port), "sw/#") as ear,
                running(publisher.run()),
            ):
                await until(lambda: heard(ear, publisher))

    async def check() -> None:
        log.put(*(make_event(number) for number in range(20)))
        # The status is refused too and counts: wait until every entry has been.
        await run_with("topic read sw/#\n", lambda _, __: log.state.read("mqtt") == [])
        [first, *_] = log.state.refused("mqtt")
        assert "Not authorized" in first.why
        await run_with(
            "topic readwrite sw/#\n",
            lambda ear, _: len(set(ids(ear))) == 20 and log.state.depth("mqtt") == 0,
        )

    asyncio.run(check())


def test_entries_that_mqtt_does_not_tell_are_passed_and_unlogged_ones_are_told_without_a_number(
    log: Any,
) -> None:
    async def check() -> None:
        async with provide("embedded", port=0) as broker:
            drafts = [Draft(kind, "x", {"by": "anna"}) for kind in sorted(QUIET)]
            log.state.commit(at=datetime.now(UTC), entries=drafts)
            publisher = make_publisher(broker.endpoint, log)
            async with listening(broker.endpoint, "#") as ear, running(publisher.run()):
                await until(lambda: log.state.depth("mqtt") == 0)
                entry = of_event(make_event(1)).entry(0, datetime.now(UTC))
                await publisher.tell([entry])
                await until(lambda: ear.payloads("event"))
        assert ear.payloads("event") == [entry.body]
        assert json.loads(entry.body)["n"] is None
        SCHEMAS["event"].validate(json.loads(entry.body))
        assert {topic.rpartition("/")[2] for topic in ear.topics()} <= {*schemas()}
        assert "anna" not in "".join(r.payload.decode() for r in ear.heard)

    asyncio.run(check())


def test_an_entry_that_cannot_be_addressed_holds_up_nobody(log: Any) -> None:
    async def check() -> None:
        async with provide("embedded", port=0) as broker:
            log.put(*(make_event(number, wearer="anna/#") for number in range(20)))
            log.put(make_event(99))
            publisher = make_publisher(broker.endpoint, log)
            async with (
                listening(broker.endpoint, "#") as ear,
                running(publisher.run()),
            ):
                await until(lambda: log.state.depth("mqtt") == 20)
                await until(lambda: ids(ear))
        assert not [topic for topic in ear.topics() if "anna" in topic]
        assert all("wearer must be" in each.why for each in log.state.refused("mqtt"))

    asyncio.run(check())


@pytest.mark.parametrize("running_now", list(Origin))
def test_what_is_not_live_never_reaches_a_live_topic(
    kind: str, log: Any, running_now: Origin
) -> None:
    async def check() -> None:
        async with provide(kind, port=0) as broker:
            for number, source in enumerate(Origin):
                log.put(make_event(number, source))
            publisher = make_publisher(broker.endpoint, log, running_now)
            async with (
                listening(broker.endpoint, "sw/v1/#") as all_ears,
                listening(broker.endpoint, "sw/v1/+/event") as every_wearer,
                listening(broker.endpoint, f"{LIVE}/#") as this_wearer,
                running(publisher.run()),
            ):
                await until(lambda: len(ids(all_ears)) == 3)
                await until(lambda: ids(every_wearer))
                await until(lambda: ids(this_wearer))
            for ear in (every_wearer, this_wearer):
                assert [json.loads(p)["source"] for p in ear.payloads("event")] == ["live"]
            if running_now is not Origin.LIVE:
                assert set(this_wearer.topics()) == {f"{LIVE}/event"}

    asyncio.run(check())


def test_the_heart_beats_on_while_the_disk_fails_and_the_outbox_goes_on_after_it(log: Any) -> None:
    async def check() -> None:
        async with provide("embedded", port=0) as broker:
            log.put(make_event(1))
            log.broken = True
            publisher = make_publisher(broker.endpoint, log, sleep=tenfold)
            async with listening(broker.endpoint, "sw/#") as ear, running(publisher.run()):
                await until(lambda: len(ear.payloads("health")) >= 2)
                assert json.loads(ear.payloads("health")[-1])["outbox_depth"] is None
                log.broken = False
                await until(lambda: ids(ear))

    asyncio.run(check())


def test_what_reaches_nobody_is_told_again_once_somebody_is_there(mosquitto: str, log: Any) -> None:
    events = [make_event(number) for number in range(60)]

    async def check() -> None:
        async with provide("mosquitto", port=0) as broker:
            log.put(*events)
            publisher = make_publisher(broker.endpoint, log, sleep=tenfold)
            async with running(publisher.run()):
                await until(lambda: publisher.counts.unheard >= len(events))
                assert await log.depth() == len(events)
                async with listening(broker.endpoint, "sw/v1/+/event") as ear:
                    await until(lambda: len(set(ids(ear))) == len(events))
                await until(lambda: log.state.depth("mqtt") == 0)

    asyncio.run(check())
