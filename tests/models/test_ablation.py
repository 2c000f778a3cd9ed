"""Laws of leaving out a check: any number is full evidence, and nothing else is another."""

from __future__ import annotations

from dataclasses import asdict

import ablation
import pytest
from hypothesis import given
from hypothesis import strategies as st
from page_ablation import ablation_lines

from detector.recognition.rules.evidence import ramp
from detector.recognition.rules.thresholds import load_rules


@given(check=st.sampled_from(ablation.ramps()), value=st.floats(-1e8, 1e8))
def test_a_check_that_is_left_out_is_met_by_any_number(
    check: tuple[str, str], value: float
) -> None:
    group, key = check
    rules = load_rules()
    left_out = ablation.without(rules, group, key)

    assert ramp(value, *getattr(getattr(left_out, group), key)) == 1.0
    before, after = asdict(rules), asdict(left_out)
    before[group].pop(key)
    after[group].pop(key)
    assert before == after


def test_the_page_says_what_more_is_found_and_which_checks_do_nothing() -> None:
    base = {"truths": 9, "hits": 5, "false": 2, "twitches": 0, "false_twitches": 1}
    more = base | {"hits": 6, "false": 5, "changed": 4}
    same = base | {"changed": 0}
    night = {
        "hours": 4.0, "learned": base, "rules": base,
        "checks": {
            "a.b": {"learned": more, "rules": same}, "c.d": {"learned": same, "rules": same},
            "e.f": {},
        },
    }  # fmt: skip
    said = "\n".join(ablation_lines({"ablation/own-hard": night}))

    assert "Of 9 spasms in 4" in said
    assert "| `a.b` | +1 | +3 | 0 | - | 0 | 0 | - | 4, 0 |" in said
    assert "Without these no event changes: `c.d`." in said
    assert "| `e.f` | - |" in said


def test_whoever_has_nothing_measured_is_told_so() -> None:
    assert ablation_lines({}) == ["(not measured)"]


@pytest.mark.parametrize("check", ["twitch.length_s", "spasm.jerk_g_s"])
def test_every_ramp_of_the_rules_is_among_those_left_out(check: str) -> None:
    names = {f"{group}.{key}" for group, key in ablation.ramps()}
    assert check in names
    assert len(names) > 40
