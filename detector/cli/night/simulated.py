"""Start the simulator, or reach it, for the commands that work without a real sensor."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from detector.sources.ble import BleSource
from detector.sources.clock import Clock, ScaledClock
from detector.sources.radio import Adapter
from detector.sources.reach import Reach
from detector.sources.simulated_time import SampleTimedSource
from detector.sources.source import Source
from detector.terminal.invocation import UsageError

if TYPE_CHECKING:
    from firmware_sim.child import Air

OVER = "The simulated night is over."
ENDING_S = 2.0
"""Longer than the simulator takes from its last link to its end."""


@dataclass(frozen=True, slots=True)
class SimulatedSensor:
    """A virtual sensor on a virtual radio, with a source and a clock to watch it by."""

    air: Air
    source: Source
    clock: Clock


@asynccontextmanager
async def simulated_sensor(
    trace: Path, *, speed: float = 1.0, drops: Sequence[str] = (), device: str | None = None
) -> AsyncIterator[SimulatedSensor]:
    """Run a virtual sensor that plays a trace, in a process of its own, until the block ends."""
    from firmware_sim.child import running_air

    arguments = [str(trace), "--speed", str(speed)]
    arguments += [word for drop in drops for word in ("--drop", drop)]
    async with running_air(*arguments) as air:
        clock = ScaledClock(speed)
        source = sample_timed(source_on(air.address, clock, device), clock)
        yield SimulatedSensor(air, source, clock)


def sample_timed(source: Source, clock: ScaledClock) -> Source:
    """Return the source, dated by its sensor's samples where it runs faster than real time."""
    return source if clock.speed == 1 else SampleTimedSource(source, clock)


def source_on(
    radio: str,
    clock: Clock,
    device: str | None = None,
    adapter: Adapter | None = None,
    name: str | None = None,
) -> BleSource:
    """Return a live source on a virtual radio: only bleak's backend differs from a real one."""
    from firmware_sim.backend import backends

    # bumble complains of answers that arrive while a link ends: nothing is wrong then.
    logging.getLogger("bumble").setLevel(logging.CRITICAL)
    scanner, client = backends(radio)
    return BleSource(
        device=device,
        clock=clock,
        scanner_backend=scanner,
        client_backend=client,
        adapter=adapter,
        name=name,
    )


def reach_over(radio: str | None, speed: float = 1.0, hci: str | None = None) -> Reach:
    """Return how to reach a sensor: by this computer's adapter, or on a virtual radio.

    Raises
    ------
    UsageError
        A real sensor cannot be sped up, or the address is not one.
    """
    if radio is None:
        if speed != 1:
            raise UsageError("--speed goes with --radio: a real sensor has its own speed")
        return Reach(hci=hci)
    check_address("--radio", radio)
    from functools import partial

    from firmware_sim.backend import backends

    # bumble warns of answers that arrive after a disconnection, with which every look ends.
    logging.getLogger("bumble").setLevel(logging.CRITICAL)
    return Reach(partial(backends, radio), speed)


def check_address(option: str, address: str) -> None:
    """Refuse what is not the address of a virtual radio."""
    kind, _, place = address.partition(":")
    host, _, port = place.rpartition(":")
    if not (kind == "unix" and place) and not (kind == "tcp" and host and port.isdecimal()):
        raise UsageError(
            f"{address!r} is not an address of a virtual radio: write unix:PATH or "
            "tcp:127.0.0.1:PORT",
            param_hint=option,
        )
