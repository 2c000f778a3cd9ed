"""Boosted trees: as a person would walk them, and nothing else than trees."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.errors import ModelError
from detector.recognition.rules.trees import DEEPEST, MOST_LEAVES, parse_trees

FEATURES = 4
Node = list[Any]


@st.composite
def a_tree(draw: st.DrawFn) -> list[Node]:
    """A tree of up to fifteen nodes, the root first, children behind their parents."""
    nodes: list[Node] = []

    def grow(depth: int) -> int:
        at = len(nodes)
        nodes.append([])
        if depth == 3 or draw(st.booleans()):
            nodes[at] = [draw(st.floats(-2, 2))]
            return at
        left, right = grow(depth + 1), grow(depth + 1)
        missing = draw(st.sampled_from((left, right)))
        threshold = draw(st.floats(-1, 1))
        nodes[at] = [draw(st.integers(0, FEATURES - 1)), threshold, left, right, missing]
        return at

    grow(0)
    return nodes


def walked(tree: list[Node], numbers: np.ndarray) -> float:
    """Follow one tree node by node."""
    at = 0
    while len(tree[at]) > 1:
        feature, threshold, left, right, missing = tree[at]
        asked = numbers[feature]
        at = missing if np.isnan(asked) else left if asked <= threshold else right
    return float(tree[at][0])


@given(
    trees=st.lists(a_tree(), min_size=1, max_size=5),
    numbers=st.lists(
        st.one_of(st.floats(-2, 2), st.just(np.nan)), min_size=FEATURES, max_size=FEATURES
    ),
)
def test_all_trees_at_once_say_what_each_says_alone(
    trees: list[list[Node]], numbers: list[float]
) -> None:
    asked = np.array(numbers)

    together = parse_trees(trees, features=FEATURES).odds(asked)

    assert together == pytest.approx(sum(walked(tree, asked) for tree in trees), abs=1e-12)


@pytest.mark.parametrize(
    "node",
    [
        [FEATURES, 0.0, 1, 2, 1],
        [-1, 0.0, 1, 2, 1],
        [0.0, 0.0, 1, 2, 1],
        [0, 0.0, 0, 2, 1],
        [0, 0.0, 1, 3, 1],
        [0, 0.0, 1, 2],
        [0, float("nan"), 1, 2, 1],
        [0, float("inf"), 1, 2, 1],
        [1e308],
        [float("nan")],
        [],
    ],
)
def test_what_is_no_node_is_refused(node: Node) -> None:
    with pytest.raises(ModelError, match="reinstall"):
        parse_trees([[node, [0.5], [-0.5]]], features=FEATURES)


def test_a_tree_of_more_leaves_than_there_are_bits_is_refused() -> None:
    comb: list[Node] = []
    for low in range(2):
        at = len(comb)
        comb.append([0, float(low), at + 1, at + 2, at + 1])
        comb.append([0.1])
    bushy: list[Node] = [[0, 0.0, 2 * at + 1, 2 * at + 2, 2 * at + 1] for at in range(MOST_LEAVES)]
    bushy += [[0.1] for _ in range(MOST_LEAVES + 1)]

    assert parse_trees([[*comb, [0.2]]], features=FEATURES).odds(np.zeros(FEATURES)) == 0.1
    with pytest.raises(ModelError, match="leaves"):
        parse_trees([bushy], features=FEATURES)


def test_a_tree_that_never_ends_is_refused() -> None:
    deep: list[Node] = []
    for at in range(DEEPEST + 2):
        deep += [[0, 0.0, 2 * at + 1, 2 * at + 2, 2 * at + 1], [0.1]]
    deep += [[0.2]]

    with pytest.raises(ModelError, match="deeper"):
        parse_trees([deep], features=FEATURES)


@pytest.mark.parametrize("none", [[], [[]], [[[0.5]], []]])
def test_a_tree_without_a_node_is_refused(none: list[list[Node]]) -> None:
    with pytest.raises(ModelError, match="no tree"):
        parse_trees(none, features=FEATURES)
