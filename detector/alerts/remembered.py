"""What the alarm state machine remembers, and its form as plain data. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from detector.alert import Alert, from_dict, to_dict
from detector.alerts.facts import Fact
from detector.alerts.holds import Hold
from detector.alerts.rules import Clause
from detector.events import EventContext, Kind

SCHEMA = "policy/1"


@dataclass(frozen=True, slots=True)
class ActiveCondition:
    """A condition of the monitoring that holds, and since when by the host's monotonic clock."""

    name: str
    since_ns: int
    why: str


@dataclass(slots=True)
class Remembered:
    """Everything that decides which alerts come next; it changes with each event and condition.

    facts : events, by id
    conditions : by name
    open : alerts raised and not resolved, by episode or by name of a condition
    final : keys of alerts with a reason too old to be revised
    held : clusters that may turn out periodic, by rule
    lives : number of alerts so far, by the id of a subject's first one
    """

    facts: dict[str, Fact] = field(default_factory=dict)
    conditions: dict[str, ActiveCondition] = field(default_factory=dict)
    open: dict[str, Alert] = field(default_factory=dict)
    final: set[str] = field(default_factory=set)
    held: dict[str, Hold] = field(default_factory=dict)
    lives: dict[str, int] = field(default_factory=dict)


def to_plain(known: Remembered) -> dict[str, Any]:
    """Return it as plain data for `from_plain`."""
    return {
        "schema": SCHEMA,
        "facts": [
            asdict(fact)
            | {"kind": str(fact.kind), "told": list(fact.told)}
            | {"context": None if fact.context is None else str(fact.context)}
            | {"in_wake": [str(clause) for clause in fact.in_wake]}
            for fact in known.facts.values()
        ],
        "conditions": [asdict(condition) for condition in known.conditions.values()],
        "open": [to_dict(alert) for alert in known.open.values()],
        "final": sorted(known.final),
        "held": [asdict(hold) for hold in known.held.values()],
        "lives": dict(known.lives),
    }


def from_plain(data: dict[str, Any]) -> Remembered:
    """Return what `to_plain` wrote.

    Raises
    ------
    ValueError
        It is not what `to_plain` of this version wrote.
    """
    try:
        if data["schema"] != SCHEMA:
            raise ValueError(f"the saved alarm state is {data['schema']!r}, not {SCHEMA!r}")
        facts = [
            Fact(
                # The first builds dated events by the axis itself.
                **{"dated_s": fact["onset_s"]}
                | fact
                | {"kind": Kind(fact["kind"]), "told": tuple(fact["told"])}
                # Younger than the first saved facts.
                | {"context": None if (of := fact.get("context")) is None else EventContext(of)}
                | {"in_wake": tuple(map(Clause, fact.get("in_wake", ())))}
            )
            for fact in data["facts"]
        ]
        conditions = [ActiveCondition(**condition) for condition in data["conditions"]]
        alerts = [from_dict(alert) for alert in data["open"]]
        # The first builds had none of these.
        final = {str(key) for key in data.get("final", ())}
        holds = [Hold(**hold) for hold in data.get("held", ())]
        lives = {str(first): int(count) for first, count in data.get("lives", {}).items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the saved alarm state cannot be read: {error!r}") from error
    return Remembered(
        facts={fact.id: fact for fact in facts},
        conditions={condition.name: condition for condition in conditions},
        open={alert.episode or alert.kind: alert for alert in alerts},
        final=final,
        held={hold.rule: hold for hold in holds},
        lives=lives,
    )
