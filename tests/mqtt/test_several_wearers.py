"""Three services of three wearers at one broker: nothing of one reaches another."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from detector.alerts import commands as said
from detector.alerts.conditions import Condition
from detector.alerts.reception import Reception
from detector.mqtt import commands
from detector.mqtt.broker import provide
from detector.mqtt.contract import Availability, Leaf, Message, Topics
from detector.mqtt.endpoint import Endpoint
from detector.mqtt.link import Link
from detector.mqtt.publisher import Publisher
from detector.mqtt.security.gate import Flaw, Gate
from detector.mqtt.security.keys import ServiceKeys
from detector.mqtt.security.protection import Protection
from detector.mqtt.security.signing import Signer, Verifier, public_key_of
from detector.receiver import Answer, Listener, ReceivedEntry, Receiver
from detector.receiver.news import News
from detector.service.checks.delivery import DeliveryWatch
from detector.status import StateWord, Status, Vitals
from detector.store.state import State

from ..kit.brokers import listening
from ..kit.waiting import running, until
from .publishing import StoredLog, make_event, tenfold

WEARERS = ("aaaaaaaaaa", "bbbbbbbbbb", "cccccccccc")


@dataclass
class House:
    """One wearer with a service, a log, keys of their own, and a receiver; all are called anna."""

    wearer: str
    log: StoredLog
    keys: ServiceKeys = field(default_factory=lambda: ServiceKeys.new().with_new("anna"))
    obeyed: list[said.Command] = field(default_factory=list)
    news: list[News] = field(default_factory=list)

    @property
    def topics(self) -> Topics:
        return Topics(wearer=self.wearer)

    def begin(self, endpoint: Endpoint) -> None:
        loop = asyncio.get_running_loop()
        boot_id = f"boot-{self.wearer}"
        self.publisher = Publisher(
            endpoint,
            self.log,
            self.topics,
            boot_id=boot_id,
            status=Status(StateWord.WATCHING),
            vitals=Vitals,
            reception=Reception(),
            obey=self.obeyed.append,
            protection=Protection(
                Signer(self.keys.private_key, 1),
                Gate(self.topics, self.keys.caregivers, boot_id=boot_id, mono_s=loop.time),
                Verifier(public_key_of(self.keys.private_key)),
            ),
            sleep=tenfold,
        )
        self.receiver = Receiver("anna", mono_s=loop.time(), needs_proof=True)
        self.listener = Listener(
            endpoint,
            self.topics,
            self.receiver,
            tell=self.news.append,
            key=self.keys.of("anna"),
            mono_s=loop.time,
        )

    @property
    def told(self) -> list[Any]:
        return [each.fields["wearer"] for each in self.news if isinstance(each, ReceivedEntry)]


@pytest.fixture
def houses(tmp_path: Path) -> Iterator[list[House]]:
    with ExitStack() as stack:
        found = []
        for wearer in WEARERS:
            state = stack.enter_context(
                State.open(tmp_path / wearer / "state.sqlite", wearer=wearer)
            )
            state.open_channel("mqtt", from_start=True)
            found.append(House(wearer, StoredLog(state)))
        yield found


def test_each_wearer_has_topics_receivers_and_commands_of_their_own(
    kind: str, houses: list[House]
) -> None:
    async def check() -> None:
        async with provide(kind, port=0) as broker, listening(broker.endpoint, "#") as ear:
            for house in houses:
                house.begin(broker.endpoint)
            one, two, three = houses
            alarms = [DeliveryWatch(each.publisher, Reception(), broker) for each in houses]
            runs = [each.publisher.run() for each in houses]
            async with running(*runs, *(each.listener.run() for each in houses)):
                await until(
                    lambda: all(h.receiver.state.word is StateWord.WATCHING for h in houses)
                )
                for n, house in enumerate(houses, 1):  # each as many as its number
                    house.log.put(*(make_event(k, wearer=house.wearer) for k in range(n)))
                    house.publisher.wake()
                await until(lambda: [len(h.told) for h in houses] == [1, 2, 3])
                await until(lambda: [h.receiver.upto for h in houses] == [1, 2, 3])
                assert all(set(house.told) == {house.wearer} for house in houses)

                two.listener.acknowledge()
                await until(lambda: [e for e in two.news if isinstance(e, Answer)])
                assert two.obeyed == [said.Acknowledge(by="anna")]
                assert one.obeyed == three.obeyed == []

                # A command of one house is none in another, though its caregiver has the same name.
                beat = next(g for g in ear.heard if g.topic == three.topics.of(Leaf.HEALTH))
                at = "{boot_id}:{seq}".format(**json.loads(beat.payload))
                command, plain = commands.payload(said.PauseAlerts(by="anna", minutes=60))
                anna = two.keys.of("anna")
                stranger = Link(broker.endpoint, "stranger")
                async with running(stranger.run()):
                    await asyncio.wait_for(stranger.connected(), 10)
                    for topic in (three.topics.command(command), two.topics.command(command)):
                        payload = anna.signed(topic, plain, at)
                        await stranger.publish(
                            Message(three.topics.command(command), payload, expiry_s=60)
                        )
                    refused = three.publisher.requests.refused
                    await until(lambda: refused.total() == 2)
                assert set(refused) == {Flaw.FORGED}
                assert three.obeyed == []
                assert not any(h.publisher.requests.refused for h in (one, two))

                assert [house.publisher.twins for house in houses] == [0, 0, 0]
                for alarm in alarms:
                    assert alarm.troubles()[Condition.TWIN_SERVICE] is None
                assert [h.publisher.link.state.connections for h in houses] == [1, 1, 1]
        for got in ear.heard:
            house = next(each for each in houses if each.topics.base in got.topic)
            others = [each.wearer for each in houses if each is not house]
            assert not any(wearer.encode() in got.payload for wearer in others)

    asyncio.run(check())


def test_the_end_of_one_service_is_none_of_the_others(kind: str, houses: list[House]) -> None:
    async def check() -> None:
        async with provide(kind, port=0) as broker, listening(broker.endpoint, "sw/v1/#") as ear:
            for house in houses:
                house.begin(broker.endpoint)
            one, two, three = houses
            listeners = [each.listener.run() for each in houses]
            async with running(*listeners, one.publisher.run(), three.publisher.run()):
                async with running(two.publisher.run()):
                    await until(
                        lambda: all(h.receiver.state.word is StateWord.WATCHING for h in houses)
                    )
                    two.publisher.closing_availability = Availability.STOPPED
                await until(lambda: two.receiver.state.word is not StateWord.WATCHING)
                before = len(ear.heard)
                await until(lambda: len(ear.heard) > before + 20)
                for house in (one, three):
                    assert house.receiver.state.word is StateWord.WATCHING
                    assert house.receiver.state.why is None
        ends = [g.topic for g in ear.heard if g.payload == Availability.STOPPED.value.encode()]
        assert ends == [two.topics.of(Leaf.AVAILABILITY)]

    asyncio.run(check())
