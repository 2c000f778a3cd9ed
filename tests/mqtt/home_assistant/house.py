"""A night's entities in a real Home Assistant, and what a test needs to have some."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detector.alert import Alert, AlertClass, AlertState, Level
from detector.alerts.commands import Command
from detector.config import Settings, read_configuration
from detector.events import Origin
from detector.mqtt.contract import Topics
from detector.mqtt.endpoint import Endpoint
from detector.mqtt.home_assistant.discovery import NightDevice, payload
from detector.mqtt.home_assistant.serving import HomeAssistant
from detector.mqtt.publisher import Publisher

from ...kit.traces import save
from ..publishing import NIGHT, WEARER, make_publisher
from .household_client import HomeAssistantProcess, discovering, home_assistant

Broker = AbstractAsyncContextManager[Endpoint]
FS = 50
OF_OLDER = (
    # Of 2024.3.3: it knows no device discovery, and no *unknown* of a timestamp.
    "Integration device is not supported",
    "Invalid state message",
)
TOPICS = Topics(wearer=WEARER)
DEVICE = NightDevice(topics=TOPICS, label="bedroom", commands=True)


class Home:
    """A Home Assistant with a night's entities, by their keys in the discovery."""

    def __init__(self, process: HomeAssistantProcess, device: NightDevice) -> None:
        self.process = process
        self.device = device
        self.wanted = payload(device)["cmps"]
        self.ids: dict[str, str] = {}

    async def found(self) -> dict[str, bool]:
        """Return which entities there are, and which of them are disabled."""
        listed = await self.process.ask("entities")
        start = f"{self.device.node}_"
        mine = [each for each in listed if each["unique_id"].startswith(start)]
        self.ids = {each["unique_id"].removeprefix(start): each["entity"] for each in mine}
        return {each["unique_id"].removeprefix(start): each["disabled"] for each in mine}

    async def until_whole(self) -> None:
        """Wait for every entity, and none that is not ours."""
        for _ in range(200):
            if (await self.found()).keys() == self.wanted.keys():
                return
            await asyncio.sleep(0.1)
        missing = self.wanted.keys() ^ (await self.found()).keys()
        pytest.fail(f"{missing}: {await self.process.ask('log')}")

    async def until_none(self) -> None:
        """Wait until nothing of ours is left."""
        async with asyncio.timeout(20):
            while await self.found():
                await asyncio.sleep(0.1)

    async def until(self, key: str, *states: str, within_s: float = 60.0) -> dict[str, Any]:
        """Wait until an entity has one of these states; return its attributes."""
        entity = self.ids[key]

        def true(found: dict[str, Any]) -> bool:
            return entity in found and found[entity]["state"] in states

        found = await self.process.until(true, within_s)
        return dict(found[entity]["attributes"])

    async def state(self, key: str) -> str | None:
        """Return the state of an entity."""
        return await self.process.state(self.ids[key])

    async def called(self, at_least: int) -> list[dict[str, Any]]:
        """Wait for so many calls of other services; return all."""
        for _ in range(300):
            if len(calls := await self.process.ask("calls")) >= at_least:
                return list(calls)
            await asyncio.sleep(0.1)
        pytest.fail(f"{calls}: {await self.process.ask('log')}")

    async def fired(self, key: str) -> list[dict[str, Any]]:
        """Return how often an event entity fired, with what."""
        return [
            each["attributes"]
            for each in await self.process.ask("fired")
            if each["entity"] == self.ids[key]
        ]


@asynccontextmanager
async def household(
    folder: Path, endpoint: Endpoint, device: NightDevice = DEVICE
) -> AsyncIterator[Home]:
    """Run a Home Assistant; older ones with a translator of device discovery beside them."""
    async with (
        home_assistant(folder / "ha", endpoint) as process,
        discovering(endpoint, process.version),
    ):
        yield Home(process, device)


def publisher_of(
    endpoint: Endpoint, log: Any, obey: Callable[[Command], None] = lambda _: None
) -> Publisher:
    return make_publisher(endpoint, log, home_assistant=HomeAssistant(DEVICE, obey=obey))


def settings_of(folder: Path, endpoint: Endpoint, **more: object) -> Settings:
    """Return the settings of a night that Home Assistant is told of."""
    flags: dict[str, object] = {
        "data_dir": folder / "data",
        "mqtt.broker": f"mqtt://127.0.0.1:{endpoint.port}",
        "mqtt.home_assistant": True,
    }
    return read_configuration(environ={}, flags=flags | more).settings


def alert_of(state: AlertState, **changes: Any) -> Alert:
    """Return a clinical alert that wakes somebody."""
    values: dict[str, Any] = {
        "id": f"alert-{changes.get('kind', 'clonus')}",
        "state": state,
        "alert_class": AlertClass.CLINICAL,
        "level": Level.HIGH,
        "kind": "clonus",
        "reason": "3 likely spasms within 10 min",
        "raised_at": NIGHT,
        "at": NIGHT,
        "source": Origin.LIVE,
        "wearer": WEARER,
    }
    return Alert(**(values | changes))


def trace_with_a_clonus(folder: Path, clonus_s: float) -> Path:
    t = np.arange(round((60 + clonus_s) * FS)) / FS
    a = np.random.default_rng(0).normal(0, 0.002, (len(t), 3)) + np.array([0.02, -0.1, 0.99])
    during = (t >= 30) & (t < 30 + clonus_s)
    a[during, 0] += 0.35 * np.sign(np.sin(2 * np.pi * 6 * (t[during] - 30)))
    return save(folder / "clonus.npz", a, FS)


def ours(lines: list[str]) -> list[str]:
    """Return what Home Assistant warns of because of us."""
    found = [line for line in lines if any(word in line for word in ("mqtt", "template", "script"))]
    return [line for line in found if not any(known in line for known in OF_OLDER)]
