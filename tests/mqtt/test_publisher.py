"""Laws of telling: nothing committed is lost, nothing simulated passes for live, nobody waits."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest

from detector.alert import Alert, AlertClass, AlertState, Level
from detector.channels import EntryKind
from detector.events import Kind, Origin
from detector.mqtt.broker import provide
from detector.mqtt.contract import Availability, Message, Topics
from detector.mqtt.endpoint import Endpoint
from detector.mqtt.publisher import Publisher
from detector.mqtt.schemas import schemas
from detector.status import Snapshot, StateWord, Status, Vitals
from detector.store.log import Draft, of_event

Mosquitto = Callable[..., AbstractAsyncContextManager[int]]

WEARER = "k3vq7m2xta"
QUIET = {EntryKind.STATUS, EntryKind.COMMAND, EntryKind.NOTE, EntryKind.LABEL}
LIVE = f"sw/v1/{WEARER}"
SCHEMAS = {leaf: jsonschema.Draft202012Validator(schema) for leaf, schema in schemas().items()}


async def tenfold(seconds: float) -> None:
    """Sleep as in a house where everything is ten times faster."""
    await asyncio.sleep(seconds / 10)


def make_publisher(
    endpoint: Endpoint, log: Any, origin: Origin = Origin.LIVE, **clocks: Any
) -> Publisher:
    return Publisher(
        endpoint,
        log,
        Topics(wearer=WEARER, origin=origin),
        boot_id="b1",
        status=Status(StateWord.WATCHING),
        vitals=lambda: Vitals(data_age_s=0.2, rate_hz=52.0, battery_percent=80),
        **clocks,
    )


def ids(ear: Any) -> list[str]:
    return [json.loads(payload)["id"] for payload in ear.payloads("event")]


def test_no_event_is_lost_however_often_the_broker_is_killed(
    kit: SimpleNamespace, kind: str, log: Any, impatient: None
) -> None:
    chance = random.Random(kind)
    events = [kit.make_event(number) for number in range(200)]

    async def check() -> None:
        async with provide(kind, port=0) as broker:
            publisher = make_publisher(broker.endpoint, log, sleep=tenfold)
            async with (
                kit.listening(broker.endpoint, "sw/v1/+/event") as ear,
                kit.running(publisher.run()),
            ):

                async def keep_killing() -> None:
                    for times in range(1, 9):
                        await asyncio.sleep(chance.uniform(0, 0.4))
                        os.kill(broker.pid, signal.SIGKILL)
                        await kit.until(lambda times=times: broker.restarts >= times)
                        await kit.until(lambda: ear.link.state.connected)

                async with kit.running(keep_killing()):
                    for event in events:
                        log.put(event)
                        publisher.wake()
                        await asyncio.sleep(0.01)
                    await kit.until(lambda: broker.restarts >= 8)
                await kit.until(lambda: set(ids(ear)) == {event.id for event in events})
                assert await log.depth() == 0
            assert publisher.counts.delivered == 200
            assert publisher.counts.refused == 0

    asyncio.run(check())


def test_without_trouble_every_event_is_told_once_and_in_order(
    kit: SimpleNamespace, kind: str, log: Any
) -> None:
    events = [kit.make_event(number) for number in range(100)]

    async def check() -> None:
        async with provide(kind, port=0) as broker:
            log.put(*events)  # before the start: a backlog
            publisher = make_publisher(broker.endpoint, log)
            async with kit.listening(broker.endpoint, "sw/#") as ear, kit.running(publisher.run()):
                await kit.until(lambda: len(ids(ear)) == 100)
                await kit.until(lambda: publisher.counts.delivered == 100)
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
    kit: SimpleNamespace, mosquitto_with: Mosquitto, log: Any
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
            log.put(kit.make_event(1))
            publisher = make_publisher(Endpoint(port=port), log)
            async with (
                kit.listening(Endpoint(port=port), "sw/#") as ear,
                kit.running(publisher.run()),
            ):
                await kit.until(lambda: ids(ear))
                await kit.until(lambda: publisher.counts.delivered == 1)
        assert await log.depth() == len(alerts)
        assert publisher.counts.refused >= len(alerts)
        assert "Not authorized" in str(publisher.last_trouble)

    asyncio.run(check())


def test_what_was_refused_is_told_by_a_later_run_once_it_is_allowed(
    kit: SimpleNamespace, mosquitto_with: Mosquitto, log: Any
) -> None:
    async def run_with(acl: str, heard: Callable[[Any, Publisher], bool]) -> None:
        settings = ("allow_anonymous true", "acl_file {dir}/acl")
        async with mosquitto_with(*settings, files={"acl": acl}) as port:
            publisher = make_publisher(Endpoint(port=port), log, sleep=tenfold)
            async with (
                kit.listening(Endpoint(port=port), "sw/#") as ear,
                kit.running(publisher.run()),
            ):
                await kit.until(lambda: heard(ear, publisher))

    async def check() -> None:
        log.put(*(kit.make_event(number) for number in range(20)))
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
    kit: SimpleNamespace, log: Any
) -> None:
    async def check() -> None:
        async with provide("embedded", port=0) as broker:
            drafts = [Draft(kind, "x", {"by": "anna"}) for kind in sorted(QUIET)]
            log.state.commit(at=datetime.now(UTC), entries=drafts)
            publisher = make_publisher(broker.endpoint, log)
            async with kit.listening(broker.endpoint, "#") as ear, kit.running(publisher.run()):
                await kit.until(lambda: log.state.depth("mqtt") == 0)
                entry = of_event(kit.make_event(1)).entry(0, datetime.now(UTC))
                await publisher.tell([entry])
                await kit.until(lambda: ear.payloads("event"))
        assert ear.payloads("event") == [entry.body]
        assert json.loads(entry.body)["n"] is None
        SCHEMAS["event"].validate(json.loads(entry.body))
        assert {topic.rpartition("/")[2] for topic in ear.topics()} <= {*schemas()}
        assert "anna" not in "".join(r.payload.decode() for r in ear.heard)
        assert publisher.counts.delivered == 0

    asyncio.run(check())


def test_an_entry_that_cannot_be_addressed_holds_up_nobody(kit: SimpleNamespace, log: Any) -> None:
    async def check() -> None:
        async with provide("embedded", port=0) as broker:
            log.put(*(kit.make_event(number, wearer="anna/#") for number in range(20)))
            log.put(kit.make_event(99))
            publisher = make_publisher(broker.endpoint, log)
            async with (
                kit.listening(broker.endpoint, "#") as ear,
                kit.running(publisher.run()),
            ):
                await kit.until(lambda: publisher.counts.delivered == 1)
                await kit.until(lambda: ids(ear))
        assert not [topic for topic in ear.topics() if "anna" in topic]
        assert await log.depth() == 20
        assert "wearer must be" in str(publisher.last_trouble)

    asyncio.run(check())


@pytest.mark.parametrize("running_now", list(Origin))
def test_what_is_not_live_never_reaches_a_live_topic(
    kit: SimpleNamespace, kind: str, log: Any, running_now: Origin
) -> None:
    async def check() -> None:
        async with provide(kind, port=0) as broker:
            for number, source in enumerate(Origin):
                log.put(kit.make_event(number, source))
            publisher = make_publisher(broker.endpoint, log, running_now)
            async with (
                kit.listening(broker.endpoint, "sw/v1/#") as all_ears,
                kit.listening(broker.endpoint, "sw/v1/+/event") as every_wearer,
                kit.listening(broker.endpoint, f"{LIVE}/#") as this_wearer,
                kit.running(publisher.run()),
            ):
                await kit.until(lambda: len(ids(all_ears)) == 3)
                await kit.until(lambda: ids(every_wearer))
                await kit.until(lambda: ids(this_wearer))
            for ear in (every_wearer, this_wearer):
                assert [json.loads(p)["source"] for p in ear.payloads("event")] == ["live"]
            if running_now is not Origin.LIVE:
                assert set(this_wearer.topics()) == {f"{LIVE}/event"}

    asyncio.run(check())


def test_a_broker_that_comes_late_gets_everything_within_3_s_and_nobody_waited(
    kit: SimpleNamespace, kind: str, log: Any
) -> None:
    async def check() -> None:
        port = kit.free_port()
        publisher = make_publisher(Endpoint(port=port), log)
        clock = asyncio.get_running_loop().time
        async with kit.running(publisher.run()):
            await kit.until(lambda: "nothing listens" in str(publisher.link.state.last_error))
            for number in range(50):
                began_s = clock()
                log.put(kit.make_event(number))
                publisher.wake()
                publisher.show(Snapshot(status=Status(StateWord.NO_SIGNAL, "test")))
                assert clock() - began_s < 0.5
            assert await log.depth() == 50
            async with provide(kind, port=port):
                back_s = clock()
                await kit.until(lambda: publisher.counts.delivered == 50)
                assert clock() - back_s < 3

    asyncio.run(check())


def test_a_late_subscriber_sees_availability_and_the_newest_state_at_once(
    kit: SimpleNamespace, kind: str, log: Any
) -> None:
    async def check() -> None:
        async with provide(kind, port=0) as broker:
            publisher = make_publisher(broker.endpoint, log)
            async with kit.running(publisher.run()):
                async with kit.listening(broker.endpoint, f"{LIVE}/state") as ear:
                    publisher.show(Snapshot(status=Status(StateWord.SPASM, kind=Kind.CLONUS)))
                    await kit.until(lambda: "Clonus" in "".join(ear.payloads("state")))
                for _ in range(2):
                    async with kit.listening(broker.endpoint, f"{LIVE}/#") as late:
                        await kit.until(lambda: late.payloads("state"))
                        await kit.until(lambda: late.payloads("availability"))
                    assert late.payloads("availability")[0] == "online"
                    assert json.loads(late.payloads("state")[0])["words"] == "Clonus"
                    first = {
                        r.topic: r for r in reversed(late.heard) if not r.topic.endswith("health")
                    }
                    assert all(r.retained for r in first.values()), "later ones may be news"
                    os.kill(broker.pid, signal.SIGKILL)  # it forgets; we say it again
                    before = publisher.link.state.connections
                    await kit.until(lambda before=before: publisher.link.state.connections > before)

    asyncio.run(check())


@pytest.mark.parametrize("wished", [True, False])
def test_the_last_words_are_that_nobody_watches_and_stopped_is_a_persons_wish(
    kit: SimpleNamespace, kind: str, log: Any, wished: bool
) -> None:
    async def check() -> None:
        async with provide(kind, port=0) as broker:
            publisher = make_publisher(broker.endpoint, log)
            async with kit.running(publisher.run()):
                async with kit.listening(broker.endpoint, f"{LIVE}/#") as ear:
                    await kit.until(lambda: ear.payloads("state"))
                assert json.loads(ear.payloads("state")[0])["state"] == "watching"
                if wished:
                    publisher.farewell = Availability.STOPPED
            async with kit.listening(broker.endpoint, f"{LIVE}/#") as late:
                await kit.until(lambda: len(late.heard) == 2)
        assert late.payloads("availability") == ["stopped" if wished else "offline"]
        [state] = map(json.loads, late.payloads("state"))
        SCHEMAS["state"].validate(state)
        assert state["words"] == "No signal – not watching"  # noqa: RUF001
        assert ("stopped" in state["why"]) is wished

    asyncio.run(check())


def test_a_broker_forgets_the_watching_of_a_killed_service_when_it_expires(
    kit: SimpleNamespace, kind: str
) -> None:
    """A will says `offline` but cannot overwrite `state`."""

    async def check() -> None:
        async with provide(kind, port=0) as broker:
            short = PUBLISH.replace("RETAINED_S = 90", "RETAINED_S = 1")
            with subprocess.Popen(
                [sys.executable, "-c", short, str(broker.endpoint.port)]
            ) as service:
                async with kit.listening(broker.endpoint, f"{LIVE}/#") as ear:
                    await kit.until(lambda: ear.payloads("state"))
                    service.kill()
                    await kit.until(lambda: "offline" in ear.payloads("availability"))
                    await ear.link.publish(Message(f"{LIVE}/kept", "x", retain=True))

            async def retained() -> list[str]:
                """What a late receiver has read once its own message comes back to it."""
                async with kit.listening(broker.endpoint, f"{LIVE}/#") as late:
                    await late.link.publish(Message(f"{LIVE}/ping", "x"))
                    await kit.until(lambda: late.payloads("ping"))
                assert late.payloads("kept"), "retained for good, and read by then"
                return late.payloads("state")

            async with asyncio.timeout(8):
                while await retained():
                    # Seldom: the embedded broker ages what it retains with every reader.
                    await asyncio.sleep(0.5)

    asyncio.run(check())


PUBLISH = """
import asyncio, sys
from dataclasses import replace
from detector.mqtt import contract
from detector.mqtt.contract import Topics
from detector.status import Status, Vitals, StateWord
from detector.mqtt.endpoint import Endpoint
from detector.mqtt.publisher import Publisher

