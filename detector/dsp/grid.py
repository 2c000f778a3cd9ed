"""Resample any sensor's samples to the absolute 50 Hz grid of everything downstream."""

from __future__ import annotations

from math import ceil, floor
from typing import Any

import numpy as np

from detector.block import AXES, Block, Samples
from detector.plain import pack, unpack

GRID_HZ = 50.0
"""Analysis rate: three times the 15 Hz that holds clonus and its harmonics, and the commonest
rate of the wearables (Polar 50 to 52 Hz)."""

LOBES = 3
"""Lanczos kernel half-width in zero crossings (Duchon 1979): 60 ms of look-ahead above 50 Hz,
pass band flat to 15 Hz, aliases from above 35 Hz at most 3 % of their amplitude."""

_STRETCH = np.array([1.0, LOBES])[:, np.newaxis, np.newaxis]  # of the kernel's two factors

TILE = 1024  # positions worked on at once: their arrays fit in a core's own cache


class Grid:
    """Resample contiguous blocks to sample k at k / 50 s since the recording began.

    Blocks of one segment must follow each other without a gap; `finish` ends the segment. The
    values do not depend on how the stream was cut into blocks.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the segment."""
        self._held: Block | None = None
        self._next = 0  # index of the next grid sample

    def process(self, block: Block) -> Block:
        """Take the next block of the segment; return the grid samples that are now certain."""
        if self._held is None:
            self._next = ceil(block.start * GRID_HZ / block.fs - 1e-9)
            self._held = block
        else:
            samples = np.concatenate((self._held.samples, block.samples))
            self._held = Block(samples, self._held.start, block.fs)
        return self._render(max(certain_stop(self._held.stop, block.fs), self._next))

    def finish(self) -> Block | None:
        """End the segment; return what its last samples still decide, the very last repeated."""
        if self._held is None or not len(self._held):
            self.reset()
            return None
        last = floor((self._held.stop - 1) * GRID_HZ / self._held.fs + 1e-9)
        tail = self._render(max(last + 1, self._next))
        self.reset()
        return tail

    def save(self) -> dict[str, Any]:
        """Return the state as plain data."""
        held = self._held
        return {
            "held": None if held is None else [pack(held.samples), held.start, held.fs],
            "next": self._next,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self._held = None
        if state["held"] is not None:
            samples, start, fs = state["held"]
            self._held = Block(unpack(samples, np.float64), start, fs)
        self._next = state["next"]

    def _render(self, stop: int) -> Block:
        """Return grid samples from the next one up to `stop`; drop input no longer needed."""
        held = self._held
        assert held is not None  # noqa: S101 - both callers hold a block
        start, self._next = self._next, stop
        fs, reach = held.fs, _reach(held.fs)
        if fs == GRID_HZ:
            samples = held.samples[start - held.start : stop - held.start]
        else:
            positions = np.arange(start, stop, dtype=np.float64) * (fs / GRID_HZ)
            samples = np.empty((len(positions), AXES))
            for first in range(0, len(positions), TILE):
                tile = slice(first, first + TILE)
                samples[tile] = _interpolate(held, positions[tile], reach)
        keep = floor(stop * fs / GRID_HZ - reach) - 1
        drop = min(max(keep - held.start, 0), len(held))
        # One sample always stays, so that `finish` can hold it.
        drop = min(drop, max(len(held) - 1, 0))
        self._held = Block(held.samples[drop:].copy(), held.start + drop, fs)
        return Block(samples, start, GRID_HZ)


def certain_stop(stop: int, fs: float) -> int:
    """Return up to which grid sample all is certain, once samples up to index `stop` are there."""
    return ceil((stop - 1 - _reach(fs)) * GRID_HZ / fs)


def _reach(fs: float) -> float:
    """Return the kernel's half-width in input samples; 0 where the input is the grid already."""
    return 0.0 if fs == GRID_HZ else LOBES * fs / min(fs, GRID_HZ)


def _interpolate(block: Block, positions: Samples, reach: float) -> Samples:
    """Interpolate (Lanczos) at absolute input positions, first and last sample held beyond."""
    first = np.ceil(positions - reach).astype(np.int64)
    index = first + np.arange(int(2 * reach) + 1)[:, np.newaxis]  # (taps, positions)
    offset = (index - positions) * (min(block.fs, GRID_HZ) / block.fs)
    wave, hull = np.sinc(offset / _STRETCH)
    weight = np.where(np.abs(offset) < LOBES, wave * hull, 0.0)
    inside = np.minimum(np.maximum(index - block.start, 0), len(block) - 1)
    weighted = weight[..., np.newaxis] * block.samples[inside]
    total: Samples = weighted[0]
    weight_sum = weight[0]
    # A loop over the few taps, not a sum over an axis: the order of additions is then the same
    # for every block length, which makes the result so to the last bit.
    for tap in range(1, len(index)):
        total += weighted[tap]
        weight_sum += weight[tap]
    total /= weight_sum[:, np.newaxis]
    return total
