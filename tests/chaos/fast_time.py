"""Clocks of a process that run faster than real, and a wall clock that can be set.

`install` replaces the clocks of `time` and what asyncio's loops wait for, before anything else is
imported, so the program under test runs unmodified: its seconds are `speed` to a real one. All
processes that share a `Clocks` file show the same time, as those of one house do. The network, the
disk, other programs (mosquitto's own timers) and `datetime.now` stay real.
"""

from __future__ import annotations

import selectors
import struct
import time
from mmap import mmap
from pathlib import Path

_REAL_NS = time.monotonic_ns
_LAYOUT = struct.Struct("<dqqq")  # speed, real monotonic and UTC at the start, steps since then


class Clocks:
    """The clocks of a house, in a file that its processes share."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._shared = mmap(file.fileno(), _LAYOUT.size)
        self.speed, self._real_ns, self._utc_ns, _ = _LAYOUT.unpack(self._shared)

    @classmethod
    def create(cls, path: Path, speed: float, utc_ns: int) -> Clocks:
        """Start clocks at a wall clock's time."""
        path.write_bytes(_LAYOUT.pack(speed, _REAL_NS(), utc_ns, 0))
        return cls(path)

    def mono_ns(self) -> int:
        """Return the monotonic clock; it is 0 at the start."""
        return round((_REAL_NS() - self._real_ns) * self.speed)

    def utc_ns(self) -> int:
        """Return the wall clock."""
        return self._utc_ns + self.mono_ns() + _LAYOUT.unpack(self._shared)[3]

    def step(self, by_ns: int) -> None:
        """Set the wall clock, forward or back, in every process at once."""
        stepped_ns = _LAYOUT.unpack(self._shared)[3] + by_ns
        self._shared[:] = _LAYOUT.pack(self.speed, self._real_ns, self._utc_ns, stepped_ns)


class _FastSelector(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    speed = 1.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(None if timeout is None else timeout / self.speed)


def install(clocks: Clocks) -> None:
    """Have this process live by these clocks from now on."""
    hour_ns = 3_600_000_000_000  # a machine that has been up for a while: no stamp is near zero
    _FastSelector.speed = clocks.speed
    selectors.DefaultSelector = _FastSelector  # type: ignore[misc]
    clock_gettime_ns = time.clock_gettime_ns

    def any_clock_ns(which: int) -> int:
        if which in (time.CLOCK_MONOTONIC, getattr(time, "CLOCK_BOOTTIME", -1)):
            return clocks.mono_ns() + hour_ns
        return clocks.utc_ns() if which == time.CLOCK_REALTIME else clock_gettime_ns(which)

    time.monotonic_ns = lambda: clocks.mono_ns() + hour_ns
    time.monotonic = lambda: (clocks.mono_ns() + hour_ns) / 1e9
    time.time_ns = clocks.utc_ns
    time.time = lambda: clocks.utc_ns() / 1e9
    time.clock_gettime_ns = any_clock_ns
    time.clock_gettime = lambda which: any_clock_ns(which) / 1e9
