"""Every rule weighs numbers in one direction, tells what decided, and leaves no threshold idle."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable
from dataclasses import fields, replace
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.block import Block
from detector.dsp.frames import Floats
from detector.errors import ModelError
from detector.events import Kind
from detector.recognition.bouts.bout import Moment
from detector.recognition.bouts.facts import Facts
from detector.recognition.bouts.frame_table import FrameTable
from detector.recognition.pipeline import Watcher
from detector.recognition.rules import kinds as weighing
from detector.recognition.rules import thresholds as model
from detector.recognition.rules.evidence import CheckName, Evidence, RuleName
from detector.recognition.rules.kinds import Case, examine, may_be_spasm
from detector.recognition.rules.reason import Reason, check_facts
from detector.recognition.rules.thresholds import Rules, load_rules
from detector.recognition.rules.verdict import Finding, conclude, judge
from detector.sites import SITES
from firmware_sim.motion.scenarios import scenario

from .conftest import busy_recording
from .made_bouts import RULES, beating, bout, frames, tilted

MODEL = Path(__file__).parents[2] / "models" / "rules-v1" / "model.json"
PLAYED = ("spasms", "clonus", "turning", "knocks", "tremor", "restless", "scratching")


class Cases:
    """An observer that keeps every case and what was concluded."""

    def __init__(self) -> None:
        self.seen: list[tuple[Case, Finding]] = []

    def see_frames(self, wearer: int, frames: FrameTable, **known: int | Floats) -> None:
        """Nothing to see."""

    def see_case(self, wearer: int, case: Case, finding: Finding) -> None:
        self.seen.append((case, finding))


@cache
def all_seen() -> list[tuple[Case, Finding]]:
    """Cases of movements of every sort, some of them simulated."""
    cases = Cases()
    recordings = [(busy_recording(), 50.0)]
    recordings += [(t.samples, t.fs) for t in (scenario(name, seed=1) for name in PLAYED)]
    for samples, fs in recordings:
        watcher = Watcher(model="rules-v1", observer=cases)
        watcher.process(Block(samples, 0, fs))
        watcher.finish()
    return cases.seen


@pytest.fixture
def seen() -> list[tuple[Case, Finding]]:
    return all_seen()


def evidence_of(seen: Iterable[tuple[Case, Finding]]) -> list[Evidence]:
    return [evidence for case, _ in seen for evidence in case.evidence.values()]


def test_the_cases_are_of_many_kinds(seen: list[tuple[Case, Finding]]) -> None:
    """Else the laws below would mean little."""
    kinds = {finding.kind for _, finding in seen}

    assert len(seen) > 200
    assert kinds >= set(Kind) - {Kind.PLM}


def test_every_check_has_a_finite_number_and_a_threshold_to_pass(
    seen: list[tuple[Case, Finding]],
) -> None:
    for evidence in evidence_of(seen):
        for check in evidence.checks:
            assert isfinite(check.value), check
            assert check.none != check.full, check


def test_evidence_is_found_under_the_name_of_its_rule(seen: list[tuple[Case, Finding]]) -> None:
    for case, _ in seen:
        assert all(type(name) is RuleName for name in case.evidence)
        assert all(evidence.name is name for name, evidence in case.evidence.items())


def test_no_single_number_made_better_lowers_the_evidence(
    seen: list[tuple[Case, Finding]],
) -> None:
    for evidence in evidence_of(seen):
        for index, check in enumerate(evidence.checks):
            for step in (0.01, 1.0, 100.0):
                better = check._replace(value=check.value + step * (check.full - check.none))
                checks = (*evidence.checks[:index], better, *evidence.checks[index + 1 :])

                assert evidence.strength <= replace(evidence, checks=checks).strength


MORE_IS_BETTER = {
    "twitch": {"rest_s": 1, "busy": -1, "rise_s": -1, "duration_s": -1, "settled_deg": -1},
    "spasm": {"rest_s": 1, "busy": -1, "rise_s": -1, "duration_s": -1, "early_share": 1},
    "tonic": {
        "rest_s": 1, "busy": -1, "duration_s": 1, "trembling": 1, "held_deg": 1, "strided_s": -1,
        "impacts": -1,
    },
    "turn": {"settled_deg": 1, "duration_s": 1},
    "shaken": {"turned_deg": -1, "settled_deg": -1, "duration_s": -1},
    "walk": {"duration_s": 1, "striding": 1},
}  # fmt: skip
"""What speaks for each kind, whatever else is true of the bout."""

BOTH = {"twitch": ("peak_g", "jerk_g_s"), "spasm": ("peak_g", "jerk_g_s")}
"""A stronger movement of the same shape: peak and derivative grow together."""

facts = st.builds(
    Facts,
    over=st.just(True),
    duration_s=st.floats(0.1, 60),
    peak_g=st.floats(0.005, 1),
    rise_s=st.floats(0, 1),
    jerk_g_s=st.floats(0.1, 30),
    slope_s=st.floats(0.01, 0.3),
    rest_s=st.floats(0, 100),
    busy=st.floats(0, 1),
    turned_deg=st.floats(0, 90),
    settled_deg=st.floats(0, 1.9),
    early_share=st.floats(0.05, 1),
    striding=st.floats(0, 1),
    strided_s=st.floats(0, 6),
    impacts=st.floats(0, 0.6),
    trembling=st.floats(0, 1),
    held_deg=st.floats(0, 30),
    drift_deg=st.floats(0, 10),
)
weigh: dict[str, Any] = {name: getattr(weighing, f"_{name}") for name in MORE_IS_BETTER}


@pytest.mark.parametrize("name", MORE_IS_BETTER)
@settings(max_examples=60)
@given(found=facts, share=st.floats(1.0, 5.0), data=st.data())
def test_no_fact_that_speaks_for_a_kind_lowers_its_evidence(
    name: str, found: Facts, share: float, data: st.DataObject
) -> None:
    fact = data.draw(st.sampled_from(sorted(MORE_IS_BETTER[name])))
    value = getattr(found, fact)
    other = value * share if MORE_IS_BETTER[name][fact] > 0 else value / share
    better = replace(found, **{fact: other})

    assert weigh[name](found, RULES).strength <= weigh[name](better, RULES).strength


@pytest.mark.parametrize("name", BOTH)
@settings(max_examples=60)
@given(found=facts, times=st.floats(1.0, 5.0))
def test_a_stronger_jerk_of_the_same_shape_is_never_less_of_one(
    name: str, found: Facts, times: float
) -> None:
    stronger = replace(found, **{fact: times * getattr(found, fact) for fact in BOTH[name]})

    assert weigh[name](found, RULES).strength <= weigh[name](stronger, RULES).strength


def test_what_is_not_a_spasm_says_which_number_was_too_weak(
    seen: list[tuple[Case, Finding]],
) -> None:
    told = [(c, f) for c, f in seen if f.why["reason"] == Reason.NO_SPASM]

    assert len(told) > 20
    for case, finding in told:
        weakest = case.evidence["spasm"].weakest
        assert weakest.strength < 0.5
        assert finding.why["spasm"] == check_facts(weakest)
        if "rhythm" in case.evidence:
            assert finding.why["rhythm"] == check_facts(case.evidence["rhythm"].weakest)


def test_a_name_is_only_given_where_its_evidence_holds(seen: list[tuple[Case, Finding]]) -> None:
    rule_of = {Kind.SPASM: "spasm", Kind.TWITCH: "twitch", Kind.TONIC: "tonic", Kind.TURN: "turn"}
    for case, finding in seen:
        if finding.kind in rule_of:
            evidence = case.evidence[rule_of[finding.kind]]
            assert evidence.holds
            assert finding.confidence == pytest.approx(0.5 + 0.49 * evidence.strength)
        if finding.kind in (Kind.CLONUS, Kind.TREMOR):
            assert case.holds("rhythm")
        assert 0.0 <= finding.confidence <= 0.99
        assert finding.onset < finding.end


def test_only_a_bout_that_is_over_is_named_by_what_it_left_behind(
    seen: list[tuple[Case, Finding]],
) -> None:
    early = {f.kind for c, f in seen if c.bout.moment is not Moment.OVER}

    assert early <= {Kind.SPASM, Kind.CLONUS, Kind.TREMOR, Kind.MOVEMENT}


@pytest.mark.parametrize("rest_s", [0.5, 0.8, 0.95, 1.1, 60.0])
@pytest.mark.parametrize("jerk_g_s", [1.0, 1.9, 2.0, 2.5, 10.0])
def test_a_first_look_is_skipped_only_where_it_would_name_no_spasm(
    rest_s: float, jerk_g_s: float
) -> None:
    table = frames(3)
    table["mean_g"] = tilted(8.0)
    onset = replace(bout(table).onset, jerk_g_s=jerk_g_s, peak_g=0.1)
    look = bout(table, moment=Moment.FIRST_LOOK, onset=onset, rest_s=rest_s)
    spasm = judge(look, RULES).kind is Kind.SPASM

    assert spasm == (rest_s > 0.9 and jerk_g_s > 1.95)
    assert spasm == may_be_spasm(look, RULES)


def odds(case: Case, **changed: float) -> float:
    """Log odds of clonus against tremor, with some of the rhythm's numbers changed."""
    assert case.rhythm is not None
    jerk_g_s = changed.pop("jerk_g_s", case.facts.jerk_g_s)
    made = replace(case.facts, jerk_g_s=jerk_g_s), replace(case.rhythm, **changed)
    check = weighing._clonus(case.bout, *made, RULES).checks[0]
    assert check.what is CheckName.ODDS
    return check.value


