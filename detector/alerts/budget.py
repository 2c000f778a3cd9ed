"""Wake rules for a budget of wakes, tried on nights that were watched. Pure.

"At most one wake a week" is what a household can say; thresholds are not. Rules of the same kinds
with other thresholds are tried on the events of nights that were watched, and what they would have
cost is told: wakes in a week, and of what people labelled a spasm, how much would still have woken
them. It is a proposal; nothing is changed by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from detector.alert import Alert, AlertState
from detector.alerts.commands import SaidKind
from detector.alerts.moments import Now, dated_s
from detector.alerts.policy import Policy
from detector.alerts.response import REFRACTORY_S
from detector.alerts.rules import MAX_COUNT, MAX_LASTING_S, Cluster, Lasting, Rule
from detector.events import Event

LONGER = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)  # times the duration of a rule that is tried
MORE = (-1, 0, 1, 2, 3, 5, 8)  # beside the count of a rule that is tried
AFTER_S = 7200.0  # so long behind a night's last event everything that it raised is over

Night = Sequence[Event]
"""The events of one night, dated, each in its final form, by onset."""


@dataclass(frozen=True, slots=True)
class Wake:
    """One time that somebody would have been woken.

    at_s : s since 1970
    rule : the wake rule
    events : ids of the events that it is about
    """

    at_s: float
    rule: Rule
    events: frozenset[str]


@dataclass(frozen=True, slots=True)
class Trial:
    """What a choice of rules would have been like.

    per_week : wakes in seven nights
    woke_for : events labelled spasm or clonus that somebody would have been woken for
    false : wakes of which every label says that it was no spasm
    """

    rules: tuple[Rule, ...]
    per_week: float
    woke_for: frozenset[str]
    false: int


@dataclass(frozen=True, slots=True)
class RulesProposal:
    """Rules within a budget, beside the present ones; `proposed` is None where none keep to it."""

    nights: int
    labelled: int
    present: Trial
    proposed: Trial | None

    @property
    def kept(self) -> float | None:
        """Share of what was labelled a spasm, and wakes now, that would wake still."""
        if self.proposed is None or not self.present.woke_for:
            return None
        both = self.present.woke_for & self.proposed.woke_for
        return len(both) / len(self.present.woke_for)


def propose(
    nights: Sequence[Night],
    labels: Mapping[str, SaidKind],
    rules: Sequence[Rule],
    *,
    wakes_a_week: float = 1.0,
) -> RulesProposal:
    """Return the rules that keep most of what is labelled a spasm within a budget of wakes.

    Parameters
    ----------
    nights : all that were watched; those without an event count, too
    labels : what people said that events were, by id
    rules : the present ones; of another kind than `Lasting` and `Cluster` stay as they are

    Raises
    ------
    ValueError
        There are no nights.
    """
    if not nights:
        raise ValueError("no night was watched that rules could be tried on")
    tried = [rule for rule in rules if isinstance(rule, Lasting | Cluster)]
    kept = tuple(rule for rule in rules if rule not in tried)
    wakes = {
        each: [list(_wakes(night, each)) for night in nights]
        for rule in tried
        for each in _varied(rule)
    }

    def trial(choice: Sequence[Lasting | Cluster]) -> Trial:
        told = [
            wake
            for n in range(len(nights))
            for wake in _apart(wake for rule in choice for wake in wakes[rule][n])
        ]
        said = [{labels[e] for e in wake.events if e in labels} for wake in told]
        real = {e for wake in told for e in wake.events if labels.get(e) in _REAL}
        false = sum(each == {SaidKind.NOT_A_SPASM} for each in said)
        return Trial((*choice, *kept), 7 * len(told) / len(nights), frozenset(real), false)

    present = trial(tried)
    choices = [trial(choice) for choice in product(*map(_varied, tried))]
    within = [each for each in choices if each.per_week <= wakes_a_week]
    best = max(within, key=lambda each: _merit(each, present), default=None)
    return RulesProposal(len(nights), len(labels), present, best)


_REAL = frozenset({SaidKind.SPASM, SaidKind.CLONUS})


def _varied(rule: Lasting | Cluster) -> list[Lasting | Cluster]:
    """Return the rule with the thresholds that are tried, itself among them."""
    if isinstance(rule, Lasting):
        lasting = {min(MAX_LASTING_S, max(1, round(rule.duration_s * by))) for by in LONGER}
        return [replace(rule, duration_s=each) for each in sorted(lasting)]
    counts = {min(MAX_COUNT, max(2, rule.count + more)) for more in MORE} | {rule.count}
    return [replace(rule, count=each) for each in sorted(counts)]


def _merit(trial: Trial, present: Trial) -> tuple[int, int, float, int]:
    """Return what makes a choice better: spasms kept, few false wakes, most wakes, least change."""
    changed = sum(a != b for a, b in zip(trial.rules, present.rules, strict=True))
    return len(trial.woke_for), -trial.false, trial.per_week, -changed


def _wakes(night: Night, rule: Rule) -> Iterator[Wake]:
    """Yield when one rule alone would have woken somebody in a night."""
    policy, raised = Policy([rule]), dict[str, Alert]()
    for event in sorted(night, key=lambda each: dated_s(each) + each.duration_s):
        end_s = dated_s(event) + event.duration_s
        now = Now(round(end_s * 1e9), event.end, end_s)
        told = policy.observe(event, now, onset_s=dated_s(event))
        yield from _ended(told, raised, rule, night)
    if night:
        last = max(night, key=lambda each: dated_s(each) + each.duration_s)
        end_s = dated_s(last) + last.duration_s + AFTER_S
        told = policy.tick(Now(round(end_s * 1e9), last.end, end_s))
        yield from _ended(told, raised, rule, night)


def _ended(
    told: Iterable[Alert], raised: dict[str, Alert], rule: Rule, night: Night
) -> Iterator[Wake]:
    """Yield a wake for each alert that is over now: by then all that it is about is known."""
    for alert in told:
        if alert.state is AlertState.RAISED:
            raised[alert.id] = alert
        elif alert.state is AlertState.RESOLVED and alert.id in raised:
            first = raised.pop(alert.id)
            if first.raised_at is None or alert.at is None:
                continue
            back_s = rule.window_s if isinstance(rule, Cluster) else 0.0
            from_s, to_s = first.raised_at.timestamp() - back_s, alert.at.timestamp()
            about = {e.id for e in night if _concerns(e, rule, from_s, to_s)}
            yield Wake(first.raised_at.timestamp(), rule, frozenset(about))


def _concerns(event: Event, rule: Rule, from_s: float, to_s: float) -> bool:
    kinds = rule.kinds if isinstance(rule, Lasting | Cluster) else frozenset()
    begun_s = dated_s(event)
    return event.kind in kinds and begun_s + event.duration_s >= from_s and begun_s <= to_s


def _apart(wakes: Iterable[Wake]) -> Iterator[Wake]:
    """Yield wakes as people have them: what follows within the refractory time is the same one."""
    known: list[Wake] = []
    for wake in sorted(wakes, key=lambda each: each.at_s):
        if known and wake.at_s - known[-1].at_s < REFRACTORY_S:
            known[-1] = replace(known[-1], events=known[-1].events | wake.events)
        else:
            known.append(wake)
    yield from known
