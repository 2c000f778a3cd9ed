"""Eight sensors at once through eight sources: every sample of every trace, in its place."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from detector.sources.ble import BleSource
from detector.sources.clock import ScaledClock
from detector.sources.radio import Adapter
from detector.timing.sample_clock import SampleClock
from firmware_sim.backend import backends
from firmware_sim.child import running_air

from ..kit.traces import save, walking

SENSORS = 8
LENGTH_S = 240


def walks(folder: Path) -> list[Path]:
    """Real walking at the ankle, thigh and trunk where there is some, else made-up movement."""
    made = [walking(number, LENGTH_S) for number in range(SENSORS)]
    return [save(folder / f"{n}.npz", samples, fs) for n, (samples, fs) in enumerate(made)]


async def listen(radio: str, sensor: dict[str, object], adapter: Adapter, speed: float):
    """Every sample one source gets until its sensor switches itself off."""
    scanner, client = backends(radio)
    source = BleSource(
        device=str(sensor["name"]),
        clock=ScaledClock(speed),
        scanner_backend=scanner,
        client_backend=client,
        adapter=adapter,
    )
    clock, blocks = SampleClock(), []
    due = round(float(sensor["fs"]) * float(sensor["duration_s"]))
    async for reading in source.readings():
        assert reading.error is None
        blocks += clock.take(reading)
        if blocks and blocks[-1].stop >= due:
            break
    await source.close()
    assert clock.gap_count == 0
    return np.concatenate([block.samples for block in blocks])


@pytest.mark.parametrize("speed", [60.0])
def test_eight_sensors_at_once_lose_and_alter_nothing(speed, tmp_path):
    paths = walks(tmp_path)

    async def law():
        adapter = Adapter()
        async with running_air(*map(str, paths), "--speed", str(speed)) as air:
            async with asyncio.timeout(90):
                return await asyncio.gather(
                    *(listen(air.address, sensor, adapter, speed) for sensor in air.sensors)
                )

    for path, heard in zip(paths, asyncio.run(law()), strict=True):
        with np.load(path) as file:
            felt = np.round(file["acc"].astype(np.float64) * 1000) / 1000

        np.testing.assert_array_equal(np.clip(felt, -8, 8), heard)