RETAINED_S = 90
contract.DELIVERY = {
    leaf: replace(how, expiry_s=RETAINED_S) if how.retain else how
    for leaf, how in contract.DELIVERY.items()
}

class Empty:
    async def read(self, limit): return []
    async def refused(self, limit): return []
    async def depth(self): return 0

asyncio.run(Publisher(
    Endpoint(port=int(sys.argv[1])), Empty(), Topics(wearer="k3vq7m2xta"),
    boot_id="b", status=Status(StateWord.WATCHING), vitals=Vitals,
).run())
"""


def test_a_killed_service_is_offline_by_its_will(kit: SimpleNamespace, kind: str) -> None:
    async def check() -> None:
        async with (
            provide(kind, port=0) as broker,
            kit.listening(broker.endpoint, f"{LIVE}/availability") as ear,
        ):
            service = subprocess.Popen([sys.executable, "-c", PUBLISH, str(broker.endpoint.port)])
            with service:
                await kit.until(lambda: ear.payloads("availability") == ["online"])
                service.kill()
            await kit.until(lambda: ear.payloads("availability") == ["online", "offline"])

    asyncio.run(check())


class Metronome:
    """A sleep that lasts until it is told to end; counts what was asked for."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self._wake = asyncio.Semaphore(0)

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)
        await self._wake.acquire()

    def tick(self) -> None:
        self._wake.release()


