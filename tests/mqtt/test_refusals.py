"""A broker that refuses some topics is known before there is an alert to lose."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from detector.mqtt.contract import Leaf
from detector.mqtt.endpoint import Endpoint
from tests.kit.brokers import listening
from tests.kit.waiting import running, until
from tests.mqtt.publishing import LIVE, make_event, make_publisher

Mosquitto = Callable[..., AbstractAsyncContextManager[int]]


@pytest.mark.parametrize(
    ("allowed", "refused"),
    [
        ("topic readwrite sw/#", set()),
        ("topic readwrite home/#", {Leaf.HEALTH, "availability", "state"}),
        (f"topic read sw/#\ntopic write {LIVE}/state", {Leaf.HEALTH, "availability"}),
        (f"topic readwrite sw/#\ntopic deny {LIVE}/event", {Leaf.EVENT}),
    ],
)
def test_what_the_broker_refuses_is_known_at_once_by_topic(
    mosquitto_with: Mosquitto, log: Any, allowed: str, refused: set[str]
) -> None:
    async def check() -> None:
        settings = ("allow_anonymous true", "acl_file {dir}/acl")
        async with mosquitto_with(*settings, files={"acl": f"{allowed}\n"}) as port:
            log.put(make_event(1))
            publisher = make_publisher(Endpoint(port=port), log)
            async with (
                listening(Endpoint(port=port), f"{LIVE}/health") as ear,
                running(publisher.run()),
            ):
                await until(lambda: set(publisher.refusals) >= refused)
                if not refused:
                    await until(lambda: ear.payloads("health"))
        for leaf, why in publisher.refusals.items():
            assert f"does not let us publish {LIVE}/{leaf} (Not authorized)" in why

    asyncio.run(check())
