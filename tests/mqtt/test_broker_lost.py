"""A broker that is away for short times, but often, is an alarm; one that is there is none."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from detector.alerts.conditions import Condition
from detector.alerts.reception import Reception
from detector.mqtt.broker import provide
from detector.service.checks.delivery import BROKER_PATIENCE_S, DeliveryWatch
from tests.kit.brokers import cable_to
from tests.kit.waiting import running, until
from tests.mqtt.publishing import make_publisher, tenfold

ROUNDS = 6


@pytest.mark.parametrize(("away_s", "is_told"), [(20, True), (BROKER_PATIENCE_S // 2, False)])
def test_a_link_that_is_away_for_a_third_of_the_time_is_told_until_it_works_again(
    kind: str, log: Any, away_s: int, is_told: bool
) -> None:
    """Six minutes in which the connection is cut once in each, by a clock that the test advances.

    The broker, the connection and its loss are real.
    """

    async def check() -> None:
        now_s = 1000.0
        seen: dict[str, str | None] = {}

        def pass_time(seconds: float) -> None:
            nonlocal now_s
            for _ in range(round(seconds)):
                now_s += 1.0
                seen.update(watch.troubles())

        async with provide(kind, port=0) as broker, cable_to(broker.endpoint) as cable:
            publisher = make_publisher(cable.endpoint, log, mono_s=lambda: now_s, sleep=tenfold)
            watch = DeliveryWatch(publisher, Reception(), broker, mono_s=lambda: now_s)
            link = publisher.link
            async with running(publisher.run()):
                await until(lambda: link.state.connected)
                told = []
                for _ in range(ROUNDS):
                    pass_time(60 - away_s)
                    cable.cut()
                    await until(lambda: not link.state.connected)
                    pass_time(away_s)
                    assert (seen[Condition.BROKER] is not None) == (away_s > BROKER_PATIENCE_S)
                    told.append(seen[Condition.BROKER_LOST])
                    await until(lambda: link.state.connected)
                assert told[0] is None, "once is no habit"
                assert ("The broker was away for 30 % of 5 min" in str(told[-1])) == is_told
                pass_time(301)
                assert seen[Condition.BROKER_LOST] is None
                assert link.state.connections == ROUNDS + 1

    asyncio.run(check())
