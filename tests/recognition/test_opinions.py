"""Learned opinions: what they may say, of what, and what a file of them may hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.block import Block
from detector.dsp.frames import FRAME
from detector.errors import ModelError
from detector.events import SPASM_FAMILY, Kind
from detector.recognition.pipeline import Watcher
from detector.recognition.rules.evidence import RuleName
from detector.recognition.rules.features import FEATURES, numbers_of
from detector.recognition.rules.kinds import Case
from detector.recognition.rules.opinions import (
    MOST_OBJECTIONS,
    SCHEMA,
    SURE,
    Opinions,
    Question,
    load_model,
    parse_opinions,
    worth_asking,
)
from detector.recognition.rules.reason import Reason
from detector.recognition.rules.thresholds import load_rules
from detector.recognition.rules.trees import LARGEST_LEAF
from detector.recognition.rules.verdict import Finding, conclude
from detector.sites import LEGS, SITES
from detector.words.reasons import OBJECTIONS, reason_of
from firmware_sim.motion import scenario

RULES = load_rules()
FIRST = list(FEATURES).index("turned")


@pytest.fixture(scope="module")
def cases(recording: np.ndarray) -> list[Case]:
    """Every case that was judged in a recording with something of everything."""
    seen = judged(recording)
    kinds = {conclude(case).kind for case in seen}
    assert {Kind.CLONUS, Kind.TWITCH, Kind.MOVEMENT} <= kinds
    return seen


def judged(samples: np.ndarray) -> list[Case]:
    seen: list[Case] = []

    def judge(case: Case) -> Finding:
        seen.append(case)
        return conclude(case)

    watcher = Watcher(opinion=judge)
    watcher.process(Block(samples, 0, 50.0))
    watcher.finish()
    return seen


def model_data(
    odds: float = 0.0, give: float = 0.5, leave: float = 0.5, **odds_of: float
) -> dict[str, Any]:
    """Return a model file whose opinions are the same of every bout."""
    said = {
        question.value: {
            "give": give,
            "leave": leave,
            "calibration": {"slope": 1.0, "offset": 0.0},
            "typical": [1.0] * len(FEATURES),
            "trees": [[[odds_of.get(question.value, odds)]]],
        }
        for question in Question
    }
    head = {"schema": SCHEMA, "name": "tried", "kind": "opinions", "rules": "rules-v1"}
    return {**head, "features": list(FEATURES), "opinions": said}


def opinions(*, gives: bool = True, **said: Any) -> Opinions:
    return parse_opinions(model_data(**said), RULES, gives=gives)


@given(of=st.integers(0), give=st.floats(0, 1), leave=st.floats(0, 1), odds=st.floats(-9, 9))
def test_a_finding_is_within_its_bout_and_never_sure(
    cases: list[Case], of: int, give: float, leave: float, odds: float
) -> None:
    case = cases[of % len(cases)]

    found = opinions(give=give, leave=leave, odds=odds)(case)

    assert SURE[0] <= found.confidence <= SURE[1] or found.kind not in SPASM_FAMILY
    bout = case.bout
    assert min(bout.first * FRAME, bout.onset.sample) <= found.onset < found.end
    assert found.end <= max(bout.end_sample, bout.onset.sample + 1)
    if found.shares is not None:
        assert found.rhythm_hz is not None
        assert sum(found.shares.values()) == pytest.approx(1, abs=0.02)
        assert min(found.shares.values()) >= 0


def test_who_doubts_everything_leaves_no_likely_spasm(cases: list[Case]) -> None:
    doubting = opinions(odds=-9.0)

    assert not [case for case in cases if doubting(case).kind in SPASM_FAMILY]


def test_two_witnesses_need_less_than_one(cases: list[Case]) -> None:
    """What the rules call a likely spasm keeps its name at odds that give none."""
    middling = opinions(odds=0.0, give=0.6, leave=0.4)
    over = [case for case in cases if case.facts.over and not case.holds(RuleName.HAND)]

    assert over
    for case in over:
        ruled, found = conclude(case), middling(case)
        if ruled.kind in {Kind.CLONUS, Kind.SPASM}:
            assert found.kind in SPASM_FAMILY
        if ruled.kind not in SPASM_FAMILY:
            assert found.kind not in SPASM_FAMILY


def test_away_from_the_legs_two_witnesses_need_as_much_as_one(cases: list[Case]) -> None:
    middling = opinions(odds=0.0, give=0.6, leave=0.4, gives=False)

    assert not [case for case in cases if case.facts.over and middling(case).kind in SPASM_FAMILY]


def test_a_name_that_the_rules_did_not_give_is_given_to_a_limb_at_rest_alone() -> None:
    night = scenario("hard-night", seed=1, duration_s=3600.0)
    cases = judged(np.nan_to_num(night.samples))
    believing, bound = opinions(odds=9.0), opinions(odds=9.0, gives=False)
    given = 0
    for case in cases:
        if not case.facts.over or conclude(case).kind in SPASM_FAMILY:
            continue
        assert bound(case).kind not in SPASM_FAMILY
        if believing(case).kind in SPASM_FAMILY:
            given += 1
            assert case.facts.busy < sum(RULES.spasm.busy) / 2

    assert given


def test_a_first_word_needs_as_much_as_a_name_that_is_given(cases: list[Case]) -> None:
    early = [case for case in cases if not case.facts.over]
    assert early

    unsure = opinions(odds=0.0, give=0.6, leave=0.0)
    assert not [case for case in early if unsure(case).kind in SPASM_FAMILY]


def test_a_held_limb_that_trembles_is_what_is_likelier(cases: list[Case]) -> None:
    """Where both a clonus and a pull are likely enough, the likelier one names the bout."""
    rhythmic = [c for c in cases if c.facts.over and c.holds(RuleName.RHYTHM)]
    rhythmic = [c for c in rhythmic if not c.holds(RuleName.HAND) and c.facts.duration_s > 2]
    assert rhythmic

    clonus = opinions(give=0.1, leave=0.1, clonus=1.0, pull=-1.0)
    pull = opinions(give=0.1, leave=0.1, clonus=-1.0, pull=1.0)
    assert {clonus(case).kind for case in rhythmic} == {Kind.CLONUS}
    assert {pull(case).kind for case in rhythmic} <= {Kind.SPASM, Kind.TONIC, Kind.CLONUS}
    assert {pull(case).kind for case in rhythmic} & {Kind.SPASM, Kind.TONIC}


def test_only_looks_of_which_nobody_is_told_are_not_asked_about(cases: list[Case]) -> None:
    begun = [case for case in cases if not case.facts.over]
    shipped = load_model("learned-v1")[1]
    minds = [opinions(odds=9.0), opinions(odds=9.0, gives=False), opinions(odds=-9.0), shipped]
    skipped = [
        opinion(case).kind
        for opinion in minds
        for case in begun
        if opinion is not None and not worth_asking(opinion, case.bout)
    ]

    assert any(worth_asking(minds[0], case.bout) for case in begun)
    assert skipped
    assert not {Kind.SPASM, Kind.CLONUS} & set(skipped)


def test_a_name_taken_back_says_which_numbers_spoke_against_it(cases: list[Case]) -> None:
    data = model_data(odds=-9.0)
    at_most = [[FIRST, 1e9, 1, 2, 1], [-9.0], [9.0]]
    for question in Question:
        data["opinions"][question.value]["trees"] = [at_most]
        data["opinions"][question.value]["typical"][FIRST] = 1e10
    doubting = parse_opinions(data, RULES)
    named = [c for c in cases if c.facts.over and conclude(c).kind is Kind.CLONUS]
    assert named

    for case in named:
        found = doubting(case)
        assert found.kind not in SPASM_FAMILY
        assert found.why["reason"] == Reason.SECOND_OPINION
        assert [each["feature"] for each in found.why["against"]] == ["turned"]
        assert len(found.why["against"]) <= MOST_OBJECTIONS
        assert reason_of(found.why).startswith("a clonus is only 0% likely: the limb turned")


def test_every_number_has_words_and_is_finite_or_not_there(cases: list[Case]) -> None:
    assert set(OBJECTIONS) == set(FEATURES)
    for case in cases:
        numbers = numbers_of(case, RULES)
        assert numbers.shape == (len(FEATURES),)
        assert not np.isinf(numbers).any()
        for name, number in zip(FEATURES, numbers, strict=True):
            assert OBJECTIONS[name].format(number)


def test_looking_twice_changes_no_mind(cases: list[Case]) -> None:
    _, shipped = load_model("learned-v1")
    assert shipped is not None

    for case in cases[::5]:
        assert shipped(case) == shipped(case)


@pytest.mark.parametrize("site", SITES)
def test_only_at_a_leg_names_are_given(site: str) -> None:
    rules, shipped = load_model("learned-v1", site=site)

    assert rules == load_rules(site=site)
    assert shipped is not None
    assert shipped.gives == (site in LEGS)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda data: data["features"].pop(), "another version"),
        (lambda data: data.update(schema="opinions/0"), "another version"),
        (lambda data: data["opinions"]["pull"]["typical"].pop(), "typical"),
        (lambda data: data["opinions"]["pull"]["calibration"].update(slope=-1.0), "calibration"),
        (lambda data: data["opinions"]["pull"].update(give=float("nan")), "calibration"),
        (lambda data: data["opinions"]["pull"].update(give=1.5), "no shares"),
        (lambda data: data["opinions"]["twitch"].update(leave=-0.1), "no shares"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(spoil: Any, says: str) -> None:
    data = model_data()
    spoil(data)

    with pytest.raises(ModelError, match=says):
        parse_opinions(data, RULES)


@given(
    leaves=st.lists(st.floats(allow_nan=False), min_size=1, max_size=3),
    slope=st.floats(0, allow_infinity=False),
    offset=st.floats(allow_nan=False, allow_infinity=False),
)
def test_whatever_numbers_a_file_has_an_answer_is_a_probability_or_the_file_is_refused(
    leaves: list[float], slope: float, offset: float
) -> None:
    data = model_data()
    pull = data["opinions"]["pull"]
    pull["trees"] = [[[leaf]] for leaf in leaves]
    pull["calibration"] = {"slope": slope, "offset": offset}
    try:
        answer = parse_opinions(data, RULES).answers[Question.PULL]
    except ModelError:
        assert max(map(abs, leaves)) > LARGEST_LEAF
    else:
        assert 0 <= answer.likely(np.zeros(len(FEATURES))) <= 1


@pytest.mark.parametrize("size", [7, 36, 311])
def test_packets_do_not_matter(recording: np.ndarray, size: int) -> None:
    starts = range(0, len(recording), size)
    pieces = [Block(recording[start : start + size], start, 50.0) for start in starts]
    whole, cut = Watcher(), Watcher()

    at_once = whole.process(Block(recording, 0, 50.0)) + whole.finish()

    assert at_once == [e for piece in pieces for e in cut.process(piece)] + cut.finish()
    assert any(event.kind in SPASM_FAMILY for event in at_once)
