"""Days of a whole service in minutes: real packets again and again, in time that jumps.

Real: driver, night, alarms, recording, state file and its thread. Left out: MQTT, whose sockets
know no virtual time (`tests.mqtt.latency` measures its memory), and the radio, whose packets were
received once over real GATT (`tests.firmware_sim.many_drops` has ten thousand links).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from detector.config import Settings, read_configuration
from detector.devices.interpreter import Interpreter
from detector.devices.registry import installed
from detector.devices.stream import Item, LinkDown, Packet, Reading
from detector.events import Origin
from detector.service.assembly import Assembly, assembled
from detector.service.presentation.news import News
from detector.sources.ble import BleSource
from detector.sources.source import LinkState, LinkStatus
from firmware_sim.backend import backends
from firmware_sim.motion.scenarios import scenario
from firmware_sim.playback import Trace
from firmware_sim.process import AirPlan, serve
from firmware_sim.sensors import SensorPlan
from firmware_sim.wearables.polar import VERITY_SENSE

from ..kit.virtual_time import LoopClock, in_virtual_time

FS = 52.0
AWAY_S = (5.0, 40.0)  # between two sessions: about half are longer than *No signal* needs


def received(length_s: float, seed: int = 1) -> list[Item]:
    """Return what a virtual sensor sends over real GATT while it feels spasms and rests."""
    made = scenario("mixed", seed=seed, fs=FS, duration_s=length_s)
    trace = Trace(np.round(made.samples, 3), FS)

    async def listen() -> list[Item]:
        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def announce(event: dict[str, Any]) -> None:
            if event["event"] == "ready":
                ready.set_result(event["address"])

        plan = SensorPlan(model=VERITY_SENSE, trace=trace)
        air = asyncio.create_task(serve(AirPlan("here:", (plan,)), announce))
        scanner, client = backends(await ready)
        source = BleSource(
            device=None, clock=LoopClock(), scanner_backend=scanner, client_backend=client
        )
        air.add_done_callback(lambda _: asyncio.ensure_future(source.close()))
        items = [reading.item async for reading in source.readings()]
        await air
        return items

    return in_virtual_time(listen())


@dataclass
class Faulty:
    """Which packets arrive, and how, from a chance of its own."""

    chance: random.Random
    lost: float = 0.01
    garbage: float = 0.01

    def of(self, packet: Packet) -> Iterator[Packet]:
        """Return what becomes of a packet."""
        drawn = self.chance.random()
        if drawn < self.lost:
            return
        if drawn < self.lost + self.garbage:
            size = self.chance.choice((0, 1, len(packet.data), 250))
            yield replace(packet, data=self.chance.randbytes(size))
        else:
            yield packet


class PacketSource:
    """Play one session's items again and again, each time in a new session, until `until_s`.

    Parameters
    ----------
    fault : what becomes of each packet
    """

    def __init__(
        self, items: list[Item], until_s: float, fault: Callable[[Packet], Iterator[Packet]]
    ) -> None:
        self._items, self._until_s, self._fault = items, until_s, fault
        self._interpreter = Interpreter(installed())
        self._session = 0
        self._closed = False
        self.packets = 0
        self._chance = random.Random(7)

    async def readings(self) -> AsyncIterator[Reading]:
        """Yield readings at the loop's times."""
        loop, clock = asyncio.get_running_loop(), LoopClock()
        while loop.time() < self._until_s and not self._closed:
            self._session += 1
            began_s, first_ns = loop.time(), self._items[0].mono_ns
            for item in self._items:
                due_s = began_s + (item.mono_ns - first_ns) / 1e9
                await asyncio.sleep(max(0.0, due_s - loop.time()))
                if self._closed or loop.time() >= self._until_s:
                    break
                now = {"mono_ns": clock.mono_ns(), "utc_ns": clock.utc_ns()}
                stamped = replace(item, session=self._session, **now)
                for each in self._fault(stamped) if isinstance(stamped, Packet) else (stamped,):
                    self.packets += isinstance(each, Packet)
                    yield self._interpreter.feed(each)
            if not isinstance(item, LinkDown):
                end = LinkDown(self._session, "over", clock.mono_ns(), clock.utc_ns())
                yield self._interpreter.feed(end)
            await asyncio.sleep(self._chance.uniform(*AWAY_S))

    async def close(self) -> None:
        """End the readings."""
        self._closed = True

    def go_on(self, session: int, address: str | None) -> None:
        """Go on with the numbers of sessions; there is only one sensor."""
        self._session = session

    @property
    def status(self) -> LinkStatus:
        """State of the link; the age of samples is the night's business."""
        errors = self._interpreter.protocol_errors
        return LinkStatus(LinkState.STREAM, 0.0, "", None, self._session, 0, 0, errors)


@asynccontextmanager
async def long_night(
    source: PacketSource, folder: Path, tell: Callable[[News], None]
) -> AsyncIterator[Assembly]:
    """Provide a live night of this source, without MQTT."""
    settings: Settings = read_configuration(
        environ={}, flags={"data_dir": folder, "alerts.sound": False}
    ).settings
    async with assembled(
        settings,
        sources=[source],
        origin=Origin.LIVE,
        clock=LoopClock(),
        tell=tell,
        mqtt=False,
    ) as made:
        yield made