@cache
def weighed_by_odds() -> list[Case]:
    rhythmic = [case for case, _ in all_seen() if case.rhythm is not None]
    found = [c for c in rhythmic if c.evidence["clonus"].checks[0].what is CheckName.ODDS]
    assert len(found) > 50
    return found


def test_waning_a_soft_start_an_ellipse_and_other_movement_speak_for_tremor() -> None:
    for case in weighed_by_odds():
        rhythm = case.rhythm
        assert rhythm is not None
        assert odds(case, waning=rhythm.waning + 0.2) < odds(case)
        assert odds(case, jerk_g_s=0.5 * case.facts.jerk_g_s) <= odds(case)
        assert odds(case, line=rhythm.line - 0.1) <= odds(case)
        assert odds(case, regularity=rhythm.regularity - 0.1) <= odds(case)
        assert odds(case, growth_beats=rhythm.growth_beats + 5) <= odds(case)


def test_what_simulators_make_too_neatly_cannot_decide_alone() -> None:
    """A strong tremor and an elliptical clonus are known by how they come and go."""
    for case in weighed_by_odds():
        rhythm = case.rhythm
        assert rhythm is not None
        steep = case.facts.jerk_g_s / rhythm.full_g
        faint, strong = (odds(case, full_g=g, jerk_g_s=steep * g) for g in (0.001, 2.0))

        assert 0 < odds(case, line=1.0) - odds(case, line=0.34) < 2
        assert 0 <= strong - faint < 3