def test_the_heart_beats_every_5_s_and_what_is_retained_is_repeated_every_30(
    kit: SimpleNamespace, log: Any
) -> None:
    async def check() -> None:
        async with provide("embedded", port=0) as broker:
            sleep = Metronome()
            publisher = make_publisher(
                broker.endpoint,
                log,
                sleep=sleep,
                utc_now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
            )
            async with kit.listening(broker.endpoint, "sw/#") as ear, kit.running(publisher.run()):
                await kit.until(lambda: ear.payloads("state"))
                log.put(kit.make_event(1, wearer="anna/#"))  # stays: depth 1
                for beats in range(1, 13):
                    sleep.tick()
                    await kit.until(lambda beats=beats: len(ear.payloads("health")) >= beats)
                    repeats = beats // 6
                    await kit.until(lambda n=repeats: len(ear.payloads("state")) == 1 + n)
                    await kit.until(lambda n=repeats: len(ear.payloads("availability")) == 1 + n)
        assert set(sleep.asked) == {5.0}
        states = [json.loads(payload) for payload in ear.payloads("state")]
        beats = [json.loads(payload) for payload in ear.payloads("health")]
        seqs = [beat["seq"] for beat in beats]
        assert seqs == sorted(set(seqs))
        assert not set(seqs) & {state["seq"] for state in states}
        assert {said["boot_id"] for said in beats + states} == {"b1"}
        assert beats[-1] | {"seq": 0} == {
            "schema": "health/1",
            "boot_id": "b1",
            "seq": 0,
            "sent": "2026-01-01T00:00:00.000Z",
            "state": "watching",
            "words": "Watching",
            **dict.fromkeys(["why", "until", "battery_lasts_s"]),
            "data_age_s": 0.2,
            "rate_hz": 52.0,
            "battery_percent": 80,
            "outbox_depth": 1,
            "expires_in_s": 15,
        }

    asyncio.run(check())


