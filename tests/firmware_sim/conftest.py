"""A central on the virtual radio whose PMD is written only from the specification."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bleak import BleakClient, BleakScanner

from firmware_sim.backend import backends
from firmware_sim.process import AirPlan, serve
from firmware_sim.sensors import SensorPlan

from ..kit.virtual_time import in_virtual_time
from .watched import watch

CONTROL = "fb005c81-02e7-f387-1cad-8acd2d8df0c8"
DATA = "fb005c82-02e7-f387-1cad-8acd2d8df0c8"
PATIENCE_S = 30.0


@dataclass
class Frame:
    last_ns: int
    samples: list[tuple[int, ...]]
    blocks: list[tuple[int, int]]  # (bits, deltas)


def slow_decode(data: bytes) -> Frame:
    """Decode bit by bit, the slow twin of the encoder (and of any real decoder)."""
    kind, last_ns, frame_type = struct.unpack_from("<BQB", data)
    assert kind == 2
    body = data[10:]
    if frame_type == 0x01:
        return Frame(last_ns, list(struct.iter_unpack("<3h", body)), [])
    assert frame_type in (0x80, 0x81)
    samples = [struct.unpack_from("<3h", body)]
    blocks, at = [], 6
    while at < len(body):
        bits, count = body[at], body[at + 1]
        size = (bits * count * 3 + 7) // 8
        assert at + 2 + size <= len(body), "a block is cut short"
        field_ = int.from_bytes(body[at + 2 : at + 2 + size], "little")
        for _ in range(count):
            delta = []
            for _ in range(3):
                value = field_ & ((1 << bits) - 1)
                delta.append(value - (1 << bits) if value >> (bits - 1) else value)
                field_ >>= bits
            samples.append(tuple(a + d for a, d in zip(samples[-1], delta, strict=True)))
        blocks.append((bits, count))
        at += 2 + size
    return Frame(last_ns, samples, blocks)


@dataclass
class Session:
    """One connection through bleak's public API and nothing else."""

    client: BleakClient
    arrivals: list[tuple[float, bytes]] = field(default_factory=list)
    answers: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    lost: asyncio.Event = field(default_factory=asyncio.Event)
    losses: int = 0

    async def ask(self, command: str) -> str:
        await self.client.write_gatt_char(CONTROL, bytes.fromhex(command), response=True)
        async with asyncio.timeout(PATIENCE_S):
            return (await self.answers.get()).hex(" ")

    async def start(self, fs: int, range_g: int = 8) -> str:
        return await self.ask(
            f"02 02 00 01 {fs.to_bytes(2, 'little').hex()} 01 01 10 00 02 01 {range_g:02x} 00"
        )

    async def over(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await self.lost.wait()

    @property
    def frames(self) -> list[Frame]:
        return [slow_decode(data) for _, data in self.arrivals]

    @property
    def samples(self) -> np.ndarray:
        return np.array([sample for frame in self.frames for sample in frame.samples])


class Listener:
    """A house with bleak in it."""

    def __init__(self, address: str) -> None:
        self.scanner, self.client = backends(address)

    async def connect(self, name: str) -> Session:
        device = await BleakScanner.find_device_by_name(
            name, timeout=PATIENCE_S, backend=self.scanner
        )
        assert device is not None, f"{name} does not advertise"

        def on_lost(_client: BleakClient) -> None:
            session.losses += 1
            session.lost.set()

        client = BleakClient(device, on_lost, backend=self.client, timeout=PATIENCE_S)
        session = Session(client)
        await client.connect()
        await client.start_notify(CONTROL, lambda _, data: session.answers.put_nowait(bytes(data)))
        await client.start_notify(
            DATA, lambda _, data: session.arrivals.append((time.monotonic(), bytes(data)))
        )
        return session


class Air(Listener):
    """A virtual air in this very process."""

    def __init__(self, address: str, task: asyncio.Task[None], said: list[dict[str, Any]]) -> None:
        super().__init__(address)
        self.address = address
        self.task = task
        self.said = said

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.said if event["event"] == kind]

    async def over(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.shield(self.task)


@asynccontextmanager
async def _serving(*sensors: SensorPlan, listen: str = "tcp:127.0.0.1:0") -> AsyncIterator[Air]:
    said: list[dict[str, Any]] = []
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def announce(event: dict[str, Any]) -> None:
        said.append(event)
        if event["event"] == "ready":
            ready.set_result(event["address"])

    task = asyncio.create_task(serve(AirPlan(listen, sensors), announce))
    try:
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
        yield Air(ready.result(), task, said)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def serving() -> Callable[..., AbstractAsyncContextManager[Air]]:
    """Return an air in this process for some sensor plans."""
    return _serving


@pytest.fixture
def listener() -> type[Listener]:
    """Return what connects to the sensors of an air at an address."""
    return Listener


@pytest.fixture
def decode() -> Callable[[bytes], Frame]:
    """Return the slow decoder."""
    return slow_decode


@pytest.fixture
def trace_file(tmp_path: Path) -> Callable[..., tuple[Path, np.ndarray]]:
    """Return a file with random whole-mg samples, and these in mg."""

    def write(n: int, fs: float, seed: int = 0) -> tuple[Path, np.ndarray]:
        mg = np.random.default_rng(seed).integers(-8000, 8001, (n, 3))
        path = tmp_path / f"trace-{seed}.npz"
        np.savez(path, acc=mg / 1000, fs=fs)
        return path, mg

    return write


@pytest.fixture
def watched():
    """Watch a sensor with these faults to the end of its trace."""
    return lambda *faults, **settings: in_virtual_time(watch(*faults, **settings))
