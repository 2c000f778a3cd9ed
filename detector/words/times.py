"""Moments of a recording in words: by the clock on the wall, or from its start."""

from __future__ import annotations

from datetime import tzinfo
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detector.block import Timebase


def clock_words(seconds: float, timebase: Timebase, zone: tzinfo | None, *, tenths: bool) -> str:
    """Return a moment as `detect` prints it: the time of day, or +h:mm:ss where there is none."""
    moment = timebase.at_s(seconds)
    if moment is not None:
        local = moment.astimezone(zone)
        return f"{local:%H:%M:%S}" + (f".{local.microsecond // 100_000}" if tenths else "")
    return elapsed_words(seconds, tenths=tenths)


def elapsed_words(seconds: float, *, tenths: bool = False) -> str:
    """Return a time from the first sample as +h:mm:ss."""
    sign, tick = "-" if seconds < 0 else "+", int(abs(seconds) * 10 + 1e-6)
    whole = tick // 10
    text = f"{sign}{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
    return text + (f".{tick % 10}" if tenths else "")
