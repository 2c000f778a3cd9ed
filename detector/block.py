"""Samples on a sensor's clock: `Block`, and `Timebase` from sample index to UTC."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import inf

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]
"""Specific force, shape (n, 3), in g."""

Edge = tuple[int, float]
"""End of the samples so far: the index that would follow the last, and their rate in Hz."""

AXES = 3
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc_of(utc_ns: int) -> datetime:
    """Return a wall clock's ns since 1970 as a moment, in whole us."""
    return EPOCH + timedelta(microseconds=utc_ns // 1000)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Contiguous samples on one sensor's sample clock.

    Parameters
    ----------
    samples : (n, 3), g; made read-only
    start : index of the first sample since the recording began, >= 0
    fs : nominal sampling rate, Hz, > 0 and finite
    """

    samples: Samples
    start: int
    fs: float

    def __post_init__(self) -> None:
        samples = np.ascontiguousarray(self.samples, dtype=np.float64).view()
        if samples.ndim != 2 or samples.shape[1] != AXES:
            raise ValueError(f"samples must have shape (n, {AXES}), got {samples.shape}")
        if self.start < 0:
            raise ValueError(f"start must be >= 0, got {self.start}")
        if not 0 < self.fs < inf:
            raise ValueError(f"fs must be > 0 Hz and finite, got {self.fs}")
        samples.flags.writeable = False
        object.__setattr__(self, "samples", samples)

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def stop(self) -> int:
        """Index of the sample that would follow."""
        return self.start + len(self.samples)

    @property
    def edge(self) -> Edge:
        """End of its samples."""
        return self.stop, self.fs

    def after_gap(self, edge: Edge | None) -> bool:
        """Whether it starts elsewhere than at `edge`, the end of the samples before; None: no gap.

        The only definition of a gap: every consumer of blocks calls it and counts nothing across.
        """
        return edge is not None and edge != (self.start, self.fs)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Samples without a gap: from index `start` up to `stop`, at `fs` Hz."""

    start: int
    stop: int
    fs: float

    @property
    def start_s(self) -> float:
        """Seconds from index 0 to its first sample."""
        return self.start / self.fs

    @property
    def stop_s(self) -> float:
        """Seconds from index 0 to its end."""
        return self.stop / self.fs

    @property
    def edge(self) -> Edge:
        """Where its samples end."""
        return self.stop, self.fs


def extend(stretches: list[Stretch], block: Block) -> None:
    """Add a block to the stretches before it: the last grows, or behind a gap another begins."""
    if not len(block):
        return
    start = block.start
    if stretches and not block.after_gap(stretches[-1].edge):
        start = stretches.pop().start
    stretches.append(Stretch(start, block.stop, block.fs))


@dataclass(frozen=True, slots=True)
class Knot:
    """Fit from second `from_s` of the index on: UTC of index 0, true seconds per index second."""

    from_s: float
    epoch_ns: int
    pace: float


@dataclass(frozen=True, slots=True)
class Timebase:
    """UTC of sample index 0; the only conversion from an index to a wall clock.

    Parameters
    ----------
    fs : samples per second of the index, Hz
    epoch_ns : UTC of index 0, ns since 1970, or None for a recording without a wall clock
    knots : from which second of the index on a sharper fit holds, in order; what is dated before
        a knot stays as it was
    """

    fs: float
    epoch_ns: int | None = None
    knots: tuple[Knot, ...] = ()

    def at_s(self, seconds: float) -> datetime | None:
        """Return the UTC of a moment in seconds from index 0, in whole ms as in the JSON forms."""
        if self.epoch_ns is None:
            return None
        place = bisect_right(self.knots, seconds, key=lambda knot: knot.from_s)
        knot = self.knots[place - 1] if place else Knot(0.0, self.epoch_ns, 1.0)
        utc_ns = knot.epoch_ns + round(seconds * knot.pace * 1e9)
        return EPOCH + timedelta(milliseconds=utc_ns // 1_000_000)
