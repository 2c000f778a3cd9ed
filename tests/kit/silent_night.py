"""A live night that watches a sensor which connects, and stays silent for an hour."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from detector.config import read_configuration
from detector.devices.interpreter import Interpreter
from detector.devices.registry import installed
from detector.devices.stream import LinkUp, Reading
from detector.events import Origin
from detector.service.assembly import Assembly, assembled
from detector.sources.clock import HostClock
from detector.sources.replay import ReplaySource

from .waiting import until

HOUR_NS = 3600 * 1_000_000_000


def a_link_that_stays_silent(clock: HostClock) -> list[Reading]:
    """Return the readings of a sensor that connects, sends nothing, and comes again in an hour."""
    link = LinkUp(1, "polar-verity-sense", "C0:5E", "Polar", clock.mono_ns(), clock.utc_ns())
    interpreter = Interpreter(installed())
    later = replace(link, session=2, mono_ns=link.mono_ns + HOUR_NS)
    return [interpreter.feed(link), interpreter.feed(later)]


@asynccontextmanager
async def watching(
    folder: Path, clock: HostClock, *, pace: float = 20.0, **flags: object
) -> AsyncIterator[Assembly]:
    """Provide a night that runs, without a broker; its end is that of a process that was killed."""
    given: dict[str, object] = {"data_dir": folder, "mqtt.broker": "none", "alerts.sound": False}
    given |= {"alerts.self_test": "off", "alerts.wake_for": ["button", "no-signal >= 2min"]}
    settings = read_configuration(environ={}, flags=given | flags).settings
    async with assembled(
        settings,
        sources=[ReplaySource(a_link_that_stays_silent(clock), clock)],
        origin=Origin.LIVE,
        clock=clock,
        tell=lambda _news: None,
        pace=pace,
    ) as made:
        running = asyncio.create_task(made.service.run())
        await until(lambda: made.service.ticks > 1)
        try:
            yield made
        finally:
            running.cancel()
            await asyncio.wait([running])
