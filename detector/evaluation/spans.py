"""Stretches of time: what overlaps what, and how many seconds of it there are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Generic, Protocol, TypeAlias, TypeVar

import numpy as np

Spans: TypeAlias = Sequence[tuple[float, float]]
"""Start and end of each, s."""


class Spanned(Protocol):
    """Anything with a beginning and an end."""

    @property
    def onset_s(self) -> float:
        """Seconds from the first sample to its beginning."""

    @property
    def end_s(self) -> float:
        """Seconds from the first sample to its end."""


S = TypeVar("S", bound=Spanned)


def in_order(items: Sequence[S]) -> list[S]:
    """Sort by onset, then end, then all other fields, so that the order is unique."""
    return sorted(items, key=lambda item: (item.onset_s, item.end_s, repr(item)))


def length(item: Spanned) -> float:
    """Seconds from its beginning to its end."""
    return item.end_s - item.onset_s


class Index(Generic[S]):
    """Finds, among items in order of onset, those that share more than a moment with a stretch."""

    def __init__(self, items: Sequence[S]) -> None:
        self.items = in_order(items)
        self._onsets = np.array([item.onset_s for item in self.items])
        # Ends are in no order; the latest so far is, and leads past everything that is over.
        self._latest = np.maximum.accumulate(np.array([item.end_s for item in self.items]))

    def overlapping(self, start_s: float, end_s: float) -> list[S]:
        """Return them in order of onset."""
        first = int(np.searchsorted(self._latest, start_s, side="right"))
        last = int(np.searchsorted(self._onsets, end_s, side="left"))
        return [item for item in self.items[first:last] if item.end_s > start_s]


class Measure:
    """How many seconds of some spans lie between two moments; overlaps count once."""

    def __init__(self, spans: Spans) -> None:
        self.spans = union(spans)
        edges = [edge for span in self.spans for edge in span]
        lengths = [b - a if i % 2 == 0 else 0.0 for i, (a, b) in enumerate(pairwise(edges))]
        self._edges = np.array(edges or [0.0])
        self._before = np.concatenate(([0.0], np.cumsum(lengths)))
        self.total = float(self._before[-1])

    def between(self, start_s: float, end_s: float) -> float:
        """Seconds between two moments."""
        before, after = np.interp((start_s, end_s), self._edges, self._before).tolist()
        return float(after - before)

    def meets(self, start_s: float, end_s: float) -> bool:
        """Whether any of it lies between two moments, or holds the one where they are the same."""
        return any((a < end_s and b > start_s) or a <= start_s < b for a, b in self.spans)

    def shared(self, other: Measure) -> float:
        """Seconds that two have in common."""
        return float(sum(other.between(start, end) for start, end in self.spans))


def union(spans: Spans) -> list[tuple[float, float]]:
    """Join what touches or overlaps; in order."""
    done: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if done and start <= done[-1][1]:
            done[-1] = (done[-1][0], max(end, done[-1][1]))
        else:
            done.append((start, end))
    return done


def without(spans: Spans, removed: Spans) -> list[tuple[float, float]]:
    """Cut stretches out of spans."""
    cuts = union(removed)
    left: list[tuple[float, float]] = []
    for start, end in union(spans):
        inside = [(max(a, start), min(b, end)) for a, b in cuts if a < end and b > start]
        edges = [start, *(edge for cut in inside for edge in cut), end]
        left += [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]
    return left
