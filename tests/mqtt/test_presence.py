"""Laws of presence: a late subscriber reads whether anybody watches now."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from detector.events import Kind
from detector.mqtt.broker import provide
from detector.mqtt.contract import Availability, Message
from detector.mqtt.payloads import COUNTS
from detector.status import Snapshot, StateWord, Status
from tests.kit.brokers import listening
from tests.kit.waiting import running, until
from tests.mqtt.publishing import LIVE, SCHEMAS, make_event, make_publisher


def test_a_late_subscriber_sees_availability_and_the_newest_state_at_once(
    kind: str, log: Any
) -> None:
    async def check() -> None:
        async with provide(kind, port=0) as broker:
            publisher = make_publisher(broker.endpoint, log)
            async with running(publisher.run()):
                async with listening(broker.endpoint, f"{LIVE}/state") as ear:
                    publisher.show(Snapshot(status=Status(StateWord.SPASM, kind=Kind.CLONUS)))
                    await until(lambda: "Clonus" in "".join(ear.payloads("state")))

                async def retained() -> bool:
                    async with listening(broker.endpoint, f"{LIVE}/#") as late:
                        await until(lambda: late.payloads("state"))
                        await until(lambda: late.payloads("availability"))
                    assert late.payloads("availability")[0] == "online"
                    assert json.loads(late.payloads("state")[0])["words"] == "Clonus"
                    first = {
                        r.topic: r for r in reversed(late.heard) if not r.topic.endswith("health")
                    }
                    return all(r.retained for r in first.values())  # later ones may be news

                for _ in range(2):
                    async with asyncio.timeout(30):
                        while not await retained():  # the connection is there before the words
                            pass
                    os.kill(broker.pid, signal.SIGKILL)  # it forgets; we say it again
                    before = publisher.link.state.connections
                    await until(lambda before=before: publisher.link.state.connections > before)

    asyncio.run(check())


@pytest.mark.parametrize("wished", [True, False])
def test_the_last_words_are_that_nobody_watches_and_stopped_is_a_persons_wish(
    kind: str, log: Any, wished: bool
) -> None:
    async def check() -> None:
        async with provide(kind, port=0) as broker:
            publisher = make_publisher(broker.endpoint, log)
            async with running(publisher.run()):
                async with listening(broker.endpoint, f"{LIVE}/#") as ear:
                    await until(lambda: ear.payloads("state"))
                assert json.loads(ear.payloads("state")[0])["state"] == "watching"
                if wished:
                    publisher.closing_availability = Availability.STOPPED
            async with listening(broker.endpoint, f"{LIVE}/#") as late:
                await until(lambda: len(late.heard) == 2)
        assert late.payloads("availability") == ["stopped" if wished else "offline"]
        [state] = map(json.loads, late.payloads("state"))
        SCHEMAS["state"].validate(state)
        assert state["words"] == "No signal – not watching"  # noqa: RUF001
        assert ("stopped" in state["why"]) is wished

    asyncio.run(check())


def test_a_broker_forgets_the_watching_of_a_killed_service_when_it_expires(kind: str) -> None:
    """A will says `offline` but cannot overwrite `state`."""

    async def check() -> None:
        async with provide(kind, port=0) as broker:
            short = PUBLISH.replace("RETAINED_S = 90", "RETAINED_S = 1")
            with subprocess.Popen(
                [sys.executable, "-c", short, str(broker.endpoint.port)]
            ) as service:
                async with listening(broker.endpoint, f"{LIVE}/#") as ear:
                    await until(lambda: ear.payloads("state"))
                    service.kill()
                    await until(lambda: "offline" in ear.payloads("availability"))
                    await ear.link.publish(Message(f"{LIVE}/kept", "x", retain=True))

            async def retained() -> list[str]:
                """What a late receiver has read once its own message comes back to it."""
                async with listening(broker.endpoint, f"{LIVE}/#") as late:
                    await late.link.publish(Message(f"{LIVE}/ping", "x"))
                    await until(lambda: late.payloads("ping"))
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
from detector.alerts.reception import Reception
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
    async def last(self): return 0
    epoch = "e"

asyncio.run(Publisher(
    Endpoint(port=int(sys.argv[1])), Empty(), Topics(wearer="k3vq7m2xta"),
    boot_id="b", status=Status(StateWord.WATCHING), vitals=Vitals,
    reception=Reception(),
).run())
"""


def test_a_killed_service_is_offline_by_its_will(kind: str) -> None:
    async def check() -> None:
        async with (
            provide(kind, port=0) as broker,
            listening(broker.endpoint, f"{LIVE}/availability") as ear,
        ):
            service = subprocess.Popen([sys.executable, "-c", PUBLISH, str(broker.endpoint.port)])
            with service:
                await until(lambda: ear.payloads("availability") == ["online"])
                service.kill()
            await until(lambda: ear.payloads("availability") == ["online", "offline"])

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


def test_the_heart_beats_every_5_s_and_what_is_retained_is_repeated_every_30(log: Any) -> None:
    async def check() -> None:
        async with provide("embedded", port=0) as broker:
            sleep = Metronome()
            publisher = make_publisher(
                broker.endpoint,
                log,
                sleep=sleep,
                utc_now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
            )
            async with listening(broker.endpoint, "sw/#") as ear, running(publisher.run()):
                await until(lambda: ear.payloads("state"))
                log.put(make_event(1, wearer="anna/#"))  # stays: depth 1
                for beats in range(1, 13):
                    sleep.tick()
                    await until(lambda beats=beats: len(ear.payloads("health")) >= beats)
                    repeats = beats // 6
                    await until(lambda n=repeats: len(ear.payloads("state")) == 1 + n)
                    await until(lambda n=repeats: len(ear.payloads("availability")) == 1 + n)
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
            "epoch": log.epoch,
            "last_n": 1,
            "counts": dict.fromkeys(COUNTS, 0) | beats[-1]["counts"],
            "expires_in_s": 15,
        }

    asyncio.run(check())


def test_the_same_state_shown_again_is_not_told_again(log: Any) -> None:
    async def check() -> None:
        async with provide("embedded", port=0) as broker:
            publisher = make_publisher(broker.endpoint, log, sleep=Metronome())
            async with listening(broker.endpoint, "sw/#") as ear, running(publisher.run()):
                await until(lambda: ear.payloads("state"))
                for monitored_s in range(50):
                    publisher.show(
                        Snapshot(status=Status(StateWord.WATCHING), monitored_s=float(monitored_s))
                    )
                    await asyncio.sleep(0)
                publisher.show(Snapshot(status=Status(StateWord.SPASM), monitored_s=50.0))
                await until(lambda: len(ear.payloads("state")) == 2)
        assert json.loads(ear.payloads("state")[1])["tonight"]["monitored_s"] == 50.0

    asyncio.run(check())
