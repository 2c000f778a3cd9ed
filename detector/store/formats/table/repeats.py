"""One value repeated to the bit for seconds: a sensor that slept, or a gap that was filled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detector.block import AXES, Samples
from detector.dsp.holds import FINEST_STEP_G

Bools = NDArray[np.bool_]


class Repeats:
    """Finds rows that repeat the one before for longer than a limb can keep a fine sensor still.

    Parameters
    ----------
    least : rows after which a repeated value is no measurement
    step_g : smallest step between rows; a coarse sensor at rest measures one value, and no sleep
        can be told
    """

    def __init__(self, least: int, *, step_g: float) -> None:
        self._least = least
        self._fine = step_g < FINEST_STEP_G
        self._last: Samples = np.full(AXES, np.nan)
        self._run = 0  # rows before the next that equal it, one behind the other

    def held(self, samples: Samples) -> Bools:
        """Return which of the next rows, (n, 3), g, are repeats beyond the least; (n,)."""
        if not self._fine or not len(samples):
            return np.zeros(len(samples), np.bool_)
        before = np.concatenate((self._last[np.newaxis], samples[:-1]))
        same = (samples == before).all(axis=1)
        place = np.arange(len(samples))
        begun = np.maximum.accumulate(np.where(same, -1, place))
        # Of a run that goes on from the rows before, its length there counts.
        run = np.where(begun < 0, place + 1 + self._run, place - begun)
        self._last, self._run = samples[-1], int(run[-1])
        return np.asarray(run >= self._least)


def resolution_g(samples: Samples) -> float:
    """Return the smallest step between rows, (n, 3), on any axis, g; infinite where none moves."""
    steps = np.abs(np.diff(samples, axis=0))
    moved = steps[steps > 1e-9]
    return float(moved.min()) if len(moved) else float("inf")
