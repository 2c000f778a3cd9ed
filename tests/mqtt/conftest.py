"""Real brokers on loopback, a cable that can be cut, the real log, and events to send."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from detector.channels import Entry, RefusedEntry
from detector.events import Event, Kind, Origin, Phase, event_id
from detector.mqtt import contract
from detector.mqtt.broker_process import SBIN
from detector.mqtt.endpoint import Endpoint
from detector.mqtt.link import Link
from detector.mqtt.session import Received
from detector.store.state import State, StateError

WEARER = "k3vq7m2xta"
MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:{SBIN}")


@pytest.fixture
def mosquitto() -> str:
    """Path of the real mosquitto."""
    if MOSQUITTO is None:
        reason = "mosquitto is not installed (apt install mosquitto)"
        if os.environ.get("SPASMWATCH_NOTHING_SKIPPED"):
            pytest.fail(reason)
        pytest.skip(reason)
    return MOSQUITTO


@pytest.fixture(params=["mosquitto", "embedded"])
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of broker we can start."""
    if request.param == "mosquitto":
        request.getfixturevalue("mosquitto")
    return str(request.param)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody returns ten times sooner than in a house."""
    monkeypatch.setattr("detector.mqtt.link.RETRY_FIRST_S", 0.025)
    monkeypatch.setattr("detector.mqtt.link.RETRY_MOST_S", 0.2)
    monkeypatch.setattr("detector.mqtt.link.RETRY_TAKEN_S", 0.2)
    monkeypatch.setattr("detector.mqtt.broker.RESTART_FIRST_S", 0.01)
    monkeypatch.setattr("detector.mqtt.broker.RESTART_MOST_S", 0.05)


@asynccontextmanager
async def running(*runs: Awaitable[Any]) -> AsyncIterator[None]:
    """Run these beside the block, and end them with it; their errors are ours."""
    tasks = [asyncio.ensure_future(run) for run in runs]
    try:
        async with asyncio.timeout(60):
            yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error


async def until(true: Callable[[], object], within_s: float = 60.0) -> None:
    """Wait for what others do."""
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(0.005)


@dataclass
class Ear:
    """A second client that hears a filter and keeps what it heard."""

    link: Link
    heard: list[Received] = field(default_factory=list)

    def topics(self) -> list[str]:
        return [received.topic for received in self.heard]

    def payloads(self, leaf: str) -> list[str]:
        return [r.payload.decode() for r in self.heard if r.topic.endswith(f"/{leaf}")]


@asynccontextmanager
async def listening(endpoint: Endpoint, topic_filter: str) -> AsyncIterator[Ear]:
    """Have an ear that is already subscribed."""
    ear = Ear(Link(endpoint, f"ear-{os.urandom(4).hex()}"))
    async with running(ear.link.run()):
        await asyncio.wait_for(ear.link.connected(), 60)
        await ear.link.subscribe(topic_filter, ear.heard.append, most_bytes=contract.PAYLOAD_MOST)
        yield ear


class StoredLog:
    """The real store, in the test's own thread; `broken` makes its disk fail."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.broken = False

    def put(self, *events: Event) -> None:
        self.state.commit(at=datetime.now(UTC), events=events)

    async def read(self, limit: int) -> list[Entry]:
        if self.broken:
            raise StateError("disk full")
        return self.state.read("mqtt", limit)

    async def acknowledge(self, numbers: Sequence[int]) -> None:
        self.state.acknowledge("mqtt", numbers)

    async def refuse(self, whys: Mapping[int, str], *, at: datetime) -> None:
        self.state.refuse("mqtt", whys, at=at)

    async def refused(self, limit: int) -> list[RefusedEntry]:
        return self.state.refused("mqtt", limit)

    async def depth(self) -> int:
        if self.broken:
            raise StateError("disk full")
        return self.state.depth("mqtt")

    @property
    def epoch(self) -> str:
        return self.state.epoch

    async def last(self) -> int:
        return self.state.last

    async def replay(self, n: int, limit: int) -> list[Entry]:
        return self.state.replay_from(n, limit)

    async def acknowledge_as(self, receiver: str, upto: int, *, at: datetime) -> int:
        return self.state.acknowledge_as(receiver, upto, at=at)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[StoredLog]:
    with State.open(tmp_path / "state.sqlite", wearer=WEARER) as state:
        state.open_channel("mqtt", from_start=True)
        yield StoredLog(state)


NIGHT = datetime(2026, 11, 21, 2, 14, 7, 310_000, tzinfo=UTC)


def make_event(number: int = 0, source: Origin = Origin.LIVE, **changes: Any) -> Event:
    values: dict[str, Any] = {
        "id": event_id(WEARER, "left-calf", "night", number),
        "kind": Kind.CLONUS,
        "phase": Phase.END,
        "onset_s": 812.34 + number,
        "duration_s": 6.1,
        "onset": NIGHT + timedelta(seconds=number),
        "end": NIGHT + timedelta(seconds=number + 6.1),
        "rhythm_hz": 5.8,
        "beats": 34,
        "confidence": 0.93,
        "grade": 2,
        "reason": "steady 5.8 beats a second for 6.1 s",
        "sensor": "left-calf",
        "wearer": WEARER,
        "source": source,
    }
    return Event(**(values | changes))


@pytest.fixture
def mosquitto_with(
    mosquitto: str, tmp_path: Path
) -> Callable[..., AbstractAsyncContextManager[int]]:
    """Start mosquitto as somebody else would, with settings of their own; return its port."""

    @asynccontextmanager
    async def start(*settings: str, files: dict[str, str] | None = None) -> AsyncIterator[int]:
        port = free_port()
        tmp_path.chmod(0o755)
        for name, text in (files or {}).items():
            (tmp_path / name).write_text(text)
        lines = (f"listener {port} 127.0.0.1", "user root", "log_type none", *settings, "")
        conf = tmp_path / "theirs.conf"
        conf.write_text("\n".join(lines).replace("{dir}", str(tmp_path)))
        process = subprocess.Popen([mosquitto, "-c", str(conf)], stderr=subprocess.DEVNULL)
        try:
            await until_listening(port)
            yield port
        finally:
            process.kill()
            process.wait()

    return start


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until_listening(port: int) -> None:
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                await writer.wait_closed()
                return
            await asyncio.sleep(0.02)


@dataclass
class Cable:
    """A connection in between that can be cut."""

    endpoint: Endpoint
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    def cut(self) -> None:
        for writer in self.writers:
            writer.transport.abort()
        self.writers.clear()


@asynccontextmanager
async def cable_to(there: Endpoint) -> AsyncIterator[Cable]:
    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()

    async def connect(near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        far_in, far_out = await asyncio.open_connection(there.host, there.port)
        cable.writers += [near_out, far_out]
        await asyncio.gather(pump(near_in, far_out), pump(far_in, near_out))

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    cable = Cable(Endpoint(port=server.sockets[0].getsockname()[1]))
    async with server:
        yield cable
        cable.cut()


@pytest.fixture
def kit() -> SimpleNamespace:
    """All of the above, for tests that cannot import this file."""
    return SimpleNamespace(
        WEARER=WEARER,
        cable_to=cable_to,
        free_port=free_port,
        listening=listening,
        make_event=make_event,
        running=running,
        until=until,
    )
