"""The movement is published only while somebody looks, bounded, and beside what matters."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import numpy as np

from detector.block import Block
from detector.mqtt import commands
from detector.mqtt.broker import provide
from detector.mqtt.contract import LEASE_MOST_S, Command, Leaf, Message
from detector.mqtt.link import Link
from detector.mqtt.live import LiveView
from detector.mqtt.payloads import LIVE_SENSORS_MOST, LIVE_VALUES_MOST

from ..kit.brokers import listening
from ..kit.waiting import running, until
from .publishing import LIVE, NIGHT, SCHEMAS, ids, make_event, make_publisher, tenfold

FS = 52.0


class Clock:
    """A clock that is slept on."""

    def __init__(self) -> None:
        self.now_s = 0.0

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        await asyncio.sleep(0)


def second(n: int, fs: float = FS) -> Block:
    return Block(np.full((round(fs), 3), 1.0), n * round(fs), fs)


def test_a_lease_ends_by_itself_and_nothing_is_kept_without_one() -> None:
    async def check() -> None:
        clock, said = Clock(), list[dict[str, Any]]()

        async def say(payload: str) -> None:
            said.append(json.loads(payload))
            view.feed("left", [second(len(said), 100.0)])  # a sensor sends on

        view = LiveView(
            say, boot_id="b1", utc_now=lambda: NIGHT, mono_s=lambda: clock.now_s, sleep=clock.sleep
        )
        view.feed("left", [second(0)])
        assert view._envelopes == {}
        async with running(view.run()):
            view.lease(3)
            view.lease(10)
            view.lease(1)  # a shorter one ends none that is open
            for n in range(10 * LIVE_SENSORS_MOST):
                view.feed(f"sensor {n}", [second(0, 10_000.0)] * 9)
            view.feed("left", [second(0)])
            await until(lambda: not view._envelopes)
            for each in said:
                SCHEMAS["live"].validate(each)
                assert all(len(s["moved_g"]) <= LIVE_VALUES_MOST for s in each["sensors"])
                assert len(each["sensors"]) <= LIVE_SENSORS_MOST
            assert 1 <= len(said) <= 10
            assert clock.now_s == 10
            view.lease(1)
            assert view.left_s == 1

    asyncio.run(check())


def test_who_asks_over_a_broker_sees_the_movement_until_the_lease_ends(kind: str, log: Any) -> None:
    async def check() -> None:
        async with provide(kind, port=0) as broker:
            publisher = make_publisher(broker.endpoint, log, sleep=tenfold)
            anna = Link(broker.endpoint, "anna")
            async with (
                running(publisher.run(), anna.run()),
                listening(broker.endpoint, f"{LIVE}/+") as ear,
            ):
                await until(lambda: ear.payloads(Leaf.HEALTH))
                publisher.live.feed("left-calf", [second(0)])
                topic = f"{LIVE}/cmd/{Command.LIVE}"
                for ttl_s in (0, LEASE_MOST_S + 1):  # too short, too long: refused
                    await anna.publish(Message(topic, json.dumps({"by": "anna", "ttl_s": ttl_s})))
                await until(lambda: publisher.requests.refused.total() == 2)
                assert not publisher.live.left_s
                await anna.publish(Message(topic, commands.live("anna", 1), expiry_s=60))
                await until(lambda: publisher.live.left_s)
                for n in range(1, 100):
                    publisher.live.feed("left-calf", [second(n)])
                    if n == 50:
                        log.put(make_event(1))
                        publisher.wake()
                    await asyncio.sleep(0.01)
                await until(lambda: ear.payloads(Leaf.LIVE))
                await until(lambda: ids(ear) == [make_event(1).id])
                got = next(each for each in ear.heard if each.topic == f"{LIVE}/live")
                assert not got.retained
                assert got.expiry_s is not None
                assert got.expiry_s <= 5
                for payload in ear.payloads(Leaf.LIVE):
                    SCHEMAS["live"].validate(json.loads(payload))
                    (sensor,) = json.loads(payload)["sensors"]
                    assert sensor["sensor"] == "left-calf"
                    assert set(sensor["moved_g"]) == {0.732}
                    assert sensor["rate_hz"] == 25
                await until(lambda: not publisher.live.left_s)
                await asyncio.sleep(0.2)
                before = len(ear.payloads(Leaf.LIVE))
                publisher.live.feed("left-calf", [second(200)])
                await asyncio.sleep(0.3)
                assert len(ear.payloads(Leaf.LIVE)) == before

    asyncio.run(check())
