"""A check of the monitoring that raises keeps nothing else from being checked, told or saved."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from detector.alerts.conditions import Condition
from detector.config import read_configuration
from detector.events import Origin
from detector.night.outcome import Outcome
from detector.service.assembly import assembled
from detector.service.checks.clock_check import ClockCheck
from detector.service.checks.disk_space import DiskSpace
from detector.service.checks.troubles import CALM_S, Troubles
from detector.service.presentation.news import News
from detector.sources.clock import ScaledClock
from detector.sources.replay import ReplaySource

SPEED = 100.0


class CheckError(RuntimeError):
    """What no code of ours expects."""


def test_a_check_that_always_raises_is_told_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raising(_: object) -> Mapping[str, str | None]:
        raise CheckError

    monkeypatch.setattr(ClockCheck, "troubles", raising)  # it comes before the disk's
    monkeypatch.setattr(DiskSpace, "troubles", lambda _: {Condition.DISK_LOW: "there is no room"})
    news: list[News] = []
    clock = ScaledClock(SPEED)

    async def night() -> None:
        flags = {"data_dir": tmp_path, "mqtt.broker": "none"}
        async with assembled(
            read_configuration(environ={}, flags=flags).settings,
            sources=[ReplaySource([], clock)],
            origin=Origin.SIMULATED,
            clock=clock,
            tell=news.append,
            pace=SPEED,
        ) as made:
            made.service._tick()
            assert made.service.ticks == 1

    asyncio.run(night())
    kinds = [alert.kind for told in news if isinstance(told, Outcome) for alert in told.alerts]
    assert {Condition.DISK_LOW, Condition.INTERNAL_FAULT} <= set(kinds)


def test_what_does_not_hold_now_is_absent_until_it_is_over_or_back() -> None:
    troubles = Troubles()
    for at_s, why, begins_or_ends, absent in (
        (0, None, False, set()),
        (1, "gone", True, set()),
        (2, None, False, {Condition.BROKER}),
        (3, "gone", False, set()),
        (4, None, False, {Condition.BROKER}),
        (3 + CALM_S, None, True, set()),
    ):
        assert troubles.note(Condition.BROKER, why, round(at_s * 1e9)) is begins_or_ends
        assert troubles.absent == absent
