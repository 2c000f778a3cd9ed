"""How commands reach a sensor: over this computer's adapter, or a virtual radio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import typer

from detector.checkup.sensor import Look
from detector.config import SensorSettings, Settings
from detector.devices.stream import Reading
from detector.sources.ble import BleSource
from detector.sources.clock import Clock, HostClock, ScaledClock
from detector.sources.nearby import NearbyDevice, scan
from detector.sources.radio import ClientBackend, ScannerBackend

# A sensor that is there is heard within a second, connected within two; a slow link takes 13 s.
PATIENCE_S = 30.0
LOOK_S = 10.0
# The samples of a look may stall for this long before what came by then must do.
STALL_S = 10.0


@dataclass(frozen=True, slots=True)
class Reach:
    """What can be reached, and how fast time passes there.

    Parameters
    ----------
    radio : address of a virtual radio; None is this computer's adapter
    speed : of the virtual sensors, times real time
    """

    radio: str | None = None
    speed: float = 1.0

    def __post_init__(self) -> None:
        if self.radio is None and self.speed != 1:
            raise typer.BadParameter("--speed goes with --radio: real sensors take their time")

    def clock(self) -> Clock:
        """Return clocks that run as the sensors' do."""
        return HostClock() if self.speed == 1 else ScaledClock(self.speed)

    def source(self, device: str | None, clock: Clock, driver: str | None = None) -> BleSource:
        """Return a live source; to be used by one event loop."""
        scanner, client = self._backends()
        return BleSource(
            device=device,
            driver=driver,
            clock=clock,
            scanner_backend=scanner,
            client_backend=client,
        )

    async def scan(self, duration_s: float, tick: Callable[[float], None]) -> list[NearbyDevice]:
        """Listen; `tick` is told how many seconds have passed, some times a second."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()

        async def count() -> None:
            while True:
                tick(loop.time() - began_s)
                await asyncio.sleep(0.25)

        counting = asyncio.create_task(count())
        try:
            return await scan(duration_s, scanner_backend=self._backends()[0])
        finally:
            counting.cancel()

    async def look(
        self,
        device: str | None,
        *,
        driver: str | None = None,
        samples_s: float = LOOK_S,
        patience_s: float = PATIENCE_S,
        enough: Callable[[Look], bool] = lambda _: False,
        tell: Callable[[Look, Reading], None] = lambda _look, _reading: None,
    ) -> tuple[Look, str]:
        """Connect and look at the samples; return what was seen, and what stood in the way.

        Parameters
        ----------
        samples_s : how long samples shall come, by the sensor
        patience_s : how long to wait for the first of them, real seconds
        enough : ends the look sooner

        Raises
        ------
        LinkError
            There is no adapter.
        """
        look, loop = Look(), asyncio.get_running_loop()
        source = self.source(device, self.clock(), driver)
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
            await source.close()
        return look, why

    def _backends(self) -> tuple[ScannerBackend | None, ClientBackend | None]:
        if self.radio is None:
            return None, None
        import logging

        from firmware_sim.backend import backends

        # It complains of answers that come after we have hung up, which is what we do.
        logging.getLogger("bumble").setLevel(logging.CRITICAL)
        return backends(self.radio)


def worn_as(settings: Settings, device: str | None) -> SensorSettings:
    """Return the settings of a sensor; of one that they do not know, what they say of the first.

    A driver that they name is that of the sensor they name.
    """
    if device is None:
        return settings.sensor
    known = (one for one in settings.sensors if (one.device or "").casefold() == device.casefold())
    other = settings.sensor.model_copy(update={"device": device, "driver": None})
    return next(known, other)
