"""Rows of a file with columns as blocks: each at its index, what was not measured left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.block import Block, Samples
from detector.store.formats.checks import Unit, measured, runs
from detector.store.formats.times import SampleTimes


@dataclass(frozen=True, slots=True, eq=False)
class NumberedRows:
    """Rows of a file, as written: samples (n, 3), NaN where none is; times in s, None without any.

    first : number of the first row in the file, from 0
    """

    samples: Samples
    times: NDArray[np.float64] | None
    first: int

    @property
    def numbers(self) -> range:
        """The rows' numbers, for messages."""
        return range(self.first, self.first + len(self.samples))


def placed(
    parts: Iterable[NumberedRows], clock: SampleTimes | None, name: str, fs: float, unit: Unit
) -> Iterator[Block]:
    """Return the blocks of rows; without times, a row's index is its number.

    Raises
    ------
    RecordingError
        A row holds what no sensor measures, or time goes backward.
    """
    for part in parts:
        samples = part.samples * unit.g
        good = measured(samples, f"{name} row", part.numbers)
        if clock is not None and part.times is not None:
            index = clock.indices(part.times, part.numbers)
        else:
            index = part.first + np.arange(len(samples))
        cuts = np.flatnonzero(np.diff(index) != 1) + 1
        for begin, end in zip([0, *cuts.tolist()], [*cuts.tolist(), len(samples)], strict=True):
            for start, stop in runs(good[begin:end]):
                yield Block(samples[begin + start : begin + stop], int(index[begin + start]), fs)
