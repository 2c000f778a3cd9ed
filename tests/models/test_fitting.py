"""Laws of fitting: trees as LightGBM grew them, confidence, thresholds and weights."""

from __future__ import annotations

from dataclasses import replace

import fitting
import lightgbm
import numpy as np
import pytest
from examples import Examples
from hypothesis import example, given, settings
from hypothesis import strategies as st
from questions import ASKED, EVERY_KIND, FEATURE_GROUPS
from recordings import HARDEST, Origin
from thresholds import GIVEN_PER_24H, LEFT_PER_24H, PRECISE, allowed_levels, chosen, each_row, over

from detector.events import Kind
from detector.recognition.bouts.bout import Moment
from detector.recognition.rules.features import FEATURES
from detector.recognition.rules.opinions import Opinion, Question
from detector.recognition.rules.trees import parse_trees

from .made_up import JERK, nights, watched

SMALL = replace(ASKED[Question.PULL], trees=30, leaves=6)


def grown(examples: Examples, how: object = SMALL) -> list[fitting.Tree]:
    return fitting.grow(fitting.task(how, examples))  # type: ignore[arg-type]


@settings(max_examples=10)  # each trains
@given(seed=st.integers(0, 10_000))
def test_the_trees_in_the_file_say_what_was_grown(seed: int) -> None:
    work = fitting.task(SMALL, nights(seed))
    numbers, right, weight, features, trees, leaves = work
    parameters = {**fitting.SETTINGS, "num_leaves": leaves}
    data = lightgbm.Dataset(
        numbers[:, features], label=right.astype(float), weight=weight, params=parameters
    )
    booster = lightgbm.train(parameters, data, trees)

    grown = parse_trees(fitting.grow(work), features=len(FEATURES))
    said = [grown.odds(row) for row in numbers]
    wanted = booster.predict(numbers[:, features], raw_score=True)
    assert said == pytest.approx(wanted, abs=trees * 1e-3)


@settings(max_examples=5)
@given(seed=st.integers(0, 10_000))
def test_no_tree_asks_for_a_number_that_is_left_out(seed: int) -> None:
    blind = replace(SMALL, left_out=(*SMALL.left_out, "jerk"))
    asked = {node[0] for tree in grown(nights(seed), blind) for node in tree if len(node) > 1}

    assert JERK not in asked
    assert JERK in {node[0] for tree in grown(nights(seed)) for node in tree if len(node) > 1}


def test_the_same_trees_grow_in_other_processes() -> None:
    work = [fitting.task(SMALL, nights(seed)) for seed in (1, 2, 3)]

    assert fitting.grow_all(work, processes=2) == fitting.grow_all(work, processes=1)


def test_where_nothing_is_right_nothing_is_told_apart() -> None:
    nothing = Examples([watched(1, share=0.0)])

    assert grown(nothing) == [[[0.0]]]


@settings(max_examples=20)
@given(
    seed=st.integers(0, 10_000),
    slope=st.floats(0.2, 2.0),
    offset=st.floats(-2.0, 2.0),
)
def test_calibration_finds_how_often_odds_are_right(seed: int, slope: float, offset: float) -> None:
    rng = np.random.default_rng(seed)
    pools = []
    for count in (4_000, 20_000):  # a larger one weighs no more
        odds = rng.normal(size=count)
        right = rng.random(count) < 1 / (1 + np.exp(-(slope * odds + offset)))
        pools.append((odds, right, np.ones(count)))

    found = fitting.platt(pools)
    assert found == pytest.approx((slope, offset), abs=0.2)


def test_a_generator_with_more_bouts_says_no_more_of_confidence() -> None:
    rng = np.random.default_rng(1)
    odds = rng.normal(size=3_000)
    often, seldom = (rng.random(3_000) < 1 / (1 + np.exp(-(odds + by))) for by in (1.0, -1.0))
    ones = np.ones(3_000)
    larger = tuple(np.tile(column, 5) for column in (odds, seldom, ones))

    once = fitting.platt([(odds, often, ones), (odds, seldom, ones)])
    assert fitting.platt([(odds, often, ones), larger]) == pytest.approx(once, abs=0.01)


def test_a_confidence_never_falls_with_its_odds() -> None:
    odds = np.linspace(-3, 3, 400)
    found = fitting.platt([(odds, odds < 0, np.ones(400))])

    assert found is not None
    assert found[0] == 0.0


