"""Alarm state machine: events and conditions in, states of alerts out. No clock, no I/O.

One episode, one alert. An event sets off each rule at most once, however often it is repeated,
updated or revised. An alert that is over stays over: what sets off its episode again is another
alert, of another id. A cluster of mild, even movements is held back for a while, as it may turn out
periodic (`holds`). Clinical alerts are timed by the samples themselves: while no signal comes,
stream time stands still and an alert is neither cleared nor raised again. Conditions such as
no-signal are timed by the host's monotonic clock. The host's wall clock decides nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from math import inf
from typing import Any

from detector.alert import Alert, AlertClass, AlertState, alert_id
from detector.alerts.conditions import Condition
from detector.alerts.facts import (
    MEMORY,
    QUIET_S,
    UNENDED_S,
    Fact,
    clustered,
    episode_beside,
    is_cluster,
    split_at,
    withheld,
)
from detector.alerts.holds import HeldUntil, Hold, held_until, in_doubt, untold
from detector.alerts.moments import AlertTime, Now
from detector.alerts.remembered import ActiveCondition, Remembered, from_plain, to_plain
from detector.alerts.rules import WAKING, Cluster, Lasting, NoSignal, Rule, parse_rule
from detector.alerts.urgency import level_of
from detector.events import Event, Origin

LATE_S = 5.0
"""An event may be announced this long after its onset (three times the bar's 1.5 s)."""

LIVES = 256
"""Subjects of alerts whose ids are remembered as used: more than a night has alerts, and the latest
are kept; an episode ends 90 s after its last spasm."""


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
        self._known = Remembered()
        self._due: _Due | None = None  # of these facts and alerts; None: to be worked out again

    @property
    def open_alerts(self) -> tuple[Alert, ...]:
        """Alerts raised and not yet resolved."""
        return tuple(self._known.open.values())

    @property
    def waits(self) -> bool:
        """Whether time alone may raise or resolve an alert."""
        return bool(self._known.open or self._known.conditions or self._known.held)

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
        known = self._known.facts.get(fact.id)
        if known is None:
            if fact.kind not in WAKING or fact.over_s < now.event_s - self._horizon_s:
                return self.tick(now)  # nothing a rule counts, or a backlog from another time
            # Alerts over before this event began are resolved first, however soon it was reported.
            told = self._advance(now, fact.onset_s)
            fact = replace(
                fact, episode=event.episode or episode_beside(self._known.facts.values(), fact)
            )
        else:
            told = self.tick(now)
            if fact.rank < known.rank:
                return told  # an older form, repeated
            fact = fact.following(known)
        self._known.facts[fact.id] = fact
        self._due = None
        if known is not None and known.told != fact.told:
            told += self._take_back(fact, set(known.told) - set(fact.told), event)
        told += self._raise_for(fact, now)
        return told + self.tick(now)

    def unwoken(self, event: Event) -> list[str]:
        """Return the rules by which an event wakes nobody for the context of it or of others."""
        fact, facts = self._known.facts.get(event.id), self._known.facts.values()
        if fact is None:
            return []
        able = (each for each in self._rules if not self._covers(each, fact.episode))
        return [str(each) for each in able if withheld(fact, each, facts)]

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
            known = self._known.conditions.get(name)
            since_ns = since_ns if known is None else max(since_ns, known.since_ns)
            self._known.conditions[name] = ActiveCondition(name, since_ns, why)
            return told + self._raise_conditions(now)
        self._known.conditions.pop(name, None)
        if name in self._known.open:
            told.append(self._resolve(name, now.host_time(), f"{name}: over"))
        return told

    def tick(self, now: Now) -> list[Alert]:
        """Advance time. Ticking more often returns the same alerts, only sooner."""
        return self._advance(now, now.event_s - LATE_S)

    def finish(self, now: Now) -> list[Alert]:
        """Raise the clusters that are held back: nothing more will show whether they are periodic.

        What is open stays open.
        """
        told = self.tick(now)
        for hold in list(self._known.held.values()):
            told += self._release(hold, hold.onset_s, now)
        return told

    def shift_clock(self, by_ns: int) -> None:
        """Move all stamps of the monotonic clock, which began anew."""
        for name, known in self._known.conditions.items():
            self._known.conditions[name] = replace(known, since_ns=known.since_ns + by_ns)
        for rule, hold in self._known.held.items():
            self._known.held[rule] = replace(hold, since_ns=hold.since_ns + by_ns)
        self._due = None

    def save(self) -> dict[str, Any]:
        """Return everything remembered, as plain data for `load`."""
        return to_plain(self._known)

    def load(self, data: dict[str, Any]) -> None:
        """Go on from what `save` returned, possibly under other rules.

        Raises
        ------
        ValueError
            This is not what `save` of this version returns. Nothing was changed.
        """
        self._known = from_plain(data)
        kept = {str(rule) for rule in self._rules}
        self._known.held = {rule: h for rule, h in self._known.held.items() if rule in kept}
        self._due = None

    def _raise_for(self, fact: Fact, now: Now) -> list[Alert]:
        """Apply to an event each rule that it has not set off yet; return the alerts raised."""
        raised: list[Alert] = []
        for rule in self._rules:
            text = str(rule)
            if text in fact.told or text in self._known.held or not fact.supports(rule):
                continue
            if isinstance(rule, Cluster):
                members = clustered(self._known.facts.values(), rule)
                if all(member.id != fact.id for member in members):
                    continue
                last = max(members, key=lambda member: member.onset_s)
                covered = self._covers(rule, fact.episode)
                if not covered and in_doubt(self._known.facts.values(), rule, members):
                    where = fact.episode, last.onset_s, last.dated_s
                    self._known.held[text] = Hold(text, *where, since_ns=now.mono_ns)
                    self._due = None
                    continue
                raised += self._set_off(rule, members, fact.episode, last.dated_s, now)
            elif isinstance(rule, Lasting):
                dated_s = fact.dated_s + rule.duration_s
                raised += self._set_off(rule, [fact], fact.episode, dated_s, now)
        return raised

    def _set_off(
        self,
        rule: Lasting | Cluster,
        members: Collection[Fact],
        episode: str,
        dated_s: float,
        now: Now,
    ) -> list[Alert]:
        """Note that events have set off a rule; return its alert unless another covers it."""
        for member in members:
            self._known.facts[member.id] = self._known.facts[member.id].telling(str(rule))
        if self._covers(rule, episode):
            return []
        at = AlertTime.dated(dated_s, has_utc=now.utc is not None)
        return [self._raise(episode, rule.word, str(rule), at)]

    def _covers(self, rule: Rule, episode: str) -> bool:
        """Whether an open alert stands for a rule in an episode."""
        same = isinstance(rule, Cluster) and any(
            a.rule == str(rule) for a in self._known.open.values()
        )
        return same or episode in self._known.open

    def _release(self, hold: Hold, at_s: float, now: Now) -> list[Alert]:
        """Raise the alert of a cluster that was held back."""
        del self._known.held[hold.rule]
        self._due = None
        rule, members = parse_rule(hold.rule), untold(hold, self._known.facts.values())
        if not isinstance(rule, Cluster):
            return []
        return self._set_off(rule, members, hold.episode, hold.dated(at_s), now)

    def _advance(self, now: Now, until_s: float) -> list[Alert]:
        """Raise what is due, resolve the clinical alerts that are over by then."""
        told = self._raise_conditions(now)
        for each in self._due_now().held:
            if each.due_s <= until_s or each.hold.outlasted(now.mono_ns):
                told += self._release(each.hold, each.at_s, now)
        due = self._due_now()
        for over_s, dated_s, key in due.over:
            if over_s > until_s:
                break
            alert = self._known.open[key]
            at = AlertTime.dated(dated_s, has_utc=alert.raised_at is not None)
            told.append(self._resolve(key, at.no_earlier_than(alert), f"{alert.rule}: over"))
        past_s = now.event_s - self._horizon_s
        if due.forgotten_s < past_s or len(self._known.facts) > MEMORY:
            self._forget(past_s)
        return told

    def _due_now(self) -> _Due:
        if self._due is None:
            known, facts = self._known, self._known.facts.values()
            over = [(*self._over(alert), key) for key, alert in known.open.items() if alert.episode]
            waits = [held_until(hold, facts) for hold in known.held.values()]
            held = [each for each in waits if each is not None]
            known.held = {each.hold.rule: each.hold for each in held}  # the others are periodic
            passing = (fact.over_s for fact in facts)
            self._due = _Due(sorted(over), min(passing, default=inf), held)
        return self._due

    def _forget(self, past_s: float) -> None:
        """Forget what no rule counts any more; what rests on it cannot be taken back."""
        gone, kept = split_at(self._known.facts.values(), past_s)
        self._known.final |= {
            key
            for key, alert in self._known.open.items()
            for fact in gone
            if fact.told and (fact.episode == key or is_cluster(alert.rule, among=fact.told))
        }
        self._known.facts = {fact.id: fact for fact in kept}
        self._due = None

    def _take_back(self, fact: Fact, lost: set[str], event: Event) -> list[Alert]:
        """Resolve alerts that rested on an event whose kind has changed."""
        taken: list[Alert] = []
        for key, alert in list(self._known.open.items()):
            concerned = alert.episode == fact.episode or alert.rule in lost
            if alert.episode and concerned and not self._stands(alert):
                at = AlertTime(event.end, None if event.end else event.end_s).no_earlier_than(alert)
                taken.append(self._resolve(key, at, f"taken back: {event.reason}"))
        return taken

    def _stands(self, alert: Alert) -> bool:
        """Whether a clinical alert has any reason left: its own rule, or one that it covers."""
        if alert.episode in self._known.final:
            return True
        beside = {
            text
            for fact in self._known.facts.values()
            if fact.episode == alert.episode
            for text in fact.told
        }
        for text in {alert.rule or "", *beside}:
            rule = parse_rule(text)
            own = isinstance(rule, Cluster) and text == alert.rule
            facts = (
                clustered(self._known.facts.values(), rule)
                if isinstance(rule, Cluster)
                else self._known.facts.values()
            )
            if any(text in f.told and (own or f.episode == alert.episode) for f in facts):
                return True
        return False

    def _over(self, alert: Alert) -> tuple[float, float]:
        """Return when a clinical alert's reason is over, as far as is known, and how it is dated.

        A cluster is over after a whole window without another of its kind: steady spasms at
        the edge of the rule are one alert, not a new one each.
        """
        facts = self._known.facts.values()
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
        for name, known in list(self._known.conditions.items()):
            # A start in the future is from before the host's last boot: count anew.
            since_ns = min(known.since_ns, now.mono_ns)
            self._known.conditions[name] = replace(known, since_ns=since_ns)
            rule, wait_s = self._rule_for(name)
            if name in self._known.open or wait_s is None:
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
        about = (episode,) if episode else (kind, self._known.conditions[kind].since_ns)
        alert = Alert(
            id=self._new_id(*about),
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
        self._known.open[episode or kind] = alert
        self._due = None
        return alert

    def _new_id(self, *about: object) -> str:
        """Return an id that no alert had before: a subject's second alert has another one."""
        first = alert_id(self._wearer, *about)
        before = self._known.lives.pop(first, 0)
        self._known.lives[first] = before + 1
        if len(self._known.lives) > LIVES:
            del self._known.lives[next(iter(self._known.lives))]
        return alert_id(self._wearer, *about, before) if before else first

    def _resolve(self, key: str, at: AlertTime, reason: str) -> Alert:
        known, state = self._known.open.pop(key), AlertState.RESOLVED
        self._known.final.discard(key)
        self._due = None
        return replace(known, state=state, at=at.utc, at_s=at.at_s, reason=reason)


@dataclass(frozen=True, slots=True)
class _Due:
    """What time alone will change: a tick that changes nothing must not look at every event.

    over : when each clinical alert is over, how that is dated, and its key, the first first
    forgotten_s : end of the event that is forgotten first
    held : what each cluster that is held back waits for
    """

    over: list[tuple[float, float, str]]
    forgotten_s: float
    held: list[HeldUntil]
