"""Evidence as a list of checks, each a number against its threshold: what reasons are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from detector.events import Kind


class Check(NamedTuple):
    """One thing that a kind of event must show.

    Parameters
    ----------
    what : the number's name, in a reader's words
    value : as measured
    none, full : where it is no evidence at all, and full evidence; `full` may lie below `none`
    unit : of all three
    """

    what: str
    value: float
    none: float
    full: float
    unit: str = ""

    @property
    def strength(self) -> float:
        """Evidence from 0 to 1."""
        return ramp(self.value, self.none, self.full)

    @property
    def bar(self) -> float:
        """The value that tips the scales: half evidence."""
        return (self.none + self.full) / 2

    def __str__(self) -> str:
        """Say the number against its bar: "start 0.9 g/s, at least 2.0"."""
        side = "at least" if self.full > self.none else "at most"
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.what} {self.value:.3g}{unit}, {side} {self.bar:.3g}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """How well a bout fits one rule for a kind: as well as its weakest check."""

    name: str  # of the rule
    kind: Kind
    checks: tuple[Check, ...]
    weakest: Check = field(init=False)  # the check that decides
    strength: float = field(init=False)  # evidence from 0 to 1

    def __post_init__(self) -> None:
        strengths = [ramp(value, none, full) for _, value, none, full, _ in self.checks]
        strength = min(strengths)
        object.__setattr__(self, "weakest", self.checks[strengths.index(strength)])
        object.__setattr__(self, "strength", strength)

    @property
    def holds(self) -> bool:
        """Whether the kind is more likely than not."""
        return self.strength >= 0.5


def ramp(value: float, none: float, full: float) -> float:
    """Evidence from 0 at `none` to 1 at `full`."""
    evidence = (value - none) / (full - none)
    return 0.0 if evidence <= 0.0 else 1.0 if evidence >= 1.0 else evidence
