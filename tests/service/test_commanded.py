"""Two caregivers at a whole house: one answers, the other is told, and both can look."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np

from detector.alert import AlertState
from detector.alerts import commands as said
from detector.channels import EntryKind
from detector.config import read_configuration
from detector.mqtt import commands
from detector.mqtt.contract import Command, Leaf, Message
from detector.receiver import Answer, OpenAlerts, ReceivedEntry
from detector.status import StateWord
from firmware_sim.motion.scenarios import scenario

from ..kit.brokers import listening
from ..kit.caregiver import Caregiver
from ..kit.traces import save
from ..kit.waiting import running, until
from ..mqtt.publishing import SCHEMAS
from .conftest import open_house

SPEED = 10.0


def states(caregiver: Caregiver) -> list[tuple[str, str | None]]:
    """Return the states of spasms' alerts that a receiver was told, and who made them so."""
    return [
        (fields["state"], fields["by"])
        for fields in caregiver.told
        if "class" in fields and fields["class"] == "clinical"
    ]


def latest_open(caregiver: Caregiver) -> list[Any]:
    snapshots = [each for each in caregiver.news if isinstance(each, OpenAlerts)]
    return [alert["state"] for alert in snapshots[-1].alerts] if snapshots else []


def test_an_answer_of_one_caregiver_reaches_the_log_and_the_other(
    broker: str, config_home: Path
) -> None:
    trace = scenario("clonus", seed=5, fs=52.0, duration_s=600)
    path = save(config_home / "clonus.npz", np.round(trace.samples, 3), 52.0)
    settings = read_configuration(
        environ={},
        flags={
            "data_dir": config_home / "data",
            "mqtt.broker": broker,
            "alerts.wake_for": ["1 spasms in 10min"],
        },
    ).settings

    async def night() -> list[tuple[EntryKind, dict[str, Any]]]:
        async with open_house(settings, path, lambda _news: None, SPEED) as made:
            endpoint = made.broker.endpoint
            assert endpoint is not None
            anna, ben = (Caregiver(endpoint, made.topics, name) for name in ("anna", "ben"))
            async with (
                running(made.service.run(), anna.listener.run(), ben.listener.run()),
                listening(endpoint, f"{made.topics.base}/+") as ear,
            ):
                await until(lambda: states(anna) and states(ben))
                anna.listener.acknowledge()
                acknowledged = (AlertState.ACKNOWLEDGED.value, "anna")
                await until(lambda: acknowledged in states(ben))
                await until(lambda: AlertState.ACKNOWLEDGED.value in latest_open(ben))
                ben.listener.note("turned on the left side", said.NoteKind.STRETCH)
                ben.listener.snooze(30, "0" * 20)  # there is no such alert
                ben.listener.pause(5)
                await until(lambda: ben.listener.receiver.state.word is StateWord.PAUSED)
                anna.listener.resume()
                await until(lambda: anna.listener.receiver.state.word is not StateWord.PAUSED)
                await until(lambda: sum(isinstance(n, Answer) for n in ben.news) == 3)
                why = [n.why for n in ben.news if isinstance(n, Answer)]
                assert [each is None for each in why] == [True, False, True]

                topic = made.topics.command(Command.LIVE)
                assert not ear.payloads(Leaf.LIVE)
                await ear.link.publish(Message(topic, commands.live("ben", 30), expiry_s=60))
                await until(lambda: len(ear.payloads(Leaf.LIVE)) >= 2)
                live = [json.loads(payload) for payload in ear.payloads(Leaf.LIVE)]
                entries = await made.archive.ask(lambda state: state.replay_from(1))
                heard = [n for n in ben.news if isinstance(n, ReceivedEntry)]
                assert {entry.leaf for entry in heard} <= {Leaf.EVENT, Leaf.ALERT}
                await made.service.stop()
        for each in live:
            SCHEMAS["live"].validate(each)
            (sensor,) = each["sensors"]
            assert sensor["sensor"] == made.night.watches[0].label
            assert sensor["moved_g"]
        return [(entry.kind, json.loads(entry.body)) for entry in entries]

    entries = asyncio.run(night())
    spoken = [
        (kind, fields["command"], fields["by"])
        for kind, fields in entries
        if kind in (EntryKind.COMMAND, EntryKind.NOTE)
    ]
    assert spoken == [
        (EntryKind.COMMAND, "ack", "anna"),
        (EntryKind.NOTE, "note", "ben"),
        (EntryKind.COMMAND, "pause", "ben"),
        (EntryKind.COMMAND, "resume", "anna"),
    ]
