"""Conditions that nobody would notice wake somebody; the others are shown."""

from __future__ import annotations

from detector.alerts.conditions import Condition
from detector.alerts.urgency import UNNOTICED


def test_what_wakes_somebody_is_a_condition_that_exists() -> None:
    assert {type(each) for each in UNNOTICED} == {Condition}
