"""The table of technical alerts in `docs/caregivers.md` has each of them, as the code has it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

import detector
from detector.alert import Level
from detector.alerts.conditions import Condition
from detector.alerts.moments import Now
from detector.alerts.policy import Policy
from detector.alerts.rules import DEFAULT_RULES, parse_rules
from detector.alerts.urgency import CLINICAL, TECHNICAL
from detector.words.alerts import CONDITION_NAMES

PAGE = Path(detector.__file__).parent.parent / "docs" / "caregivers.md"
SECTION = PAGE.read_text(encoding="utf-8").split("\n## Technical alerts\n")[1].split("\n## ")[0]
ROW = re.compile(r"\| `([a-z -]+)` \*([^*]+)\* \| ([^|]+) \| ([^|]+) \| ([a-z]+) \| ([a-z]*) ?\|")
ROWS = [match.groups() for line in SECTION.splitlines() if (match := ROW.fullmatch(line))]

OTHERWISE = {Condition.NOBODY_REACHABLE: "here", Condition.SELF_TEST: "once"}
"""Wakes by another way than its level."""


def test_each_technical_alert_has_one_row_in_the_order_of_the_code():
    assert [name for name, *_ in ROWS] == list(Condition)
    assert len(ROWS) == sum(line.startswith("|") for line in SECTION.splitlines()) - 2


@pytest.mark.parametrize(("name", "words", "means", "remedy", "priority", "wakes"), ROWS)
def test_a_row_says_what_the_alert_is_called_its_priority_and_whether_it_wakes(
    name, words, means, remedy, priority, wakes
):
    assert words == CONDITION_NAMES[name]
    assert means
    assert remedy

    an_hour = Now(event_s=0, mono_ns=3600 * 10**9, utc=datetime(2026, 11, 21, tzinfo=UTC))
    policy = Policy(parse_rules(DEFAULT_RULES))
    [raised] = policy.condition(name, active=True, since_ns=0, now=an_hour)
    assert priority == raised.level == TECHNICAL[Condition(name)]
    woken = "yes" if raised.level is Level.HIGH else ""
    assert wakes == OTHERWISE.get(Condition(name), woken)
    assert raised.level is not Level.HIGH or name not in OTHERWISE


def test_the_page_names_each_kind_of_alert_about_the_wearer_and_its_priority():
    [named] = re.findall(r"about the wearer \(([^)]+)\) is always \*high\*", SECTION)
    assert re.findall(r"`([a-z]+)`", named) == list(CLINICAL)
    assert set(CLINICAL.values()) == {Level.HIGH}
