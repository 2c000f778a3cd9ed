"""Real brokers on loopback, who listens to them, and a cable to them that can be cut."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from detector.mqtt.broker_process import SBIN
from detector.mqtt.contract import PAYLOAD_MOST
from detector.mqtt.endpoint import Endpoint
from detector.mqtt.link import Handler, Link
from detector.mqtt.properties import Received

from .tools import needs
from .waiting import running, until

PATHS = f"{os.environ.get('PATH', '')}:{SBIN}"
MOSQUITTO = shutil.which("mosquitto", path=PATHS)
MISSING = "mosquitto is not installed (apt install mosquitto)"
needs_mosquitto = needs(MOSQUITTO, MISSING)


def free_port() -> int:
    """Return a port on which nobody listens at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until_listening(port: int) -> None:
    """Wait until a port takes connections."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                await writer.wait_closed()
                return
            await asyncio.sleep(0.01)


def start_mosquitto(conf: Path) -> subprocess.Popen[bytes]:
    """Start a mosquitto; it does not listen yet."""
    assert MOSQUITTO is not None, MISSING
    return subprocess.Popen(
        [MOSQUITTO, "-c", str(conf)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


@asynccontextmanager
async def running_mosquitto(conf: Path, port: int) -> AsyncIterator[subprocess.Popen[bytes]]:
    """Run a mosquitto whose file has it listen at a port; it listens."""
    process = start_mosquitto(conf)
    try:
        await until_listening(port)
        yield process
    finally:
        process.kill()
        process.wait()


async def freeze(pid: int) -> None:
    """Stop a process; return once none of its threads runs, which takes a moment under load."""
    os.kill(pid, signal.SIGSTOP)
    threads = Path(f"/proc/{pid}/task")
    await until(lambda: all(_state(each) == "T" for each in threads.iterdir()))


def _state(thread: Path) -> str:
    return (thread / "stat").read_text().rpartition(")")[2].split()[0]


@asynccontextmanager
async def overhearing(
    endpoint: Endpoint,
    take: Handler,
    topic_filter: str = "sw/v1/#",
    *,
    within_s: float | None = None,
) -> AsyncIterator[Link]:
    """Have a client of its own take whatever comes; it is already subscribed."""
    link = Link(endpoint, f"ear-{os.urandom(4).hex()}")
    async with running(link.run(), within_s=within_s):
        await asyncio.wait_for(link.connected(), 60)
        await link.subscribe(topic_filter, take, most_bytes=PAYLOAD_MOST)
        yield link


@dataclass
class Ear:
    """A second client that keeps what it heard."""

    link: Link
    heard: list[Received]

    def topics(self) -> list[str]:
        """Return the topics, as they came."""
        return [received.topic for received in self.heard]

    def payloads(self, leaf: str) -> list[str]:
        """Return what came of one kind."""
        return [r.payload.decode() for r in self.heard if r.topic.endswith(f"/{leaf}")]


@asynccontextmanager
async def listening(endpoint: Endpoint, topic_filter: str) -> AsyncIterator[Ear]:
    """Have an ear for a minute at most."""
    heard: list[Received] = []
    async with overhearing(endpoint, heard.append, topic_filter, within_s=60.0) as link:
        yield Ear(link, heard)


@dataclass
class Cable:
    """A connection in between that can be cut."""

    endpoint: Endpoint
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    def cut(self) -> None:
        """End every connection."""
        for writer in self.writers:
            writer.transport.abort()
        self.writers.clear()


@asynccontextmanager
async def cable_to(there: Endpoint) -> AsyncIterator[Cable]:
    """Have a cable to a broker."""

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
