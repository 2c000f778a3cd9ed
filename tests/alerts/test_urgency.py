"""Every kind of alert has a priority; only what nobody would notice, or chose, wakes somebody."""

from __future__ import annotations

from detector.alert import Level
from detector.alerts.conditions import Condition
from detector.alerts.rules import BUTTON, KINDS_OF
from detector.alerts.urgency import CLINICAL, TECHNICAL, level_of


def test_every_kind_has_a_priority_that_is_no_test() -> None:
    assert set(TECHNICAL) == set(Condition)
    assert set(CLINICAL) == {*KINDS_OF, BUTTON}
    assert Level.TEST not in {*TECHNICAL.values(), *CLINICAL.values()}
    assert {level_of(kind): None for kind in (*TECHNICAL, *CLINICAL)}.keys() == set(Level) - {
        Level.TEST
    }


def test_what_a_rule_raises_wakes_somebody() -> None:
    assert {level_of(kind) for kind in (*CLINICAL, Condition.NO_SIGNAL)} == {Level.HIGH}


def test_what_only_another_version_knows_is_shown() -> None:
    assert level_of("plague") is Level.MEDIUM
