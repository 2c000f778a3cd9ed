"""A test setup: a real D-Bus, our bluetoothd on it, the virtual radio, the production source."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from tempfile import TemporaryDirectory

import numpy as np
from bleak.backends.bluezdbus import manager

from detector.devices.profile import Output
from detector.errors import LinkError
from detector.sources.ble import BleSource
from detector.sources.clock import ScaledClock
from detector.sources.source import LinkState
from detector.timing.sample_clock import SampleClock
from firmware_sim.bluez.bus import PrivateBus, as_system_bus, private_bus
from firmware_sim.bluez.daemon import Bluetoothd, bluetoothd
from firmware_sim.bluez.device import Device
from firmware_sim.playback import Trace
from firmware_sim.process import AirPlan, serve
from firmware_sim.sensors import SensorPlan
from firmware_sim.wearables.polar import VERITY_SENSE

from ..kit.waiting import until_news

FS = 52
SPEED = 20.0
PATIENCE_S = 30.0


def walk(duration_s: float, seed: int = 1) -> Trace:
    """A motion in whole mg, no two stretches of it alike."""
    steps = np.random.default_rng(seed).integers(-30, 31, (round(FS * duration_s), 3))
    return Trace(np.clip(steps.cumsum(axis=0), -3000, 3000) / 1000, FS)


NIGHT = walk(3600)  # longer than any test plays it


def sensor(trace: Trace = NIGHT, speed: float = SPEED, **settings) -> SensorPlan:
    return SensorPlan(**{"model": VERITY_SENSE, "trace": trace, "speed": speed} | settings)


class House:
    """Its bus can die, its bluetoothd can crash, and both can return."""

    def __init__(self, bus: PrivateBus, air: str, plans: tuple[SensorPlan, ...]) -> None:
        self.bus = bus
        self.air = f"unix:{air}"
        self.plans = plans
        self._on_air: asyncio.Task[None] | None = None
        self._stack = AsyncExitStack()
        self.daemon: Bluetoothd

    async def start_air(self) -> None:
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def announce(event):
            if event["event"] == "ready":
                ready.set_result(None)

        # An ether needs no sensors, but ends with the last of them.
        plan = AirPlan(self.air, self.plans or (sensor(),))
        self._on_air = asyncio.create_task(serve(plan, announce))
        await ready

    async def end_air(self) -> None:
        if self._on_air is not None:
            self._on_air.cancel()
            await asyncio.wait({self._on_air})

    async def start_bluetoothd(self, **settings) -> None:
        self.daemon = await self._stack.enter_async_context(
            bluetoothd(self.bus.address, self.air, **settings)
        )

    async def end_bluetoothd(self) -> None:
        await self._stack.aclose()

    def device(self, plan: SensorPlan | None = None) -> Device:
        return self.daemon.adapter.devices[(plan or self.plans[0]).address]


@asynccontextmanager
async def house(*plans: SensorPlan, **settings) -> AsyncIterator[House]:
    with TemporaryDirectory() as folder:  # pytest's own is too deep for a socket
        async with private_bus() as bus:
            here = House(bus, f"{folder}/air", plans)
            with as_system_bus(bus.address):
                try:
                    await here.start_air()
                    await here.start_bluetoothd(**settings)
                    yield here
                finally:
                    await release_bleak()
                    await here.end_bluetoothd()
                    await here.end_air()


async def release_bleak() -> None:
    """Close the bus connection that bleak keeps for as long as its event loop lives."""
    kept = manager._global_instances.pop(asyncio.get_running_loop(), None)
    if kept is not None and kept._bus is not None:
        kept._bus.disconnect()
        await asyncio.wait({kept._bus_watcher_task})


class Night:
    """Reads a source and holds every sample against the trace it was taken from."""

    def __init__(self, source: BleSource, trace: Trace) -> None:
        self.source = source
        self.clock = SampleClock()
        self.samples = 0
        self.outputs: list[Output] = []
        self._trace = trace
        self._news = asyncio.Event()

    async def read(self) -> None:
        async for reading in self.source.readings():
            assert reading.error is None
            self.outputs += reading.outputs
            for block in self.clock.take(reading):
                felt = self._trace.samples[block.start : block.stop]
                np.testing.assert_array_equal(block.samples, felt)
                self.samples += len(block)
            self._news.set()

    async def until(self, seen: Callable[[], bool], within_s: float = PATIENCE_S) -> None:
        """Wait until something was read."""
        await until_news(seen, self._news, within_s)

    async def streams(self, within_s: float = PATIENCE_S) -> None:
        """Wait until samples have come in a session that streams."""
        before = self.samples
        await self.until(lambda: self.samples > before and self.state is LinkState.STREAM, within_s)

    async def streams_anew(self, within_s: float = PATIENCE_S) -> None:
        """Wait until a session that is not the present one streams."""
        before = self.sessions
        await self.until(lambda: self.sessions > before, within_s)
        await self.streams(within_s)

    async def says(self, *words: str, within_s: float = PATIENCE_S) -> None:
        """Look now and then, until the source says what stands in its way: that is no reading."""
        async with asyncio.timeout(within_s):
            while not any(one in self.source.status.why for one in words):
                self._news.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.02):
                        await self._news.wait()

    @property
    def state(self) -> LinkState:
        return self.source.status.state

    @property
    def sessions(self) -> int:
        return self.source.status.sessions


@asynccontextmanager
async def night(plan: SensorPlan, **settings) -> AsyncIterator[Night]:
    """Read one sensor through the production source: no backend is named."""
    source = BleSource(**{"device": plan.name, "clock": ScaledClock(plan.speed)} | settings)
    one = Night(source, plan.trace)
    reading = asyncio.create_task(one.read())
    try:
        yield one
    finally:
        await source.close()
        with suppress(LinkError):
            await reading
