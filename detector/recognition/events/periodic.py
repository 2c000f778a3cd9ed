"""Periodic limb movements: known by four alike in a row of a limb at rest, not by one."""

from __future__ import annotations

from collections.abc import Sequence as Rows
from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf
from typing import Any, Self

import numpy as np

from detector.dsp.frames import Floats
from detector.dsp.posture import Vector, one_angle_deg
from detector.dsp.ranks import median
from detector.events import Event, Kind, Phase, from_dict, relabelled, to_dict
from detector.plain import from_plain, to_plain
from detector.recognition.rules.reason import Reason, because
from detector.recognition.rules.thresholds import Rules
from detector.recognition.rules.verdict import Finding

SHORTEST_S, LONGEST_S = 0.5, 10.0  # of a candidate leg movement (WASM 2016)
WHOLE_S = 6.0
"""Up, held and back: longer than most (mean 3.2 s), shorter than an interval. What begins within
it and brings the limb back is a part of the movement before."""

MEMORY = 8  # movements of a series that are compared: enough to know it, few to remember
FEWEST = 4  # a series has at least four (WASM 2016)
FEWEST_STRONG = 6  # ... and six where they are as abrupt as spasms,
FEW_SHARE = 0.7  # ... or fewer that are this much more alike
LEAST_TURN_DEG = 0.3  # below, the angle is noise and all movements are alike
ONSET_S = 1.0
"""How far off it may be where two movements seem to begin, which rise in up to 0.7 s each: so much
below the shortest interval a movement is no member, and not yet the end of its series."""

BEFORE_S = 60.0
"""How long before its first movement a series must find the limb at rest: as long as the share of
movement before a spasm is taken of, and about three intervals of a usual series."""


@dataclass(frozen=True, slots=True)
class Postures:
    """Gravity at the sensor, g, before a movement and after it; None where that is not known."""

    before_g: Vector | None = None
    after_g: Vector | None = None

    @classmethod
    def of(cls, before_g: Floats, after_g: Floats | None) -> Self:
        """Round what a bout measured to 0.1 mg: its noise is more."""
        before, after = (
            None if each is None else (round(float(each[0]), 4), round(float(each[1]), 4),
                                       round(float(each[2]), 4))
            for each in (before_g, after_g)
        )  # fmt: skip
        return cls(before, after)


UNKNOWN = Postures()


@dataclass(frozen=True, slots=True)
class _WayBack:
    """What brought a limb back, as far as it must be named to take its event back."""

    id: str
    revision: int
    onset_s: float
    duration_s: float
    confidence: float

    @classmethod
    def of(cls, event: Event) -> Self:
        numbers = event.onset_s, event.duration_s, event.confidence
        return cls(event.id, event.revision, *numbers)

    def taken_back(self) -> Event:
        """Return that the movement before reports it."""
        return Event(
            id=self.id,
            kind=Kind.MOVEMENT,
            phase=Phase.UPDATE,
            revision=self.revision + 1,
            onset_s=self.onset_s,
            duration_s=self.duration_s,
            confidence=self.confidence,
            facts=because(Reason.WAY_BACK),
        )


@dataclass(frozen=True, slots=True)
class _Member:
    """One movement of a series, in its last form.

    Parameters
    ----------
    first_s, lasted_s : from its onset to the end of its first event, and to that of its way back,
        which is often too soft to be seen
    before_g : posture that it left
    since_s, moved_s : seconds since the member before, or `BEFORE_S`; how much of them was
        other movement
    parts : its way back, as long as that has events of its own
    """

    event: Event
    jerk_g_s: float
    first_s: float
    lasted_s: float
    before_g: Vector | None = None
    since_s: float = BEFORE_S
    moved_s: float = 0.0
    parts: tuple[_WayBack, ...] = ()


