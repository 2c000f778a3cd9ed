"""Laws of what people say over MQTT: obeyed once, answered where they asked, nowhere else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.alerts import commands as said
from detector.alerts.commands import CommandError
from detector.channels import RECEIVER_NAME
from detector.events import Origin
from detector.mqtt import commands
from detector.mqtt.broker import provide
from detector.mqtt.contract import COMMAND_MOST, Command, Leaf, Message, Topics
from detector.mqtt.link import Link
from detector.mqtt.pace import NAMES_MOST, TokenBucket
from detector.mqtt.properties import Received
from detector.mqtt.replies import CORRELATION_MOST, wanted
from detector.mqtt.requests import SAID_AT_ONCE
from detector.mqtt.security.gate import Flaw
from detector.receiver import Answer, Listener, Receiver
from detector.receiver.news import News
from detector.status import StateWord

from ..kit.brokers import listening
from ..kit.waiting import running, until
from .forged import HOME, KEYS, protected
from .publishing import SCHEMAS, WEARER, make_publisher, tenfold


@dataclass
class Door:
    """What a service was told to do; it refuses what is in `refused`."""

    obeyed: list[said.Command] = field(default_factory=list)
    refused: dict[type, str] = field(default_factory=dict)

    def obey(self, command: said.Command) -> None:
        why = self.refused.get(type(command))
        if why is not None:
            raise CommandError(why)
        self.obeyed.append(command)


def answers(news: list[News]) -> list[tuple[type, str | None]]:
    return [(type(each.command), each.why) for each in news if isinstance(each, Answer)]


SAYINGS: list[Callable[[Listener], None]] = [
    lambda anna: anna.acknowledge("a1"),
    lambda anna: anna.snooze(10),
    lambda anna: anna.pause(60),
    lambda anna: anna.resume(),
    lambda anna: anna.mark(),
    lambda anna: anna.label("e1", said.SaidKind.NOT_A_SPASM),
    lambda anna: anna.note("stretched", said.NoteKind.STRETCH),
]
SPOKEN = [
    said.Acknowledge(by="anna", alert="a1"),
    said.Snooze(by="anna", minutes=10),
    said.PauseAlerts(by="anna", minutes=60),
    said.ResumeAlerts(by="anna"),
    said.MarkSpasm(by="anna"),
    said.LabelEvent(by="anna", event="e1", verdict=said.SaidKind.NOT_A_SPASM),
    said.AddNote(by="anna", text="stretched", kind=said.NoteKind.STRETCH),
]


@pytest.mark.parametrize("keys", [False, True])
def test_a_receiver_says_it_and_is_told_what_came_of_it(kind: str, log: Any, keys: bool) -> None:
    async def check() -> None:
        loop, door = asyncio.get_running_loop(), Door()
        async with provide(kind, port=0) as broker:
            publisher = make_publisher(
                broker.endpoint,
                log,
                sleep=tenfold,
                obey=door.obey,
                protection=protected(loop.time) if keys else None,
            )
            news: list[News] = []
            receiver = Receiver("anna", mono_s=loop.time(), needs_proof=keys)
            anna = Listener(
                broker.endpoint,
                HOME,
                receiver,
                tell=news.append,
                key=KEYS.of("anna") if keys else None,
                mono_s=loop.time,
            )
            async with running(publisher.run(), anna.run()):
                await until(lambda: receiver.state.word is StateWord.WATCHING)
                for saying in SAYINGS:
                    saying(anna)
                await until(lambda: len(answers(news)) == len(SAYINGS))
                assert door.obeyed == SPOKEN
                assert {why for _, why in answers(news)} == {None}

                door.refused = {said.Acknowledge: "no alert is open"}
                anna.acknowledge()
                await until(lambda: len(answers(news)) > len(SAYINGS))
                assert answers(news)[-1] == (said.Acknowledge, "no alert is open")
                assert publisher.requests.refused == {Flaw.OTHER: 1}
                assert publisher.losses["commands_refused"] == 1

    asyncio.run(check())


def test_a_proven_answer_to_something_else_is_not_believed(log: Any) -> None:
    """Its signature covers the payload, not the correlation, which whoever repeats it chooses."""

    async def check() -> None:
        loop = asyncio.get_running_loop()
        async with provide("embedded", port=0) as broker:
            publisher = make_publisher(
                broker.endpoint, log, sleep=tenfold, obey=Door().obey,
                protection=protected(loop.time),
            )  # fmt: skip
            news: list[News] = []
            receiver = Receiver("anna", mono_s=loop.time(), needs_proof=True)
            anna = Listener(
                broker.endpoint, HOME, receiver, tell=news.append, key=KEYS.of("anna"),
                mono_s=loop.time,
            )  # fmt: skip
            mallory = Link(broker.endpoint, "mallory")
            async with (
                running(publisher.run(), anna.run(), mallory.run()),
                listening(broker.endpoint, HOME.reply("anna")) as ear,
            ):
                await until(lambda: receiver.state.word is StateWord.WATCHING)
                anna.acknowledge()
                await until(lambda: len(answers(news)) == 1)
                (recorded,) = [got for got in ear.heard if b"reply/1" in got.payload]
                before = len(ear.heard)
                assert json.loads(recorded.payload)["nonce"] == recorded.correlation.decode()
                receiver.say(said.Acknowledge(by="anna"), loop.time())
                (request,) = [r for r in receiver.requests(loop.time()) if r.number is not None]
                for correlation in (
                    recorded.correlation,
                    f"{anna._ours}-{request.number}".encode(),
                ):
                    await mallory.publish(
                        Message(
                            recorded.topic,
                            recorded.payload.decode(),
                            signature=recorded.signature,
                            correlation=correlation,
                        )
                    )
                await until(lambda: len(ear.heard) == before + 2)
                await asyncio.sleep(0.1)
                assert len(answers(news)) == 1

    asyncio.run(check())


def command(name: Command, payload: str, topic: str | None, **more: Any) -> Message:
    correlation = more.pop("correlation", f"{name}".encode())
    return Message(
        HOME.command(name), payload, expiry_s=60, response_topic=topic, correlation=correlation,
        **more,
    )  # fmt: skip


def test_every_command_is_answered_obeyed_or_not(kind: str, log: Any) -> None:
    """With the correlation data that came with it, and in the form of its schema."""
    sent: list[tuple[Command, str, bool]] = [
        *((*commands.payload(each), True) for each in SPOKEN),
        (Command.SEEN, commands.seen("anna", log.epoch, 0), True),
        (Command.REPLAY, commands.replay("anna", 1), True),
        (Command.LIVE, commands.live("anna", 120), True),
        (Command.TEST, commands.test("anna", None), False),  # there are no tests in this night
        (Command.SEEN, commands.seen("anna", "another log", 0), False),
        (Command.LIVE, commands.live("anna", 121), False),
        (Command.ACK, "nonsense", False),
        (Command.ACK, '{"by": "Anna Müller"}', False),
        (Command.SNOOZE, '{"by": "anna", "minutes": 31}', False),
        (Command.PAUSE, '{"by": "anna", "minutes": 61}', False),
        (Command.NOTE, json.dumps({"by": "anna", "text": "x" * COMMAND_MOST}), False),
    ]

    async def check() -> None:
        door = Door()
        async with provide(kind, port=0) as broker:
            publisher = make_publisher(broker.endpoint, log, sleep=tenfold, obey=door.obey)
            anna = Link(broker.endpoint, "anna")
            async with (
                running(publisher.run(), anna.run()),
                listening(broker.endpoint, HOME.reply("phone")) as ear,
                listening(broker.endpoint, HOME.of(Leaf.HEALTH)) as health,
            ):
                await until(lambda: health.heard)
                for number, (name, payload, obeyed) in enumerate(sent):
                    correlation = bytes([number, 255])
                    await anna.publish(
                        command(name, payload, HOME.reply("phone"), correlation=correlation)
                    )
                    await until(lambda number=number: len(ear.heard) == number + 1)
                    got = ear.heard[-1]
                    reply = json.loads(got.payload)
                    SCHEMAS["reply"].validate(reply)
                    assert got.correlation == correlation
                    assert reply["ok"] is obeyed, (payload, reply)
                    assert bool(reply["why"]) is not obeyed
        assert door.obeyed == SPOKEN

    asyncio.run(check())


ELSEWHERE = [
    HOME.of(Leaf.STATE),
    HOME.command(Command.ACK),
    HOME.reply(""),
    HOME.reply("a/b"),
    HOME.reply("Anna"),
    HOME.reply("x" * 33),
    Topics(wearer="a" * 10).reply("anna"),
    Topics(wearer=WEARER, origin=Origin.SIMULATED).reply("anna"),
    "homeassistant/device/x/config",
    "$SYS/x",
]


def test_no_answer_is_published_outside_the_subtree_of_answers(mosquitto: str, log: Any) -> None:
    async def check() -> None:
        door = Door()
        async with provide("mosquitto", port=0) as broker:
            publisher = make_publisher(broker.endpoint, log, sleep=tenfold, obey=door.obey)
            anna = Link(broker.endpoint, "anna")
            async with (
                running(publisher.run(), anna.run()),
                listening(broker.endpoint, "#") as ear,
            ):
                await until(lambda: ear.payloads("health"))
                name, payload = commands.payload(said.MarkSpasm(by="anna"))
                for topic in ELSEWHERE:
                    await anna.publish(command(name, payload, topic))
                much = b"x" * (CORRELATION_MOST + 1)
                await anna.publish(command(name, payload, HOME.reply("anna"), correlation=much))
                await anna.publish(command(name, payload, HOME.reply("last")))
                await until(lambda: HOME.reply("last") in ear.topics())
        assert len(door.obeyed) == len(ELSEWHERE) + 2, "obeyed all the same"
        assert [got.topic for got in ear.heard if b"reply/1" in got.payload] == [HOME.reply("last")]

    asyncio.run(check())


@given(st.text(max_size=80) | st.just(HOME.reply("x")), st.none() | st.binary(max_size=100))
def test_whatever_a_response_topic_is_an_answer_stays_in_its_subtree(
    topic: str, correlation: bytes | None
) -> None:
    got = Received("t", b"{}", False, None, response_topic=topic, correlation=correlation)
    to = wanted(HOME, got)
    if to is not None:
        base, _, client = to.topic.rpartition("/")
        assert base == f"{HOME.base}/reply"
        assert RECEIVER_NAME.fullmatch(client)


def test_who_commands_too_often_fills_no_log_and_keeps_nobody_else_out(log: Any) -> None:
    async def check() -> None:
        door = Door()
        async with provide("embedded", port=0) as broker:
            publisher = make_publisher(broker.endpoint, log, sleep=tenfold, obey=door.obey)
            anna = Link(broker.endpoint, "anna")
            async with (
                running(publisher.run(), anna.run()),
                listening(broker.endpoint, HOME.of(Leaf.HEALTH)) as health,
            ):
                await until(lambda: health.heard)
                topic = HOME.command(Command.MARK)
                for _ in range(3 * SAID_AT_ONCE):
                    await anna.publish(Message(topic, '{"by": "anna"}'))
                await anna.publish(Message(topic, '{"by": "ben"}'))
                await until(lambda: door.obeyed[-1:] == [said.MarkSpasm(by="ben")])
                assert SAID_AT_ONCE <= len(door.obeyed) - 1 < 2 * SAID_AT_ONCE
                assert publisher.requests.refused[Flaw.OTHER] > SAID_AT_ONCE

    asyncio.run(check())


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 5)), max_size=200), st.integers(1, 9))
def test_nobody_is_admitted_more_often_than_the_pace(
    steps: list[tuple[int, float]], at_once: int
) -> None:
    pace, now_s, admitted = TokenBucket(at_once=at_once, every_s=1.0), 0.0, dict[str, list[float]]()
    for who, wait_s in steps:
        now_s += wait_s
        if pace.admits(str(who), now_s):
            admitted.setdefault(str(who), []).append(now_s)
    for times in admitted.values():
        for n, first_s in enumerate(times):
            within = [at_s for at_s in times[n:] if at_s - first_s < 10]
            assert len(within) <= at_once + 10 + 1


def test_a_flood_of_names_is_bounded_and_forgotten() -> None:
    pace = TokenBucket(at_once=2, every_s=1.0)
    assert sum(pace.admits(str(n), 0.0) for n in range(10 * NAMES_MOST)) == NAMES_MOST
    assert pace.admits("anna", 2.0)
