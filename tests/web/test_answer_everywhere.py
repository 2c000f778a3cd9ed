"""One answer reaches every page, receivers, phones and the log within a second, with the name."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from detector.channels import EntryKind
from detector.config import read_configuration
from detector.people.people import Role
from detector.service.presentation.oversight import overseen
from detector.sources.clock import HostClock

from ..kit.brokers import listening, needs_mosquitto
from ..kit.silent_night import watching
from ..kit.waiting import until
from ..push.servers import ntfy
from .followers import Follower, following

WITHIN_S = 1.0
PUBLIC = "https://house.example"
Answers = Callable[[Follower, list[dict[str, Any]]], Awaitable[int]]


async def on_the_page(anna: Follower, _told: list[dict[str, Any]]) -> int:
    [alert] = [each for each in anna.alerts if each["clinical"]]
    return await anna.say("ack", alert=alert["id"])


async def by_the_button(anna: Follower, told: list[dict[str, Any]]) -> int:
    """Answer as ntfy's app does: it reaches the page through something at the public address."""
    path = urlsplit(told[0]["actions"][0]["url"]).path
    headers = {"Host": "house.example"}
    async with (
        aiohttp.ClientSession() as phone,
        phone.post(f"{anna.address}{path}", headers=headers) as answer,
    ):
        return answer.status


@needs_mosquitto
@pytest.mark.parametrize("answers", [on_the_page, by_the_button])
def test_an_answer_is_on_every_page_on_mqtt_on_phones_and_in_the_log(
    tmp_path: Path, answers: Answers
) -> None:
    async def check() -> None:
        people = [
            {"name": name, "url": server.address.replace("bedroom", name)}
            for name in ("anna", "ben")
        ]
        flags = {
            "contact": people,
            "web.public_url": PUBLIC,
            "web.port": 29_377,
            "mqtt.broker": "mosquitto",
        }
        settings = read_configuration(environ={}, flags={"data_dir": tmp_path} | flags).settings
        notes: list[str] = []
        async with (
            watching(tmp_path, HostClock(), **flags) as made,
            overseen(made, settings, tmp_path, HostClock(), note=notes.append, environ={}),
        ):
            (said,) = [note for note in notes if note.startswith("Caregivers' page: ")]
            address = said.split()[2].removesuffix(".")
            assert made.broker.endpoint is not None
            async with (
                listening(made.broker.endpoint, f"{made.topics.base}/#") as ear,
                following(tmp_path, address, "anna") as anna,
                following(tmp_path, address, "sam") as sam,
                following(tmp_path, address, "alex") as alex,
            ):
                pages = (anna, sam, alex)
                await until(lambda: all(page.views for page in pages))
                assert await wearer_calls(tmp_path, address) == 200
                await until(lambda: all(page.alerts for page in pages) and server.taken)
                began_s = asyncio.get_running_loop().time()
                assert await answers(anna, server.taken) == 200
                await until(lambda: len(server.taken) == 2)
                await until(lambda: all(anna_is_on_it(page) for page in pages))
                await until(lambda: "acknowledged" in states(ear.payloads("alert")))
                assert asyncio.get_running_loop().time() - began_s < WITHIN_S
                told = json.loads(ear.payloads("alert")[-1])
                assert (told["state"], told["by"]) == ("acknowledged", "anna")
                assert [each["title"] for each in server.taken] == [
                    "Call for help",
                    "Anna is on it",
                ]
                assert not server.on("ben"), "who was not woken is told of no answer"
                entries = await made.archive.ask(lambda state: state.replay_from(1, 5000))
                said_of = [json.loads(e.body) for e in entries if e.kind is EntryKind.COMMAND]
                assert [(c["command"], c["by"]) for c in said_of] == [
                    ("help", "wearer"),
                    ("ack", "anna"),
                ]

    with ntfy() as server:
        asyncio.run(check())


async def wearer_calls(folder: Path, address: str) -> int:
    async with following(folder, address, "wearer", Role.WEARER) as wearer:
        return await wearer.say("help")


def anna_is_on_it(page: Follower) -> bool:
    return [each["answer"] for each in page.alerts if each["clinical"]] == ["anna is on it."]


def states(payloads: list[str]) -> set[str]:
    return {json.loads(each)["state"] for each in payloads}
