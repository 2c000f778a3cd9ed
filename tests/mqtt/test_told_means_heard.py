"""Laws of delivery: a named receiver gets every entry, and an alert that nobody gets is known."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from detector.alert import Alert, AlertClass, AlertState, Level
from detector.alerts.conditions import Condition
from detector.alerts.reception import PRESENT_S, UNREACHED_S, Reception
from detector.mqtt.broker import Broker, provide
from detector.mqtt.contract import HEALTH_EXPIRES_S, Command, Message, Topics
from detector.mqtt.endpoint import Endpoint
from detector.receiver import Listener, ReceivedEntry, Receiver, ServiceState
from detector.receiver.news import UNANSWERED, Absence
from detector.receiver.receiver import UNANSWERED_S
from detector.service.checks.delivery import DeliveryWatch
from detector.status import Snapshot, StateWord, Status
from tests.chaos.proxy import Network, proxy_to
from tests.kit.brokers import free_port, listening
from tests.kit.caregiver import Caregiver
from tests.kit.waiting import running, until
from tests.mqtt import unheard
from tests.mqtt.publishing import WEARER, make_event, make_publisher, tenfold

TOPICS = Topics(wearer=WEARER)


def alert(number: int, **changes: Any) -> Alert:
    values = {
        "id": f"{number:020x}",
        "state": AlertState.RAISED,
        "alert_class": AlertClass.CLINICAL,
        "level": Level.HIGH,
        "kind": "clonus",
        "reason": "clonus for 60 s",
        "wearer": WEARER,
    }
    return Alert(**(values | changes))


def test_no_event_is_unheard_however_often_broker_and_receiver_die(
    kind: str, log: Any, impatient: None
) -> None:
    chance = random.Random(kind)
    events = [make_event(number) for number in range(200)]

    async def check() -> None:
        async with provide(kind, port=0) as broker:
            publisher = make_publisher(broker.endpoint, log, sleep=tenfold)
            anna = Caregiver(broker.endpoint, TOPICS)

            async def in_and_out() -> None:
                while True:
                    async with running(anna.begin().run()):
                        await asyncio.sleep(chance.uniform(0.1, 0.6))
                    await asyncio.sleep(chance.uniform(0, 0.4))

            async def keep_killing() -> None:
                for times in range(1, 9):
                    await asyncio.sleep(chance.uniform(0, 0.4))
                    while broker.restarts < times:
                        with suppress(ProcessLookupError):  # the next has not started yet
                            os.kill(broker.pid, signal.SIGKILL)
                        await asyncio.sleep(0.05)

            async with running(publisher.run()):
                async with running(anna.listener.run()):
                    await until(lambda: anna.saved)
                async with AsyncExitStack() as stack:
                    await stack.enter_async_context(running(in_and_out()))
                    await stack.enter_async_context(running(keep_killing()))
                    for event in events:
                        log.put(event)
                        publisher.wake()
                        await asyncio.sleep(0.01)
                    await until(lambda: broker.restarts >= 8)
                async with running(anna.begin().run()):
                    await until(lambda: set(anna.ids) == {event.id for event in events})
                    await until(lambda: log.state.receivers[0].upto == log.state.last)
            assert len(anna.ids) == len(events)
            assert log.state.receivers[0].name == "anna"

    asyncio.run(check())


def test_a_broker_that_comes_late_passes_everything_on_within_3_s_and_nothing_waited(
    kind: str, log: Any
) -> None:
    async def check() -> None:
        port = free_port()
        publisher = make_publisher(Endpoint(port=port), log)
        anna = Caregiver(Endpoint(port=port), TOPICS)
        anna.saved = anna.listener.receiver.save() | {"epoch": log.epoch}
        clock = asyncio.get_running_loop().time
        async with running(publisher.run(), anna.begin().run()):
            await until(lambda: "nothing listens" in str(publisher.link.state.last_error))
            for number in range(50):
                began_s = clock()
                log.put(make_event(number))
                publisher.wake()
                publisher.show(Snapshot(status=Status(StateWord.NO_SIGNAL, "test")))
                assert clock() - began_s < 0.5
            async with provide(kind, port=port):
                back_s = clock()
                await until(lambda: len(anna.ids) == 50)
                assert clock() - back_s < 3
            assert len(set(anna.ids)) == 50

    asyncio.run(check())


def test_no_committed_event_is_unheard_when_service_and_broker_are_killed(mosquitto: str) -> None:
    """A few kills; `make soak-service` tries hundreds."""
    tally = asyncio.run(unheard.run("both", 5, seed=3))
    assert tally.committed > 10  # a fifth of what an idle computer commits
    assert (tally.unheard, tally.twice) == (0, 0)


def test_an_alert_that_nobody_gets_is_known_in_10_s_until_somebody_gets_it(
    kind: str, log: Any
) -> None:
    """Also with a broker that does not report it: nobody acknowledged."""

    async def check() -> None:
        now_s = 1000.0
        reception = Reception()
        async with provide(kind, port=0) as broker:
            publisher = make_publisher(
                broker.endpoint,
                log,
                reception=reception,
                reports_nobody=kind == "mosquitto",
                mono_s=lambda: now_s,
                sleep=tenfold,
            )
            about_nobody = alert(2, kind=Condition.NOBODY_REACHABLE)
            log.state.commit(at=datetime.now(UTC), alerts=[alert(1), about_nobody])
            async with running(publisher.run()):
                await until(lambda: reception.unreached(now_s + UNREACHED_S))
                assert reception.unreached(now_s + UNREACHED_S - 0.1) == 0
                assert reception.unreached(now_s + UNREACHED_S) == 1
                anna = Caregiver(broker.endpoint, TOPICS)
                anna.saved = anna.listener.receiver.save() | {"epoch": log.epoch}
                async with running(anna.begin().run()):
                    await until(lambda: len(anna.ids) == 2)
                    await until(lambda: not reception.unreached(now_s + 2 * UNREACHED_S))

    asyncio.run(check())


def test_what_a_named_receiver_does_not_confirm_reaches_nobody_whatever_the_broker_says(
    mosquitto: str, log: Any
) -> None:
    """Its computer falls asleep, of which the connection that the broker writes to knows nothing.

    Once it is known to be away, the alert is sent again until somebody gets it, named or not.
    """

    async def check() -> None:
        now_s = 1000.0
        reception = Reception()
        async with (
            provide("mosquitto", port=0) as broker,
            proxy_to(broker.endpoint.port, 1.0) as network,
        ):
            publisher = make_publisher(
                broker.endpoint, log, reception=reception, mono_s=lambda: now_s, sleep=tenfold
            )
            anna = Caregiver(Endpoint(port=network.port), TOPICS)
            async with running(publisher.run()):
                async with running(anna.listener.run()):
                    await until(lambda: anna.listener.receiver.epoch)
                    log.put(make_event(1))
                    publisher.wake()
                    await until(lambda: anna.ids and reception.is_present(now_s))
                    network.network = Network.STALLS
                    watch = DeliveryWatch(publisher, reception, broker, mono_s=lambda: now_s)
                    watch.committed(log.state.commit(at=datetime.now(UTC), alerts=[alert(1)]))
                    await until(lambda: log.state.depth("mqtt") == 0)
                    assert reception.unreached(now_s + UNREACHED_S) == 1
                network.network = Network.RESETS
                now_s += PRESENT_S
                assert reception.unreached(now_s) == 1
                async with listening(broker.endpoint, "sw/#") as ear:
                    await until(lambda: ear.payloads("alert"))
                    await until(lambda: reception.unreached(now_s) == 0)

    asyncio.run(check())


def test_a_broker_that_withholds_alerts_from_a_receiver_is_told_on_both_sides(
    mosquitto_with: Any, log: Any
) -> None:
    """It may read that the service is well, and acknowledge: all looks well without alerts."""
    settings = ("allow_anonymous true", "acl_file {dir}/acl")
    theirs = f"user anna\ntopic read {TOPICS.base}/health\ntopic write {TOPICS.base}/cmd/+\n"
    acl = f"topic readwrite sw/#\n{theirs}"

    async def check() -> None:
        now_s = 1000.0
        reception = Reception()
        async with mosquitto_with(*settings, files={"acl": acl}) as port:
            publisher = make_publisher(
                Endpoint(port=port), log, reception=reception, mono_s=lambda: now_s, sleep=tenfold
            )
            anna = Caregiver(Endpoint(port=port, username="anna"), TOPICS)
            async with running(publisher.run(), anna.listener.run()):
                await until(lambda: reception.is_present(now_s))
                broker = Broker("mosquitto", Endpoint(port=port))
                watch = DeliveryWatch(publisher, reception, broker, mono_s=lambda: now_s)
                watch.committed(log.state.commit(at=datetime.now(UTC), alerts=[alert(1)]))
                await until(lambda: log.state.depth("mqtt") == 0)
                assert reception.unreached(now_s + UNREACHED_S) == 1
                receiver = anna.listener.receiver
                while receiver.state.word is not Absence.SILENT:
                    assert anna.ahead_s < 2 * UNANSWERED_S
                    await asyncio.sleep(0.5)  # heartbeats come ten times as fast, time as well
                    anna.ahead_s += 4.5
                assert receiver.state.why == UNANSWERED

    asyncio.run(check())


def test_a_subscriber_without_a_name_counts_where_the_broker_reports_nobody(
    mosquitto: str, log: Any
) -> None:
    async def check() -> None:
        reception = Reception()
        async with provide("mosquitto", port=0) as broker:
            publisher = make_publisher(broker.endpoint, log, reception=reception, sleep=tenfold)
            async with (
                listening(broker.endpoint, "sw/#") as ear,
                running(publisher.run()),
            ):
                log.state.commit(at=datetime.now(UTC), alerts=[alert(1)])
                publisher.wake()
                await until(lambda: ear.payloads("alert"))
                await until(lambda: log.state.depth("mqtt") == 0)
            assert reception.unreached(float("inf")) == 0

    asyncio.run(check())


def test_a_dead_service_and_a_dead_broker_are_told_by_the_receivers_own_clock(
    kind: str, log: Any
) -> None:
    async def check() -> None:
        ahead_s = 0.0
        loop = asyncio.get_running_loop()
        async with provide(kind, port=0) as broker:
            publisher = make_publisher(broker.endpoint, log)
            told: list[Any] = []
            receiver = Receiver("anna", mono_s=loop.time())
            listener = Listener(
                broker.endpoint,
                TOPICS,
                receiver,
                tell=told.append,
                mono_s=lambda: loop.time() + ahead_s,
            )
            async with running(listener.run()), running(publisher.run()):
                await until(lambda: receiver.state.word is StateWord.WATCHING)
                os.kill(broker.pid, signal.SIGSTOP)  # no last word comes through
                ahead_s = 16.0
                await until(lambda: receiver.state.word is Absence.SILENT)
                os.kill(broker.pid, signal.SIGCONT)
                await until(lambda: receiver.state.word is StateWord.WATCHING)
        words = [StateWord.WATCHING, Absence.SILENT, StateWord.WATCHING]
        assert [each.word for each in told if isinstance(each, ServiceState)][:3] == words

    asyncio.run(check())


def test_a_receiver_tells_what_its_connection_knows_of_a_silence(mosquitto_with: Any) -> None:
    async def check() -> None:
        settings = ("allow_anonymous false", "password_file {dir}/passwords")
        async with mosquitto_with(*settings, files={"passwords": ""}) as port:
            anna = Caregiver(Endpoint(port=port, username="anna"), TOPICS)
            async with running(anna.listener.run()):
                await until(lambda: "refused" in str(anna.listener.link.state.last_error))
                anna.ahead_s = HEALTH_EXPIRES_S
                await until(lambda: anna.news)
        [state] = anna.news
        assert isinstance(state, ServiceState)
        assert state.word is Absence.SILENT
        assert "nothing was heard" in str(state.why)
        assert "refused" in str(state.why)

    asyncio.run(check())


def test_two_receivers_of_one_name_are_told_that_they_are_two(
    mosquitto: str, log: Any, impatient: None
) -> None:
    """The broker serves only one of them at a time: neither may believe that all is well."""

    async def check() -> None:
        async with provide("mosquitto", port=0) as broker:
            publisher = make_publisher(broker.endpoint, log, sleep=tenfold)
            one, two = Caregiver(broker.endpoint, TOPICS), Caregiver(broker.endpoint, TOPICS)
            async with running(publisher.run(), one.listener.run(), two.listener.run()):
                for each in (one, two):
                    await until(
                        lambda news=each.news: any(
                            isinstance(state, ServiceState) and "breaks again" in str(state.why)
                            for state in news
                        )
                    )

    asyncio.run(check())


def test_a_forged_acknowledgement_passes_nothing_and_retained_ones_are_dropped(log: Any) -> None:
    async def check() -> None:
        async with provide("embedded", port=0) as broker:
            publisher = make_publisher(broker.endpoint, log)
            log.state.commit(at=datetime.now(UTC), alerts=[alert(1)])
            forged = [
                (b'{"by": "eve", "epoch": "%s", "upto": 99}', False),
                (b'{"by": "eve", "epoch": "other", "upto": 1}', False),
                (b'{"by": "../eve", "epoch": "%s", "upto": 1}', False),
                (b'{"by": "eve", "epoch": "%s", "upto": 1.5}', False),
                (b"[" * 4000, False),
                (b"{}", False),
                (b'{"by": "eve", "epoch": "%s", "upto": 1}', True),
            ]
            topic = TOPICS.command(Command.SEEN)
            async with listening(broker.endpoint, "x") as ear:
                await ear.link.connected()
                text, _ = forged[-1]
                said = text.replace(b"%s", log.epoch.encode()).decode()
                await ear.link.publish(Message(topic, said, retain=True))
                async with running(publisher.run()):
                    await until(lambda: publisher.requests.refused.total() == 1)
                    for text, retain in forged[:-1]:
                        said = text.replace(b"%s", log.epoch.encode()).decode()
                        await ear.link.publish(Message(topic, said, retain=retain))
                    await until(lambda: publisher.requests.refused.total() == len(forged))
            assert log.state.receivers == []

    asyncio.run(check())


def test_what_its_user_could_not_take_is_not_acknowledged_but_told_again(log: Any) -> None:
    async def check() -> None:
        async with provide("embedded", port=0) as broker:
            publisher = make_publisher(broker.endpoint, log)
            anna = Caregiver(broker.endpoint, TOPICS)
            anna.saved = anna.listener.receiver.save() | {"epoch": log.epoch}

            def refuse(news: object) -> None:
                if isinstance(news, ReceivedEntry):
                    raise OSError("the screen is gone")

            log.put(make_event(1))
            async with running(publisher.run()):
                failing = anna.begin()
                failing._tell = refuse
                with pytest.raises(ExceptionGroup, match="unhandled"):
                    await failing.run()
                assert all(known.upto == 0 for known in log.state.receivers)
                async with running(anna.begin().run()):
                    await until(lambda: anna.ids)
                    await until(lambda: log.state.receivers[0].upto == 1)

    asyncio.run(check())
