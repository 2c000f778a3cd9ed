"""Held samples: a sensor that repeats its last value to the bit is asleep, not still."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.block import AXES, Block, Samples

HELD_S = 5.0
"""Shortest run of equal samples that counts as held. At 1 mg of noise and steps of 4 mg three axes
cannot stay on one value for 250 samples; ActiGraph's idle sleep mode holds for 10 s and more, and
67 % of a day of it is held."""

FINEST_STEP_G = 8e-3
"""A sensor of coarser steps (8 bit at 2 g: 16 mg) truly shows one value while it rests."""


class Holds:
    """Finds where held samples end: a boundary as after a gap, for nothing was seen meanwhile.

    Takes a sensor's own samples, block after block of one segment. Only one sample in 2.5 s is
    looked at, at fixed indices; where two neighbours agree, the samples between them are.
    """

    def __init__(self) -> None:
        self._step_g = np.inf  # smallest change ever seen between looks: the resolution
        self.reset()

    def reset(self) -> None:
        """Forget the run at a gap; the resolution belongs to the sensor."""
        self._last: Samples = np.empty((0, AXES))  # the sample before the next block
        self._run = 0  # samples before that one which equal it
        self._looked: Samples = np.empty((0, AXES))  # sample at the last look

    def split(self, block: Block) -> list[Block]:
        """Cut a block where a hold ends: each part but the first begins a new segment."""
        if not len(block):
            return [block]
        ends = self._ends(block)
        edges = [0, *ends, len(block)]
        return [
            Block(block.samples[first:stop], block.start + first, block.fs)
            for first, stop in pairwise(edges)
        ]

    def save(self) -> dict[str, Any]:
        """Give the state as plain data."""
        return {
            "step_g": float(self._step_g),
            "last": self._last.copy(),
            "run": self._run,
            "looked": self._looked.copy(),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self._step_g, self._run = state["step_g"], state["run"]
        self._last, self._looked = state["last"].copy(), state["looked"].copy()

    def _ends(self, block: Block) -> list[int]:
        """Index in the block of the first sample after each hold that ends in it."""
        samples, every = block.samples, int(HELD_S * block.fs / 2)
        known = len(self._last)
        joined = np.concatenate((self._last, samples[:1]))
        lead = 0
        if known and _same(joined[:1], joined[1:]).all():
            lead = _equal_from(samples, 0)
        ends = []
        if known and lead < len(samples) and self._run + 1 + lead >= 2 * every:
            ends.append(lead)
        first = -block.start % every
        looks = np.arange(first, len(samples), every)
        seen = np.concatenate((self._looked, samples[looks]))
        resolution = self._resolution(seen)
        same = _same(samples[looks[:-1]], samples[looks[1:]])
        for index in np.flatnonzero(same):
            begin = _equal_to(samples, int(looks[index]))
            end = int(looks[index + 1]) + _equal_from(samples, int(looks[index + 1]))
            if end - begin >= 2 * every and lead < end < len(samples) and end not in ends:
                ends.append(end)
        tail = _equal_to(samples, len(samples) - 1)
        carried = self._run + known if tail == 0 and lead == len(samples) else 0
        self._run = len(samples) - 1 - tail + carried
        self._last = samples[-1:].copy()
        self._looked = seen[-1:].copy()
        fine = [resolution[np.searchsorted(looks, end, side="right")] for end in ends]
        self._step_g = float(resolution[-1])
        return [end for end, step_g in zip(ends, fine, strict=True) if step_g <= FINEST_STEP_G]

    def _resolution(self, seen: Samples) -> NDArray[np.float64]:
        """Smallest change known before each look that is new, and after the last: (looks + 1,)."""
        change = np.abs(seen[1:] - seen[:-1])
        smallest = np.where(change > 0, change, np.inf).min(axis=1)
        if not len(self._looked):
            smallest = np.concatenate(([np.inf], smallest))[: len(seen)]
        return np.minimum.accumulate(np.concatenate(([self._step_g], smallest)))


def _same(left: Samples, right: Samples) -> NDArray[np.bool_]:
    same: NDArray[np.bool_] = (left == right).all(axis=1)
    return same


def _equal_from(samples: Samples, index: int) -> int:
    """How many samples from `index` on equal it, itself counted."""
    count, reach = 0, 64
    while index + count < len(samples):
        near = samples[index + count : index + count + reach]
        differs = ~_same(near, samples[index : index + 1])
        if differs.any():
            return count + int(np.argmax(differs))
        count, reach = count + len(near), 2 * reach
    return count


def _equal_to(samples: Samples, index: int) -> int:
    """First index of the run of equal samples that `index` belongs to."""
    return index + 1 - _equal_from(samples[: index + 1][::-1], 0)
