"""Laws of the blueprint within a real Home Assistant, for `make test-ha`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from detector.alert import AlertState
from detector.alerts.commands import Acknowledge, Command
from detector.mqtt.contract import Availability
from detector.status import Snapshot, StateWord, Status

from ...kit.waiting import running, until
from .house import Broker, alert_of, household, ours, publisher_of

WATCHING = Status(StateWord.WATCHING)


def test_the_blueprint_repeats_until_somebody_is_on_it_and_clears_every_phone(
    tmp_path: Path, broker: Broker, log: Any
) -> None:
    watching = Status(StateWord.WATCHING)
    obeyed: list[Command] = []

    async def check() -> None:
        async with broker as endpoint, household(tmp_path, endpoint) as home:
            publisher = publisher_of(endpoint, log, obeyed.append)
            async with running(publisher.run(), within_s=110):
                await home.until_whole()
                await home.until("open_alert", "off")
                await home.until("watching", "on")
                phones = [
                    await home.process.ask("phone", name=name, service=f"mobile_app_{name.lower()}")
                    for name in ("Anna", "Ben")
                ]
                for service in ("tts.speak", "light.turn_on", "light.turn_off"):
                    domain, _, name = service.partition(".")
                    await home.process.ask("hear", domain=domain, service=name)
                await home.process.ask("set", entity="tts.voice", state="unknown")
                assert await home.process.ask(
                    "automate",
                    inputs={
                        "open_alert": home.ids["open_alert"],
                        "watching": home.ids["watching"],
                        "phones": phones,
                        "repeat": 0.05,  # of a minute
                        "speaker": "media_player.kitchen",
                        "light": "light.kitchen",
                    },
                )
                raised = alert_of(AlertState.RAISED)
                publisher.show(Snapshot(status=watching, open_alerts=(raised,)))
                await home.until("open_alert", "on")
                first = await home.called(6)
                assert [each["service"] for each in first[:4]] == [
                    *("light.turn_on", "notify.mobile_app_anna"),
                    *("notify.mobile_app_ben", "tts.speak"),
                ]
                told = first[1]["data"]
                assert (told["title"], told["message"]) == ("Night sensor (bedroom)", raised.reason)
                assert told["data"]["push"]["sound"]["critical"] == 1
                assert first[3]["data"]["message"] == raised.reason
                acts = [each["action"] for each in told["data"]["actions"]]
                assert [each.rpartition("_")[2] for each in acts] == ["ack", "snooze", "pause"]
                await home.called(9)  # told again

                # Pressed, but without effect: they are told again.
                await home.process.ask(
                    "event", kind="mobile_app_notification_action", data={"action": acts[0]}
                )
                await until(lambda: obeyed)
                assert obeyed == [Acknowledge(by="home-assistant")]
                again = len(await home.process.ask("calls")) + 3
                await home.called(again)

                handled = alert_of(AlertState.ACKNOWLEDGED, by="anna")
                publisher.show(Snapshot(status=watching, open_alerts=(handled,)))
                await home.until("open_alert", "off")
                await asyncio.sleep(1)
                calls = await home.process.ask("calls")
                last = calls[-3:]
                assert [each["service"] for each in last] == [
                    *("notify.mobile_app_anna", "notify.mobile_app_ben", "light.turn_off")
                ]
                assert last[0]["data"]["message"] == "clear_notification"
                assert last[0]["data"]["data"]["tag"] == told["data"]["tag"]
                await asyncio.sleep(4)
                assert len(await home.process.ask("calls")) == len(calls)
                assert ours(await home.process.ask("log")) == []

    asyncio.run(check())


@pytest.mark.parametrize("ending", [Availability.OFFLINE, Availability.STOPPED])
def test_a_service_that_is_gone_wakes_people_unless_a_person_stopped_it(
    tmp_path: Path, broker: Broker, log: Any, ending: Availability
) -> None:
    async def check() -> None:
        async with broker as endpoint, household(tmp_path, endpoint) as home:
            publisher = publisher_of(endpoint, log)
            async with running(publisher.run()):
                await home.until_whole()
                await home.until("watching", "on")
                phone = await home.process.ask("phone", name="Anna", service="mobile_app_anna")
                inputs = {key: home.ids[key] for key in ("open_alert", "watching")}
                made = {**inputs, "phones": [phone], "repeat": 0.05}
                assert await home.process.ask("automate", inputs=made)
                publisher.closing_availability = ending
            await home.until("watching", "off")
            if ending is Availability.STOPPED:
                await asyncio.sleep(6)
                assert await home.process.ask("calls") == []
                return
            told = (await home.called(2))[0]["data"]  # and again
            assert told["message"] == "No signal: nobody is watching"
            assert told["data"]["push"]["sound"]["critical"] == 1
            (action,) = [each["action"] for each in told["data"]["actions"]]
            await home.process.ask(
                "event", kind="mobile_app_notification_action", data={"action": action}
            )
            await asyncio.sleep(1)
            calls = await home.process.ask("calls")
            assert calls[-1]["data"]["message"] == "clear_notification"
            await asyncio.sleep(5)
            assert await home.process.ask("calls") == calls
            assert ours(await home.process.ask("log")) == []

    asyncio.run(check())
