"""Boosted decision trees: log odds from the numbers of a bout, all trees side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.dsp.frames import Floats
from detector.errors import ModelError

NO_FEATURE = -1  # of a leaf
PARTS = 5  # of any other node
DEEPEST = 16  # steps from a root: a file with more is damaged


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """Trees as tables, each (nodes,): both children of a leaf are itself.

    Parameters
    ----------
    roots : (trees,) the first node of each
    feature : which number a node asks for
    threshold : up to it the way goes left
    missing_left : whether it does where the number is not there
    children : (2 * nodes,) of node n at 2 n the right one, at 2 n + 1 the left one
    value : log odds that a leaf adds
    depth : most steps from a root to a leaf
    """

    roots: NDArray[np.intp]
    feature: NDArray[np.intp]
    threshold: Floats
    missing_left: NDArray[np.bool_]
    children: NDArray[np.intp]
    value: Floats
    depth: int

    def odds(self, numbers: Floats) -> float:
        """Return the sum of what all trees say: (features,) -> log odds.

        Every node is asked at once, which is quicker than each where a tree comes to it.
        """
        asked = numbers[self.feature]
        left = (asked <= self.threshold) | (self.missing_left & np.isnan(asked))
        chosen = self.children[_pairs(len(left)) + left]
        node = self.roots
        for _ in range(self.depth):
            node = chosen[node]
        return float(self.value[node].sum())


@cache
def _pairs(nodes: int) -> NDArray[np.intp]:
    return 2 * np.arange(nodes)


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
        A node is none, asks for a number that there is not, or leads back.
    """
    if not trees:
        raise ModelError("a model holds no tree; reinstall spasmwatch")
    table: list[tuple[int, float, int, int, int, float]] = []
    roots = []
    for tree in trees:
        roots.append(len(table))
        table += [_node(list(n), at, len(tree), features, len(table)) for at, n in enumerate(tree)]
    columns = (np.array(column) for column in zip(*table, strict=True))
    feature, threshold, left, right, missing, value = columns
    found = Trees(
        roots=np.array(roots),
        feature=np.maximum(feature, 0),
        threshold=threshold.astype(np.float64),
        missing_left=missing == left,
        children=np.stack((right, left), axis=1).ravel(),
        value=value.astype(np.float64),
        depth=_depth(np.array(roots), left, right),
    )
    if not (np.isfinite(found.threshold).all() and np.isfinite(found.value).all()):
        raise ModelError("a tree holds a number that is none; reinstall spasmwatch")
    return found


def _node(
    node: list[Any], at: int, size: int, features: int, base: int
) -> tuple[int, float, int, int, int, float]:
    """Return a row of the table; children are larger than their parent, so no way leads back."""
    itself = base + at
    if len(node) == 1:
        return NO_FEATURE, 0.0, itself, itself, itself, float(node[0])
    if len(node) == PARTS:
        feature, threshold, *children = node
        later = all(isinstance(child, int) and at < child < size for child in children)
        if later and isinstance(feature, int) and 0 <= feature < features:
            left, right, missing = (base + child for child in children)
            return feature, float(threshold), left, right, missing, 0.0
    raise ModelError(f"a tree holds {node!r:.60}, which is no node; reinstall spasmwatch")


def _depth(roots: NDArray[Any], *ways: NDArray[Any]) -> int:
    """Return the most steps to a leaf."""
    reached = set(roots.tolist())
    for depth in range(DEEPEST + 1):
        beyond = {int(way[n]) for n in reached for way in ways if int(way[n]) != n}
        if not beyond:
            return depth
        reached = beyond
    raise ModelError(f"a tree is deeper than {DEEPEST}; reinstall spasmwatch")
