"""What those outside cannot see of the service is a technical alarm of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path

from detector.alerts.conditions import Condition
from detector.config import read_configuration
from detector.events import Origin
from detector.night.outcome import Outcome
from detector.service.assembly import assembled
from detector.service.presentation.news import News
from detector.service.presentation.oversight import overseen
from detector.sources.clock import ScaledClock
from detector.sources.replay import ReplaySource
from detector.supervision.heartbeat import heartbeat_path
from detector.words.alerts import alert_line


def test_that_no_heartbeat_can_be_written_is_an_alert_with_the_place(tmp_path: Path) -> None:
    news: list[News] = []
    clock = ScaledClock(1.0)
    environ = {"XDG_RUNTIME_DIR": str(tmp_path)}
    place = heartbeat_path(tmp_path, environ)
    place.mkdir(parents=True)

    async def night() -> None:
        flags = {"data_dir": tmp_path, "mqtt.broker": "none", "web.enabled": False}
        settings = read_configuration(environ={}, flags=flags).settings
        async with (
            assembled(
                settings,
                sources=[ReplaySource([], clock)],
                origin=Origin.REPLAY,
                clock=clock,
                tell=news.append,
            ) as made,
            overseen(made, settings, tmp_path, clock, note=lambda _: None, environ=environ),
        ):
            made.service._tick()

    asyncio.run(night())
    alerts = [alert for told in news if isinstance(told, Outcome) for alert in told.alerts]
    (about,) = [alert for alert in alerts if alert.kind == Condition.HEARTBEAT]
    line = alert_line(about)
    assert "The watchdog is blind: no heartbeat" in line
    assert str(place) in line
