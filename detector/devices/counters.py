"""Counters of a sensor that begin anew when their bits are used up."""

from __future__ import annotations


def unwrapped(raw: int, previous: int | None, bits: int) -> int:
    """Continue a counter beyond its bits: of all values that it may stand for, the nearest.

    A step of less than half the counter's reach is understood in both directions, so that what
    comes late, twice or after a restart of the sensor stays a step back.

    Parameters
    ----------
    raw : as sent, 0 to 2**bits - 1
    previous : what this function gave for the one before; None begins
    """
    if previous is None:
        return raw
    half = 1 << (bits - 1)
    return previous + (raw - previous + half) % (2 * half) - half
