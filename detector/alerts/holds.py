"""Clusters that wait until it shows whether they are a periodic series. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from math import inf

from detector.alerts.facts import Fact, clustered
from detector.alerts.rules import WAKING, Cluster, parse_rule
from detector.alerts.series import INTERVAL_S, may_be_periodic

LONGEST_S = 180.0
"""A cluster is held back no longer: twice the longest interval of a series."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A cluster that is complete and may yet turn out periodic.

    episode, onset_s, dated_s : of the event that completed it
    since_ns : when that was known, by the host's monotonic clock: without samples nothing more
        would show, and it must not wait for them
    """

    rule: str
    episode: str
    onset_s: float
    dated_s: float
    since_ns: int

    def outlasted(self, mono_ns: int) -> bool:
        """Whether it has waited for as long as any may, by the host's clock."""
        return mono_ns - self.since_ns >= LONGEST_S * 1e9

    def dated(self, at_s: float) -> float:
        """Return how a moment of the axis is dated, as its last event is."""
        return self.dated_s + (at_s - self.onset_s)


@dataclass(frozen=True, slots=True)
class HeldUntil:
    """When a held cluster is told, unless more movements come.

    due_s : by when that is, on the axis of events; -inf where it is now
    at_s : when its alert is raised then
    """

    due_s: float
    at_s: float
    hold: Hold


def in_doubt(facts: Collection[Fact], rule: Cluster, members: Collection[Fact]) -> bool:
    """Whether a complete cluster may be the beginning of a periodic series."""
    return may_be_periodic(_movements(facts, str(rule), members))


def held_until(hold: Hold, facts: Collection[Fact]) -> HeldUntil | None:
    """Return when a held cluster is told; None where its events do not fit the rule any more."""
    members = untold(hold, facts)
    if not members:
        return None
    movements = _movements(facts, hold.rule, members)
    last_s = movements[-1].onset_s
    if not may_be_periodic(movements):
        return HeldUntil(-inf, last_s, hold)
    over_s = min(last_s + INTERVAL_S[1], hold.onset_s + LONGEST_S)
    return HeldUntil(over_s, over_s, hold)


def untold(hold: Hold, facts: Collection[Fact]) -> list[Fact]:
    """Return the events that complete a held cluster and have not set off its rule yet."""
    rule = parse_rule(hold.rule)
    members = clustered(facts, rule) if isinstance(rule, Cluster) else []
    return [fact for fact in members if hold.rule not in fact.told]


def _movements(facts: Collection[Fact], rule: str, members: Collection[Fact]) -> list[Fact]:
    """Return all likely spasms since a cluster's first new one, also such as still go on."""
    first_s = min((m.onset_s for m in members if rule not in m.told), default=inf)
    found = [f for f in facts if f.kind in WAKING and rule not in f.told and f.onset_s >= first_s]
    return sorted(found, key=lambda fact: (fact.onset_s, fact.id))
