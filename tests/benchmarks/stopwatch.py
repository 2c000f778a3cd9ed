"""Times contestants in turn, so that a machine that slows down slows all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter_ns

import numpy as np


@dataclass(frozen=True, slots=True)
class Timing:
    """What one contestant took, one value a round, in ms."""

    rounds_ms: tuple[float, ...]

    @property
    def median_ms(self) -> float:
        return float(np.median(self.rounds_ms))

    @property
    def least_ms(self) -> float:
        """The round that other programs disturbed least."""
        return min(self.rounds_ms)

    def over(self, anchor: Timing) -> float:
        """How many times the anchor: the median of the ratios within each round."""
        pairs = zip(self.rounds_ms, anchor.rounds_ms, strict=True)
        return float(np.median([own / other for own, other in pairs]))

    def least_over(self, anchor: Timing) -> float:
        """How many times the anchor, by the least disturbed round of each."""
        return self.least_ms / anchor.least_ms


def interleaved(contestants: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, Timing]:
    """Let every contestant run once a round; a round before the first is not timed."""
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds + 1):
        for name, run in contestants.items():
            began_ns = perf_counter_ns()
            run()
            if number:
                taken[name].append((perf_counter_ns() - began_ns) / 1e6)
    return {name: Timing(tuple(each)) for name, each in taken.items()}
