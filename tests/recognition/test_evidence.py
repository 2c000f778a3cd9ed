"""Evidence is as strong as its weakest check, and that check is the one to tell."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from detector.dsp import trigger
from detector.events import Kind
from detector.recognition.rules.evidence import Check, CheckName, Evidence, RuleName, ramp

numbers = st.floats(-100, 100)


@st.composite
def checks(draw: st.DrawFn) -> Check:
    none, full = draw(numbers), draw(numbers)
    assume(abs(full - none) > 1e-3)
    return Check(CheckName.PEAK, draw(numbers), none, full)


evidence = st.lists(checks(), min_size=1, max_size=6).map(
    lambda made: Evidence(RuleName.SPASM, Kind.SPASM, tuple(made))
)


@given(checks(), numbers)
def test_a_better_number_never_makes_a_check_weaker(check: Check, other: float) -> None:
    towards = 1 if check.full > check.none else -1
    worse, better = sorted((check.value, other), key=lambda value: towards * value)

    assert check._replace(value=worse).strength <= check._replace(value=better).strength


@given(checks())
def test_a_check_is_none_at_one_end_full_at_the_other_and_half_at_its_bar(check: Check) -> None:
    at_ends = [check._replace(value=value).strength for value in (check.none, check.full)]

    assert [0.0, 1.0] == at_ends
    assert 0.5 == pytest.approx(check._replace(value=check.bar).strength)


@given(numbers, checks())
def test_the_ramp_of_one_number_is_that_of_many(value: float, check: Check) -> None:
    assert ramp(value, check.none, check.full) == trigger.ramp([value], check.none, check.full)[0]


@given(evidence)
def test_evidence_is_as_strong_as_its_weakest_check(made: Evidence) -> None:
    assert made.strength == min(check.strength for check in made.checks)
    assert made.strength == made.weakest.strength
    assert made.weakest in made.checks
    assert made.holds == all(check.strength >= 0.5 for check in made.checks)


@pytest.mark.parametrize(
    ("value", "holds"), [(0.0, False), (0.49, False), (0.5, True), (9.0, True)]
)
def test_it_holds_from_one_half_on(value: float, holds: bool) -> None:
    sure = Check(CheckName.PEAK, 1.0, 0.0, 1.0)
    asked = Check(CheckName.PEAK, value, 0.0, 1.0)

    assert holds == Evidence(RuleName.SPASM, Kind.TURN, (sure, asked)).holds


@given(evidence, st.data())
def test_making_one_number_better_never_lowers_the_evidence(
    made: Evidence, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(made.checks) - 1))
    check = made.checks[index]
    step = data.draw(st.floats(0, 300)) * (1 if check.full > check.none else -1)
    better = [*made.checks]
    better[index] = check._replace(value=check.value + step)

    assert made.strength <= replace(made, checks=tuple(better)).strength


@given(evidence, checks())
def test_asking_for_more_never_strengthens_a_rule(made: Evidence, more: Check) -> None:
    assert replace(made, checks=(*made.checks, more)).strength <= made.strength


@given(evidence, st.randoms(use_true_random=False))
def test_the_order_of_the_checks_decides_nothing(made: Evidence, random: object) -> None:
    shuffled = sorted(made.checks, key=lambda _: random.random())  # type: ignore[attr-defined]

    assert made.strength == replace(made, checks=tuple(shuffled)).strength