def test_the_same_state_shown_again_is_not_told_again(kit: SimpleNamespace, log: Any) -> None:
    async def check() -> None:
        async with provide("embedded", port=0) as broker:
            publisher = make_publisher(broker.endpoint, log, sleep=Metronome())
            async with kit.listening(broker.endpoint, "sw/#") as ear, kit.running(publisher.run()):
                await kit.until(lambda: ear.payloads("state"))
                for monitored_s in range(50):
                    publisher.show(
                        Snapshot(status=Status(StateWord.WATCHING), monitored_s=float(monitored_s))
                    )
                    await asyncio.sleep(0)
                publisher.show(Snapshot(status=Status(StateWord.SPASM), monitored_s=50.0))
                await kit.until(lambda: len(ear.payloads("state")) == 2)
        assert json.loads(ear.payloads("state")[1])["tonight"]["monitored_s"] == 50.0

    asyncio.run(check())


def test_the_heart_beats_on_while_the_disk_fails_and_the_outbox_goes_on_after_it(
    kit: SimpleNamespace, log: Any
) -> None:
    async def check() -> None:
        async with provide("embedded", port=0) as broker:
            log.put(kit.make_event(1))
            log.broken = True
            publisher = make_publisher(broker.endpoint, log, sleep=tenfold)
            async with kit.listening(broker.endpoint, "sw/#") as ear, kit.running(publisher.run()):
                await kit.until(lambda: len(ear.payloads("health")) >= 2)
                assert json.loads(ear.payloads("health")[-1])["outbox_depth"] is None
                assert publisher.last_trouble == "disk full"
                log.broken = False
                await kit.until(lambda: ids(ear))

    asyncio.run(check())


def test_an_event_nobody_hears_is_counted(kit: SimpleNamespace, mosquitto: str, log: Any) -> None:
    async def check() -> None:
        async with provide("mosquitto", port=0) as broker:
            log.put(kit.make_event(1))
            publisher = make_publisher(broker.endpoint, log)
            async with kit.running(publisher.run()):
                await kit.until(lambda: publisher.counts.delivered == 1)
            assert publisher.counts.unheard == 1

    asyncio.run(check())
