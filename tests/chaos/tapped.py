"""`run` at its edge: a virtual radio, and a copy of what comes over it and what is shown."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import AsyncIterator
from typing import Any

from detector.cli.night import live
from detector.devices.profile import Chunk
from detector.devices.stream import Reading
from detector.sources.ble import BleSource
from detector.status import Status
from detector.terminal.narrator import Narrator
from firmware_sim.backend import backends

from .fast_time import Clocks


class Tap:
    """Lines of JSON to whoever started this process."""

    def __init__(self, descriptor: int, clocks: Clocks) -> None:
        self._descriptor = descriptor
        self._clocks = clocks

    def write(self, what: str, **more: Any) -> None:
        """Write a line at once: a kill loses none that was written."""
        fact = {"what": what, "t": self._clocks.mono_ns() / 1e9, **more}
        os.write(self._descriptor, (json.dumps(fact) + "\n").encode())


def watch_on(radio: str, tap: Tap) -> None:
    """Have `run` use the virtual radio, and copy its samples and states."""
    logging.getLogger("bumble").setLevel(logging.CRITICAL)

    class Source(BleSource):
        def __init__(self, **options: Any) -> None:
            scanner, client = backends(radio)
            options |= {"scanner_backend": scanner, "client_backend": client}
            super().__init__(**options)

        async def readings(self) -> AsyncIterator[Reading]:
            async for reading in super().readings():
                if any(isinstance(output, Chunk) for output in reading.outputs):
                    tap.write("samples")
                yield reading

    class Screen(Narrator):
        def tell(self, news: Any) -> None:
            if isinstance(news, Status):
                tap.write("shown", word=news.watch.value)
            super().tell(news)

    live.BleSource = Source  # type: ignore[misc]
    live.Narrator = Screen  # type: ignore[misc]
