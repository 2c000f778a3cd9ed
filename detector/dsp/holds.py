"""Held samples: a sensor that repeats its last value to the bit is asleep, not still."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.block import AXES, Block, Samples
from detector.plain import pack, to_plain, unpack

HELD_S = 5.0
"""Shortest run of equal samples that counts as held. At 1 mg of noise and steps of 4 mg three axes
cannot stay on one value for 250 samples; ActiGraph's idle sleep mode holds for 10 s and more, and
67 % of a day of it is held."""

FINEST_STEP_G = 8e-3
"""A sensor of coarser steps (8 bit at 2 g: 16 mg) truly shows one value while it rests."""

Indices = NDArray[np.int64]


class Holds:
    """Finds where held samples end: a boundary as after a gap, for nothing was seen meanwhile.

    Takes a sensor's own samples, block after block of one segment. Only one sample in 2.5 s is
    looked at, at fixed indices: a hold spans two looks at least, so only where neighbours agree
    are the samples about them compared one by one.
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
        """Index in the block of the first sample after each hold that ends in it."""
        samples, every = block.samples, int(HELD_S * block.fs / 2)
        ends = self._follow(samples, least=2 * every)
        looks = np.arange(-block.start % every, len(samples), every)
        if not len(looks):
            return ends if self._step_g <= FINEST_STEP_G else []
        seen = np.concatenate((self._looked, samples[looks]))
        resolution = self._resolution(seen)
        self._looked, self._step_g = seen[-1:].copy(), float(resolution[-1])
        if not self._step_g <= FINEST_STEP_G:
            return []
        for first, stop in _agreeing(samples, looks):
            ends += _ends_about(samples, first - every, stop + every, least=2 * every)
        ends = sorted(set(ends))
        known = resolution[np.searchsorted(looks, ends, side="right")]
        return [end for end, step_g in zip(ends, known, strict=True) if step_g <= FINEST_STEP_G]

    def _follow(self, samples: Samples, *, least: int) -> list[int]:
        """Carry the run on into a block; where it ends, if it was a hold and ends there."""
        before, count = self._run, len(samples)
        goes_on = before and (samples[0] == self._last[0]).all()
        lead = _equal_from(samples) if goes_on else 0
        self._run = before + count if lead == count else _equal_from(samples[::-1])
        self._last = samples[-1:].copy()
        return [lead] if lead < count and before + lead >= least else []

    def _resolution(self, seen: Samples) -> NDArray[np.float64]:
        """Smallest change known before each look that is new, and after the last: (looks + 1,)."""
        change = np.abs(seen[1:] - seen[:-1])
        smallest = np.where(change > 0, change, np.inf).min(axis=1)
        if not len(self._looked):
            smallest = np.concatenate(([np.inf], smallest))
        return np.minimum.accumulate(np.concatenate(([self._step_g], smallest)))


def _agreeing(samples: Samples, looks: Indices) -> list[tuple[int, int]]:
    """First and last look of every stretch in which each equals the next and one in between."""
    same = (samples[looks[1:]] == samples[looks[:-1]]).all(axis=1)
    near = np.flatnonzero(same)
    between = (looks[near] + looks[near + 1]) // 2
    same[near] = (samples[between] == samples[looks[near]]).all(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], same, [False]))))
    return list(zip(looks[edges[::2]].tolist(), looks[edges[1::2]].tolist(), strict=True))


def _ends_about(samples: Samples, first: int, stop: int, *, least: int) -> list[int]:
    """Index after each run of `least` equal samples that lies between two indices."""
    first = max(first, 0)
    near = samples[first : stop + 1]
    changes = np.flatnonzero((near[1:] != near[:-1]).any(axis=1)) + 1
    lengths = np.diff(changes, prepend=0)
    ends: list[int] = (first + changes[lengths >= least]).tolist()
    return ends


def _equal_from(samples: Samples) -> int:
    """How many samples from the first on equal it, itself counted."""
    count, reach = 1, 64
    while count < len(samples):
        differs = (samples[count : count + reach] != samples[0]).any(axis=1)
        if differs.any():
            return count + int(differs.argmax())
        count, reach = count + len(differs), 2 * reach
    return count
