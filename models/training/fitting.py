"""Boosted trees with calibration and threshold for every question, reproducible byte for byte."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Any, Final, TypeAlias

import lightgbm
import numpy as np
from examples import Examples
from questions import ASKED, Asked
from recordings import Origin
from scipy.optimize import minimize
from thresholds import chosen, each_row

from detector.dsp.frames import Bools, Floats
from detector.recognition.rules.features import FEATURES
from detector.recognition.rules.opinions import Opinion, Question
from detector.recognition.rules.trees import parse_trees

SETTINGS: Final[Mapping[str, Any]] = {
    "objective": "binary",
    "learning_rate": 0.1,
    "min_data_in_leaf": 20,
    "min_sum_hessian_in_leaf": 0.01,
    "lambda_l2": 1.0,
    "extra_trees": True,  # random cuts: a model leans on many numbers instead of on a simulator's
    "feature_fraction_bynode": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "max_bin": 63,
    "seed": 0,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}

WEIGHTS: Final[Mapping[str, float]] = {"own": 1.0, "torque": 1.0, "soft": 0.5}
REAL_WEIGHT = 0.7
"""What a group weighs against the others. Soft nights are easy; all recordings of people together
hold few kinds of movement, and mostly of wrists."""

SMALLEST_CELL = 50.0
"""Below so many bouts the right or wrong ones of a group weigh by their count."""

FEWEST = 15
"""Right or wrong bouts below which a generator says nothing about how sure an opinion is."""

CUT_DIGITS, LEAF_DIGITS = 6, 4
"""Significant digits in the file: more than a sensor measures."""

Tree: TypeAlias = list[list[float | int]]
"""As in `detector.recognition.rules.trees.parse_trees`."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """A trained question.

    Parameters
    ----------
    trees : as in the file
    opinion : what they give
    never_saw : trees grown without a generator, by its name
    """

    trees: list[Tree]
    opinion: Opinion
    never_saw: Mapping[Origin, list[Tree]]


Task: TypeAlias = tuple[Floats, Bools, Floats, tuple[int, ...], int, int]
"""Numbers, what is right, weights, features that may be used, trees and leaves."""

Pool: TypeAlias = tuple[Floats, Bools, Floats]
"""Odds, what is right, and weights."""


def fit(
    examples: Examples,
    calibration: Examples,
    *,
    asked: Mapping[Question, Asked] = ASKED,
    processes: int = 1,
) -> dict[Question, Answer]:
    """Train on `examples`; set confidence and threshold on `calibration`, from other seeds."""
    held_out = [without_generator(examples, origin) for origin in GENERATORS]
    tasks = [task(question, seen) for question in asked.values() for seen in (examples, *held_out)]
    grown = iter(grow_all(tasks, processes=processes))
    found = {}
    for question, how in asked.items():
        trees = next(grown)
        others = {origin: next(grown) for origin in GENERATORS}
        pools = [pool(how, others[origin], calibration, origin) for origin in GENERATORS]
        opinion = calibrated(question, how, trees, examples, calibration, pools=pools)
        found[question] = Answer(trees, opinion, others)
    return found


def calibrated(
    question: Question,
    how: Asked,
    trees: Sequence[Tree],
    examples: Examples,
    calibration: Examples,
    *,
    pools: Iterable[Pool],
) -> Opinion:
    """Return what trees give: confidence from `pools`, levels from nights of `calibration`."""
    slope, offset = platt(pools) or (1.0, 0.0)
    bare = bare_opinion(trees, typical(how, examples))
    sure = replace(bare, slope=slope, offset=offset)
    give, leave = chosen(question, how, sure, calibration)
    return replace(sure, give=give, leave=leave)


GENERATORS: Final = (Origin.OWN, Origin.TORQUE)


def without_generator(examples: Examples, origin: Origin) -> Examples:
    """Return the examples of the other generator and of people."""
    return examples.among(origins=[other for other in Origin if other is not origin])


def bare_opinion(trees: Sequence[Tree], typical: Floats) -> Opinion:
    """Return trees as an opinion whose probability is the logistic of their odds.

    `typical` as in `Opinion`, (features,).
    """
    return Opinion(parse_trees(trees, features=len(FEATURES)), 1.0, 0.0, 0.0, 0.0, typical)


def task(how: Asked, examples: Examples) -> Task:
    """Return what the trees of a question are grown from."""
    rows = how.rows(examples) & ~how.skip(examples)
    right = how.right(examples)[rows]
    numbers = examples.numbers[rows].astype(np.float64)
    return numbers, right, balanced(examples, rows, right), how.features, how.trees, how.leaves


def balanced(examples: Examples, rows: Bools, right: Bools) -> Floats:
    """Return weights: a bout's moments share one, a group's right and wrong bouts weigh the same.

    Parameters
    ----------
    rows : (n,) which of n examples
    right : (rows,) which of these

    Returns
    -------
    (rows,), of which the mean is 1
    """
    weight = per_bout(examples, rows)
    real = examples.origin[rows] == Origin.REAL
    group = np.where(real, Origin.REAL.value, examples.group[rows])
    for name in sorted(set(group)):
        for side in (True, False):
            cell = (group == name) & (right == side)
            if cell.any():
                share = WEIGHTS.get(name, REAL_WEIGHT) / 2
                weight[cell] *= share / max(float(weight[cell].sum()), SMALLEST_CELL)
    return weight / max(float(weight.mean()), 1e-12) if len(weight) else weight


def per_bout(examples: Examples, rows: Bools) -> Floats:
    """Return for each row one over the number of moments at which its bout is among the rows."""
    bout = np.stack([examples.recording[rows], examples.first[rows]])
    _, which, counts = np.unique(bout, axis=1, return_inverse=True, return_counts=True)
    share: Floats = 1.0 / counts[which.ravel()]
    return share


def grow_all(tasks: Sequence[Task], *, processes: int) -> list[list[Tree]]:
    """Return the trees of each task, in their order."""
    if processes == 1:
        return [grow(each) for each in tasks]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as workers:
        return list(workers.map(grow, tasks))


def grow(task: Task) -> list[Tree]:
    """Return trees; none where nothing or everything is right."""
    numbers, right, weight, features, trees, leaves = task
    if not right.any() or right.all():
        return [[[0.0]]]
    settings = {**SETTINGS, "num_leaves": leaves}
    data = lightgbm.Dataset(
        numbers[:, features], label=right.astype(np.float64), weight=weight, params=settings
    )
    grown = lightgbm.train(settings, data, trees).dump_model()["tree_info"]
    return [_tree(each["tree_structure"], features) for each in grown]


def _tree(root: Mapping[str, Any], features: Sequence[int]) -> Tree:
    """Return the nodes of a tree, each before its children."""
    nodes: Tree = []

    def take(node: Mapping[str, Any]) -> int:
        at = len(nodes)
        if "leaf_value" in node:
            nodes.append([significant(node["leaf_value"], LEAF_DIGITS)])
            return at
        nodes.append([])
        cut = significant(node["threshold"], CUT_DIGITS)
        left, right = take(node["left_child"]), take(node["right_child"])
        # Where nothing was missing in training a missing number is taken for 0.
        leftward = node["default_left"] if node["missing_type"] == "NaN" else cut >= 0.0
        nodes[at] = [
            features[node["split_feature"]], cut, left, right, left if leftward else right,
        ]  # fmt: skip
        return at

    take(root)
    return nodes


def significant(number: float, digits: int) -> float:
    """Return a number rounded to so many significant digits."""
    return float(f"{number:.{digits}g}")


def typical(how: Asked, examples: Examples) -> Floats:
    """Return the median of every feature among those named right, (features,); NaN: none has it."""
    rows = how.rows(examples) & how.right(examples)
    numbers = examples.numbers[rows].astype(np.float64)
    medians = [
        np.median(column[known]) if (known := np.isfinite(column)).any() else np.nan
        for column in numbers.T
    ]
    return np.array([significant(median, LEAF_DIGITS) for median in medians])


def pool(how: Asked, trees: Sequence[Tree], examples: Examples, origin: Origin) -> Pool:
    """Return the odds of a model on the nights of one generator."""
    nights = examples.among(origins=[origin])
    rows = how.rows(nights) & ~how.skip(nights)
    odds = each_row(parse_trees(trees, features=len(FEATURES)).odds, nights.numbers[rows])
    return odds, how.right(nights)[rows], per_bout(nights, rows)


def platt(pools: Iterable[Pool]) -> tuple[float, float] | None:
    """Fit probability to log odds (Platt 1999), with his targets; each pool weighs the same.

    Returns
    -------
    slope, at least 0, and offset; None if no pool has enough that is right and wrong
    """
    odds, target, share = [], [], []
    for each, right, weight in pools:
        yes, no = float(weight[right].sum()), float(weight[~right].sum())
        if min(yes, no) < FEWEST:
            continue
        odds.append(each)
        target.append(np.where(right, (yes + 1) / (yes + 2), 1 / (no + 2)))
        share.append(weight / weight.sum())
    if not odds:
        return None
    x, y, w = np.concatenate(odds), np.concatenate(target), np.concatenate(share) / len(odds)

    def loss(theta: Floats) -> tuple[float, Floats]:
        z = theta[0] * x + theta[1]
        error = w * (1 / (1 + np.exp(-np.clip(z, -50, 50))) - y)
        cost = float((w * (np.logaddexp(0.0, z) - y * z)).sum())
        return cost, np.array([(error * x).sum(), error.sum()])

    best = minimize(
        loss,
        np.array([1.0, 0.0]),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, None), (None, None)],
        options={"maxiter": 2000, "ftol": 1e-14, "gtol": 1e-9},
    )
    slope, offset = (significant(float(value), LEAF_DIGITS) for value in best.x)
    return slope, offset