def test_clonus_is_abrupt_and_tremor_waxes() -> None:
    """The same beat of 8 s, there at once or grown over six."""
    at_once, waxing = beating(34), beating(34)
    growth = np.clip((np.arange(102) + 1) / 75, 0.02, 1.0)[:, np.newaxis].reshape(-1, 3)
    waxing["envelope_g2"] *= growth**2
    waxing["rms_g"] *= growth.mean(axis=1)
    slow = replace(bout(waxing).onset, jerk_g_s=0.4)

    assert judge(bout(at_once), RULES).kind is Kind.CLONUS
    assert judge(bout(waxing, onset=slow), RULES).kind is Kind.TREMOR


def test_where_it_stays_open_both_names_are_said(seen: list[tuple[Case, Finding]]) -> None:
    rhythmic = [(c, f) for c, f in seen if f.kind in (Kind.CLONUS, Kind.TREMOR)]
    sides = set()
    for case, finding in rhythmic:
        open_between = 0.3 < case.evidence["clonus"].strength < 0.7
        if finding.parts is None and case.rhythm is not None and not case.rhythm.faint:
            assert open_between == (finding.why["shares"] is not None)
            sides.add(open_between)

    assert sides == {True, False}


def test_looking_again_changes_no_mind(seen: list[tuple[Case, Finding]]) -> None:
    for case, finding in seen[::7]:
        assert conclude(examine(case.bout, RULES)) == finding


