"""Two spasmwatch of one wearer: both notice, both go on, and no screen flickers between them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from detector.alerts.conditions import Condition
from detector.alerts.reception import Reception
from detector.events import Origin
from detector.mqtt.broker import provide
from detector.mqtt.contract import HEALTH_EVERY_S, HEALTH_EXPIRES_S, Leaf, Message, Topics
from detector.mqtt.endpoint import Endpoint
from detector.mqtt.link import Link
from detector.mqtt.publisher import Publisher
from detector.mqtt.runs import ALIVE_S, Runs
from detector.receiver.news import TWINS, ServiceState
from detector.receiver.receiver import Receiver
from detector.service.checks.delivery import DeliveryWatch
from detector.status import StateWord, Status, Vitals
from detector.store.state import State
from tests.kit.brokers import listening
from tests.kit.waiting import running, until
from tests.mqtt.publishing import LIVE, WEARER, ids, make_event, tenfold


def publisher_of(endpoint: Endpoint, log: Any, boot_id: str) -> Publisher:
    return Publisher(
        endpoint,
        log,
        Topics(wearer=WEARER, origin=Origin.LIVE),
        boot_id=boot_id,
        status=Status(StateWord.WATCHING),
        vitals=Vitals,
        reception=Reception(),
        sleep=tenfold,
    )


def test_two_services_at_one_broker_both_know_go_on_and_never_flip(
    kind: str, log: Any, tmp_path: Path
) -> None:
    async def check() -> None:
        async with provide(kind, port=0) as broker:
            with State.open(tmp_path / "other" / "state.sqlite", wearer=WEARER) as state:
                state.open_channel("mqtt", from_start=True)
                theirs = type(log)(state)
                one = publisher_of(broker.endpoint, log, "one")
                two = publisher_of(broker.endpoint, theirs, "two")
                alarms = [DeliveryWatch(each, Reception(), broker) for each in (one, two)]
                async with listening(broker.endpoint, f"{LIVE}/#") as ear:
                    async with running(one.run()):
                        async with running(two.run()):
                            await until(lambda: one.twins == two.twins == 1)
                            for alarm in alarms:
                                assert "Stop one of them" in str(
                                    alarm.troubles()[Condition.TWIN_SERVICE]
                                )
                            log.put(make_event(1))
                            theirs.put(make_event(2))
                            one.wake()
                            two.wake()
                            await until(lambda: len(ids(ear)) == 2)
                        assert "offline" not in ear.payloads("availability")[:-2]
                        assert one.link.state.connections == two.link.state.connections == 1
                        # The other's last words are contradicted by who still watches.
                        await until(lambda: ear.payloads("availability")[-1] == "online")
                        await until(
                            lambda: json.loads(ear.payloads("state")[-1])["boot_id"] == "one"
                        )
                        words = ear.payloads("availability")
                        assert words.count("offline") == 1
                    await until(lambda: ear.payloads("availability")[-1] == "offline")

    asyncio.run(check())


def test_what_a_broker_keeps_of_an_earlier_run_is_no_twin(kind: str, log: Any) -> None:
    beat = json.dumps({"boot_id": "dead", "seq": 7, "state": "watching"})

    async def check() -> None:
        async with (
            provide(kind, port=0) as broker,
            listening(broker.endpoint, f"{LIVE}/health") as ear,
        ):
            for leaf, text in (
                ("health", beat),
                ("availability", "offline"),
                ("availability", ""),
                ("state", beat),
            ):
                await ear.link.publish(Message(f"{LIVE}/{leaf}", text, retain=True))
            two = publisher_of(broker.endpoint, log, "two")
            async with running(two.run()):
                for text in ("", "nonsense", "[]", "{}", '{"boot_id": [], "seq": 1}', beat):
                    await ear.link.publish(Message(f"{LIVE}/health", text))
                await until(lambda: len(ear.payloads("health")) > 12)
                assert two.twins == 0

    asyncio.run(check())


TAKEN_OVER = bytes.fromhex("2003000000") + bytes.fromhex("e0028e00")  # CONNACK, DISCONNECT


def test_a_client_that_takes_our_name_is_not_answered_in_kind(impatient: None) -> None:
    """A broker may name clients by their user: at once again, two would part for ever."""
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.read(1)
        writer.write(TAKEN_OVER)
        writer.close()

    async def check() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            link = Link(Endpoint(port=server.sockets[0].getsockname()[1]), "one")
            async with running(link.run()):
                await until(lambda: link.taken_over_s)
                await asyncio.sleep(0.5)  # longer than any other wait for a connection
        assert connections == 1
        assert "taken over" in str(link.state.last_error)

    asyncio.run(check())


@given(st.integers(1, 20), st.integers(1, 20), st.floats(0.0, 60.0), st.booleans())
def test_a_restart_is_no_twin_though_the_last_word_of_the_first_run_is_late(
    first: int, second: int, pause_s: float, late: bool
) -> None:
    runs, now_s = Runs(), 0.0
    for seq in range(first):
        now_s += HEALTH_EVERY_S
        assert runs.take("one", seq, now_s)
    now_s += pause_s
    for seq in range(second):
        assert runs.take("two", seq, now_s)
        if late and seq == 0:
            runs.take("one", first, now_s)
        assert not runs.take("one", first - 1, now_s), "repeated"
        assert len(runs.alive(now_s)) <= 1
        now_s += HEALTH_EVERY_S


@given(st.integers(1, 9), st.floats(0.0, 4.9), st.lists(st.text(), max_size=30))
def test_twins_are_known_within_30_s_and_forgotten_30_s_after_one_ended(
    before: int, apart_s: float, forged: list[str]
) -> None:
    runs = Runs()
    times = [(n * HEALTH_EVERY_S, "one", n) for n in range(before + 7)]
    times += [((before + n) * HEALTH_EVERY_S + apart_s, "two", n) for n in range(6)]
    for at_s, boot_id, seq in sorted(times):
        runs.take(boot_id, seq, at_s)
    last_s = max(times)[0]
    assert runs.alive(last_s) == {"one", "two"}
    assert last_s - (before * HEALTH_EVERY_S) <= 30.0
    assert runs.alive(last_s + ALIVE_S) == set()
    for boot_id in forged:
        runs.take(boot_id, 1, last_s)
    assert len(runs.alive(last_s)) <= 2


def heard(receiver: Receiver, boot_id: str, seq: int, epoch: str, mono_s: float) -> Sequence[Any]:
    said = {"boot_id": boot_id, "seq": seq, "state": "watching", "epoch": epoch, "last_n": 0}
    return receiver.feed(Leaf.HEALTH, json.dumps(said).encode(), retained=False, mono_s=mono_s)


def test_a_receiver_tells_of_twins_and_follows_one_of_them_until_it_ends() -> None:
    receiver = Receiver("anna", mono_s=0.0)
    epochs, told = [], []
    for n in range(10):
        at_s = n * HEALTH_EVERY_S
        told += heard(receiver, "one", n, "e1", at_s)
        if n >= 2:
            told += heard(receiver, "two", n, "e2", at_s + 1)
        epochs.append(receiver.epoch)
        assert receiver.tick(at_s + 4) == []
    assert epochs == ["e1"] * 2 + ["e2"] * 8, "the logs are not asked for in turn"
    states = [each for each in told if isinstance(each, ServiceState)]
    assert [each.why for each in states] == [None, TWINS]
    for n in range(10, 20):  # the one that it followed ends
        told = list(heard(receiver, "one", n, "e1", n * HEALTH_EVERY_S))
        assert receiver.tick(n * HEALTH_EVERY_S + 4) == []
    assert receiver.epoch == "e1"
    assert receiver.state.why is None
    assert HEALTH_EXPIRES_S < 10 * HEALTH_EVERY_S
