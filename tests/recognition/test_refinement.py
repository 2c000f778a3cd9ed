"""The learned second opinion: it may doubt a name, never give one."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.block import Block
from detector.errors import ModelError
from detector.events import SPASM_FAMILY, Kind
from detector.recognition.pipeline import Watcher
from detector.recognition.rules.features import FEATURES, USED
from detector.recognition.rules.kinds import Case
from detector.recognition.rules.reason import Reason
from detector.recognition.rules.refinement import (
    MOST_OBJECTIONS,
    SCHEMA,
    Opinion,
    Refinement,
    features_of,
    lesser_kind,
    load_model,
    parse_refinement,
)
from detector.recognition.rules.verdict import Finding
from detector.words.reasons import reason_of

Observation = list[tuple[Case, Finding]]


def watch(watcher: Watcher, blocks: list[Block]) -> list[Any]:
    return [event for block in blocks for event in watcher.process(block)] + watcher.finish()


@pytest.fixture(scope="module")
def seen(recording: np.ndarray) -> Observation:
    """Every case that the rules judged in a recording with something of everything."""
    cases: Observation = []

    def note(case: Case, finding: Finding) -> Finding:
        cases.append((case, finding))
        return finding

    watch(Watcher(refinement=note), [Block(recording, 0, 50.0)])
    assert {"clonus", "twitch"} <= {finding.kind.value for _, finding in cases}
    return cases


def model_data(**changes: float) -> dict[str, Any]:
    """Return a model file that says one half of everything, but for some of the numbers."""
    numbers = {"bias": 0.0, "threshold": 0.3, "slope": 1.0, "offset": 0.0, "weight": 0.5} | changes
    return {
        "schema": SCHEMA,
        "name": "tried",
        "kind": "refinement",
        "refines": "rules-v1",
        "kinds": {
            kind.value: {
                "bias": numbers["bias"],
                "features": {
                    name: {"weight": numbers["weight"] * FEATURES[name].sign, "typical": 1.0}
                    for name in names
                },
                "calibration": {"slope": numbers["slope"], "offset": numbers["offset"]},
                "threshold": numbers["threshold"],
            }
            for kind, names in USED.items()
        },
    }


@given(
    bias=st.floats(-20, 20), weight=st.floats(0, 5), threshold=st.floats(0, 1), of=st.integers(0)
)
def test_it_never_names_what_the_rules_did_not(
    seen: Observation, bias: float, weight: float, threshold: float, of: int
) -> None:
    refinement = parse_refinement(model_data(bias=bias, weight=weight, threshold=threshold))
    case, finding = seen[of % len(seen)]

    refined = refinement(case, finding)

    assert refined.kind is finding.kind or refined.kind not in SPASM_FAMILY
    assert (refined.onset, refined.end) == (finding.onset, finding.end)
    assert 0.01 <= refined.confidence <= 0.99


@pytest.mark.parametrize("kind", USED)
@given(data=st.data())
def test_more_of_what_speaks_for_a_name_never_makes_it_less_likely(
    kind: Kind, data: st.DataObject
) -> None:
    names = USED[kind]
    opinion = Opinion(
        bias=data.draw(st.floats(-5, 5)),
        weights={n: FEATURES[n].sign * data.draw(st.floats(0, 5)) for n in names},
        typical=dict.fromkeys(names, 0.0),
        slope=data.draw(st.floats(0, 3)),
        offset=data.draw(st.floats(-3, 3)),
        threshold=0.5,
    )
    values = {n: data.draw(st.floats(-10, 10)) for n in names}
    name, more = data.draw(st.sampled_from(names)), data.draw(st.floats(0, 10))
    raised = values | {name: values[name] + FEATURES[name].sign * more}

    assert opinion.probability(raised) >= opinion.probability(values)


def test_a_name_taken_back_says_what_spoke_against_it(seen: Observation) -> None:
    doubting = parse_refinement(model_data(bias=-30.0, threshold=0.5))
    case, finding = next(s for s in seen if features_of(*s) and s[1].kind is Kind.CLONUS)

    refined = doubting(case, finding)

    assert refined.kind is Kind.TREMOR
    assert refined.parts is None
    assert reason_of(refined.why).startswith("tremor, because a clonus is only 0% likely: ")
    assert refined.why["reason"] == Reason.SECOND_OPINION
    assert 0 < len(refined.why["against"]) <= MOST_OBJECTIONS
    assert refined.confidence == 0.99


def test_the_strongest_contribution_is_said_first() -> None:
    names = USED[Kind.TWITCH]
    weights = {n: float(FEATURES[n].sign) for n in names}
    opinion = Opinion(0.0, weights, dict.fromkeys(names, 0.0), 1.0, 0.0, 0.5)
    values = dict.fromkeys(names, 0.0) | {"busy": 0.5, "jerk": -2.0, "rest": 3.0}

    assert opinion.against(values) == ["jerk", "busy"]


def test_a_name_it_has_no_opinion_on_stays_as_the_rules_have_it(seen: Observation) -> None:
    silent = Refinement("silent", {})

    assert [silent(*each) for each in seen] == [finding for _, finding in seen]


def test_jerks_are_left_alone_until_they_are_over(seen: Observation) -> None:
    doubting = parse_refinement(model_data(bias=-30.0, threshold=0.5))
    early = [s for s in seen if not s[0].facts.over and s[1].kind is not Kind.CLONUS]
    assert early

    assert all(doubting(*each) is each[1] for each in early)


def test_clonus_out_of_a_spasm_is_left_alone(seen: Observation) -> None:
    doubting = parse_refinement(model_data(bias=-30.0, threshold=0.5))
    case, finding = next(s for s in seen if s[1].kind is Kind.CLONUS)
    mixed = replace(finding, parts=(Kind.SPASM, Kind.CLONUS))

    assert doubting(case, mixed) is mixed


def test_a_case_that_lacks_a_number_is_left_to_the_rules(seen: Observation) -> None:
    doubting = parse_refinement(model_data(bias=-30.0, threshold=0.5))
    case, finding = next(s for s in seen if features_of(*s) and s[1].kind is Kind.TWITCH)
    unsettled = replace(case, facts=replace(case.facts, settled_deg=None))

    assert doubting(unsettled, finding) is finding
    assert doubting(case, finding) is not finding


def test_a_jerk_taken_back_is_what_the_rules_would_call_it_next(seen: Observation) -> None:
    for case, finding in seen:
        if finding.kind in {Kind.SPASM, Kind.TWITCH}:
            turned = case.facts.over and case.holds("turn")
            shaken = case.facts.over and case.holds("shaken")
            other = Kind.TURN if turned else Kind.VIBRATION if shaken else Kind.MOVEMENT
            assert lesser_kind(case, finding) is other


def test_the_probability_is_the_sum_of_its_parts(seen: Observation) -> None:
    data = model_data(bias=-0.4, slope=0.8, offset=0.1, threshold=0.0)
    case, finding = next(s for s in seen if features_of(*s) and s[1].kind is Kind.CLONUS)
    values = features_of(case, finding)
    assert values is not None
    z = -0.4 + sum(0.5 * FEATURES[n].sign * v for n, v in values.items())

    likely = 1 / (1 + np.exp(-(0.8 * z + 0.1)))
    refined = parse_refinement(data)(case, finding)
    assert refined.confidence == pytest.approx(min(max(likely, 0.01), 0.99))
    assert refined.why == finding.why


@pytest.mark.parametrize("size", [7, 36, 311])
def test_with_a_refinement_too_packets_do_not_matter(recording: np.ndarray, size: int) -> None:
    refinement = parse_refinement(model_data(bias=-2.0, threshold=0.6))
    whole = [Block(recording, 0, 50.0)]
    starts = range(0, len(recording), size)
    pieces = [Block(recording[start : start + size], start, 50.0) for start in starts]

    refined = watch(Watcher(refinement=refinement), whole)
    assert refined == watch(Watcher(refinement=refinement), pieces)
    assert refined != watch(Watcher(), whole)


def test_rules_come_without_a_refinement() -> None:
    rules, refinement = load_model("rules-v1", site="ankle")

    assert rules.name == "rules-v1"
    assert refinement is None


def test_a_refinement_brings_the_rules_it_refines() -> None:
    rules, refinement = load_model("refined-v1", site="calf")

    assert rules == load_model("rules-v1", site="calf")[0]
    assert refinement is not None
    assert refinement.name == "refined-v1"


def test_a_model_that_is_not_there_is_named() -> None:
    with pytest.raises(ModelError, match="'no-such-model' cannot be read"):
        load_model("no-such-model")


def test_a_weight_against_physics_is_refused() -> None:
    data = model_data()
    data["kinds"]["clonus"]["features"]["growth"]["weight"] = 0.3

    with pytest.raises(ModelError, match=r"clonus\.growth: weight 0\.3"):
        parse_refinement(data)


def test_a_file_of_another_version_is_refused() -> None:
    data = copy.deepcopy(model_data())
    data["kinds"]["twitch"]["features"].pop("jerk")

    with pytest.raises(ModelError, match="another version"):
        parse_refinement(data)
    with pytest.raises(ModelError, match="retrain"):
        parse_refinement(model_data() | {"schema": "refinement/0"})


def test_a_calibration_that_turns_odds_round_is_refused() -> None:
    with pytest.raises(ModelError, match="slope -1"):
        parse_refinement(model_data(slope=-1.0))


def test_polarisation_frequency_and_strength_of_a_rhythm_are_no_features() -> None:
    used = {name for names in USED.values() for name in names}

    assert used == set(FEATURES)
    assert not used & {"polarisation", "frequency", "rate", "full_g"}
