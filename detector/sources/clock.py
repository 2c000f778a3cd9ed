"""Clocks that time-stamp arrivals; waiting is done by the event loop's clock."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Two clocks of one host."""

    def mono_ns(self) -> int:
        """Return monotonic nanoseconds from an arbitrary start."""
        ...

    def utc_ns(self) -> int:
        """Return nanoseconds since 1970, UTC; may jump when the clock is set."""
        ...


class HostClock:
    """The clocks of this machine."""

    def mono_ns(self) -> int:
        """Return the monotonic clock."""
        return time.monotonic_ns()

    def utc_ns(self) -> int:
        """Return the wall clock."""
        return time.time_ns()


class ScaledClock:
    """Clocks that run `speed` times as fast from now on, as a sped-up simulated sensor does."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._mono_start_ns, self._utc_start_ns = time.monotonic_ns(), time.time_ns()

    def mono_ns(self) -> int:
        """Return the scaled monotonic clock."""
        return self._mono_start_ns + self._elapsed_ns()

    def utc_ns(self) -> int:
        """Return the wall clock at the start plus the scaled time."""
        return self._utc_start_ns + self._elapsed_ns()

    def _elapsed_ns(self) -> int:
        return round((time.monotonic_ns() - self._mono_start_ns) * self._speed)
