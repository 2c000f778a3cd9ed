"""What days of watching add to memory: `python -m tests.service.memory [--hours 72]`.

Every ten minutes the link is lost and comes back; one packet of a hundred is lost, one is garbage;
events, alerts and technical alarms come and go, about 1,400 an hour. After a warm-up of two hours
the program's memory is traced (only what `detector/` holds) and the process's resident size read.
Ends with 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import random
import sys
import tempfile
import time
import tracemalloc
from collections import Counter
from pathlib import Path

import detector
from detector.devices.stream import Item
from detector.night.outcome import Outcome
from detector.service.diagnostics import logging_to
from detector.service.presentation.news import News

from ..chaos.measured import record
from ..kit.virtual_time import in_virtual_time
from .long_nights import Faulty, PacketSource, long_night, received

WARM_H = 2.0
GROWTH_MOST_MIB = 1.0
MIB = 1024.0 * 1024.0
OURS = (tracemalloc.Filter(True, f"{Path(detector.__file__).parent}/*"),)


def resident_mib() -> float:
    """Return what the process holds of the machine's memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / MIB


async def measure(hours: float, seed: int, traces: bool) -> dict[str, float]:
    loop = asyncio.get_running_loop()
    counts: Counter[str] = Counter()

    def tell(news: News) -> None:
        if isinstance(news, Outcome):
            counts["events"] += len(news.events)
            counts["alerts"] += len(news.alerts)

    source = PacketSource(_items, hours * 3600.0, Faulty(random.Random(seed)).of)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with long_night(source, folder, tell) as made:
            with logging_to(folder, level="info", as_json=False):
                running = asyncio.create_task(made.service.run())
                await asyncio.sleep(min(WARM_H, hours / 4) * 3600.0)
                gc.collect()
                if traces:
                    tracemalloc.start()
                await asyncio.sleep(600.0)  # what is replaced all the time is traced by now
                first, first_mib = _snapshot(traces), resident_mib()
                rising: list[float] = []
                while loop.time() < hours * 3600.0 - 60.0:
                    await asyncio.sleep(min(6 * 3600.0, hours * 3600.0 - 60.0 - loop.time()))
                    gc.collect()
                    rising.append(round(resident_mib() - first_mib, 2))
                last, last_mib = _snapshot(traces), resident_mib()
                await running
    grown = 0.0
    if first is not None and last is not None:
        differences = last.compare_to(first, "lineno")
        grown = sum(each.size_diff for each in differences) / MIB
        for each in differences[:12]:
            print(f"  {each.size_diff / 1024:+9.1f} kB  {each.traceback}", file=sys.stderr)
    print(f"  resident, every 6 h: {rising}", file=sys.stderr)
    return {
        "virtual_h": round(loop.time() / 3600, 1),
        "packets": source.packets,
        **counts,
        "traced_growth_mib": round(grown, 3),
        "resident_mib": round(last_mib, 1),
        "resident_growth_mib": round(last_mib - first_mib, 2),
    }


def _snapshot(traces: bool) -> tracemalloc.Snapshot | None:
    gc.collect()
    return tracemalloc.take_snapshot().filter_traces(OURS) if traces else None


_items: list[Item] = []


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.service.memory", description=__doc__)
    parser.add_argument("--hours", type=float, default=72.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resident-only", action="store_true", help="do not trace: twice as fast")
    asked = parser.parse_args()
    logging.getLogger("bumble").setLevel(logging.CRITICAL)
    _items[:] = received(600.0, asked.seed)
    began_s = time.monotonic()
    found = in_virtual_time(measure(asked.hours, asked.seed, not asked.resident_only))
    found["took_s"] = round(time.monotonic() - began_s)
    key = "resident_growth_mib" if asked.resident_only else "traced_growth_mib"
    within = found[key] < GROWTH_MOST_MIB
    record(
        "memory-resident" if asked.resident_only else "memory",
        bar=f"growth < {GROWTH_MOST_MIB:g} MiB over {asked.hours:g} virtual hours",
        held=within,
        seed=asked.seed,
        figures=found,
    )
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
