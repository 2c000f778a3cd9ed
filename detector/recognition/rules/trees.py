"""Boosted decision trees: log odds from the numbers of a bout, all trees side by side.

By the leaves that are left (QuickScorer: Lucchese et al. 2015, SIGIR, pp. 73-82): a node whose
answer is "right" rules out the leaves to its left, and the first leaf that no node rules out is
where the way from the root ends. What all nodes that ask for one number rule out depends only on
between which of their thresholds it lies, so that is looked up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import isfinite
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detector.dsp.frames import Floats
from detector.errors import ModelError

PARTS = 5  # of a node that is no leaf
DEEPEST = 16  # steps from a root: a file with more is damaged
MOST_LEAVES = 16  # of a tree, a bit each; those that are trained have up to twelve
LARGEST_LEAF = 30.0  # log odds; those that are trained have up to one, and sums must be numbers

ALL = (1 << MOST_LEAVES) - 1

Leaves = NDArray[np.uint16]
"""The leaves that are left of each tree: a bit each, the leftmost is the lowest."""


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """Trees as tables.

    Parameters
    ----------
    asked : (k,) the numbers that they ask for
    thresholds : what each is held against, one behind the other as complex numbers: which of
        `asked` is the real part, the threshold the imaginary one. That is the order in which numpy
        sorts them, so that one search finds the places of all numbers
    rows : (k,) what is to be added to such a place for the row of `left`
    missing : (k,) the row for each where it is not there
    left : (rows, trees) what is left by one number: behind the rows between its thresholds that
        for where it is not there
    first : (trees,) where the leaves of each begin in `value`
    value : (leaves,) log odds that a leaf adds
    """

    asked: NDArray[np.intp]
    thresholds: NDArray[np.complex128]
    rows: NDArray[np.intp]
    missing: NDArray[np.intp]
    left: Leaves
    first: NDArray[np.intp]
    value: Floats

    def odds(self, numbers: Floats) -> float:
        """Return the sum of what all trees say: (features,) -> log odds."""
        said = numbers.take(self.asked)
        # Up to a threshold the way goes left: only those below a number count.
        rows = self.thresholds.searchsorted(_placed(said)) + self.rows
        rows = np.where(np.isnan(said), self.missing, rows)
        left = np.bitwise_and.reduce(self.left.take(rows, axis=0), initial=ALL)
        return float(self.value.take(self.first + _lowest().take(left)).sum())


def _placed(said: Floats) -> NDArray[np.complex128]:
    """Return numbers, each behind the index that it is asked by; see `Trees.thresholds`."""
    placed = np.empty(len(said), np.complex128)
    placed.real, placed.imag = _index(len(said)), said
    return placed


@cache
def _index(count: int) -> Floats:
    return np.arange(count, dtype=np.float64)


@cache
def _lowest() -> NDArray[np.intp]:
    """Return the lowest bit that is set in each number of `MOST_LEAVES` bits; 0 in 0."""
    numbers = np.arange(ALL + 1)
    lowest: NDArray[np.intp] = np.log2(np.maximum(numbers & -numbers, 1)).astype(np.intp)
    return lowest


class _Split(NamedTuple):
    """A node that asks, and which leaves of its tree are left behind it."""

    feature: int
    threshold: float
    tree: int
    if_right: int
    if_missing: int


def parse_trees(trees: Sequence[Sequence[Sequence[Any]]], *, features: int) -> Trees:
    """Return trees from a file.

    Parameters
    ----------
    trees : each a list of nodes, the root first: a leaf is `[value]`, any other node
        `[feature, threshold, left, right, missing]` with nodes counted within the tree
    features : how many numbers there are

    Raises
    ------
    ModelError
        A node is none, asks for a number that there is not, or leads back; a leaf is beyond
        `LARGEST_LEAF`; a tree has no node, is deeper than `DEEPEST` or has more than `MOST_LEAVES`.
    """
    if not (trees and all(trees)):
        raise ModelError("a model holds no tree, or an empty one; reinstall spasmwatch")
    splits: list[_Split] = []
    values: list[float] = []
    first = []
    for number, tree in enumerate(trees):
        nodes = [_checked(list(node), at, len(tree), features) for at, node in enumerate(tree)]
        first.append(len(values))
        leaves: list[float] = []
        _climb(nodes, 0, number, leaves, splits, depth=0)
        values += leaves
    return Trees(**_tables(splits, len(trees)), first=np.array(first), value=np.array(values))


def _checked(node: list[Any], at: int, size: int, features: int) -> list[Any]:
    """Return a node; children are larger than their parent, so no way leads back."""
    if len(node) == 1 and abs(node[0]) <= LARGEST_LEAF:
        return [float(node[0])]
    if len(node) == PARTS:
        feature, threshold, *children = node
        later = all(isinstance(child, int) and at < child < size for child in children)
        known = isinstance(feature, int) and 0 <= feature < features
        if later and known and isfinite(threshold):
            return [feature, float(threshold), *children]
    raise ModelError(f"a tree holds {node!r:.60}, which is no node; reinstall spasmwatch")


def _climb(
    nodes: Sequence[Sequence[Any]],
    at: int,
    tree: int,
    leaves: list[float],
    splits: list[_Split],
    *,
    depth: int,
) -> int:
    """Gather the leaves from a node on, left to right, and the splits; return the leaves' bits."""
    if depth > DEEPEST:
        raise ModelError(f"a tree is deeper than {DEEPEST}; reinstall spasmwatch")
    node = nodes[at]
    if len(node) == 1:
        if len(leaves) == MOST_LEAVES:
            raise ModelError(f"a tree has more than {MOST_LEAVES} leaves; reinstall spasmwatch")
        leaves.append(node[0])
        return 1 << (len(leaves) - 1)
    feature, threshold, left, right, missing = node
    lefts = _climb(nodes, left, tree, leaves, splits, depth=depth + 1)
    rights = _climb(nodes, right, tree, leaves, splits, depth=depth + 1)
    if_missing = ALL if missing == left else ALL & ~lefts
    splits.append(_Split(feature, threshold, tree, ALL & ~lefts, if_missing))
    return lefts | rights


def _tables(splits: Sequence[_Split], trees: int) -> dict[str, NDArray[Any]]:
    """Return the fields of `Trees` that say what is left by a number between its thresholds."""
    asked = sorted({split.feature for split in splits})
    thresholds: list[complex] = []
    tables = [np.empty((0, trees), np.uint16)]
    missing = []
    for index, feature in enumerate(asked):
        of = [split for split in splits if split.feature == feature]
        own = sorted({split.threshold for split in of})
        below = {threshold: row for row, threshold in enumerate(own, start=1)}
        table = np.full((len(own) + 1, trees), ALL, np.uint16)
        no_number = np.full((1, trees), ALL, np.uint16)
        for split in of:
            table[below[split.threshold], split.tree] &= split.if_right
            no_number[0, split.tree] &= split.if_missing
        thresholds += [complex(index, threshold) for threshold in own]
        tables += [np.bitwise_and.accumulate(table), no_number]
        missing.append(len(thresholds) + 2 * index + 1)
    return {
        "asked": np.array(asked, np.intp),
        "thresholds": np.array(thresholds, np.complex128),
        "rows": 2 * np.arange(len(asked)),
        "missing": np.array(missing, np.intp),
        "left": np.concatenate(tables),
    }
