"""A few minutes of a recorded night, decoded without what lies before them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from detector.block import EPOCH, Block, Timebase
from detector.devices.interpreter import Interpreter
from detector.devices.registry import installed
from detector.devices.stream import Item, LinkUp
from detector.errors import ConfigError, RecordingError
from detector.store.recording import Recording
from detector.timing.sample_clock import SampleClock

LONGEST = timedelta(minutes=6)
MOST_ITEMS = 60_000  # 6 minutes at more than any sensor sends
SETTING_UP = 64
"""Items after a connection was made in which a driver learns rate and range; no driver takes 20."""


@dataclass(frozen=True, slots=True, eq=False)
class Excerpt:
    """Samples of a stretch of time; index 0 is the first of them.

    timebase : dates them by when they arrived, to 0.1 s
    """

    blocks: tuple[Block, ...]
    timebase: Timebase
    site: str


def excerpt(path: Path, since: datetime, until: datetime) -> Excerpt:
    """Return what a recording has from one moment to another, at most `LONGEST`.

    Raises
    ------
    RecordingNotFoundError, RecordingError
        There is no such file, it cannot be read, or it has no samples of that time.
    """
    until = min(until, since + LONGEST)
    clock, blocks = SampleClock(), list[Block]()
    with Recording.open(path) as recording:
        interpreter = Interpreter(installed())
        try:
            for item, within in _items(recording, _ns(since), _ns(until)):
                reading = interpreter.feed(item)
                if within:
                    blocks += clock.take(reading)
        except ConfigError as error:
            raise RecordingError(f"{path.name}: {error}") from None
        site = recording.header.site
    if clock.timebase is None or not blocks:
        raise RecordingError(f"{path.name} has no samples of that time")
    return Excerpt(tuple(blocks), clock.timebase, site)


def _items(recording: Recording, since_ns: int, until_ns: int) -> Iterator[tuple[Item, bool]]:
    """Yield items that set the driver up, then those of the time; and which of both each is."""
    first = recording.row_at(since_ns)
    link_up = recording.link_up_before(first)
    for row, item in islice(recording.numbered(link_up), SETTING_UP):
        if row >= first:
            break
        yield item, isinstance(item, LinkUp)
    for _, item in islice(recording.numbered(first), MOST_ITEMS):
        if item.utc_ns >= until_ns:
            return
        yield item, True


def _ns(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000
