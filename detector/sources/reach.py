"""Scan, connect and look for a short while: over this computer's adapter, or a virtual radio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from detector.devices.stream import Reading
from detector.sources.ble import BleSource
from detector.sources.clock import Clock, HostClock, ScaledClock
from detector.sources.look import Look
from detector.sources.nearby import NearbyDevice, scan
from detector.sources.radio import ClientBackend, ScannerBackend

# An advertising sensor is heard within 1 s and connected within 2 s; a slow link takes 13 s.
PATIENCE_S = 30.0
LOOK_S = 10.0
# Longest pause in the samples of a look; after it, the look ends with what has arrived.
STALL_S = 10.0

Backends = Callable[[], tuple[ScannerBackend, ClientBackend]]
"""Return bleak backends of a virtual radio, new ones for each event loop."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Which radio is used, and how fast time passes on it.

    Parameters
    ----------
    backends : of a virtual radio; None uses this computer's adapter
    speed : of the virtual sensors, times real time; 1 for real ones
    hci : name of this computer's adapter; None is all that are switched on
    """

    backends: Backends | None = None
    speed: float = 1.0
    hci: str | None = None

    @property
    def is_virtual(self) -> bool:
        """Whether no real radio is involved."""
        return self.backends is not None

    def clock(self) -> Clock:
        """Return clocks that run at the sensors' speed."""
        return HostClock() if self.speed == 1 else ScaledClock(self.speed)

    def source(
        self,
        device: str | None,
        clock: Clock,
        driver: str | None = None,
        name: str | None = None,
    ) -> BleSource:
        """Return a live source, for use in one event loop."""
        scanner, client = (None, None) if self.backends is None else self.backends()
        return BleSource(
            device=device,
            driver=driver,
            clock=clock,
            scanner_backend=scanner,
            client_backend=client,
            name=name,
            hci=self.hci,
        )

    async def scan(self, duration_s: float, tick: Callable[[float], None]) -> list[NearbyDevice]:
        """Return the devices heard; call `tick` with the elapsed seconds four times a second.

        Raises
        ------
        LinkError
            There is no adapter.
        """
        loop = asyncio.get_running_loop()
        began_s = loop.time()

        async def count() -> None:
            while True:
                tick(loop.time() - began_s)
                await asyncio.sleep(0.25)

        counting = asyncio.create_task(count())
        try:
            scanner = None if self.backends is None else self.backends()[0]
            return await scan(duration_s, scanner_backend=scanner, hci=self.hci)
        finally:
            counting.cancel()

    async def look(
        self,
        device: str | None,
        *,
        driver: str | None = None,
        name: str | None = None,
        samples_s: float = LOOK_S,
        patience_s: float = PATIENCE_S,
        enough: Callable[[Look], bool] = lambda _: False,
        tell: Callable[[Look, Reading], None] = lambda _look, _reading: None,
    ) -> tuple[Look, str]:
        """Connect and look at the samples; return what was seen, and what stood in the way or "".

        Parameters
        ----------
        samples_s : span of samples to wait for, on the sensor's clock
        patience_s : longest wait for the first of them, real seconds
        enough : ends the look when it returns true

        Raises
        ------
        LinkError
            There is no adapter.
        """
        look, loop = Look(), asyncio.get_running_loop()
        source = self.source(device, self.clock(), driver, name)
        why = ""
        try:
            async with asyncio.timeout(patience_s) as patience:
                async for reading in source.readings():
                    waited = look.samples == 0
                    look.take(reading)
                    tell(look, reading)
                    if waited and look.samples:
                        patience.reschedule(loop.time() + samples_s / self.speed + STALL_S)
                    done = look.span_s >= samples_s or enough(look) or look.refused is not None
                    if done:
                        break
        except TimeoutError:
            why = source.status.why or "no answer"
        finally:
            look.remark = source.status.remark
            await source.close()
        return look, why