class Series:
    """One wearer's movements that may turn out periodic; bounded, saved and restored.

    A series is even in time (10 to 90 s apart), its movements resemble each other in strength,
    length and angle, and between them the limb rests: it lies as it lay before, and little else
    moves it. Spasms come in clusters but not alike; a limb in use does not rest. What was not
    seen, behind a gap, counts as rest where the limb lies as before.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._members: list[_Member] = []
        self._others: list[tuple[float, float]] = []  # other movement of the last `high_s`
        self._latest_s: float | None = None  # onset of the latest member, of whichever series
        self._is_cut = False  # the recording broke off behind the latest member

    def admit(self, event: Event, finding: Finding, postures: Postures = UNKNOWN) -> list[Event]:
        """Take an event that is over; return what it is now, itself and earlier ones revised.

        An empty list means that it belongs to no series so far. The way back of a movement of a
        series is a part of it: the movement grows, and the event of the way back is taken back.
        """
        rules = self._rules
        if event.kind is Kind.VIBRATION and finding.turn_deg < LEAST_TURN_DEG:
            return []  # the bed shook, not the limb
        candidate = event.duration_s <= LONGEST_S and event.kind not in NOT_PERIODIC
        if candidate and self._is_way_back(event, finding, postures):
            return self._admit_way_back(event)
        candidate = candidate and finding.turn_deg <= rules.periodic.turn_deg
        since_s = inf if self._latest_s is None else event.onset_s - self._latest_s
        too_soon = since_s < rules.periodic.low_s - ONSET_S
        if candidate and too_soon and finding.turn_deg >= rules.periodic.least_deg:
            self._members = []  # a movement too soon after another ends a series (WASM 2016)
        if since_s < rules.periodic.low_s or not candidate:
            self.disturb(event)
            return []
        if not self._continues(event, postures):
            self._members = []
        self._members = [*self._members, self._member(event, finding, postures)][-MEMORY:]
        self._latest_s, self._is_cut = event.onset_s, False
        count = self._periodic_count()
        if not count:
            return []
        told: list[Event] = []
        for index in range(-count, 0):
            member = self._members[index]
            if member.event.kind is not Kind.PLM:
                whole = self._revised(member)
                told += [whole, *(part.taken_back() for part in member.parts)]
                self._members[index] = replace(member, event=whole, parts=())
        return told

    def disturb(self, event: Event) -> None:
        """Take movement that belongs to no series: between its members the limb did not rest."""
        since_s = event.onset_s - self._rules.periodic.high_s
        recent = [span for span in self._others if span[1] > since_s]
        self._others = [*recent, (event.onset_s, round(event.end_s, 3))]

    def cut(self) -> None:
        """Take a gap, across which no movement is continued: what follows is no way back."""
        self._is_cut = True

    def save(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return {
            "members": [
                {
                    "event": to_dict(member.event),
                    **{name: to_plain(getattr(member, name)) for name in _NUMBERS},
                    "parts": [to_plain(part) for part in member.parts],
                }
                for member in self._members
            ],
            "others": to_plain(self._others),
            "latest_s": self._latest_s,
            "cut": self._is_cut,
        }

    def load(self, state: dict[str, Any] | list[dict[str, Any]]) -> None:
        """Go on from a saved state; the oldest are a list of members."""
        if isinstance(state, list):
            state = {"members": state, "others": [], "latest_s": None}
        self._members = list(map(_loaded, state["members"]))
        self._others = [(since_s, until_s) for since_s, until_s in state["others"]]
        self._latest_s = state["latest_s"]
        self._is_cut = state.get("cut", False)

    def _member(self, event: Event, finding: Finding, postures: Postures) -> _Member:
        """Return a movement with what it is compared by, and how the limb rested before it."""
        since_s = BEFORE_S
        if self._members:
            since_s = event.onset_s - self._members[-1].event.onset_s
        from_s = event.onset_s - since_s
        moved_s = sum(max(end_s - max(onset_s, from_s), 0.0) for onset_s, end_s in self._others)
        return _Member(
            event=event,
            jerk_g_s=finding.jerk_g_s,
            first_s=event.duration_s,
            lasted_s=event.duration_s,
            before_g=postures.before_g,
            since_s=round(since_s, 3),
            moved_s=round(moved_s, 3),
        )

    def _is_way_back(self, event: Event, finding: Finding, postures: Postures) -> bool:
        """Whether an event soon after a movement's onset ends with the limb back where it lay."""
        if not self._members or self._is_cut:
            return False
        last = self._members[-1]
        if event.onset_s - last.event.onset_s >= WHOLE_S:
            return False
        if event.end_s - last.event.onset_s > LONGEST_S:
            return False
        size_deg = max(last.event.turn_deg or 0.0, finding.turn_deg)
        off_deg = _angle_deg(last.before_g, postures.after_g)
        return off_deg <= max(self._rules.periodic.stays_deg, RETURNED_SHARE * size_deg)

    def _admit_way_back(self, event: Event) -> list[Event]:
        last, part = self._members[-1], _WayBack.of(event)
        lasted_s = round(max(event.end_s - last.event.onset_s, last.lasted_s), 3)
        self._members[-1] = longer = replace(last, lasted_s=lasted_s, parts=(*last.parts, part))
        if last.event.kind is not Kind.PLM:
            return []
        whole = self._revised(longer)
        self._members[-1] = replace(longer, event=whole, parts=())
        return [whole, part.taken_back()]

    def _continues(self, event: Event, postures: Postures) -> bool:
        """Whether a movement comes as soon as a series has it, of a limb that lies as before."""
        if not self._members:
            return True
        last = self._members[-1]
        stays = _angle_deg(last.before_g, postures.before_g) <= self._rules.periodic.stays_deg
        return stays and event.onset_s - last.event.onset_s <= self._rules.periodic.high_s

    def _periodic_count(self) -> int:
        """How many of the last movements make a series: all that are remembered, or none."""
        everything = len(self._members)
        for count in (everything, FEWEST_STRONG, FEWEST):
            if FEWEST <= count <= everything and self._is_series(self._members[-count:]):
                return count
        return 0

    def _is_series(self, members: Rows[_Member]) -> bool:
        rules = self._rules
        turns_deg = [m.event.turn_deg or 0.0 for m in members]
        if median(np.array(turns_deg)) < rules.periodic.least_deg:
            return False
        lasted_s = median(np.array([m.lasted_s for m in members]))
        if lasted_s < SHORTEST_S or not self._is_at_rest(members):
            return False
        spreads = (
            _spread([m.event.peak_g or 0.0 for m in members]),
            _spread([m.first_s for m in members]),
            _spread([max(each, LEAST_TURN_DEG) for each in turns_deg]),
            _spread(_intervals_s(members)),
        )
        mild = median(np.array([m.jerk_g_s for m in members])) <= rules.periodic.jerk_g_s
        if mild and all(s <= most for s, most in zip(spreads, rules.periodic.alike, strict=True)):
            return True
        share = 1.0 if len(members) >= FEWEST_STRONG else FEW_SHARE
        alike = zip(spreads, rules.periodic.alike_strong, strict=True)
        return all(spread <= share * most for spread, most in alike)

    def _is_at_rest(self, members: Rows[_Member]) -> bool:
        """Whether little else moved before the first movement and between all of them."""
        moved_s, all_s = sum(m.moved_s for m in members), sum(m.since_s for m in members)
        return moved_s <= self._rules.periodic.moved_share * all_s

    def _revised(self, member: _Member) -> Event:
        """Return the next revision of a movement's event: periodic, and as long as it lasted."""
        intervals_s = _intervals_s(self._members)
        mean_s = float(np.mean(intervals_s)) if intervals_s else 0.0
        facts = because(Reason.PERIODIC, interval_s=mean_s)
        event = relabelled(member.event, Kind.PLM, facts)
        return replace(event, episode=None, grade=None, duration_s=member.lasted_s)


