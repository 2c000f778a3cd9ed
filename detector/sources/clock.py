"""Clocks that time-stamp arrivals; waiting is done by the event loop's clock."""

from __future__ import annotations

import time
from typing import Protocol

from detector.boot import host_boot_id


class Clock(Protocol):
    """Two clocks of one host."""

    def mono_ns(self) -> int:
        """Return monotonic nanoseconds from an arbitrary start."""
        ...

    def utc_ns(self) -> int:
        """Return nanoseconds since 1970, UTC; may jump when the clock is set."""
        ...


COUNTS_SLEEP = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""The monotonic clock that goes on while the computer sleeps: on Linux `CLOCK_MONOTONIC` stands
still, on macOS Python's `time.monotonic` does."""


def clock_boot(clock: Clock) -> str | None:
    """Return the boot that a clock's monotonic time belongs to; None for one of its own pace."""
    return None if isinstance(clock, ScaledClock) else host_boot_id()


class HostClock:
    """The clocks of this machine.

    The monotonic one counts the time in which the computer slept, as the sensor's own clock does:
    otherwise a sleep is no gap, and everything after it gets a wrong date.
    """

    def mono_ns(self) -> int:
        """Return the monotonic clock."""
        return time.clock_gettime_ns(COUNTS_SLEEP)

    def awake_ns(self) -> int:
        """Return the monotonic clock that stands still while the computer sleeps."""
        return time.clock_gettime_ns(time.CLOCK_MONOTONIC)

    def utc_ns(self) -> int:
        """Return the wall clock."""
        return time.time_ns()


A_DAY_S = 86_400.0  # as good as for ever: whoever holds the clock so moves the limit


class ScaledClock:
    """Clocks that run `speed` times as fast, and can be stopped, so that no sample is ever late.

    Time at a stop is not made up for: a machine too slow for a speed makes the night last
    longer.
    """

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._utc_offset_ns = time.time_ns() - time.monotonic_ns()
        self._real_ns = self._own_ns = time.monotonic_ns()  # of the same moment
        self._limit_ns: int | None = None
        self._runs_on_ns = 0  # real time from which the limit does not hold any more

    def mono_ns(self) -> int:
        """Return the clock's monotonic time."""
        real_ns = time.monotonic_ns()
        if self._limit_ns is None:
            return self._at(real_ns)
        held_ns = min(self._at(min(real_ns, self._runs_on_ns)), self._limit_ns)
        return held_ns + round(max(0, real_ns - self._runs_on_ns) * self._speed)

    def utc_ns(self) -> int:
        """Return the wall clock as it was at the start, moved on by the clock's own time."""
        return self._utc_offset_ns + self.mono_ns()

    def go_on_from(self, utc_ns: int) -> None:
        """Return no earlier wall clock than this from now on, where an earlier process was ahead.

        The monotonic clock moves on with it: both were as far ahead.
        """
        self.advance_to(utc_ns - self._utc_offset_ns)

    def advance_to(self, own_ns: int) -> None:
        """Return at least this time from now on."""
        self._own_ns = max(self.mono_ns(), own_ns)
        self._real_ns = time.monotonic_ns()
        self._limit_ns = None

    @property
    def speed(self) -> float:
        """Seconds of this clock in a real second."""
        return self._speed

    def hold_at(self, limit_ns: int, patience_s: float = A_DAY_S) -> None:
        """Return no later time than `limit_ns` until the next call.

        Parameters
        ----------
        patience_s : real seconds after which time runs on all the same
        """
        self.advance_to(0)
        self._limit_ns = max(limit_ns, self._own_ns)
        self._runs_on_ns = self._real_ns + round(patience_s * 1e9)

    def _at(self, real_ns: int) -> int:
        return self._own_ns + round((real_ns - self._real_ns) * self._speed)
