"""What the rules remember of events: facts, the episodes and runs that they form. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from math import inf

from detector.alerts.moments import dated_s
from detector.alerts.rules import WAKING, Clause, Cluster, Lasting, Rule, parse_rule
from detector.events import Event, EventContext, Kind, Phase

QUIET_S = 90.0
"""Spasms with less than this between them are one episode (contract); after it, it is over."""

UNENDED_S = 600.0
"""An event without an update for so long is over: its end was lost in a crash."""

WAKE_S = 600.0
"""So long behind a likely spasm that counted the next one counts as well, whatever moved between: a
spasm moves its wearer, who turns over or rubs the leg, and that is no rest. The window of the
default rule, so that of a cluster that begins at rest none is left out."""

MEMORY = 1000
"""Events remembered at most, ten times the largest count a rule may ask for; oldest go first."""


@dataclass(frozen=True, slots=True)
class Fact:
    """What the rules need of an event; times on the axis of `Now.event_s`.

    dated_s : the onset as it was dated: s since 1970, or from the first sample; only a label
    peak_g, turn_deg : how strong it is, and the angle of the limb; None where that is not known
    context : what the wearer did at its onset; None where that is not known, which wakes like rest
    in_wake : clauses by which it counts, although what it was in the wake of is forgotten
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
    context: EventContext | None = None
    in_wake: tuple[Clause, ...] = ()
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
            event.context,
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
        """Whether the rule can count this event as it stands; a cluster asks for contexts apart.

        A cluster counts what is over: half a second after its onset a twitch still looks like the
        beginning of a spasm, and nobody is to be woken for that.
        """
        if isinstance(rule, Lasting):
            lasts = self.kind in rule.kinds and self.duration_s >= rule.duration_s
            return lasts and rule.clause.admits(self.context)
        return isinstance(rule, Cluster) and self.kind in rule.kinds and self.phase == ENDED

    def following(self, known: Fact) -> Fact:
        """Return it as a later form of a known event; its context stays, once it set off a rule."""
        kept = replace(
            self,
            context=known.context if known.told else self.context,
            in_wake=known.in_wake,
            episode=known.episode,
        )
        told = (text for text in known.told if kept.supports(parse_rule(text)))
        return replace(kept, told=tuple(told))

    def telling(self, rule: str) -> Fact:
        """Return it with the rule among those that it set off."""
        return self if rule in self.told else replace(self, told=(*self.told, rule))


ENDED = list(Phase).index(Phase.END)


def clustered(facts: Collection[Fact], rule: Cluster) -> list[Fact]:
    """Return the events that belong to some run as dense as the rule requires."""
    members = [fact for fact in counted(facts, rule.clause) if fact.supports(rule)]
    dense: dict[str, Fact] = {}
    for first in range(len(members) - rule.count + 1):
        run = members[first : first + rule.count]
        if run[-1].onset_s - run[0].onset_s <= rule.window_s:
            dense |= {fact.id: fact for fact in run}
    return list(dense.values())


def counted(facts: Collection[Fact], clause: Clause) -> list[Fact]:
    """Return the likely spasms that count by a clause, in order of onset.

    Those that began in a context that it admits, and those in the wake of one that counts.
    """
    found: list[Fact] = []
    until_s = -inf
    for fact in sorted(facts, key=lambda fact: (fact.onset_s, fact.id)):
        counts = clause.admits(fact.context) or clause in fact.in_wake or fact.onset_s < until_s
        if fact.kind in WAKING and counts:
            found.append(fact)
            if fact.phase == ENDED:  # before, a twitch may look like the beginning of a spasm
                until_s = max(until_s, fact.end_s + WAKE_S)
    return found


def withheld(fact: Fact, rule: Rule, facts: Collection[Fact]) -> bool:
    """Whether only contexts, its own or those of others, keep an event from setting off a rule."""
    if isinstance(rule, Lasting):
        anyhow = replace(rule, clause=Clause.ANY_CONTEXT)
        return fact.supports(anyhow) and not fact.supports(rule)
    if isinstance(rule, Cluster):
        every = clustered(facts, replace(rule, clause=Clause.ANY_CONTEXT))
        return _is_among(fact, every) and not _is_among(fact, clustered(facts, rule))
    return False


def _is_among(fact: Fact, facts: Collection[Fact]) -> bool:
    return any(each.id == fact.id for each in facts)


def is_cluster(rule: str | None, *, among: Collection[str]) -> bool:
    """Whether a rule is among others and counts events: it may rest on those of other episodes."""
    return rule in among and isinstance(parse_rule(rule or ""), Cluster)


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
    for clause in Clause:
        orphans = {f.id for f in counted(facts, clause)} - {f.id for f in counted(kept, clause)}
        kept = [replace(f, in_wake=(*f.in_wake, clause)) if f.id in orphans else f for f in kept]
    return [fact for fact in facts if fact.id not in ids], kept
