"""Makes one event of what several sensors of one wearer saw of the same movement.

Two pure functions decide: `_grouped` which events are one movement, `_fused` what it was. `Fusion`
gives what changes while events come in. Reasons: docs/decisions/0007.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from math import inf
from typing import Any

from detector import events as form
from detector.block import EPOCH
from detector.events import SPASM_FAMILY, Event, Kind, Phase
from detector.recognition.events.context import context_of_limbs
from detector.recognition.events.forms import next_form, taken_back
from detector.recognition.rules.reason import Reason, ReasonFacts, because
from detector.recognition.rules.verdict import HELD_S

JOIN_MS = 1000  # less than this between two events is no real pause (contract's merge rule)
CHAIN_MS = 60_000
"""Most that a chain adds to its longest member: a minute of clonus that changes legs still meets
`clonus >= 60s`, but restless hours do not become one event."""

EPISODE_MS = 90_000  # spasms with less between them are one episode (contract)
MEMORY_MS = 300_000
"""How far apart events are still joined or revised: a periodic series reaches 3 * 90 s + 10 s."""

MOST_MEMBERS = 64  # one every 5 s of that memory; two legs of periodic movements make half of it

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


def fuse_final(streams: Iterable[Iterable[Event]]) -> list[Event]:
    """Fuse whole recordings of one wearer.

    Parameters
    ----------
    streams : what the detector said of each sensor; only final forms count. They are laid side
        by side by UTC if every event has it, else as if all recordings began together

    Returns
    -------
    The wearer's events in order of time, the same in whatever order the streams come. A fused
    one has the id, the `onset_s` and the `recording` of the member that began first.
    """
    finals = [form.final_forms(stream) for stream in streams]
    dated = all(event.onset is not None for stream in finals for event in stream)
    groups = _grouped(
        _FusedMember.of(f"sensor {number}", event, dated=dated)
        for number, stream in enumerate(finals, 1)
        for event in stream
    )
    episodes = _episodes(groups, {})
    return list(map(_fused, groups, episodes))


class Fusion:
    """One wearer's sensors: events of each in, events of the wearer out.

    A first form is given at once, under the id of the sensor that saw it first, and keeps that
    id while others join. An id is taken back (`update`, kind `movement`, never an `end`) only
    where two movements that were both told turn out to be one.

    Parameters
    ----------
    dated : whether sensors are aligned by UTC, or by seconds since their recordings began
    """

    def __init__(self, *, dated: bool = True) -> None:
        self._dated = dated
        self._members: dict[tuple[str, str], _FusedMember] = {}
        self._told: dict[str, _Told] = {}  # by id, in the order of first words

    def process(self, event: Event) -> list[Event]:
        """Take the next form of an event: any phase or revision, each sensor's own in order.

        Raises
        ------
        ValueError
            The event names no sensor, or has no UTC to be aligned by.
        """
        if event.sensor is None:
            raise ValueError("an event must name its sensor to be fused: stamp it first")
        member = _FusedMember.of(event.sensor, event, dated=self._dated)
        if form.is_taken_back(event):
            return self._drop(member)
        self._members[member.key] = member
        return self._tell() + self._forget(member)

    def lost(self, sensor: str) -> list[Event]:
        """Close a sensor's open events where its stream broke off."""
        self._close(member for member in self._members.values() if member.stream == sensor)
        return self._tell()

    def save(self) -> dict[str, Any]:
        """Return the state as plain data, fit for JSON; moments in ms, as events are stamped."""
        return {
            "members": [[m.stream, form.to_dict(m.event)] for m in self._members.values()],
            "told": [[form.to_dict(t.event), t.plain, t.retired] for t in self._told.values()],
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a saved state, with the same `dated`."""
        members = [
            _FusedMember.of(stream, form.from_dict(event), dated=self._dated)
            for stream, event in state["members"]
        ]
        told = [_Told(form.from_dict(event), *flags) for event, *flags in state["told"]]
        self._members = {member.key: member for member in members}
        self._told = {each.event.id: each for each in told}

    def _drop(self, member: _FusedMember) -> list[Event]:
        """Forget an event that its sensor took back, and say so if it was told under its id."""
        self._members.pop(member.key, None)
        told = self._told.pop(member.event.id, None)
        said = self._tell()
        if told is None or told.retired:
            return said
        back = replace(member.event, revision=max(member.event.revision, told.event.revision + 1))
        return [*said, back]

    def _tell(self) -> list[Event]:
        """Return what is new: first what the movements are now, then which ids are no more."""
        groups = _grouped(self._members.values())
        episodes = _episodes(groups, {key: told.event for key, told in self._told.items()})
        age = {key: order for order, key in enumerate(self._told)}
        heirs: dict[str, str] = {}
        said: list[Event] = []
        for group, episode in zip(groups, episodes, strict=True):
            ids = [member.event.id for member in group]
            identity = min((key for key in ids if key in age), key=age.__getitem__, default=ids[0])
            heirs |= dict.fromkeys(ids, identity)
            said += self._word(identity, group, episode)
        for key, told in self._told.items():
            if heirs[key] != key and not told.retired:
                word = taken_back(told.event, heirs[key])
                self._told[key] = _Told(word, plain=False, retired=True)
                said.append(word)
        return said

    def _word(self, identity: str, group: _Group, episode: str | None) -> list[Event]:
        """Return what a movement is now, unless that is what was given last."""
        event = replace(_fused(group, episode), id=identity)
        told = self._told.get(identity)
        plain = len(group) == 1 and (told is None or told.plain)
        if told is not None:
            event = event if plain else next_form(told.event, event)
            if event == told.event:
                return []
        elif event.phase is Phase.UPDATE:  # so far it was told as another: now it begins
            event, plain = replace(event, phase=Phase.START), False
        self._told[identity] = _Told(event, plain=plain, retired=False)
        return [event]

    def _close(self, members: Iterable[_FusedMember]) -> None:
        for member in [each for each in members if each.is_open]:
            event = form.broken_off(member.event)
            self._members[member.key] = replace(member, event=event)
            if event.id in self._told:  # not the sensor's own form: if it goes on, that is news
                self._told[event.id] = replace(self._told[event.id], plain=False)

    def _forget(self, latest: _FusedMember) -> list[Event]:
        """Close and drop what lies long before the latest event, or is the oldest of too many."""
        members, past_ms = self._members.values(), latest.onset_ms - MEMORY_MS
        excess = len(members) - MOST_MEMBERS
        if excess <= 0 and all(member.end_ms >= past_ms for member in members):
            return []
        gone: list[_FusedMember] = []
        for group in sorted(_grouped(members), key=_end_ms):
            if len(gone) < excess or _end_ms(group) < past_ms:
                gone += group
        self._close(gone)
        said = self._tell()
        for member in gone:
            del self._members[member.key]
            self._told.pop(member.event.id, None)
        return said


def fused_name(sensors: Iterable[str]) -> str:
    r"""Name several sensors in one text: sorted, `left-calf+right-calf`.

    A `+` or `\` inside a name gets a `\` in front, so that no two sets of sensors share a text.
    """
    names = sorted(set(sensors))
    return "+".join(name.replace("\\", "\\\\").replace("+", "\\+") for name in names)


@dataclass(frozen=True, slots=True)
class _FusedMember:
    """The last form of one event of one sensor; whole ms on the axis that all sensors share."""

    stream: str
    event: Event
    onset_ms: int
    end_ms: int  # as far as it was seen

    @classmethod
    def of(cls, stream: str, event: Event, *, dated: bool) -> _FusedMember:
        if not dated:
            onset_ms = round(event.onset_s * 1000)
        elif event.onset is None:
            raise ValueError(f"event {event.id} has no UTC: align by onset_s with dated=False")
        else:
            onset_ms = round((event.onset - EPOCH) / timedelta(milliseconds=1))
        return cls(stream, event, onset_ms, onset_ms + round(event.duration_s * 1000))

    @property
    def key(self) -> tuple[str, str]:
        return self.stream, self.event.id

    @property
    def name(self) -> str:
        return self.event.sensor or self.stream

    @property
    def is_open(self) -> bool:
        return self.event.phase is not Phase.END

    @property
    def reach_ms(self) -> float:
        """How far it may last: what is going on is taken to go on, until its end disproves it."""
        return inf if self.is_open else self.end_ms


_Group = Sequence[_FusedMember]  # one movement: its members in order of onset


@dataclass(frozen=True, slots=True)
class _Told:
    """The last form given under an id; `plain` while it is one sensor's own, unaltered."""

    event: Event
    plain: bool
    retired: bool


def _grouped(members: Iterable[_FusedMember]) -> list[_Group]:
    """Part events into movements, in order of onset; each event joins the first that takes it."""
    groups: list[_Group] = []
    reachable: list[list[_FusedMember]] = []
    for new in sorted(members, key=lambda m: (m.onset_ms, m.name, m.event.id)):
        reachable = [g for g in reachable if new.onset_ms - max(m.reach_ms for m in g) < JOIN_MS]
        home = next((group for group in reachable if _takes(group, new)), [])
        if not home:
            groups.append(home)
            reachable.append(home)
        home.append(new)
    return groups


def _takes(group: _Group, new: _FusedMember) -> bool:
    """Whether an event belongs to a movement that began before it."""
    if not any(_touch(old, new) for old in group):
        return False
    joined = [*group, new]
    longest_ms = max(m.end_ms - m.onset_ms for m in joined)
    span_ms = _end_ms(joined) - group[0].onset_ms
    return span_ms <= longest_ms + CHAIN_MS and _is_one_movement(joined)


def _touch(old: _FusedMember, new: _FusedMember) -> bool:
    """Whether two sensors of one wearer saw them with no pause between.

    What one sensor keeps apart stays apart: its own sequence logic had more to go by.
    """
    return (
        old.stream != new.stream
        and old.event.wearer == new.event.wearer
        and old.event.source is new.event.source
        and new.onset_ms - old.reach_ms < JOIN_MS
    )


def _is_one_movement(members: _Group) -> bool:
    """Whether what is of another kind lies within what names the movement, give or take a pause.

    Else a jerk of one leg would be as long as the other's restless minute, and wake by a rule.
    """
    first = min(_CLASS[m.event.kind] for m in members)
    core = [m for m in members if _CLASS[m.event.kind] == first]
    low_ms = core[0].onset_ms - JOIN_MS
    high_ms = max(m.reach_ms for m in core) + JOIN_MS
    return all(low_ms < m.onset_ms and m.end_ms < high_ms for m in members)


def _end_ms(group: _Group) -> int:
    return max(member.end_ms for member in group)


def _fused(group: _Group, episode: str | None) -> Event:
    """Return what a movement was; a lone event is left as it is."""
    events = [member.event for member in group]
    telling = sorted(group, key=lambda m: (_RANK[m.event.kind], -m.event.duration_s, m.name))
    # Of those of that kind the longest has the best estimate of the rhythm: more beats, less error.
    chief = telling[0].event
    kind, duration_s = chief.kind, (_end_ms(group) - group[0].onset_ms) / 1000
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


def _facts(telling: _Group) -> ReasonFacts:
    """Return one reason per sensor: that of the most telling event that it saw."""
    first = {m.name: m.event for m in reversed(telling)}
    order = dict.fromkeys(m.name for m in telling)
    seen = [{"sensor": n, "kind": first[n].kind, "facts": first[n].facts} for n in order]
    return because(Reason.SENSORS, seen=seen)


def _largest(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _episodes(groups: Sequence[_Group], told: Mapping[str, Event]) -> list[str | None]:
    """Name the wearer's episode of each movement; a lone sensor's episodes keep their names.

    Sensors name theirs apart. Two are one where a movement was seen by both, or where less than
    `EPISODE_MS` lies between what they saw. A name that was `told` (by id) stays.
    """
    own = [[m.event.episode for m in group if m.event.episode is not None] for group in groups]
    names = [
        next((w.episode for m in group if (w := told.get(m.event.id)) and w.episode), None)
        for group in groups
    ]
    known: dict[str, str] = {}
    for i in sorted(range(len(groups)), key=lambda i: names[i] is None):  # stable: told ones first
        name = names[i] or next((known[each] for each in own[i] if each in known), None)
        if name is None and own[i]:
            around = range(max(0, i - MOST_MEMBERS), min(len(groups), i + MOST_MEMBERS))
            near = (names[j] for j in around if names[j] and _near(groups[j], groups[i]))
            name = next(near, own[i][0])
        names[i] = name
        known |= {each: name for each in own[i] if name and each not in known}
    return names


def _near(one: _Group, other: _Group) -> bool:
    """Whether different sensors saw them within one episode."""
    pause_ms = max(one[0].onset_ms - _end_ms(other), other[0].onset_ms - _end_ms(one))
    return pause_ms < EPISODE_MS and {m.stream for m in one}.isdisjoint(m.stream for m in other)
