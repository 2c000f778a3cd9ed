"""Bad packets by the million: `python -m tests.service.bad_packets [--packets 1000000]`.

A live service gets nothing but garbage over a link that stands: how long its log becomes, whether
it says *No signal*, and whether it watches again on the first good packets. Ends with 1 where a bar
is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from detector.devices.stream import Item, Packet
from detector.service.diagnostics import FOLDER, logging_to
from detector.service.presentation.news import News
from detector.status import StateWord, Status

from ..chaos.measured import record
from ..kit.virtual_time import in_virtual_time
from .long_nights import PacketSource, long_night, received

LOG_MOST_BYTES = 1_000_000
GOOD_S = 60.0  # before and after


class Flood:
    """After a minute, so many bad packets for each that should have come, then good ones."""

    def __init__(self, total: int, each: int, seed: int) -> None:
        self._chance, self._each = random.Random(seed), each
        self.left = total
        self.began_s: float | None = None
        self.ended_s: float | None = None

    def of(self, packet: Packet) -> Iterator[Packet]:
        """Return what becomes of a packet."""
        now_s = asyncio.get_running_loop().time()
        if now_s < GOOD_S or not self.left:
            yield packet
            return
        self.began_s = self.began_s or now_s
        for _ in range(min(self._each, self.left)):
            size = self._chance.choice((0, 1, 9, len(packet.data), 250))
            yield replace(packet, data=self._chance.randbytes(size))
            self.left -= 1
        self.ended_s = now_s


async def measure(packets: int, seed: int) -> dict[str, float]:
    loop = asyncio.get_running_loop()
    shown: list[tuple[float, StateWord]] = []

    def tell(news: News) -> None:
        if isinstance(news, Status):
            shown.append((loop.time(), news.watch))

    flood = Flood(packets, max(1, packets // 300), seed)
    source = PacketSource(_items, 24 * 3600.0, flood.of)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with logging_to(folder, level="info", as_json=False):
            async with long_night(source, folder, tell) as made:
                running = asyncio.create_task(made.service.run())
                while flood.left:
                    await asyncio.sleep(1.0)
                await asyncio.sleep(GOOD_S)
                await made.service.stop()
                await running
        size = sum(path.stat().st_size for path in (folder / FOLDER).iterdir())
    assert flood.began_s is not None
    assert flood.ended_s is not None
    silent = [at for at, word in shown if word is StateWord.NO_SIGNAL and at > flood.began_s]
    again = [at for at, word in shown if word is StateWord.WATCHING and at > flood.ended_s]
    return {
        "bad_packets": packets,
        "log_bytes": size,
        "no_signal_after_s": round(silent[0] - flood.began_s, 1) if silent else float("inf"),
        "watching_again_after_s": round(again[0] - flood.ended_s, 1) if again else float("inf"),
    }


_items: list[Item] = []


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.service.bad_packets", description=__doc__
    )
    parser.add_argument("--packets", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    logging.getLogger("bumble").setLevel(logging.CRITICAL)
    _items[:] = received(600.0, asked.seed)
    found = in_virtual_time(measure(asked.packets, asked.seed))
    held = found["log_bytes"] < LOG_MOST_BYTES and found["no_signal_after_s"] <= 10.0
    record(
        "bad-packets",
        bar="log < 1 MB under 1,000,000 bad packets, and No signal <= 10 s after the last good one",
        held=held,
        seed=asked.seed,
        figures=found,
    )
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
