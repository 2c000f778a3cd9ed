"""Driving a real Home Assistant, which runs in a Python of its own."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from detector.mqtt.contract import Message
from detector.mqtt.endpoint import Endpoint
from detector.mqtt.home_assistant import blueprint
from detector.mqtt.link import Link
from detector.mqtt.properties import Received

from ...kit.brokers import free_port, overhearing

PYTHON = Path(os.environ.get("SPASMWATCH_HA_PYTHON", ".venv-ha/bin/python"))
DEVICES_SINCE = (2024, 11)  # Home Assistant knows device discovery
START_S = 90.0  # it takes five on an idle machine
LOOK_S = 0.1


@dataclass
class HomeAssistantProcess:
    """A running Home Assistant."""

    process: asyncio.subprocess.Process
    version: tuple[int, int] = (0, 0)

    async def ask(self, do: str, **said: Any) -> Any:
        """Have something done or said there."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"do": do, **said}).encode() + b"\n")
        line = await asyncio.wait_for(self.process.stdout.readline(), 60)
        assert line, "Home Assistant has ended"
        return json.loads(line)

    async def state(self, entity: str) -> str | None:
        """Return the state of an entity; None where there is no such."""
        found = (await self.ask("states")).get(entity)
        return None if found is None else str(found["state"])

    async def attributes(self, entity: str) -> dict[str, Any]:
        """Return the attributes of an entity."""
        return dict((await self.ask("states"))[entity]["attributes"])

    async def until(
        self, true: Callable[[dict[str, Any]], object], within_s: float = 60.0
    ) -> dict[str, Any]:
        """Look at all states until something is true of them; return them."""
        found: dict[str, Any] = {}
        for _ in range(round(within_s / LOOK_S)):
            if true(found := await self.ask("states")):
                return found
            await asyncio.sleep(LOOK_S)
        states = {entity: each["state"] for entity, each in found.items()}
        pytest.fail(f"{states}\n{await self.ask('log')}")


@asynccontextmanager
async def home_assistant(folder: Path, endpoint: Endpoint) -> AsyncIterator[HomeAssistantProcess]:
    """Run Home Assistant, in a folder that it finds again when it is run there later.

    Its blueprint waits for two seconds where ours waits for a minute.
    """
    folder.mkdir(exist_ok=True)
    place = folder / "blueprints/automation/spasmwatch"
    place.mkdir(parents=True, exist_ok=True)
    text = blueprint.text()
    for minute in ('for: "00:01:00"', "> 59"):
        assert minute in text
    soon = text.replace('for: "00:01:00"', 'for: "00:00:02"').replace("> 59", "> 1")
    (place / "night_alerts.yaml").write_text(soon, encoding="utf-8")
    broker: dict[str, Any] = {"broker": endpoint.host, "port": endpoint.port, "discovery": True}
    if endpoint.username is not None:
        broker |= {"username": endpoint.username, "password": endpoint.password}
    process = await asyncio.create_subprocess_exec(
        str(PYTHON),
        str(Path(__file__).with_name("household.py")),
        str(folder),
        json.dumps({"broker": broker, "http_port": free_port()}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**24,
    )
    try:
        assert process.stdout is not None
        said = json.loads(await asyncio.wait_for(process.stdout.readline(), START_S))
        year, month = said["version"].split(".")[:2]
        yield HomeAssistantProcess(process, (int(year), int(month)))
        assert process.stdin is not None
        process.stdin.close()  # it ends as when a person stops it, and keeps its states
        await asyncio.wait_for(process.wait(), 60)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@asynccontextmanager
async def discovering(endpoint: Endpoint, version: tuple[int, int]) -> AsyncIterator[None]:
    """Have an older Home Assistant discover devices, too.

    Each component of a device is published as a discovery of its own, with what it has in common
    with the others, as newer ones do within.
    """
    if version >= DEVICES_SINCE:
        yield
        return
    known: dict[str, list[str]] = {}
    waiting: asyncio.Queue[Received] = asyncio.Queue()

    async def pass_on(link: Link) -> None:
        while True:
            received = await waiting.get()
            found = components(received.payload, node := received.topic.split("/")[-2])
            for topic in known.get(node, []):
                if topic not in found:
                    await link.publish(Message(topic, "", retain=True))
            for topic, text in found.items():
                await link.publish(Message(topic, text, retain=True))
            known[node] = list(found)

    def take(received: Received) -> None:
        waiting.put_nowait(received)

    async with overhearing(endpoint, take, "homeassistant/device/+/config") as link:
        passing = asyncio.create_task(pass_on(link))
        try:
            yield
        finally:
            passing.cancel()


def components(payload: bytes, node: str) -> dict[str, str]:
    """Return a device discovery as discoveries of single components, by topic."""
    if not payload:
        return {}
    said = json.loads(payload)
    shared = {"device": said["dev"], "origin": said["o"], "availability": said["availability"]}
    return {
        f"homeassistant/{component['platform']}/{node}/{key}/config": json.dumps(shared | component)
        for key, component in said["cmps"].items()
    }
