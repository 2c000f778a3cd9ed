"""A simulated sensor's readings, dated by the sensor, so that a busy machine delays none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from detector.devices.profile import Chunk
from detector.devices.stream import Item, Reading
from detector.sources.clock import ScaledClock
from detector.sources.source import LinkStatus, Source

AHEAD_NS = 2_000_000_000
"""How far the night's clock may run ahead of the samples: more than the slowest sensor's 1.4 s
packets, and well below the age at which samples are no signal."""

PATIENCE_S = 3.0
"""Real seconds that the clock waits for the next samples: a busy machine may be that late, a
sensor that is silent for longer is so on purpose."""

REPEATED_NS = 1_000_000_000  # a stamp older by less is a packet sent twice, not a clock set back


class SampleTimedSource:
    """Yield a sped-up sensor's readings with arrival times made of its own time stamps.

    A sensor without stamps keeps the times at which its packets came. A wrong rate cannot be
    noticed here, since the second clock needed for it is the sensor's own.
    """

    def __init__(self, source: Source, clock: ScaledClock) -> None:
        self._source = source
        self._clock = clock
        self._last_ns: int | None = None  # the sensor's time of the latest samples
        self._zero_ns = 0  # the night's monotonic time at the sensor's zero

    async def readings(self) -> AsyncIterator[Reading]:
        """Yield the source's readings; the night's clock follows them."""
        async for reading in self._source.readings():
            last_ns = _sensor_time_ns(reading)
            if last_ns is None or self._is_repeated(last_ns):
                yield reading
                continue
            if self._last_ns is None or last_ns < self._last_ns:  # at first, or set back
                self._zero_ns = reading.item.mono_ns - last_ns
            self._last_ns = last_ns
            arrived_ns = self._zero_ns + last_ns
            self._clock.advance_to(arrived_ns)
            self._clock.hold_at(arrived_ns + AHEAD_NS, PATIENCE_S)
            yield replace(reading, item=_dated(reading.item, arrived_ns))

    async def close(self) -> None:
        """Close the source."""
        await self._source.close()

    def go_on(self, session: int, address: str | None) -> None:
        """Go on where another process was."""
        self._source.go_on(session, address)

    @property
    def status(self) -> LinkStatus:
        """State of the link."""
        return self._source.status

    def _is_repeated(self, last_ns: int) -> bool:
        return self._last_ns is not None and 0 <= self._last_ns - last_ns < REPEATED_NS


def _sensor_time_ns(reading: Reading) -> int | None:
    stamps = [output.last_ns for output in reading.outputs if isinstance(output, Chunk)]
    return stamps[-1] if stamps else None


def _dated(item: Item, mono_ns: int) -> Item:
    """Return the item as it would have come at this time; both host clocks go together here."""
    return replace(item, mono_ns=mono_ns, utc_ns=item.utc_ns + mono_ns - item.mono_ns)
