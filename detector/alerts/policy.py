"""Alarm state machine: events and conditions in, states of alerts out. No clock, no I/O.

One episode, one alert. An event sets off each rule at most once, however often it is repeated,
updated or revised. Clinical alerts are timed by the samples themselves: while no signal comes,
stream time stands still and an alert is neither cleared nor raised again. Conditions such as
no-signal are timed by the host's monotonic clock. The host's wall clock decides nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from math import inf
from typing import Any

from detector.alert import Alert, AlertClass, AlertState, alert_id, from_dict, to_dict
from detector.alerts.conditions import Condition
from detector.alerts.facts import (
    MEMORY,
    QUIET_S,
    UNENDED_S,
    Fact,
    clustered,
    episode_beside,
    split_at,
)
from detector.alerts.moments import AlertTime, Now
from detector.alerts.rules import WAKING, Button, Cluster, Lasting, NoSignal, Rule, parse_rule
from detector.alerts.urgency import level_of
from detector.events import Event, Kind, Origin

LATE_S = 5.0
"""An event may be announced this long after its onset (three times the bar's 1.5 s)."""

SCHEMA = "policy/1"


class Policy:
    """The alarms of one wearer.

    rules : the wake rules; where two fit the same event, the first raises the alert
    wearer, source : written into every alert
    """

    def __init__(
        self, rules: Sequence[Rule], *, wearer: str | None = None, source: Origin = Origin.LIVE
    ) -> None:
        self._rules = tuple(rules)
        self._wearer = wearer
        self._source = source
        windows_s = [rule.window_s for rule in rules if isinstance(rule, Cluster)]
        self._horizon_s = max([QUIET_S, *windows_s]) + UNENDED_S
        self._facts: dict[str, Fact] = {}
        self._conditions: dict[str, _Condition] = {}
        self._open: dict[str, Alert] = {}  # by episode, or by name of a condition
        self._final: set[str] = set()  # keys of alerts with a reason too old to be revised
        self._due: _Due | None = None  # of these facts and alerts; None: to be worked out again

    @property
    def open_alerts(self) -> tuple[Alert, ...]:
        """Alerts raised and not yet resolved."""
        return tuple(self._open.values())

    @property
    def waits(self) -> bool:
        """Whether time alone may raise or resolve an alert."""
        return bool(self._open or self._conditions)

    def observe(self, event: Event, now: Now, *, onset_s: float | None = None) -> list[Alert]:
        """Take an event in any phase or revision; return new states of alerts.

        Parameters
        ----------
        onset_s : where it began on the axis of `now.event_s`; None: at `event.onset_s`

        Raises
        ------
        ValueError
            The event has UTC and `now.utc` is None, or the other way round.
        """
        if (event.onset is None) != (now.utc is None):
            raise ValueError("event.onset and now.utc must both be known, or neither")
        fact = Fact.of(event, event.onset_s if onset_s is None else onset_s)
        known = self._facts.get(fact.id)
        if known is None:
            if fact.kind not in WAKING or fact.over_s < now.event_s - self._horizon_s:
                return self.tick(now)  # nothing a rule counts, or a backlog from another time
            # Alerts over before this event began are resolved first, however soon it was reported.
            told = self._advance(now, fact.onset_s)
            fact = replace(
                fact, episode=event.episode or episode_beside(self._facts.values(), fact)
            )
        else:
            told = self.tick(now)
            if fact.rank < known.rank:
                return told  # an older form, repeated
            kept = [text for text in known.told if fact.supports(parse_rule(text))]
            fact = replace(fact, episode=known.episode, told=tuple(kept))
        self._facts[fact.id] = fact
        self._due = None
        if known is not None and known.told != fact.told:
            told += self._take_back(fact, set(known.told) - set(fact.told), event)
        told += self._raise_for(fact, has_utc=event.onset is not None)
        return told + self.tick(now)

    def condition(
        self, name: str, *, active: bool, since_ns: int, now: Now, why: str = ""
    ) -> list[Alert]:
        """Take a condition of the monitoring: whether it holds, and since when (monotonic clock).

        `no-signal` follows its wake rule; any other condition raises an alert at once. `why` names
        the cause for a person. The name is a `Condition`, or what another version saved.
        """
        told = self.tick(now)
        name = str(name)  # plain text from here on: it is saved and published
        if active:
            known = self._conditions.get(name)
            since_ns = since_ns if known is None else max(since_ns, known.since_ns)
            self._conditions[name] = _Condition(name, since_ns, why)
            return told + self._raise_conditions(now)
        self._conditions.pop(name, None)
        if name in self._open:
            told.append(self._resolve(name, now.host_time(), f"{name}: over"))
        return told

    def tick(self, now: Now) -> list[Alert]:
        """Advance time. Ticking more often returns the same alerts, only sooner."""
        return self._advance(now, now.event_s - LATE_S)

    def shift_clock(self, by_ns: int) -> None:
        """Move all stamps of the monotonic clock, which began anew."""
        for name, known in self._conditions.items():
            self._conditions[name] = replace(known, since_ns=known.since_ns + by_ns)

    def save(self) -> dict[str, Any]:
        """Return everything remembered, as plain data for `load`."""
        return {
            "schema": SCHEMA,
            "facts": [
                asdict(fact) | {"kind": str(fact.kind), "told": list(fact.told)}
                for fact in self._facts.values()
            ],
            "conditions": [asdict(condition) for condition in self._conditions.values()],
            "open": [to_dict(alert) for alert in self._open.values()],
            "final": sorted(self._final),
        }

    def load(self, data: dict[str, Any]) -> None:
        """Go on from what `save` returned, possibly under other rules.

        Raises
        ------
        ValueError
            This is not what `save` of this version returns. Nothing was changed.
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
                )
                for fact in data["facts"]
            ]
            conditions = [_Condition(**condition) for condition in data["conditions"]]
            alerts = [from_dict(alert) for alert in data["open"]]
            final = {str(key) for key in data.get("final", ())}  # the first builds had none
        except (KeyError, TypeError) as error:
            raise ValueError(f"the saved alarm state cannot be read: {error!r}") from error
        self._facts = {fact.id: fact for fact in facts}
        self._conditions = {condition.name: condition for condition in conditions}
        self._open = {alert.episode or alert.kind: alert for alert in alerts}
        self._final = final
        self._due = None

    def _raise_for(self, fact: Fact, *, has_utc: bool) -> list[Alert]:
        """Apply to an event each rule that it has not set off yet; return the alerts raised."""
        raised: list[Alert] = []
        for rule in self._rules:
            text = str(rule)
            if isinstance(rule, NoSignal | Button) or text in fact.told or not fact.supports(rule):
                continue
            members = clustered(self._facts.values(), rule) if isinstance(rule, Cluster) else [fact]
            if all(member.id != fact.id for member in members):
                continue
            for member in members:
                self._facts[member.id] = self._facts[member.id].telling(text)
            covered = fact.episode in self._open or (
                isinstance(rule, Cluster) and any(a.rule == text for a in self._open.values())
            )
            if not covered:
                lasting_s = rule.duration_s if isinstance(rule, Lasting) else 0
                last = max(members, key=lambda member: member.onset_s)
                at = AlertTime.dated(last.dated_s + lasting_s, has_utc=has_utc)
                raised.append(self._raise(fact.episode, rule.word, text, at))
        return raised

    def _advance(self, now: Now, until_s: float) -> list[Alert]:
        """Raise the conditions that are due, resolve the clinical alerts that are over by then."""
        told = self._raise_conditions(now)
        due = self._due = self._due or self._due_of_now()
        for over_s, dated_s, key in due.over:
            if over_s > until_s:
                break
            alert = self._open[key]
            at = AlertTime.dated(dated_s, has_utc=alert.raised_at is not None)
            told.append(self._resolve(key, at.no_earlier_than(alert), f"{alert.rule}: over"))
        past_s = now.event_s - self._horizon_s
        if due.forgotten_s < past_s or len(self._facts) > MEMORY:
            self._forget(past_s)
        return told

    def _due_of_now(self) -> _Due:
        over = [(*self._over(alert), key) for key, alert in self._open.items() if alert.episode]
        passing = (fact.over_s for fact in self._facts.values())
        return _Due(sorted(over), min(passing, default=inf))

    def _forget(self, past_s: float) -> None:
        """Forget what no rule counts any more; what rests on it cannot be taken back."""
        gone, kept = split_at(self._facts.values(), past_s)
        self._final |= {
            key
            for key, alert in self._open.items()
            for fact in gone
            if fact.told and (fact.episode == key or _is_cluster(alert.rule, among=fact.told))
        }
        self._facts = {fact.id: fact for fact in kept}
        self._due = None

    def _take_back(self, fact: Fact, lost: set[str], event: Event) -> list[Alert]:
        """Resolve alerts that rested on an event whose kind has changed."""
        taken: list[Alert] = []
        for key, alert in list(self._open.items()):
            concerned = alert.episode == fact.episode or alert.rule in lost
            if alert.episode and concerned and not self._stands(alert):
                at = AlertTime(event.end, None if event.end else event.end_s).no_earlier_than(alert)
                taken.append(self._resolve(key, at, f"taken back: {event.reason}"))
        return taken

    def _stands(self, alert: Alert) -> bool:
        """Whether a clinical alert has any reason left: its own rule, or one that it covers."""
        if alert.episode in self._final:
            return True
        beside = {
            text
            for fact in self._facts.values()
            if fact.episode == alert.episode
            for text in fact.told
        }
        for text in {alert.rule or "", *beside}:
            rule = parse_rule(text)
            own = isinstance(rule, Cluster) and text == alert.rule
            facts = (
                clustered(self._facts.values(), rule)
                if isinstance(rule, Cluster)
                else self._facts.values()
            )
            if any(text in f.told and (own or f.episode == alert.episode) for f in facts):
                return True
        return False

    def _over(self, alert: Alert) -> tuple[float, float]:
        """Return when a clinical alert's reason is over, as far as is known, and how it is dated.

        A cluster is over after a whole window without another of its kind: steady spasms at
        the edge of the rule are one alert, not a new one each.
        """
        facts = self._facts.values()
        over = [(f.over_s + QUIET_S, f) for f in facts if f.kind in WAKING]
        rule = parse_rule(alert.rule or "")
        if isinstance(rule, Cluster):
            over += [(f.onset_s + rule.window_s, f) for f in facts if f.supports(rule)]
        if not over:  # its events are no longer known
            at = AlertTime(alert.at, alert.at_s)
            return -inf, at.seconds
        over_s, last = max(over, key=lambda each: each[0])
        return over_s, last.dated(over_s)

    def _raise_conditions(self, now: Now) -> list[Alert]:
        raised: list[Alert] = []
        for name, known in list(self._conditions.items()):
            # A start in the future is from before the host's last boot: count anew.
            since_ns = min(known.since_ns, now.mono_ns)
            self._conditions[name] = replace(known, since_ns=since_ns)
            rule, wait_s = self._rule_for(name)
            if name in self._open or wait_s is None:
                continue
            late = timedelta(seconds=-wait_s, microseconds=(now.mono_ns - since_ns) // 1000)
            if late >= timedelta(0):
                at = now.host_time(ago=late)
                raised.append(self._raise(None, name, rule, at, why=known.why))
        return raised

    def _rule_for(self, name: str) -> tuple[str | None, int | None]:
        """Return the rule for a condition and how long to wait, None for ever."""
        for rule in self._rules:
            if name == Condition.NO_SIGNAL and isinstance(rule, NoSignal):
                return str(rule), rule.duration_s
        return None, None if name == Condition.NO_SIGNAL else 0

    def _raise(
        self, episode: str | None, kind: str, rule: str | None, at: AlertTime, why: str = ""
    ) -> Alert:
        technical = episode is None
        about = (episode,) if episode else (kind, self._conditions[kind].since_ns)
        alert = Alert(
            id=alert_id(self._wearer, *about),
            episode=episode,
            state=AlertState.RAISED,
            alert_class=AlertClass.TECHNICAL if technical else AlertClass.CLINICAL,
            level=level_of(kind),
            kind=kind,
            reason=f"{rule or kind}: {why}" if why else rule or kind,
            rule=rule,
            raised_at=at.utc,
            at=at.utc,
            at_s=at.at_s,
            source=self._source,
            wearer=self._wearer,
        )
        self._open[episode or kind] = alert
        self._due = None
        return alert

    def _resolve(self, key: str, at: AlertTime, reason: str) -> Alert:
        known, state = self._open.pop(key), AlertState.RESOLVED
        self._final.discard(key)
        self._due = None
        return replace(known, state=state, at=at.utc, at_s=at.at_s, reason=reason)


@dataclass(frozen=True, slots=True)
class _Condition:
    name: str
    since_ns: int
    why: str


def _is_cluster(rule: str | None, *, among: Collection[str]) -> bool:
    """Whether a rule is among others and counts events: it may rest on those of other episodes."""
    return rule in among and isinstance(parse_rule(rule or ""), Cluster)


@dataclass(frozen=True, slots=True)
class _Due:
    """What time alone will change: a tick that changes nothing must not look at every event.

    over : when each clinical alert is over, how that is dated, and its key, the first first
    forgotten_s : end of the event that is forgotten first
    """

    over: list[tuple[float, float, str]]
    forgotten_s: float
