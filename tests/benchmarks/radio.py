"""How the client bears many sensors: `python -m tests.benchmarks.radio [--sensors N] [--json]`.

Virtual sensors at 52 Hz in a process of their own, real GATT over the virtual air, the production
source for each of them in this process, in real time. Simulated: there is no radio in between.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from detector.devices.profile import Chunk
from detector.sources.ble import BleSource
from detector.sources.clock import HostClock
from detector.sources.radio import Adapter
from detector.timing.sample_clock import SampleClock
from firmware_sim.backend import backends
from firmware_sim.child import running_air

FS = 52
P99_MS, CPU_SHARE = 20.0, 0.25
"""Bars of the plan: from a packet to its samples, and of one core."""


@dataclass
class Received:
    """What came of one sensor."""

    samples: list[np.ndarray] = field(default_factory=list)
    lag_ns: list[int] = field(default_factory=list)  # decoded, minus the sensor's own time

    @property
    def late_ms(self) -> np.ndarray:
        """Later than its fastest packet, each packet, ms."""
        lag = np.array(self.lag_ns, dtype=np.float64)
        return (lag - lag.min()) / 1e6


async def listen(radio: str, name: str, due: int, adapter: Adapter) -> Received:
    """Read one sensor to the end of its trace."""
    scanner, client = backends(radio)
    source = BleSource(
        device=name,
        clock=HostClock(),
        scanner_backend=scanner,
        client_backend=client,
        adapter=adapter,
    )
    clock, heard, placed = SampleClock(), Received(), 0
    async for reading in source.readings():
        now_ns = time.monotonic_ns()
        for output in reading.outputs:
            if isinstance(output, Chunk) and output.last_ns is not None:
                heard.lag_ns.append(now_ns - output.last_ns)
        for block in clock.take(reading):
            heard.samples.append(block.samples)
            placed = block.stop
        if placed >= due:
            break
    await source.close()
    return heard


async def measure(sensors: int, seconds: float, folder: Path) -> dict[str, float]:
    """Play made-up movement through `sensors` sensors and compare what arrives."""
    count = round(seconds * FS)
    traces = []
    for number in range(sensors):
        steps = np.random.default_rng(number).integers(-40, 41, (count, 3))
        traces.append(np.clip(steps.cumsum(axis=0), -4000, 4000) / 1000)
        np.savez(folder / f"{number}.npz", acc=traces[-1], fs=float(FS))
    paths = [str(folder / f"{number}.npz") for number in range(sensors)]
    adapter = Adapter()
    async with running_air(*paths) as air:
        names = [str(sensor["name"]) for sensor in air.sensors]
        cpu_s, wall_s = time.process_time(), time.monotonic()
        heard = await asyncio.gather(*(listen(air.address, n, count, adapter) for n in names))
        cpu_s, wall_s = time.process_time() - cpu_s, time.monotonic() - wall_s
    got = [np.concatenate(one.samples) for one in heard]
    late_ms = np.concatenate([one.late_ms for one in heard])
    altered = sum(
        int((g != t[: len(g)]).any(axis=1).sum()) for g, t in zip(got, traces, strict=True)
    )
    return {
        "sensors": sensors,
        "seconds": round(wall_s, 1),
        "samples": sum(map(len, got)),
        "lost": sum(count - len(g) for g in got),
        "altered": altered,
        "late_p50_ms": round(float(np.median(late_ms)), 2),
        "late_p99_ms": round(float(np.quantile(late_ms, 0.99)), 2),
        "late_most_ms": round(float(late_ms.max()), 2),
        "cpu_share": round(cpu_s / wall_s, 3),
    }


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 1 when a bar is missed."""
    # It logs answers to requests that were given up, which is what lost links make of them.
    logging.getLogger("bumble").setLevel(logging.CRITICAL)
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.radio", description=__doc__)
    parser.add_argument("--sensors", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measure(options.sensors, options.seconds, Path(folder)))
    if options.json:
        print(json.dumps(found))
    else:
        print(
            f"{found['sensors']} virtual sensors at {FS} Hz for {found['seconds']:.0f} s: "
            f"{found['samples']} samples, {found['lost']} lost, {found['altered']} altered\n"
            f"packet to samples, later than its fastest: p50 {found['late_p50_ms']} ms, "
            f"p99 {found['late_p99_ms']} ms (bar {P99_MS:g}), most {found['late_most_ms']} ms\n"
            f"client: {found['cpu_share']:.1%} of a core (bar {CPU_SHARE:.0%})"
        )
    kept = found["lost"] == found["altered"] == 0
    kept = kept and found["late_p99_ms"] <= P99_MS and found["cpu_share"] <= CPU_SHARE
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
