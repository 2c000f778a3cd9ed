"""One episode, one notification: events through the real policy, response, log and server."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from detector.alerts.commands import Acknowledge, LabelEvent, SaidKind
from detector.alerts.moments import Now
from detector.alerts.policy import Policy
from detector.alerts.response import AlertResponse
from detector.alerts.rules import DEFAULT_RULES, parse_rules
from detector.events import Event, Kind, Phase
from detector.push.recipients import Contact

from .alerts import NIGHT
from .house import HandClock, House, house
from .servers import FakeNtfy, ntfy

SPASMS, APART_S = 40, 20.0


class Alarms:
    """The policy and the response of a night, at the pace of its events."""

    def __init__(self, here: House) -> None:
        self.here = here
        self.policy = Policy(parse_rules(DEFAULT_RULES), wearer="k3vq7m2xta")
        self.response = AlertResponse(wearer="k3vq7m2xta")
        self.began_s = here.clock.now_s

    def now(self) -> Now:
        clock = self.here.clock
        mono_ns = round(clock.now_s * 1e9)
        return Now(event_s=clock.now_s - self.began_s, mono_ns=mono_ns, utc=clock.utc)

    async def tick(self) -> None:
        now, unreachable = self.now(), self.here.channel.unreachable
        told = self.response.hear(self.policy.tick(now), now.mono_ns)
        utc = self.here.clock.utc
        told += self.response.tick(
            self.policy.open_alerts, now.mono_ns, utc, unreachable=unreachable
        )
        await self.here.commit(*told)

    async def spasm(self, number: int) -> None:
        now = self.now()
        onset_s = now.event_s - 3.0
        event = Event(
            id=f"s{number}",
            kind=Kind.SPASM,
            phase=Phase.END,
            onset_s=onset_s,
            duration_s=2.0,
            onset=NIGHT + timedelta(seconds=onset_s),
            end=NIGHT + timedelta(seconds=onset_s + 2),
            confidence=0.9,
            episode="e",
            sensor="right-calf",
        )
        told = self.response.hear(self.policy.observe(event, now), now.mono_ns)
        await self.here.commit(*told, events=(event,))


def words(server: FakeNtfy, topic: str) -> list[str]:
    return [each["title"] for each in server.on(topic)]


@pytest.mark.parametrize("answered", [True, False])
def test_forty_spasms_are_one_notification_to_each_who_is_told(
    tmp_path: Path, answered: bool
) -> None:
    async def night() -> None:
        people = {Contact(n): server.address.replace("bedroom", n) for n in ("anna", "ben", "carl")}
        async with house(tmp_path, people, HandClock()) as here:
            alarms = Alarms(here)
            for number in range(SPASMS):
                for _ in range(round(APART_S / 5)):
                    here.clock.advance(5.0)
                    await alarms.tick()
                await alarms.spasm(number)
                await here.idle("anna", "ben", "carl")
                if answered and number == 6:
                    now = alarms.now()
                    on_it = Acknowledge(by="anna")
                    utc = here.clock.utc
                    await here.commit(*alarms.response.obey(on_it, now.mono_ns, utc))
            for _ in range(800 // 5):
                here.clock.advance(5.0)
                await alarms.tick()
            await here.idle("anna", "ben", "carl")

    with ntfy() as server:
        asyncio.run(night())
    if answered:
        assert words(server, "anna") == ["Movement alert", "Anna is on it", "All clear"]
        assert words(server, "ben") == words(server, "carl") == []
    else:
        for name in ("anna", "ben", "carl"):
            assert words(server, name) == ["Movement alert", "All clear"]
        [alarm, _] = server.on("ben")
        assert alarm["message"].endswith("Nobody has answered.")
        assert "right calf" in alarm["message"]


def test_not_a_spasm_is_told_to_those_who_were_woken_and_nothing_more(tmp_path: Path) -> None:
    async def night() -> None:
        async with house(tmp_path, {Contact("anna"): server.address}) as here:
            alarms = Alarms(here)
            for number in range(3):
                here.clock.advance(20.0)
                await alarms.spasm(number)
            await here.idle("anna")
            [alert] = alarms.policy.open_alerts
            none = LabelEvent(by="ben", event="s2", verdict=SaidKind.NOT_A_SPASM, alert=alert.id)
            now = alarms.now()
            await here.commit(*alarms.response.obey(none, now.mono_ns, here.clock.utc))
            for _ in range(800 // 5):
                here.clock.advance(5.0)
                await alarms.tick()
            await here.idle("anna")

    with ntfy() as server:
        asyncio.run(night())
    assert words(server, "bedroom") == ["Movement alert", "False alarm, sorry"]
