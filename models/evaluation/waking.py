"""Which alerts wake rules would have raised, and what asking for a context costs and saves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from detector.alert import AlertClass, AlertState
from detector.alerts.rules import (
    DEFAULT_RULES,
    KINDS_OF,
    Clause,
    Cluster,
    Lasting,
    Rule,
    parse_rule,
    parse_rules,
)
from detector.evaluation.runner import EvaluationCase
from detector.night.observation import WornSensor
from detector.night.recorded import RecordedNight, RecordedSensor
from detector.recognition.events.stamp import Provenance
from detector.store.formats.labels import Label
from detector.store.formats.reading import RecordingReader

TOLERANCE_S = 1.0
"""An alarm is timed by an event, which may begin earlier than the truth or end later."""

DEFAULT = parse_rules(DEFAULT_RULES)


@dataclass(frozen=True, slots=True)
class RaisedAlert:
    """An alert about the wearer; `over_s` is infinite where it was open at the end."""

    rule: Rule
    at_s: float
    over_s: float

    def is_true(self, happened: Sequence[Label]) -> bool:
        """Whether so many spasms began in its rule's time, or one goes on at the alarm."""
        spasms = [label for label in happened if label.kind in KINDS_OF["spasm"]]
        until_s = self.at_s + TOLERANCE_S
        if isinstance(self.rule, Cluster):
            from_s = self.at_s - self.rule.window_s - TOLERANCE_S
            return sum(from_s <= each.onset_s <= until_s for each in spasms) >= self.rule.count
        return any(s.onset_s <= until_s and self.at_s <= s.end_s + TOLERANCE_S for s in spasms)

    def meets(self, other: RaisedAlert) -> bool:
        """Whether both were open at some moment."""
        return self.at_s <= other.over_s and other.at_s <= self.over_s


def alerts_in(reader: RecordingReader, site: str) -> int:
    """Return how many alerts events raise, by the rules of a fresh installation."""
    return len(raised_in(reader, site, DEFAULT)[0])


def raised_in(
    reader: RecordingReader, site: str, rules: Sequence[Rule]
) -> tuple[list[RaisedAlert], int]:
    """Return the alerts that events raise, and how many events say that they wake nobody."""
    worn = WornSensor(Provenance(recording=reader.recording), site)
    recorded = RecordedNight([RecordedSensor(reader, worn)], rules=rules)
    for _ in recorded.steps():
        pass
    found: dict[str, RaisedAlert] = {}
    for alert in recorded.alerts:
        at_s = alert.at_s if alert.at is None else alert.at.timestamp()
        if alert.alert_class is not AlertClass.CLINICAL or at_s is None or alert.rule is None:
            continue
        if alert.state is AlertState.RAISED:
            found[alert.id] = RaisedAlert(parse_rule(alert.rule), at_s, inf)
        elif alert.state is AlertState.RESOLVED:
            found[alert.id] = replace(found[alert.id], over_s=at_s)
    return list(found.values()), sum("unwoken" in event.facts for event in recorded.events)


def by_clause(nights: Iterable[EvaluationCase]) -> dict[str, Any]:
    """Return true and false alarms by what the rules for spasms ask of the context.

    `lost` are true alarms of rules that ask for none, at which no alert was open; `late_s` is by
    how much the others came later at most.
    """
    counted = {clause: _Alarms() for clause in (Clause.ANY_CONTEXT, *ASKING)}
    seconds = 0.0
    for case in nights:
        happened = case.labels.items if case.labels else ()
        asked = {}
        for clause, alarms in counted.items():
            with case.open() as reader:
                seconds += (reader.total or 0) / reader.fs / len(counted)
                asked[clause], unwoken = raised_in(reader, "ankle", with_clause(clause))
            right = sum(alert.is_true(happened) for alert in asked[clause])
            alarms.true += right
            alarms.false += len(asked[clause]) - right
            alarms.unwoken += unwoken
        for alert in (a for a in asked[Clause.ANY_CONTEXT] if a.is_true(happened)):
            for clause in ASKING:
                met = [each.at_s - alert.at_s for each in asked[clause] if each.meets(alert)]
                counted[clause].lost += not met
                counted[clause].late_s = max(counted[clause].late_s, min(met, default=0.0))
    return {"hours": seconds / 3600, "alarms": {str(c): vars(each) for c, each in counted.items()}}


ASKING = (Clause.UNLESS_UP, Clause.FROM_REST)


def with_clause(clause: Clause) -> list[Rule]:
    """Return the default rules, asking for this context where they can."""
    return [
        replace(rule, clause=clause)
        if isinstance(rule, Cluster)
        or (isinstance(rule, Lasting) and clause is not Clause.FROM_REST)
        else rule
        for rule in DEFAULT
    ]


@dataclass
class _Alarms:
    true: int = 0
    false: int = 0
    lost: int = 0
    late_s: float = 0.0
    unwoken: int = 0
