"""A whole house: virtual sensor, service, broker and a helper's MQTT client, all of them real."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from detector.cli.night.simulated import simulated_sensor
from detector.config import Settings, read_configuration
from detector.events import Event, Origin, to_json
from detector.mqtt.properties import Received
from detector.night.outcome import Outcome
from detector.service.assembly import Assembly, assembled
from detector.service.presentation.news import News
from detector.status import Status

from ..kit.brokers import MISSING, MOSQUITTO, overhearing
from ..kit.tools import lacking


@dataclass
class House:
    """What came of one night."""

    news: list[tuple[float, News]] = field(default_factory=list)  # loop time, news
    heard: list[tuple[str, bytes]] = field(default_factory=list)  # topic, payload over MQTT
    recording: Path | None = None
    state: Path | None = None
    samples: int = 0
    sessions: int = 0
    gaps: int = 0
    rate_hz: float | None = None
    topics: Any = None

    @property
    def events(self) -> list[Event]:
        return [e for _, told in self.news if isinstance(told, Outcome) for e in told.events]

    @property
    def log(self) -> list[str]:
        return [to_json(event) for event in self.events]

    def events_heard(self) -> list[dict[str, Any]]:
        return [json.loads(body) for topic, body in self.heard if topic.endswith("/event")]

    def statuses(self) -> list[tuple[float, Status]]:
        return [(at, news) for at, news in self.news if isinstance(news, Status)]


@asynccontextmanager
async def open_house(
    settings: Settings,
    trace: Path,
    tell: Callable[[News], None],
    speed: float = 60.0,
    *,
    free_port: bool = True,
) -> AsyncIterator[Assembly]:
    """A house in which a virtual sensor will play this trace to its end, and nobody listens."""
    async with (
        simulated_sensor(trace, speed=speed) as sensor,
        assembled(
            settings,
            sources=[sensor.source],
            origin=Origin.SIMULATED,
            clock=sensor.clock,
            tell=tell,
            pace=speed,
            free_port=free_port,
        ) as made,
    ):
        ended = asyncio.ensure_future(sensor.air.wait())
        ended.add_done_callback(lambda _: asyncio.ensure_future(made.service.stop()))
        yield made


async def live_through(
    trace: Path, folder: Path, *, speed: float, broker: str = "embedded", drops: Sequence[str] = ()
) -> House:
    """Watch a virtual sensor play this trace to its end, with a helper listening."""
    house = House()
    configuration = read_configuration(
        environ={}, flags={"data_dir": folder, "mqtt.broker": broker}
    )
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        sensor = await stack.enter_async_context(simulated_sensor(trace, speed=speed, drops=drops))
        made: Assembly = await stack.enter_async_context(
            assembled(
                configuration.settings,
                sources=[sensor.source],
                origin=Origin.SIMULATED,
                clock=sensor.clock,
                tell=lambda news: house.news.append((loop.time(), news)),
                pace=speed,
                free_port=True,
            )
        )
        ended = asyncio.ensure_future(sensor.air.wait())
        ended.add_done_callback(lambda _: asyncio.ensure_future(made.service.stop()))
        assert made.broker.endpoint is not None

        def hear(received: Received) -> None:
            house.heard.append((received.topic, received.payload))

        async with overhearing(made.broker.endpoint, hear, within_s=100):
            await made.service.run()
        house.recording, house.state, house.topics = made.recordings[0], made.state, made.topics
        house.samples, house.gaps = made.night.samples, made.night.gap_count
        house.sessions = sensor.source.status.sessions
        house.rate_hz = made.night.watches[0].clock.rate_hz
    return house


@pytest.fixture
def config_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without anybody's settings in it."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(params=["mosquitto", "embedded"])
def broker(request: pytest.FixtureRequest) -> str:
    if request.param == "mosquitto" and MOSQUITTO is None:
        lacking(MISSING)
    return str(request.param)
