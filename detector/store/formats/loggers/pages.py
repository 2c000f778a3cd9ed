"""Pages of samples in a file, placed by their times: what is missing between them is a gap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.block import Block, Samples

GAP_S = 0.5  # a page later than that lost samples: clocks of pages are exact to less
STEADY_PAGES = 10  # in one run, to measure a rate better than its nominal value says
OFF_NOMINAL = 0.05  # largest share by which a crystal can be off; beyond, times are wrong

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Pages:
    """Times and sizes of the pages that could be read, in order.

    start_s : (n,), of the first sample of each page
    counts : (n,), samples in it
    """

    start_s: Floats
    counts: Ints

    def rate_hz(self, nominal_hz: float) -> float:
        """Return the true rate, measured over the longest run without a gap."""
        steps = np.diff(self.start_s)
        together = np.abs(steps - self.counts[:-1] / nominal_hz) < GAP_S
        best, run_from = (0, 0), 0
        for stop in [*np.flatnonzero(~together).tolist(), len(steps)]:
            if stop - run_from > best[1] - best[0]:
                best = (run_from, stop)
            run_from = stop + 1
        first, stop = best
        if stop - first < STEADY_PAGES:
            return nominal_hz
        took_s = float(self.start_s[stop] - self.start_s[first])
        rate = float(self.counts[first:stop].sum()) / took_s
        return rate if abs(rate / nominal_hz - 1) < OFF_NOMINAL else nominal_hz

    def first_indices(self, fs: float) -> Ints:
        """Return the index of the first sample of each page: the count, set later at a gap."""
        index = np.empty(len(self.counts), dtype=np.int64)
        following = 0
        for page, (start_s, count) in enumerate(
            zip((self.start_s - self.start_s[0]).tolist(), self.counts.tolist(), strict=True)
        ):
            at = round(start_s * fs)
            following = at if at - following > GAP_S * fs else following
            index[page] = following
            following += count
        return index


def blocks_of(pieces: Iterator[tuple[Samples, int]], fs: float) -> Iterator[Block]:
    """Return blocks of samples, g, and their first indices; neighbours are joined."""
    held: list[Samples] = []
    start = following = 0
    for samples, index in pieces:
        if held and (index != following or following - start > JOINED):
            yield Block(np.concatenate(held), start, fs)
            held = []
        if not held:
            start = index
        held.append(samples)
        following = index + len(samples)
    if held:
        yield Block(np.concatenate(held), start, fs)


JOINED = 30_000  # samples in one block, ten minutes at 50 Hz


def left_out(name: str, bad: int, of: int) -> list[str]:
    """Return a warning about pages that could not be read."""
    return [f"{name}: {bad} of {of} pages are damaged and left out"] if bad else []


def no_zone(name: str) -> Sequence[str]:
    """Return a warning about a clock that does not say its zone."""
    return [f"{name} does not say the zone of its times: they are not taken over"]
