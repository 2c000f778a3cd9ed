"""Evidence as a list of checks, each a number against its threshold: what reasons are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from detector.events import Kind


class RuleName(StrEnum):
    """The rules that a bout is weighed by."""

    SPASM_START = "spasm start"  # what a spasm and a clonus out of one share
    SPASM = "spasm"
    TWITCH = "twitch"
    TONIC = "tonic"
    TURN = "turn"
    SHAKEN = "shaken"
    WALK = "walk"
    RHYTHM = "rhythm"  # what clonus and tremor share
    CLONUS = "clonus"
    BUZZ = "buzz"
    HAND = "hand"


class CheckName(StrEnum):
    """The numbers that rules and explanations hold against thresholds."""

    REST = "rest"
    START = "start"
    RISE = "rise"
    SLOPE = "slope"
    BUSY = "busy"
    EARLY = "early"
    STAYED_START = "stayed-start"
    STAYED_PEAK = "stayed-peak"
    PEAK = "peak"
    LENGTH = "length"
    TURNED = "turned"
    SETTLED = "settled"
    ELSEWHERE = "elsewhere"
    HELD = "held"
    DRIFT = "drift"
    TREMBLING = "trembling"
    STRIDING = "striding"
    STRIDED = "strided"
    IMPACTS = "impacts"
    REGULARITY = "regularity"
    BEATS = "beats"
    STRIDE = "stride"
    PULSING = "pulsing"
    ODDS = "odds"
    LEAD = "lead"
    STRENGTH = "strength"
    RATE = "rate"
    EQUAL_BEATS = "equal-beats"
    BEATING = "beating"
    WANING = "waning"
    MOVEMENT = "movement"
    WALKING = "walking"
    STRETCH = "stretch"


NO_DETAILS: Mapping[str, float] = MappingProxyType({})


class Check(NamedTuple):
    """One thing that a kind of event must show.

    Parameters
    ----------
    what : which number
    value : as measured
    none, full : where it is no evidence at all, and full evidence; `full` may lie below `none`
    unit : of all three
    details : numbers that `value` was made of, or that made it be asked for
    """

    what: CheckName
    value: float
    none: float
    full: float
    unit: str = ""
    details: Mapping[str, float] = NO_DETAILS

    @property
    def strength(self) -> float:
        """Evidence from 0 to 1."""
        return ramp(self.value, self.none, self.full)

    @property
    def holds(self) -> bool:
        """Whether there is half evidence or more."""
        return self.strength >= 0.5

    @property
    def bar(self) -> float:
        """The value that gives half evidence."""
        return (self.none + self.full) / 2


@dataclass(frozen=True, slots=True)
class Evidence:
    """How well a bout fits one rule for a kind: as well as its weakest check."""

    name: RuleName
    kind: Kind
    checks: tuple[Check, ...]
    weakest: Check = field(init=False)  # the check that decides
    strength: float = field(init=False)  # evidence from 0 to 1

    def __post_init__(self) -> None:
        strengths = [ramp(value, none, full) for _, value, none, full, _, _ in self.checks]
        strength = min(strengths)
        object.__setattr__(self, "weakest", self.checks[strengths.index(strength)])
        object.__setattr__(self, "strength", strength)

    @property
    def holds(self) -> bool:
        """Whether the kind is more likely than not."""
        return self.strength >= 0.5


def all_hold(checks: Iterable[Check]) -> bool:
    """Return whether every check holds; asks for no more of them than it takes to know."""
    return all(check.holds for check in checks)


def ramp(value: float, none: float, full: float) -> float:
    """Return evidence from 0 at `none` to 1 at `full`."""
    evidence = (value - none) / (full - none)
    return 0.0 if evidence <= 0.0 else 1.0 if evidence >= 1.0 else evidence
