"""Held values: a sensor that repeats its last sample to the bit is asleep, not still.

`equal_runs` finds them; `Holds` says where a sleep ends, `quality` whether a sensor is stuck.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.block import AXES, Block, Samples
from detector.plain import pack, to_plain, unpack

SLEEP_S = 5.0
"""Shortest run of equal samples that counts as sleep. At 1 mg of noise and steps of 4 mg three axes
cannot stay on one value for 250 samples; ActiGraph's idle sleep mode holds for 10 s and more, and
67 % of a day of it is held."""

FINEST_STEP_G = 8e-3
"""A sensor of coarser steps (8 bit at 2 g: 16 mg) measures one value while it rests."""


def equal_runs(samples: Samples, before: Samples, *, least: int) -> list[tuple[int, int]]:
    """Return first and stop of every stretch of equal samples, in order.

    Those of `least` samples or more, and shorter ones that reach to either end: they may go on
    there. Of one that goes on from `before`, the (0 or 1, 3) sample in front, `first` is -1.
    """
    joined = np.concatenate((before, samples)) if len(before) else samples
    same = np.zeros(len(joined) + 1, np.bool_)
    inner = same[1:-1]
    np.equal(joined[1:, 0], joined[:-1, 0], out=inner)
    for axis in range(1, AXES):
        inner &= joined[1:, axis] == joined[:-1, axis]
    edges = np.flatnonzero(same[1:] != same[:-1])
    first, stop = edges[::2] - len(before), edges[1::2] + 1 - len(before)
    wanted = (stop - first >= least) | (first <= 0) | (stop == len(samples))
    return list(zip(first[wanted].tolist(), stop[wanted].tolist(), strict=True))


class Holds:
    """Finds where a sleep ends: a boundary as after a gap, for nothing was measured meanwhile.

    Takes a sensor's own samples, block after block of one segment. Its resolution is measured
    between samples 2.5 s apart, at fixed indices, so that cutting the stream changes nothing.
    """

    def __init__(self) -> None:
        self._step_g = np.inf  # smallest change ever seen between looks: the resolution
        self.reset()

    def reset(self) -> None:
        """Forget the run at a gap; the resolution belongs to the sensor."""
        self._last: Samples = np.empty((0, AXES))  # the sample before the next block
        self._run = 0  # how many samples up to that one equal it, itself counted
        self._looked: Samples = np.empty((0, AXES))  # sample at the last look

    def split(self, block: Block) -> list[Block]:
        """Cut a block where a hold ends: each part but the first begins a new segment."""
        if not len(block):
            return [block]
        ends = self._ends(block)
        if not ends:
            return [block]
        edges = [0, *ends, len(block)]
        return [
            Block(block.samples[first:stop], block.start + first, block.fs)
            for first, stop in pairwise(edges)
        ]

    def save(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return {
            "step_g": to_plain(self._step_g),
            "last": pack(self._last),
            "run": self._run,
            "looked": pack(self._looked),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self._step_g, self._run = float(state["step_g"]), state["run"]
        self._last = unpack(state["last"], np.float64)
        self._looked = unpack(state["looked"], np.float64)

    def _ends(self, block: Block) -> list[int]:
        """Return the index in the block of the first sample after each sleep that ends in it."""
        samples, every = block.samples, int(SLEEP_S * block.fs / 2)
        ends = self._follow(samples, least=2 * every)
        looks = np.arange(-block.start % every, len(samples), every)
        if not len(looks):
            return ends if self._step_g <= FINEST_STEP_G else []
        seen = np.concatenate((self._looked, samples[looks]))
        resolution = self._resolution(seen)
        self._looked, self._step_g = seen[-1:].copy(), float(resolution[-1])
        known = resolution[np.searchsorted(looks, ends, side="right")]
        return [end for end, step_g in zip(ends, known, strict=True) if step_g <= FINEST_STEP_G]

    def _follow(self, samples: Samples, *, least: int) -> list[int]:
        """Return where runs of `least` samples end, and carry the last one on."""
        before, count = self._run, len(samples)
        runs = equal_runs(samples, self._last, least=least)
        self._last, self._run = samples[-1:].copy(), 1
        ends = [] if runs and runs[0][0] < 0 else [(0, before)]
        for first, stop in runs:
            length = stop - first if first >= 0 else before + stop
            if stop == count:
                self._run = length
            else:
                ends.append((stop, length))
        return [end for end, length in ends if length >= least]

    def _resolution(self, seen: Samples) -> NDArray[np.float64]:
        """Return the least change known before each new look, and after the last: (looks + 1,)."""
        change = np.abs(seen[1:] - seen[:-1])
        smallest = np.where(change > 0, change, np.inf).min(axis=1)
        if not len(self._looked):
            smallest = np.concatenate(([np.inf], smallest))
        return np.minimum.accumulate(np.concatenate(([self._step_g], smallest)))
