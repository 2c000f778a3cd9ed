"""Periodic limb movements: known by four alike in a row, not by one."""

from __future__ import annotations

from collections.abc import Sequence as Rows
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from detector.dsp.ranks import median
from detector.events import Event, Kind, from_dict, relabelled, to_dict
from detector.recognition.rules.reason import Reason, because
from detector.recognition.rules.thresholds import Rules
from detector.recognition.rules.verdict import Finding

LONGEST_S = 10.0  # of a candidate leg movement (WASM 2016)
WHOLE_S = 6.0
"""Up, held and back: longer than most (mean 3.2 s), shorter than an interval. What begins within
it is the way back of the movement before."""

MEMORY = 8  # movements of a series that are compared: enough to know it, few to remember
FEWEST = 4  # a series has at least four (WASM 2016)
FEWEST_STRONG = 6  # ... and six where they are as abrupt as spasms,
FEW_SHARE = 0.7  # ... or fewer that are this much more alike
LEAST_TURN_DEG = 0.3  # below, the angle is noise and all movements are alike


@dataclass(frozen=True, slots=True)
class _Member:
    """One movement of a series, in its last form."""

    event: Event
    jerk_g_s: float
    way_back: Event | None = None


class Series:
    """One wearer's movements that may turn out periodic; bounded, saved and restored.

    A series is even in time (10 to 90 s apart) and its movements resemble each other in strength,
    length and angle; spasms come in clusters but not alike. Everything in between counts: what
    interrupts a series with another kind of jerk is evidence against it.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._members: list[_Member] = []

    def admit(self, event: Event, finding: Finding) -> list[Event]:
        """Take an event that is over; return what it is now, itself and earlier ones revised.

        An empty list means that it belongs to no series so far.
        """
        if event.duration_s > LONGEST_S or event.kind in NOT_PERIODIC:
            return []
        if self._is_way_back(event):
            return self._admit_way_back(event)
        if finding.turn_deg > self._rules.periodic.turn_deg:
            return []
        if not self._continues(event):
            self._members = []
        self._members = [*self._members, _Member(event, finding.jerk_g_s)][-MEMORY:]
        count = self._periodic_count()
        if not count:
            return []
        told: list[Event] = []
        for index in range(-count, 0):
            member = self._members[index]
            if member.event.kind is not Kind.PLM:
                revised = [self._revised(e) for e in (member.event, member.way_back) if e]
                self._members[index] = replace(member, event=revised[0])
                told += revised
        return told

    def _admit_way_back(self, event: Event) -> list[Event]:
        last = self._members[-1]
        if last.event.kind is Kind.PLM:
            return [self._revised(event)]
        self._members[-1] = replace(last, way_back=last.way_back or event)
        return []

    def save(self) -> list[dict[str, Any]]:
        """Return the state as plain data."""
        return [
            {
                "event": to_dict(member.event),
                "jerk_g_s": member.jerk_g_s,
                "way_back": None if member.way_back is None else to_dict(member.way_back),
            }
            for member in self._members
        ]

    def load(self, state: list[dict[str, Any]]) -> None:
        """Go on from a saved state."""
        self._members = [
            _Member(
                from_dict(member["event"]),
                member["jerk_g_s"],
                None if member["way_back"] is None else from_dict(member["way_back"]),
            )
            for member in state
        ]

    def _is_way_back(self, event: Event) -> bool:
        members = self._members
        return bool(members) and event.onset_s - members[-1].event.onset_s < WHOLE_S

    def _continues(self, event: Event) -> bool:
        if not self._members:
            return True
        interval_s = event.onset_s - self._members[-1].event.onset_s
        return self._rules.periodic.low_s <= interval_s <= self._rules.periodic.high_s

    def _periodic_count(self) -> int:
        """How many of the last movements make a series: all that are remembered, or none."""
        everything = len(self._members)
        for count in (everything, FEWEST_STRONG, FEWEST):
            if FEWEST <= count <= everything and self._is_series(self._members[-count:]):
                return count
        return 0

    def _is_series(self, members: Rows[_Member]) -> bool:
        rules = self._rules
        if median(np.array([m.event.turn_deg or 0.0 for m in members])) < rules.periodic.least_deg:
            return False
        intervals_s = _intervals_s(members)
        spreads = (
            _spread([m.event.peak_g or 0.0 for m in members]),
            _spread([m.event.duration_s for m in members]),
            _spread([max(m.event.turn_deg or 0.0, LEAST_TURN_DEG) for m in members]),
            _spread(intervals_s),
        )
        mild = median(np.array([m.jerk_g_s for m in members])) <= rules.periodic.jerk_g_s
        if mild and all(s <= most for s, most in zip(spreads, rules.periodic.alike, strict=True)):
            return True
        share = 1.0 if len(members) >= FEWEST_STRONG else FEW_SHARE
        alike = zip(spreads, rules.periodic.alike_strong, strict=True)
        return all(spread <= share * most for spread, most in alike)

    def _revised(self, event: Event) -> Event:
        mean_s = float(np.mean(_intervals_s(self._members))) if len(self._members) > 1 else 0.0
        facts = because(Reason.PERIODIC, interval_s=mean_s)
        return replace(relabelled(event, Kind.PLM, facts), episode=None, grade=None)


NOT_PERIODIC = frozenset({Kind.CLONUS, Kind.TREMOR, Kind.TURN})


def _intervals_s(members: Rows[_Member]) -> list[float]:
    return [b.event.onset_s - a.event.onset_s for a, b in pairwise(members)]


def _spread(values: Rows[float]) -> float:
    """Return the deviation of the logarithm from its median, the worst of more than three left out.

    0.3 is 30 %, whatever the unit.
    """
    logs = np.log(np.maximum(values, 1e-6))
    deviations = np.sort(np.abs(logs - median(logs)))[: max(len(logs) - 1, 3)]
    return float(np.sqrt((deviations**2).sum() / len(deviations)))