NOT_PERIODIC = frozenset({Kind.CLONUS, Kind.TREMOR, Kind.TURN})

RETURNED_SHARE = 0.5
"""A limb that ends nearer to where it lay than to where it went is on its way back."""

_NUMBERS = ("jerk_g_s", "first_s", "lasted_s", "before_g", "since_s", "moved_s")


def _loaded(saved: dict[str, Any]) -> _Member:
    event = from_dict(saved["event"])
    if "lasted_s" not in saved:  # older than the rest between movements
        back = saved["way_back"]
        parts = () if back is None else (_WayBack.of(from_dict(back)),)
        return _Member(event, saved["jerk_g_s"], event.duration_s, event.duration_s, parts=parts)
    return _Member(
        event=event,
        parts=tuple(from_plain(_WayBack, part) for part in saved["parts"]),
        **{name: saved[name] for name in _NUMBERS if name != "before_g"},
        before_g=from_plain(Vector | None, saved["before_g"]),
    )


def _angle_deg(one_g: Vector | None, other_g: Vector | None) -> float:
    """Return how far apart two postures are, degrees; 0 where one is not known."""
    if one_g is None or other_g is None:
        return 0.0
    return one_angle_deg(np.array(one_g), np.array(other_g))


def _intervals_s(members: Rows[_Member]) -> list[float]:
    return [b.event.onset_s - a.event.onset_s for a, b in pairwise(members)]


def _spread(values: Rows[float]) -> float:
    """Return the deviation of the logarithm from its median, the worst of more than three left out.

    0.3 is 30 %, whatever the unit.
    """
    logs = np.log(np.maximum(values, 1e-6))
    deviations = np.sort(np.abs(logs - median(logs)))[: max(len(logs) - 1, 3)]
    return float(np.sqrt((deviations**2).sum() / len(deviations)))
