"""A whole night pushes: settings, service, log and server, assembled as `run` does."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from detector.alerts.commands import Acknowledge, CallForHelp
from detector.alerts.conditions import Condition
from detector.push.tokens import verify_token
from detector.sources.clock import HostClock

from ..kit.silent_night import watching
from ..kit.waiting import until
from .servers import FakeNtfy, closed_port, ntfy


def contact(name: str, address: str) -> dict[str, Any]:
    return {"name": name, "url": address}


def titles(server: FakeNtfy) -> list[str]:
    return [each["title"] for each in server.taken]


def test_a_call_for_help_rings_and_an_answer_on_any_screen_is_told_to_the_phone(
    tmp_path: Path,
) -> None:
    async def night() -> None:
        flags = {
            "contact": [contact("anna", server.address)],
            "web.public_url": "https://house.example",
        }
        async with watching(tmp_path, HostClock(), **flags) as made:
            assert made.push is not None
            made.service.obey(CallForHelp(by="wearer"))
            await until(lambda: server.taken)
            made.service.obey(Acknowledge(by="ben"))
            await until(lambda: len(server.taken) == 2)
            assert made.reception.waiting == (), "a phone was told"

    with ntfy() as server:
        asyncio.run(night())
    assert titles(server) == ["Call for help", "Ben is on it"]
    address = server.taken[0]["actions"][0]["url"]
    token = address.removeprefix("https://house.example/push/ack/")
    at_s = (tmp_path / "state.sqlite").stat().st_mtime
    assert verify_token((tmp_path / "push.key").read_bytes(), token, at_s).contact == "anna"


def test_where_no_phone_answers_everybody_is_told_and_an_alert_says_which_and_why(
    tmp_path: Path,
) -> None:
    async def night() -> None:
        people = [contact("anna", f"ntfy://127.0.0.1:{closed_port()}/x")]
        people.append(contact("ben", server.address))
        async with watching(tmp_path, HostClock(), contact=people) as made:
            made.service.obey(CallForHelp(by="wearer"))
            assert made.push is not None
            await until(lambda: server.taken, 40)
            assert server.taken[0]["message"].endswith("Nobody has answered.")
            push = made.push
            [anna, _] = push.workers
            assert anna.health.failing_since_s is not None
            anna.health.failing_since_s -= 60
            troubled = lambda: [  # noqa: E731
                a for a in made.night.open_alerts if a.kind == Condition.PUSH_FAILED
            ]
            await until(troubled)
            [alert] = troubled()
            assert "anna (its server does not answer)" in alert.reason

    with ntfy() as server:
        asyncio.run(night())


def test_a_night_without_contacts_pushes_nothing_and_has_no_channel(tmp_path: Path) -> None:
    async def night() -> None:
        async with watching(tmp_path, HostClock()) as made:
            assert made.push is None

    asyncio.run(night())
    assert not {"push.key", "drills.json"} & {path.name for path in tmp_path.iterdir()}
