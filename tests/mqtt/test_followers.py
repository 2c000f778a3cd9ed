"""Other wearers at a real broker: seen with proof, answered with a key, and never told to."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from detector.alerts import commands as said
from detector.alerts.commands import CommandError
from detector.alerts.reception import Reception
from detector.config import FollowSettings
from detector.mqtt.broker import provide
from detector.mqtt.contract import Availability, Topics
from detector.mqtt.endpoint import Endpoint
from detector.mqtt.publisher import Publisher
from detector.mqtt.security.gate import Gate
from detector.mqtt.security.keys import ServiceKeys, write_secret
from detector.mqtt.security.protection import Protection
from detector.mqtt.security.signing import Signer, Verifier, public_key_of
from detector.receiver.news import Absence
from detector.service.checks.troubles import NotedTroubles
from detector.service.presentation.followers import FollowedWearers
from detector.status import Snapshot, StateWord, Status, Vitals
from detector.store.state import State

from ..kit.brokers import listening
from ..kit.waiting import running, until
from ..web.corridor import an_alert
from .publishing import StoredLog, make_event, tenfold

BEN, CHRIS = "bbbbbbbbbb", "cccccccccc"


class House:
    """A service of one wearer with keys of its own."""

    def __init__(self, wearer: str, folder: Path, stack: AsyncExitStack) -> None:
        self.wearer = wearer
        state = stack.enter_context(State.open(folder / wearer / "state.sqlite", wearer=wearer))
        state.open_channel("mqtt", from_start=True)
        self.log = StoredLog(state)
        self.keys = ServiceKeys.new().with_new("hall")
        self.obeyed: list[said.Command] = []
        self.key_file = folder / f"{wearer}.json"
        write_secret(self.key_file, self.keys.of("hall").to_json())

    def publisher(self, endpoint: Endpoint, run: int = 1) -> Publisher:
        loop, topics = asyncio.get_running_loop(), Topics(wearer=self.wearer)
        boot_id = f"boot-{self.wearer}-{run}"
        self.now = Publisher(
            endpoint,
            self.log,
            topics,
            boot_id=boot_id,
            status=Status(StateWord.WATCHING),
            vitals=lambda: Vitals(data_age_s=0.3, battery_percent=70),
            reception=Reception(),
            obey=self.obeyed.append,
            protection=Protection(
                Signer(self.keys.private_key, run),
                Gate(topics, self.keys.caregivers, boot_id=boot_id, mono_s=loop.time),
                Verifier(public_key_of(self.keys.private_key)),
            ),
            sleep=tenfold,
        )
        return self.now


def test_others_are_seen_and_answered_and_nobody_is_told_by_looking(
    kind: str, tmp_path: Path
) -> None:
    async def check() -> None:
        async with (
            AsyncExitStack() as stack,
            provide(kind, port=0) as broker,
            listening(broker.endpoint, "#") as ear,
        ):
            assert broker.endpoint is not None
            ben, chris = (House(wearer, tmp_path, stack) for wearer in (BEN, CHRIS))
            followed = FollowedWearers(
                [
                    FollowSettings(wearer=BEN, label="Ben", signing_file=ben.key_file),
                    FollowSettings(wearer=CHRIS),
                ],
                broker.endpoint,
                "sw/v1",
            )

            def words() -> list[StateWord | Absence]:
                return [each.followed.state.word for each in followed.neighbours()]

            assert words() == [Absence.SILENT] * 2
            await stack.enter_async_context(followed.heard(NotedTroubles()))
            async with running(chris.publisher(broker.endpoint).run()):
                async with running(ben.publisher(broker.endpoint).run()):
                    await until(lambda: words() == [StateWord.WATCHING] * 2)
                    ben.log.put(*(make_event(k, wearer=BEN) for k in range(3)))
                    ben.now.wake()
                    alert = an_alert(make_event(1).onset)
                    status = Status(StateWord.WATCHING)
                    ben.now.show(Snapshot(status=status, open_alerts=(alert,)))
                    await until(lambda: followed.neighbours()[0].followed.alerts)
                    first, second = followed.neighbours()
                    assert [a.id for a in first.followed.alerts] == [alert.id]
                    assert (first.label, first.by, second.label) == ("Ben", "hall", CHRIS)

                    await followed.say(BEN, said.Acknowledge(by="anna", alert=alert.id))
                    assert ben.obeyed == [said.Acknowledge(by="hall", alert=alert.id)]
                    with pytest.raises(CommandError, match="has no key of theirs"):
                        await followed.say(CHRIS, said.Acknowledge(by="anna"))
                    with pytest.raises(CommandError, match="no such wearer"):
                        await followed.say("zzzzzzzzzz", said.Acknowledge(by="anna"))
                    ben.now.closing_availability = Availability.STOPPED
                await until(lambda: words() == [Absence.STOPPED, StateWord.WATCHING])
                assert followed.neighbours()[0].followed.state.why == "a person has stopped it"
            asked = {got.topic.rpartition("/")[2] for got in ear.heard if "/cmd/" in got.topic}
            assert asked == {"ack"}, "nothing is acknowledged or asked for by looking"
            assert chris.obeyed == []
            bodies = [json.loads(got.payload) for got in ear.heard if got.topic.endswith("cmd/ack")]
            assert all({"mac", "nonce", "at"} <= set(body) for body in bodies)

    asyncio.run(check())


def test_a_stranger_who_imitates_a_service_is_not_shown(kind: str, tmp_path: Path) -> None:
    async def check() -> None:
        async with AsyncExitStack() as stack, provide(kind, port=0) as broker:
            assert broker.endpoint is not None
            ben, stranger = House(BEN, tmp_path, stack), House(CHRIS, tmp_path, stack)
            stranger.wearer = BEN
            options = FollowSettings(wearer=BEN, signing_file=ben.key_file)
            followed = FollowedWearers([options], broker.endpoint, "sw/v1")
            await stack.enter_async_context(followed.heard(NotedTroubles()))
            async with (
                listening(broker.endpoint, "sw/v1/+/health") as ear,
                running(stranger.publisher(broker.endpoint).run()),
            ):
                await until(lambda: len(ear.heard) > 3)
                (shown,) = followed.neighbours()
                assert shown.followed.state.word is Absence.SILENT
                assert shown.followed.data_age_s is None

    asyncio.run(check())


def test_a_key_or_a_broker_that_is_missing_is_said_on_the_card(tmp_path: Path) -> None:
    async def check() -> None:
        absent = FollowSettings(wearer=BEN, signing_file=tmp_path / "absent.json")
        (without_key,) = FollowedWearers([absent], Endpoint(), "sw/v1").neighbours()
        assert "absent.json: No such file" in str(without_key.trouble)
        followed = FollowedWearers([FollowSettings(wearer=BEN)], None, "sw/v1")
        (without_broker,) = followed.neighbours()
        assert "no broker" in str(without_broker.trouble)
        async with followed.heard(NotedTroubles()):
            with pytest.raises(CommandError, match="no broker"):
                await followed.say(BEN, said.Acknowledge(by="anna"))
        assert replace(without_broker, trouble=None).why_mute

    asyncio.run(check())
