"""A simulated sensor for the commands that can do without a real one: the only way to it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from detector.sources.ble import BleSource
from detector.sources.clock import Clock, HostClock, ScaledClock
from detector.sources.radio import Adapter
from detector.sources.reach import Reach

if TYPE_CHECKING:
    from firmware_sim.child import Air


@dataclass(frozen=True, slots=True)
class SimulatedSensor:
    """A virtual sensor on a virtual radio, and what watches it."""

    air: Air
    source: BleSource
    clock: Clock


@asynccontextmanager
async def simulated_sensor(
    trace: Path, *, speed: float = 1.0, drops: Sequence[str] = (), device: str | None = None
) -> AsyncIterator[SimulatedSensor]:
    """Have a virtual sensor play a trace in a process of its own, and a source that finds it."""
    from firmware_sim.child import running_air

    arguments = [str(trace), "--speed", str(speed)]
    arguments += [word for drop in drops for word in ("--drop", drop)]
    async with running_air(*arguments) as air:
        clock = HostClock() if speed == 1 else ScaledClock(speed)
        yield SimulatedSensor(air, source_on(air.address, clock, device), clock)


def source_on(
    radio: str, clock: Clock, device: str | None = None, adapter: Adapter | None = None
) -> BleSource:
    """Return a live source on a virtual radio: only bleak's backend differs from a real one."""
    from firmware_sim.backend import backends

    scanner, client = backends(radio)
    return BleSource(
        device=device,
        clock=clock,
        scanner_backend=scanner,
        client_backend=client,
        adapter=adapter,
    )


def reach_over(radio: str | None, speed: float = 1.0) -> Reach:
    """Return how to reach a sensor: by this computer's adapter, or on a virtual radio."""
    if radio is None:
        if speed != 1:
            raise typer.BadParameter("--speed goes with --radio: a real sensor has its own speed")
        return Reach()
    from functools import partial

    from firmware_sim.backend import backends

    # bumble logs answers that arrive after we have disconnected, which is how every look ends.
    logging.getLogger("bumble").setLevel(logging.CRITICAL)
    return Reach(partial(backends, radio), speed)
