"""What several sensors of one wearer saw: which events are one movement, and what it was.

Reasons: docs/decisions/0007.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from math import inf

from detector import events as form
from detector.block import EPOCH
from detector.events import SPASM_FAMILY, Event, Kind, Phase
from detector.recognition.events.context import context_of_limbs
from detector.recognition.rules.reason import Reason, ReasonFacts, because
from detector.recognition.rules.verdict import HELD_S

JOIN_MS = 1000  # less than this between two events is no real pause (contract's merge rule)
CHAIN_MS = 60_000
"""Most that a chain adds to its longest member: a minute of clonus that changes legs still meets
`clonus >= 60s`, but restless hours do not become one event."""

PRECEDENCE = (
    Kind.CLONUS,  # three equal beats are the most specific finding, and may contain a spasm
    Kind.SPASM,  # sudden and out of rest at one leg, whatever the other one does
    Kind.TONIC,  # held for long; a twitch in it is a part of it
    Kind.PLM,  # four movements in series are more specific than a faint jerk of the other leg
    Kind.TWITCH,
    Kind.TREMOR,
    Kind.TURN,  # a turn moves both legs: where one sees only movement, it saw less
    Kind.MOVEMENT,
    Kind.VIBRATION,  # explains least: a bed that shakes does not make a leg move by itself
)
_RANK = {kind: rank for rank, kind in enumerate(PRECEDENCE)}
_JERKS = SPASM_FAMILY | {Kind.PLM}  # merge with each other; any other kind only with its own
_CLASS = {kind: 0 if kind in _JERKS else rank for kind, rank in _RANK.items()}
_MIXED = (Kind.SPASM, Kind.CLONUS)  # what the contract calls parts


def fused_name(sensors: Iterable[str]) -> str:
    r"""Name several sensors in one text: sorted, `left-calf+right-calf`.

    A `+` or `\` inside a name gets a `\` in front, so that no two sets of sensors share a text.
    """
    names = sorted(set(sensors))
    return "+".join(name.replace("\\", "\\\\").replace("+", "\\+") for name in names)


@dataclass(frozen=True, slots=True)
class FusedMember:
    """The last form of one event of one sensor; whole ms on the axis that all sensors share."""

    stream: str
    event: Event
    onset_ms: int
    end_ms: int  # as far as it was seen

    @classmethod
    def of(cls, stream: str, event: Event, *, dated: bool) -> FusedMember:
        """Return the member of an event, aligned by UTC or by seconds since its recording began.

        Raises
        ------
        ValueError
            It has no UTC to be aligned by.
        """
        if not dated:
            onset_ms = round(event.onset_s * 1000)
        elif event.onset is None:
            raise ValueError(f"event {event.id} has no UTC: align by onset_s with dated=False")
        else:
            onset_ms = round((event.onset - EPOCH) / timedelta(milliseconds=1))
        return cls(stream, event, onset_ms, onset_ms + round(event.duration_s * 1000))

    @property
    def key(self) -> tuple[str, str]:
        """Stream and id of the event."""
        return self.stream, self.event.id

    @property
    def name(self) -> str:
        """Name of the sensor."""
        return self.event.sensor or self.stream

    @property
    def is_open(self) -> bool:
        """Whether it goes on."""
        return self.event.phase is not Phase.END

    @property
    def reach_ms(self) -> float:
        """How far it may last: what is going on is taken to go on, until its end disproves it."""
        return inf if self.is_open else self.end_ms


Group = Sequence[FusedMember]
"""One movement: its members in order of onset."""


def grouped(members: Iterable[FusedMember]) -> list[Group]:
    """Part events into movements, in order of onset; each event joins the first that takes it."""
    groups: list[Group] = []
    reachable: list[list[FusedMember]] = []
    for new in sorted(members, key=lambda m: (m.onset_ms, m.name, m.event.id)):
        reachable = [g for g in reachable if new.onset_ms - max(m.reach_ms for m in g) < JOIN_MS]
        home = next((group for group in reachable if _takes(group, new)), [])
        if not home:
            groups.append(home)
            reachable.append(home)
        home.append(new)
    return groups


def _takes(group: Group, new: FusedMember) -> bool:
    """Whether an event belongs to a movement that began before it."""
    if not any(_touch(old, new) for old in group):
        return False
    joined = [*group, new]
    longest_ms = max(m.end_ms - m.onset_ms for m in joined)
    span_ms = end_ms_of(joined) - group[0].onset_ms
    return span_ms <= longest_ms + CHAIN_MS and _is_one_movement(joined)


def _touch(old: FusedMember, new: FusedMember) -> bool:
    """Whether two sensors of one wearer saw them with no pause between.

    What one sensor keeps apart stays apart: its own sequence logic had more to go by.
    """
    return (
        old.stream != new.stream
        and old.event.wearer == new.event.wearer
        and old.event.source is new.event.source
        and new.onset_ms - old.reach_ms < JOIN_MS
    )


def _is_one_movement(members: Group) -> bool:
    """Whether what is of another kind lies within what names the movement, give or take a pause.

    Else a jerk of one leg would be as long as the other's restless minute, and wake by a rule.
    """
    first = min(_CLASS[m.event.kind] for m in members)
    core = [m for m in members if _CLASS[m.event.kind] == first]
    low_ms = core[0].onset_ms - JOIN_MS
    high_ms = max(m.reach_ms for m in core) + JOIN_MS
    return all(low_ms < m.onset_ms and m.end_ms < high_ms for m in members)


def end_ms_of(group: Group) -> int:
    """Return the latest end that was seen of a movement."""
    return max(member.end_ms for member in group)


def fused(group: Group, episode: str | None) -> Event:
    """Return what a movement was; a lone event is left as it is."""
    events = [member.event for member in group]
    telling = sorted(group, key=lambda m: (_RANK[m.event.kind], -m.event.duration_s, m.name))
    # Of those of that kind the longest has the best estimate of the rhythm: more beats, less error.
    chief = telling[0].event
    kind, duration_s = chief.kind, (end_ms_of(group) - group[0].onset_ms) / 1000
    episode = episode if kind in SPASM_FAMILY else None
    if len(group) == 1:
        return replace(chief, episode=episode)
    ends = [event.end for event in events if event.end is not None]
    return replace(
        events[0],
        kind=kind,
        phase=Phase.START if any(m.is_open for m in group) else Phase.END,
        revision=max(event.revision for event in events),
        duration_s=duration_s,
        end=max(ends) if len(ends) == len(events) else None,
        rhythm_hz=chief.rhythm_hz,
        beats=chief.beats,
        peak_g=_largest(event.peak_g for event in events),
        rms_g=_largest(event.rms_g for event in events),
        turn_deg=_largest(event.turn_deg for event in events),
        # One body in one bed: sensors err together, so that agreement is no further evidence.
        confidence=max(event.confidence for event in events if event.kind is kind),
        grade=_grade(chief, duration_s),
        parts=_parts(events),
        shares=chief.shares,
        episode=episode,
        cut_short=any(event.cut_short for event in events),
        reason="",  # of `facts`, once it leaves
        facts=_facts(telling),
        context=context_of_limbs(m.event.context for m in telling if m.event.kind is kind),
        held_back=chief.held_back,
        sensor=fused_name(m.name for m in group),
    )


def _grade(chief: Event, duration_s: float) -> int | None:
    """Return the SCATS grade by the whole length, or by its angle of a limb that was held."""
    facts = chief.facts
    pulled = facts.get("reason") == Reason.PULL and facts["let_go"]
    if chief.grade is None or (pulled and facts["away_s"] >= HELD_S):
        return chief.grade
    return form.grade_of(duration_s)


def _parts(events: Sequence[Event]) -> tuple[Kind, ...] | None:
    """Return the kinds that follow each other in a mixed event, None where there is but one."""
    own = (event.parts or [kind for kind in _MIXED if kind is event.kind] for event in events)
    seen = dict.fromkeys(part for parts in own for part in parts)
    return tuple(seen) if len(seen) > 1 else None


def _facts(telling: Group) -> ReasonFacts:
    """Return one reason per sensor: that of the most telling event that it saw."""
    first = {m.name: m.event for m in reversed(telling)}
    order = dict.fromkeys(m.name for m in telling)
    seen = [{"sensor": n, "kind": first[n].kind, "facts": first[n].facts} for n in order]
    return because(Reason.SENSORS, seen=seen)


def _largest(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
