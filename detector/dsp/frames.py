"""Fixed frames, their exact mean and energy, and the gate that opens where something moves."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.block import AXES, Block, Samples
from detector.dsp.grid import GRID_HZ
from detector.plain import pack, unpack

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FRAME = 12
"""Samples per frame: 0.24 s, a hop that three beats of an 8 Hz clonus (0.38 s) cannot slip."""

FRAME_S = FRAME / GRID_HZ

TILE_FRAMES = 500  # 144 kB of samples

BLOCK_FRAMES = 250  # the floor is looked at once a minute: slow against any event
BLOCKS_KEPT = 10  # ... and rises only when ten minutes agree: nobody tosses that long in bed
QUIET_QUANTILE = 0.2  # a night is 94-98 % still; by day one frame in five usually is
FIRST_FLOOR_G = 2.4e-3  # typical wearable at 50 Hz (0.6-2 mg an axis), until the wearer's is known
MOST_FLOOR_G = 6e-3  # the noisiest usable sensor (3.5 mg an axis); more is movement, not stillness


class Framer:
    """Cut grid blocks into whole frames at multiples of `FRAME`, whatever the packet size."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the samples of an unfinished frame."""
        self._rest: Samples = np.empty((0, AXES))
        self._next: int | None = None

    def process(self, block: Block) -> Block:
        """Return the whole frames that are now complete; samples before the first are dropped."""
        if self._next is None:
            first = -(-block.start // FRAME) * FRAME
            if block.stop <= first:
                return Block(np.empty((0, AXES)), first, block.fs)
            block = Block(block.samples[first - block.start :], first, block.fs)
            self._next = first
        samples = np.concatenate((self._rest, block.samples)) if len(self._rest) else block.samples
        whole = len(samples) // FRAME * FRAME
        start, self._next = self._next, self._next + whole
        self._rest = samples[whole:].copy()
        return Block(samples[:whole], start, block.fs)

    def save(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return {"rest": pack(self._rest), "next": self._next}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self._rest, self._next = unpack(state["rest"], np.float64), state["next"]


def measure_frames(samples: Samples) -> tuple[Floats, Floats]:
    """Return the mean of every frame (gravity at rest), and the rms about it, all axes together.

    (rows, frames * 12, 3) g -> (rows, frames, 3) g and (rows, frames) g. Tile by tile and with the
    frames last, so that the work stays in a core's own cache and runs along memory.
    """
    rows, length, axes = samples.shape
    flat = samples.reshape(-1, FRAME * axes)
    means = np.empty((len(flat), axes))
    rms = np.empty(len(flat))
    for first in range(0, len(flat), TILE_FRAMES):
        tile = slice(first, first + TILE_FRAMES)
        framed = np.ascontiguousarray(flat[tile].T).reshape(FRAME, axes, -1)
        mean = framed.sum(axis=0) / FRAME
        deviation = framed - mean
        np.multiply(deviation, deviation, out=deviation)
        square = deviation.sum(axis=0) / FRAME
        means[tile] = mean.T
        rms[tile] = np.sqrt(square[0] + square[1] + square[2])
    frames = length // FRAME
    return means.reshape(rows, frames, axes), rms.reshape(rows, frames)


class Floor:
    """Noise level of each wearer at rest: the quiet quantile of a minute, the least of ten.

    State has a leading wearer axis; `follow` takes any number of frames and is causal: a frame
    is judged by completed minutes only, so that the cutting of the stream cannot matter.
    """

    def __init__(self, wearers: int) -> None:
        self._minutes = np.full((wearers, BLOCKS_KEPT), np.inf)  # infinite: not yet known
        self._level_g = _believed(self._minutes.min(axis=1))
        self._current = np.zeros((wearers, BLOCK_FRAMES))
        self._filled = np.zeros(wearers, dtype=np.int64)

    def follow(self, rows: NDArray[np.int64], rms: Floats) -> Floats:
        """Return the floor for each of these frames of some wearers: (rows, frames) g, as rms."""
        filled, frames = self._filled[rows], rms.shape[1]
        ending = filled + frames >= BLOCK_FRAMES
        floor = np.repeat(self._level_g[rows, np.newaxis], frames, axis=1)
        within, column = rows[~ending, np.newaxis], filled[~ending, np.newaxis] + np.arange(frames)
        self._current[within, column] = rms[~ending]
        self._filled[rows[~ending]] += frames
        for index in np.flatnonzero(ending):
            floor[index] = self._follow_minutes(int(rows[index]), rms[index])
        return floor

    def _follow_minutes(self, row: int, rms: Floats) -> Floats:
        """One-row variant of `follow`, where a minute ends: (frames,) g -> (frames,) g."""
        filled = int(self._filled[row])
        pending = np.concatenate((self._current[row, :filled], rms))
        done = len(pending) // BLOCK_FRAMES
        whole = pending[: done * BLOCK_FRAMES].reshape(done, BLOCK_FRAMES)
        order = np.partition(whole, _QUIET_RANK, axis=1)[:, _QUIET_RANK]
        minutes = np.concatenate((self._minutes[row], order))
        levels = np.lib.stride_tricks.sliding_window_view(minutes, BLOCKS_KEPT).min(axis=1)
        levels = _believed(levels)
        floor = np.repeat(levels, BLOCK_FRAMES)[filled : filled + len(rms)]
        rest = pending[done * BLOCK_FRAMES :]
        self._minutes[row], self._level_g[row] = minutes[-BLOCKS_KEPT:], levels[-1]
        self._current[row, : len(rest)] = rest
        self._filled[row] = len(rest)
        return floor

    def save(self) -> dict[str, Any]:
        """Return the state as plain data: of a minute its quietest frames, which will decide."""
        unseen = np.arange(BLOCK_FRAMES) >= self._filled[:, np.newaxis]
        ordered = np.sort(np.where(unseen, np.inf, self._current), axis=1)
        return {
            "minutes": pack(self._minutes),
            "quietest": pack(ordered[:, : _QUIET_RANK + 1]),
            "filled": pack(self._filled),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self._minutes = unpack(state["minutes"], np.float64)
        self._level_g = _believed(self._minutes.min(axis=1))
        self._current = np.full((len(self._minutes), BLOCK_FRAMES), np.inf)
        self._current[:, : _QUIET_RANK + 1] = unpack(state["quietest"], np.float64)
        self._filled = unpack(state["filled"], np.int64)


def _believed(least: Floats) -> Floats:
    """Return the floor by the least of the last minutes, within what a sensor can be."""
    return np.minimum(np.where(np.isinf(least), FIRST_FLOOR_G, least), MOST_FLOOR_G)


_QUIET_RANK = int(QUIET_QUANTILE * BLOCK_FRAMES)
