"""What a sensor shows: samples that arrived, events and conditions with their times."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Protocol

from detector.alerts.conditions import Condition
from detector.block import Block
from detector.devices.stream import LinkDown
from detector.events import Event
from detector.recognition.events.stamp import Provenance
from detector.recognition.pipeline import KnownEvent


@dataclass(frozen=True, slots=True)
class WornSensor:
    """A sensor, where it is worn, and whose its events are.

    Parameters
    ----------
    name, wearer : for events whose provenance, from which ids are made, has none or is not
        unique among the recordings
    """

    provenance: Provenance
    site: str
    name: str | None = None
    wearer: str | None = None


@dataclass(frozen=True, slots=True)
class SensorCondition:
    """A condition of a sensor, such as no signal; over when `why` is None. `since_ns` monotonic."""

    name: Condition
    why: str | None
    since_ns: int


@dataclass(frozen=True, slots=True)
class Observation:
    """What a sensor showed, and when that was known.

    Parameters
    ----------
    what : an event, a condition, or a link that was lost; None where samples were analysed
    mono_ns, utc_ns : host's two clocks when the samples that it needed had come
    known_s : of an event: s from the sensor's first sample to the end of what it needed; where
        samples were analysed: how far
    """

    what: Event | SensorCondition | LinkDown | None
    mono_ns: int
    utc_ns: int
    known_s: float | None = None


class Follower(Protocol):
    """Interface of a `Watcher`."""

    @property
    def reached_s(self) -> float | None:
        """Seconds up to which samples were analysed."""

    def follow(self, block: Block) -> list[KnownEvent]:
        """Take the next samples."""
        ...

    def close(self) -> list[KnownEvent]:
        """Close what is open."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Arrival:
    """Samples that wait to be analysed, and when they came.

    A file's samples have no arrival of their own: `of_file`, each came when it was measured.
    """

    block: Block
    mono_ns: int
    utc_ns: int
    of_file: bool

    def when(self, known_s: float) -> tuple[int, int]:
        """Return the two clocks when this moment of the recording was there."""
        if not self.of_file:
            return self.mono_ns, self.utc_ns
        back_ns = round(self.block.stop / self.block.fs * 1e9) - round(known_s * 1e9)
        return self.mono_ns - back_ns, self.utc_ns - back_ns

    def stops(self) -> list[int]:
        """Return at which sample indices time passes: a packet's end, every second of a file."""
        block = self.block
        each = max(round(block.fs), 1)
        inner = range((block.start // each + 1) * each, block.stop, each) if self.of_file else ()
        return [*inner, block.stop]


def when(run: list[Arrival], known_s: float) -> tuple[int, int]:
    """Return the two clocks when the samples up to a moment had come, of what lies between gaps."""
    stop = round(known_s * run[0].block.fs)
    place = bisect_left(run, stop, key=lambda arrival: arrival.block.stop)
    return run[min(place, len(run) - 1)].when(known_s)
