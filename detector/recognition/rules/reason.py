"""Why an event has its name, as facts: which reason, and its numbers. `words.reasons` reads them.

Facts are plain data, fit for JSON: text, finite numbers, None, and mappings and lists of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from math import isfinite
from typing import Any, TypeAlias

from detector.recognition.rules.evidence import Check

ReasonFacts: TypeAlias = Mapping[str, Any]

DIGITS = 6
"""Significant digits of a fact: more than a sensor gives, and no sentence rounds it otherwise."""


class Reason(StrEnum):
    """Why an event has its name."""

    TWITCH = "twitch"
    SPASM = "spasm"
    PULL = "pull"  # the limb was drawn away, held and let go
    TONIC = "tonic"
    TURN = "turn"
    SHAKEN = "shaken"
    WALK = "walk"
    BUZZ = "buzz"
    HAND = "hand"
    RHYTHM = "rhythm"
    NO_SPASM = "no-spasm"  # no rule held: the checks that failed
    BESIDE_RHYTHM = "beside-rhythm"  # movement before or after a rhythm
    LONG_RHYTHM = "long-rhythm"  # joined from pieces that were cut for length
    LONG_MOVEMENT = "long-movement"
    TREMOR_RESUMED = "tremor-resumed"  # the rhythm of a tremor that had just ended
    PERIODIC = "periodic"
    SECOND_OPINION = "second-opinion"  # a learned opinion took the name back
    SENSORS = "sensors"  # several saw it, each for a reason of its own
    SAME_MOVEMENT = "same-movement"  # another event tells it
    WAY_BACK = "way-back"  # the periodic movement before it tells it
    BELOW_MINIMUM = "below-minimum"  # a personal minimum held it back


class RhythmStart(StrEnum):
    """How a rhythm began."""

    JERK = "jerk"
    ABRUPT = "abrupt"
    WAXING = "waxing"
    INSIDE = "inside"  # in the midst of other movement


def because(reason: Reason, **facts: Any) -> dict[str, Any]:
    """Return a reason with its facts as plain data."""
    return {"reason": reason.value, **{name: _plain(value) for name, value in facts.items()}}


def check_facts(check: Check) -> dict[str, Any]:
    """Return a number and what was asked of it."""
    rising = check.full > check.none
    facts: dict[str, Any] = {
        "check": check.what.value,
        "value": _plain(check.value),
        "least": _plain(check.bar) if rising else None,
        "most": None if rising else _plain(check.bar),
        "unit": check.unit,
    }
    return facts | {name: _plain(value) for name, value in check.details.items()}


def _plain(value: Any) -> Any:
    match value:
        case StrEnum():
            return value.value
        case float():
            return float(f"{value:.{DIGITS}g}") if isfinite(value) else None
        case Mapping():
            return {name: _plain(each) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case _:
            return value
