"""Makes one event of what several sensors of one wearer saw of the same movement.

Two pure functions of `movement` decide: `grouped` which events are one, `fused` what it was.
`Fusion` says what changes while events come in. Reasons: docs/decisions/0007.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from detector import events as form
from detector.events import Event, Phase
from detector.recognition.events.forms import next_form, taken_back
from detector.recognition.events.movement import FusedMember, Group, end_ms_of, fused, grouped

EPISODE_MS = 90_000  # spasms with less between them are one episode (contract)
MEMORY_MS = 300_000
"""How far apart events are still joined or revised: a periodic series reaches 3 * 90 s + 10 s."""

MOST_MEMBERS = 64  # one every 5 s of that memory; two legs of periodic movements make half of it


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
    groups = grouped(
        FusedMember.of(f"sensor {number}", event, dated=dated)
        for number, stream in enumerate(finals, 1)
        for event in stream
    )
    episodes = _episodes(groups, {})
    return list(map(fused, groups, episodes))


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
        self._members: dict[tuple[str, str], FusedMember] = {}
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
        member = FusedMember.of(event.sensor, event, dated=self._dated)
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
            FusedMember.of(stream, form.from_dict(event), dated=self._dated)
            for stream, event in state["members"]
        ]
        told = [_Told(form.from_dict(event), *flags) for event, *flags in state["told"]]
        self._members = {member.key: member for member in members}
        self._told = {each.event.id: each for each in told}

    def _drop(self, member: FusedMember) -> list[Event]:
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
        groups = grouped(self._members.values())
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

    def _word(self, identity: str, group: Group, episode: str | None) -> list[Event]:
        """Return what a movement is now, unless that is what was given last."""
        event = replace(fused(group, episode), id=identity)
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

    def _close(self, members: Iterable[FusedMember]) -> None:
        for member in [each for each in members if each.is_open]:
            event = form.broken_off(member.event)
            self._members[member.key] = replace(member, event=event)
            if event.id in self._told:  # not the sensor's own form: if it goes on, that is news
                self._told[event.id] = replace(self._told[event.id], plain=False)

    def _forget(self, latest: FusedMember) -> list[Event]:
        """Close and drop what lies long before the latest event, or is the oldest of too many."""
        members, past_ms = self._members.values(), latest.onset_ms - MEMORY_MS
        excess = len(members) - MOST_MEMBERS
        if excess <= 0 and all(member.end_ms >= past_ms for member in members):
            return []
        gone: list[FusedMember] = []
        for group in sorted(grouped(members), key=end_ms_of):
            if len(gone) < excess or end_ms_of(group) < past_ms:
                gone += group
        self._close(gone)
        said = self._tell()
        for member in gone:
            del self._members[member.key]
            self._told.pop(member.event.id, None)
        return said


@dataclass(frozen=True, slots=True)
class _Told:
    """The last form given under an id; `plain` while it is one sensor's own, unaltered."""

    event: Event
    plain: bool
    retired: bool


def _episodes(groups: Sequence[Group], told: Mapping[str, Event]) -> list[str | None]:
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


def _near(one: Group, other: Group) -> bool:
    """Whether different sensors saw them within one episode."""
    pause_ms = max(one[0].onset_ms - end_ms_of(other), other[0].onset_ms - end_ms_of(one))
    return pause_ms < EPISODE_MS and {m.stream for m in one}.isdisjoint(m.stream for m in other)
