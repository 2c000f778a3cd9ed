"""Envelope of movement for a live view: how far |a| is from 1 g, 25 times a second. Pure."""

from __future__ import annotations

from collections import deque

import numpy as np

from detector.block import Block, Edge

HZ = 25.0  # the contract's most: a strip shows a beat of 8 Hz with three values
KEPT_S = 3.0  # twice what any sensor sends at once; who takes less often sees the latest


class Envelope:
    """The largest | |a| - 1 g | in each 40 ms of one sensor, or of each sample where it is slower.

    What did not come is left out. Only complete values are returned.
    """

    def __init__(self) -> None:
        self._edge: Edge | None = None
        self._bin = 0  # number of the value that is not complete
        self._most_g = float("nan")
        self._done: deque[float] = deque(maxlen=round(KEPT_S * HZ))
        self.rate_hz = HZ

    def feed(self, block: Block) -> None:
        """Take the next samples of the sensor."""
        if not len(block):
            return
        if self._edge is None or block.after_gap(self._edge):
            self._most_g = float("nan")
            self._bin = -1
        self._edge, self.rate_hz = block.edge, min(HZ, block.fs)
        moved_g = np.abs(np.sqrt(np.square(block.samples).sum(axis=1)) - 1.0)
        index = np.arange(block.start, block.stop)
        bins = np.floor(index * (self.rate_hz / block.fs) + 1e-9).astype(np.int64)
        begins = np.flatnonzero(np.diff(bins, prepend=bins[0] - 1))
        for number, most_g in zip(bins[begins], np.fmax.reduceat(moved_g, begins), strict=True):
            if number == self._bin:
                self._most_g = float(np.fmax(self._most_g, most_g))
                continue
            self._close()
            self._bin, self._most_g = int(number), float(most_g)

    def take(self) -> list[float]:
        """Return the values that were completed since the last time, g."""
        done = list(self._done)
        self._done.clear()
        return done

    def _close(self) -> None:
        if np.isfinite(self._most_g):
            self._done.append(round(self._most_g, 3))
