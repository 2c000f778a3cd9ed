"""Conditions that nobody would notice wake somebody; the others are shown."""

from __future__ import annotations

from detector.alerts.urgency import UNNOTICED
from detector.night.technical import CONDITIONS
from detector.service.lag import DETECTOR_STALLED


def test_what_wakes_somebody_is_a_condition_that_exists() -> None:
    assert UNNOTICED <= CONDITIONS | {DETECTOR_STALLED}
