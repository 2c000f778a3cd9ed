"""The host's clock counts what the sensor's clock counts: the sleep of the computer too."""

from __future__ import annotations

import time

import pytest

from detector.sources.clock import HostClock

HOUR_NS = 3_600_000_000_000


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="only Linux has two such clocks")
def test_a_computer_that_slept_for_an_hour_knows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Linux does: `CLOCK_MONOTONIC` stands still during a sleep, `CLOCK_BOOTTIME` does not."""
    ask, slept_ns = time.clock_gettime_ns, 0

    def after_sleep(clock: int) -> int:
        return ask(clock) + (slept_ns if clock == time.CLOCK_BOOTTIME else 0)

    monkeypatch.setattr(time, "clock_gettime_ns", after_sleep)
    before_ns = HostClock().mono_ns()
    slept_ns = HOUR_NS

    assert HostClock().mono_ns() - before_ns >= HOUR_NS
