"""Numbers against their bars: how far each rule was from holding, the nearest miss first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np

from detector.dsp.frames import FRAME_S, Bools
from detector.events import Kind
from detector.recognition.bouts.beat import BEAT_FIELDS, bars_of, in_band, nearest_to_beating
from detector.recognition.bouts.tracker import rhythmic_frames
from detector.recognition.rules.evidence import Check, CheckName, RuleName
from detector.recognition.rules.kinds import Case
from detector.recognition.rules.thresholds import Rules
from detector.recognition.rules.verdict import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """A number against its bar.

    Parameters
    ----------
    what : which number
    least, most : the bars, in `unit`; None where there is none on that side
    strength : evidence from 0 to 1, enough from 0.5 on
    miss : how far beyond its bar, in half-widths of its ramp (1 is where no evidence is left);
        0 where it passes
    is_needed : False where the name did not depend on it: a jerk began the rhythm
    """

    what: CheckName
    value: float
    unit: str = ""
    least: float | None = None
    most: float | None = None
    strength: float
    miss: float
    details: Mapping[str, float] = field(default_factory=dict)
    is_needed: bool = True

    @property
    def passed(self) -> bool:
        """Whether it is enough, or need not be."""
        return self.miss <= 0 or not self.is_needed


class RuleOutcome(StrEnum):
    """What became of a rule."""

    NAMED = "named"  # it gave the name
    OUTRANKED = "outranked"  # it held as well, a more specific one goes first
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Weighed:
    """A rule and what it asked of a bout; `readings` the worst miss first, then the weakest."""

    name: RuleName
    kind: Kind
    outcome: RuleOutcome
    readings: tuple[Margin, ...]

    @property
    def failed(self) -> tuple[Margin, ...]:
        """What was not enough."""
        return tuple(reading for reading in self.readings if not reading.passed)

    @property
    def miss(self) -> float:
        """How far from holding: the misses of all that failed together."""
        return sum(reading.miss for reading in self.failed)

    @property
    def is_of_spasm_family(self) -> bool:
        """Whether it could have given the name of a likely spasm."""
        return self.kind.is_spasm_family and self.name is not RuleName.SPASM_START


def reading_of(check: Check) -> Margin:
    """Return a rule's check as a number against its bar."""
    rising = check.full > check.none
    beyond = check.bar - check.value if rising else check.value - check.bar
    passed = check.strength >= 0.5
    return Margin(
        what=check.what,
        value=check.value,
        unit=check.unit,
        least=check.bar if rising else None,
        most=None if rising else check.bar,
        strength=check.strength,
        miss=0.0 if passed else max(2 * beyond / abs(check.full - check.none), 1e-9),
        details=dict(check.details),
    )


def gate_reading(rms_g: float, gate_g: float, *, opened: bool) -> Margin:
    """Return a frame's movement against the gate, which opens above its level."""
    miss = 0.0 if opened else max((gate_g - rms_g) / gate_g, 1e-9)
    return Margin(
        what=CheckName.MOVEMENT,
        value=rms_g,
        unit="g",
        least=gate_g,
        strength=float(opened),
        miss=miss,
    )


def rhythm_readings(frame: Any, rules: Rules) -> tuple[Margin, ...]:
    """Return what a frame must show to beat like clonus or tremor, by the rule of `bouts.beat`."""
    rate_hz, low_hz, high_hz = float(frame["frequency_hz"]), rules.beat.low_hz, rules.beat.high_hz
    inside = bool(in_band(frame, rules))
    outside_hz = max(low_hz - rate_hz, rate_hz - high_hz)
    band = Margin(
        what=CheckName.RATE,
        value=rate_hz,
        unit="Hz",
        least=low_hz,
        most=high_hz,
        strength=float(inside),
        miss=0.0 if inside else max(outside_hz / (high_hz - low_hz), 1e-9),
    )
    checks = (
        Check(what, float(frame[name]), *bar)
        for what, name, bar in zip(_BEAT_CHECKS, BEAT_FIELDS, bars_of(rules), strict=True)
    )
    return worst_first([*map(reading_of, checks), band])


_BEAT_CHECKS = (CheckName.REGULARITY, CheckName.EQUAL_BEATS, CheckName.WALKING)
"""Of `BEAT_FIELDS`: of one frame, where those of a whole rhythm have names of their own."""


def weigh_all(case: Case, ruled: Finding, rules: Rules) -> tuple[Weighed, ...]:
    """Return every rule with its numbers: the one that gave the name, others that held, the misses.

    Among the misses the nearest comes first. Clonus carries what every rhythm must show; where a
    bout has no rhythm at all, the frame that came nearest stands for it.
    """
    found = []
    for evidence in case.evidence.values():
        if evidence.name is RuleName.RHYTHM and ruled.kind is not Kind.TREMOR:
            continue
        numbers = [reading_of(check) for check in evidence.checks]
        if evidence.name is RuleName.CLONUS:
            if Kind.SPASM in (ruled.parts or ()):  # out of a jerk, any rhythm is a clonus
                numbers = [replace(number, is_needed=False) for number in numbers]
            numbers += map(reading_of, case.evidence[RuleName.RHYTHM].checks)
        readings = worst_first(numbers)
        found.append(_weighed(evidence.name, evidence.kind, readings, ruled))
    if RuleName.CLONUS not in case.evidence:
        found.append(_weighed(RuleName.CLONUS, Kind.CLONUS, _no_rhythm(case, rules), ruled))
    order = list(RuleOutcome)
    return tuple(sorted(found, key=lambda each: (order.index(each.outcome), each.miss)))


def worst_first(readings: Sequence[Margin]) -> tuple[Margin, ...]:
    """Sort by how far they miss, those that pass by how weak they are, the unneeded last.

    A number that a rule holds against two bars is listed once, against the stricter.
    """
    ranked = sorted(readings, key=_rank)
    return tuple({reading.what: reading for reading in reversed(ranked)}.values())[::-1]


def _rank(reading: Margin) -> tuple[bool, float, float]:
    return not reading.is_needed, -reading.miss, reading.strength


def _weighed(name: RuleName, kind: Kind, readings: tuple[Margin, ...], ruled: Finding) -> Weighed:
    holds = all(reading.passed for reading in readings)
    gave = (
        kind is ruled.kind
        and name is not RuleName.SPASM_START
        and (holds or kind in {Kind.CLONUS, Kind.TREMOR})
    )
    outcome = RuleOutcome.NAMED if gave else RuleOutcome.OUTRANKED if holds else RuleOutcome.MISSED
    return Weighed(name, kind, outcome, readings)


def _no_rhythm(case: Case, rules: Rules) -> tuple[Margin, ...]:
    """Say why a bout has no rhythm: its best frame, and how long it beat in one go."""
    bout = case.bout
    best = rhythm_readings(bout.frames[nearest_to_beating(bout.frames, rules)], rules)
    beating_s = _longest(rhythmic_frames(bout.score, rules.rhythm.on)) * FRAME_S
    least_s = rules.rhythm.least_frames * FRAME_S
    stretch = Margin(
        what=CheckName.STRETCH,
        value=beating_s,
        unit="s",
        least=least_s,
        strength=0.0,
        miss=max((least_s - beating_s) / least_s, 1e-9),
    )
    return worst_first([*best, stretch])


def _longest(mask: Bools) -> int:
    """Length of the longest stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False]))))
    return int((edges[1::2] - edges[::2]).max()) if len(edges) else 0