@cache
def thresholds() -> dict[str, dict[str, Any]]:
    """Entries of the model file by their dotted names, as `spasm.jerk_g_s`."""
    groups = json.loads(MODEL.read_text(encoding="utf-8"))["thresholds"]
    return {f"{group}.{key}": each for group in groups for key, each in groups[group].items()}


def values_of(rules: Rules) -> dict[str, Any]:
    """Every threshold by its dotted name."""
    groups = {each.name: getattr(rules, each.name) for each in fields(rules) if each.name != "name"}
    return {
        f"{group}.{each.name}": getattr(of, each.name)
        for group, of in groups.items()
        for each in fields(of)
    }


DECIDE = (
    "pipeline.py",
    "bouts/beat.py",
    "bouts/tracker.py",
    "bouts/beating.py",
    "rules/kinds.py",
    "rules/verdict.py",
    "events/sequence.py",
    "events/periodic.py",
)
"""Where thresholds decide something; explanations and tuning only speak of them."""


@cache
def used_attributes() -> frozenset[str]:
    """Dotted names that the code reads of `rules` or `self._rules`."""
    used = set()
    for file in (Path(weighing.__file__).parents[1] / name for name in DECIDE):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                group = node.value
                owner = getattr(group, "value", None)
                if getattr(owner, "id", getattr(owner, "attr", "")) in ("rules", "_rules"):
                    used.add(f"{getattr(group, 'attr', '')}.{node.attr}")
    return frozenset(used)


@pytest.mark.parametrize("name", sorted(thresholds()))
def test_every_threshold_is_used_and_says_its_unit_and_its_reason(name: str) -> None:
    entry = thresholds()[name]

    assert name in used_attributes(), f"{name} decides nothing: take it out"
    assert isinstance(entry["unit"], str)
    assert len(entry["why"]) > 10
    assert set(entry) <= {"value", "unit", "why", "sites"}


def test_the_file_and_the_code_know_the_same_thresholds() -> None:
    assert set(thresholds()) == set(values_of(load_rules()))


def test_a_site_overrides_known_values_in_the_same_form_and_says_why() -> None:
    for name, entry in thresholds().items():
        for site, own in entry.get("sites", {}).items():
            assert site in SITES, f"{name} at {site}"
            assert set(own) == {"value", "why"}, f"{name} at {site}"
            assert len(own["why"]) > 5
            assert np.shape(own["value"]) == np.shape(entry["value"]), f"{name} at {site}"
            if len(np.shape(own["value"])):  # the same side is the better one everywhere
                (none, full), (low, high) = own["value"], entry["value"]
                assert (full > none) == (high > low), f"{name} at {site}"


@pytest.mark.parametrize("site", SITES)
def test_every_site_has_rules_and_says_where_they_differ(site: str) -> None:
    rules, usual = values_of(load_rules(site=site)), values_of(load_rules())
    differing = {name for name in usual if rules[name] != usual[name]}
    overridden = {name for name, entry in thresholds().items() if site in entry.get("sites", {})}

    assert differing == overridden


def test_ramps_have_two_ends() -> None:
    for name, entry in thresholds().items():
        values = [entry["value"], *(own["value"] for own in entry.get("sites", {}).values())]
        for value in values:
            if isinstance(value, list) and len(value) == 2:
                assert value[0] != value[1], name


@pytest.mark.parametrize("change", ["taken out", "added", "no JSON", "NaN", "deep", "huge"])
def test_a_model_of_another_version_is_refused(
    change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = json.loads(MODEL.read_text(encoding="utf-8"))
    if change == "taken out":
        del data["thresholds"]["gate"]["least_g"]
    data["thresholds"]["gate"] |= {"new_g": {"value": 1.0}} if change == "added" else {}
    odd = {"no JSON": "{", "NaN": '{"a": NaN}', "deep": '{"a":' * 9999, "huge": " " * 2**21}
    text = odd.get(change, json.dumps(data))
    monkeypatch.setattr(model, "model_file", lambda name: text.encode())
    says = {"taken out": r"gate\.least_g", "added": r"gate\.new_g"}

    with pytest.raises(ModelError, match=says.get(change, "cannot be read")):
        load_rules()