def test_too_few_to_know_leave_the_odds_as_they_are() -> None:
    few = np.arange(20) < fitting.FEWEST - 1

    assert fitting.platt([(np.zeros(20), few, np.ones(20))]) is None


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), question=st.sampled_from(sorted(GIVEN_PER_24H)))
@example(seed=730, question=Question.PULL)
def test_levels_leave_no_more_false_events_than_allowed(seed: int, question: Question) -> None:
    hardest = nights(seed, count=200, calls=0.5).among(scenes=HARDEST)
    rows = over(ASKED[question], hardest)
    named = hardest.named(question)[rows]
    likely = np.random.default_rng(seed).random(int(rows.sum()))

    levels = allowed_levels(question, hardest, rows, likely)
    for called, most in ((False, GIVEN_PER_24H), (True, LEFT_PER_24H)):
        told = levels.reached(named, likely) & (named == called)
        per_24h = np.mean(
            [
                told[hardest.origin[rows] == origin].sum()
                / hardest.among(origins=[origin]).hours
                * 24
                for origin in (Origin.OWN, Origin.TORQUE)
            ]
        )
        assert per_24h <= most[question] + 1e-9
        if called or levels.give > levels.leave:  # or one witness needs as much as two
            assert per_24h > most[question] - 24 / 8  # an event less is too few


@pytest.mark.parametrize("question", Question)
def test_a_level_is_a_probability(question: Question) -> None:
    jerks = [[[JERK, 0.0, 1, 2, 1], [-1.0], [1.0]]]
    opinion = fitting.bare_opinion(jerks, np.zeros(len(FEATURES)))

    assert all(0 < level <= 1 for level in chosen(question, ASKED[question], opinion, nights(3)))


@settings(max_examples=10)
@given(seed=st.integers(0, 10_000))
def test_announcements_are_precise_and_a_bout_counts_once(seed: int) -> None:
    twice = (Moment.FIRST_LOOK, Moment.PULL_LOOK, Moment.OVER)
    examples, seen = nights(seed, moments=twice), nights(seed + 100, moments=twice)
    how = replace(ASKED[Question.BEGUN], trees=30, leaves=6)
    opinion = fitting.bare_opinion(grown(examples, how), np.zeros(len(FEATURES)))

    level = chosen(Question.BEGUN, how, opinion, seen).give
    rows = np.flatnonzero(how.rows(seen) & np.isin(seen.scene, ["hard-night", "spastic"]))
    told = rows[each_row(opinion.likely, seen.numbers[rows]) >= level]
    bouts = {
        (int(seen.recording[row]), int(seen.first[row])): bool(how.right(seen)[row])
        for row in told[::-1]
    }
    assert bouts
    assert np.mean(list(bouts.values())) >= PRECISE - 0.02  # the level is rounded up


@settings(max_examples=10)
@given(seed=st.integers(0, 1_000), large=st.integers(400, 800))
def test_no_generator_weighs_more_than_another_and_right_no_more_than_wrong(
    seed: int, large: int
) -> None:
    seen = Examples(
        [
            watched(seed, large, origin=Origin.OWN),
            watched(seed + 1, 250, origin=Origin.TORQUE),
            watched(seed + 2, 300, origin=Origin.REAL, group="a"),
            watched(seed + 3, 300, origin=Origin.REAL, group="b"),
        ]
    )
    rows = SMALL.rows(seen)
    right = SMALL.right(seen)[rows]
    weight = fitting.balanced(seen, rows, right)

    def total(origin: Origin, side: bool) -> float:
        return float(weight[(seen.origin[rows] == origin) & (right == side)].sum())

    own = total(Origin.OWN, True)
    for origin in Origin:
        share = fitting.WEIGHTS.get(origin.value, fitting.REAL_WEIGHT)
        assert total(origin, True) == pytest.approx(share * own)
        assert total(origin, False) == pytest.approx(share * own)


def test_the_moments_of_a_bout_share_one_weight() -> None:
    moments = (Moment.RHYTHM, Moment.UPDATE, Moment.OVER)
    seen = nights(5, moments=moments, kind=Kind.CLONUS)
    rows = ASKED[Question.CLONUS].rows(seen)

    assert fitting.per_bout(seen, rows) == pytest.approx(np.full(int(rows.sum()), 1 / 3))


@pytest.mark.parametrize("question", Question)
def test_what_is_right_asks_the_question_and_is_not_skipped(question: Question) -> None:
    how = ASKED[question]
    seen = Examples([watched(n, kind=kind) for n, kind in enumerate((*EVERY_KIND, Kind.TREMOR))])
    right = how.rows(seen) & how.right(seen)

    assert right.any()
    assert not (right & how.skip(seen)).any()


def test_every_feature_is_in_one_group() -> None:
    grouped = [name for names in FEATURE_GROUPS.values() for name in names]

    assert sorted(grouped) == sorted(FEATURES)


def test_a_training_gives_an_opinion_on_every_question() -> None:
    asked = {q: replace(how, trees=10, leaves=4) for q, how in ASKED.items()}
    every = [
        watched(n, kind=kind, origin=origin, moments=tuple(Moment))
        for n, (kind, origin) in enumerate(
            (k, o) for k in (*EVERY_KIND, Kind.TREMOR) for o in (Origin.OWN, Origin.TORQUE)
        )
    ]
    answers = fitting.fit(Examples(every), nights(50), asked=asked)

    assert set(answers) == set(Question)
    for answer in answers.values():
        assert isinstance(answer.opinion, Opinion)
        assert len(answer.trees) == 10
