"""A live night that watches a sensor which stays silent, with contacts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from detector.config import read_configuration
from detector.devices.interpreter import Interpreter
from detector.devices.registry import installed
from detector.devices.stream import LinkUp
from detector.events import Origin
from detector.service.assembly import Assembly, assembled
from detector.sources.clock import HostClock
from detector.sources.replay import ReplaySource

from ..kit.waiting import until

HOUR_NS = 3600 * 1_000_000_000
PACE = 20.0


@asynccontextmanager
async def watching(folder: Path, **flags: object) -> AsyncIterator[Assembly]:
    """Provide a night that runs, without a broker and without a sound of its own."""
    given: dict[str, object] = {"data_dir": folder, "mqtt.broker": "none", "alerts.sound": False}
    given |= {"alerts.self_test": "off", "alerts.wake_for": ["button", "no-signal >= 2min"]}
    settings = read_configuration(environ={}, flags=given | flags).settings
    clock, interpreter = HostClock(), Interpreter(installed())
    link = LinkUp(1, "polar-verity-sense", "C0:5E", "Polar", clock.mono_ns(), clock.utc_ns())
    later = replace(link, session=2, mono_ns=link.mono_ns + HOUR_NS)
    silent = [interpreter.feed(link), interpreter.feed(later)]
    async with assembled(
        settings,
        sources=[ReplaySource(silent, clock)],
        origin=Origin.LIVE,
        clock=clock,
        tell=lambda _news: None,
        pace=PACE,
    ) as made:
        running = asyncio.create_task(made.service.run())
        await until(lambda: made.service.ticks > 1)
        try:
            yield made
        finally:
            running.cancel()
            await asyncio.wait([running])
