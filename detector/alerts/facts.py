"""What the rules remember of events: facts, the episodes and runs that they form. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from detector.alerts.moments import dated_s
from detector.alerts.rules import WAKING, Cluster, Lasting, Rule
from detector.events import Event, Kind, Phase

QUIET_S = 90.0
"""Spasms with less than this between them are one episode (contract); after it, it is over."""

UNENDED_S = 600.0
"""An event without an update for so long is over: its end was lost in a crash."""

MEMORY = 1000
"""Events remembered at most, ten times the largest count a rule may ask for; oldest go first."""


@dataclass(frozen=True, slots=True)
class Fact:
    """What the rules need of an event; times on the axis of `Now.event_s`.

    dated_s : the onset as it was dated: s since 1970, or from the first sample; only a label
    peak_g, turn_deg : how strong it is, and the angle of the limb; None where that is not known
    """

    id: str
    kind: Kind
    revision: int
    phase: int
    onset_s: float
    duration_s: float
    dated_s: float
    peak_g: float | None = None
    turn_deg: float | None = None
    episode: str = ""
    told: tuple[str, ...] = ()  # rules that it set off, with an alert or covered by one

    @classmethod
    def of(cls, event: Event, onset_s: float) -> Fact:
        """Return what the rules need of an event in its present form."""
        phase = list(Phase).index(event.phase)
        return cls(
            event.id,
            event.kind,
            event.revision,
            phase,
            onset_s,
            event.duration_s,
            dated_s(event),
            event.peak_g,
            event.turn_deg,
        )

    @property
    def rank(self) -> tuple[int, int, float]:
        """Sort key of the forms of one event, the latest last."""
        return self.revision, self.phase, self.duration_s

    @property
    def end_s(self) -> float:
        """Its end, as far as it was seen."""
        return self.onset_s + self.duration_s

    @property
    def over_s(self) -> float:
        """Its end, or the time at which a missing end is given up."""
        return self.end_s + (0 if self.phase == ENDED else UNENDED_S)

    def dated(self, at_s: float) -> float:
        """Return how a moment of the axis is dated, as this event is."""
        return self.dated_s + (at_s - self.onset_s)

    def supports(self, rule: Rule) -> bool:
        """Whether the rule can count this event as it stands.

        A cluster counts what is over: half a second after its onset a twitch still looks like the
        beginning of a spasm, and nobody is to be woken for that.
        """
        if isinstance(rule, Lasting):
            return self.kind in rule.kinds and self.duration_s >= rule.duration_s
        return isinstance(rule, Cluster) and self.kind in rule.kinds and self.phase == ENDED

    def telling(self, rule: str) -> Fact:
        """Return it with the rule among those that it set off."""
        return self if rule in self.told else replace(self, told=(*self.told, rule))


ENDED = list(Phase).index(Phase.END)


def clustered(facts: Collection[Fact], rule: Cluster) -> list[Fact]:
    """Return the events that belong to some run as dense as the rule requires."""
    counted = sorted(
        (fact for fact in facts if fact.supports(rule)),
        key=lambda fact: (fact.onset_s, fact.id),
    )
    dense: dict[str, Fact] = {}
    for first in range(len(counted) - rule.count + 1):
        run = counted[first : first + rule.count]
        if run[-1].onset_s - run[0].onset_s <= rule.window_s:
            dense |= {fact.id: fact for fact in run}
    return list(dense.values())


def episode_beside(facts: Collection[Fact], fact: Fact) -> str:
    """Return the episode of an event for which the detector named none."""
    for other in reversed(list(facts)):
        gap_s = max(fact.onset_s - other.end_s, other.onset_s - fact.end_s)
        if other.kind in WAKING and gap_s < QUIET_S:
            return other.episode
    return fact.id


def split_at(facts: Collection[Fact], past_s: float) -> tuple[list[Fact], list[Fact]]:
    """Return the events that no rule may count any more, and those that some rule may.

    The oldest beyond the bound are among the former.
    """
    kept = [fact for fact in facts if fact.over_s >= past_s][-MEMORY:]
    ids = {fact.id for fact in kept}
    return [fact for fact in facts if fact.id not in ids], kept
