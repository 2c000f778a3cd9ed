"""Many open pages beside a night at 100 samples a second: does the detector fall behind?

`python -m tests.web.many_pages --pages 50 --seconds 60` watches a simulated sensor twice, without
pages and with them, and compares how far the detector is behind the sensor (the bar: 10 %).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp

from detector.config import read_configuration
from detector.service.presentation.oversight import overseen
from firmware_sim.motion.scenarios import scenario

from ..kit.traces import save
from ..service.conftest import open_house
from .stand import let_in

FS = 100.0
MOST_SLOWER = 1.1  # the bar: within 10 %, or a millisecond where there is next to no lag
LONGEST_S = 6.0  # between two views: every 5 s


async def _follow(address: str, token: str, seen: list[float], views: list[int]) -> None:
    """Keep one page open as a browser does, and note when each view came."""
    loop = asyncio.get_running_loop()
    timeout = aiohttp.ClientTimeout(total=None, sock_read=30)
    headers = {"Cookie": f"spasmwatch={token}"}
    async with (
        aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
        session.get(f"{address}/stream") as answer,
    ):
        assert answer.status == 200
        last_s = None
        async for line in answer.content:
            if line.startswith(b"data: "):
                now_s = loop.time()
                if last_s is not None:
                    seen.append(now_s - last_s)
                last_s = now_s
                views.append(len(line))


async def watch(trace: Path, folder: Path, pages: int, seconds: float) -> dict[str, Any]:
    """Watch for so long with so many pages open; return lags and what the pages got."""
    lags: list[float] = []
    behind: list[float] = []
    apart: list[float] = []
    views: list[int] = []
    notes: list[str] = []
    flags = {"data_dir": folder, "mqtt.broker": "none", "alerts.sound": False, "web.port": 26_377}
    settings = read_configuration(environ={}, flags=flags).settings
    async with AsyncExitStack() as stack:
        made = await stack.enter_async_context(open_house(settings, trace, _nothing, speed=1.0))
        clock = made.service._clock
        await stack.enter_async_context(
            overseen(made, settings, folder, clock, note=notes.append, environ={})
        )
        address = notes[0].split()[2].removesuffix(".")
        watching = asyncio.ensure_future(made.service.run())
        token = let_in(folder)
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(60):
            while not made.night.samples:
                await asyncio.sleep(0.1)
        open_pages = [
            asyncio.ensure_future(_follow(address, token, apart, views)) for _ in range(pages)
        ]
        until_s = loop.time() + seconds
        while loop.time() < until_s:
            before_s = loop.time()
            await asyncio.sleep(0.01)
            lags.append(max(0.0, loop.time() - before_s - 0.01))
            behind.append(max(watch.behind_s for watch in made.night.watches))
        for each in open_pages:
            each.cancel()
        await asyncio.gather(*open_pages, return_exceptions=True)
        samples = made.night.samples
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    ordered = sorted(lags)
    return {
        "pages": pages,
        "samples": samples,
        "detector_behind_mean_ms": round(statistics.mean(behind) * 1000, 2),
        "detector_behind_median_ms": round(statistics.median(behind) * 1000, 2),
        "loop_lag_median_ms": round(statistics.median(ordered) * 1000, 3),
        "loop_lag_p99_ms": round(ordered[int(len(ordered) * 0.99)] * 1000, 3),
        "views": len(views),
        "view_bytes": max(views, default=0),
        "longest_between_views_s": round(max(apart, default=0.0), 2),
    }


def _nothing(_news: object) -> None:
    """Show nothing."""


def main() -> int:
    """Measure both, print them, and fail where a page waits or the loop is slower by a tenth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0)
    chosen = parser.parse_args()
    found = []
    with tempfile.TemporaryDirectory() as place:
        trace = Path(place) / "night.npz"
        made = scenario("mixed", seed=1, fs=FS, duration_s=chosen.seconds + 60)
        save(trace, made.samples, FS)
        for number, pages in enumerate((0, chosen.pages)):
            folder = Path(place) / str(number)
            found.append(asyncio.run(watch(trace, folder, pages, chosen.seconds)))
    print(json.dumps(found, indent=1))
    alone, beside = (each["detector_behind_median_ms"] for each in found)
    late = found[1]["longest_between_views_s"] > LONGEST_S
    return 1 if late or beside > max(alone * MOST_SLOWER, alone + 1) else 0


if __name__ == "__main__":
    raise SystemExit(main())
