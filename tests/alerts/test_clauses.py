"""What a wake rule asks of the context in which a spasm began; what it passes over is told."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.alerts.facts import WAKE_S, Fact, counted
from detector.alerts.policy import Policy
from detector.alerts.rules import DEFAULT_RULES, Clause, Cluster, Lasting, parse_rules
from detector.events import Event, EventContext, Kind
from detector.words.reasons import with_unwoken

from .made import make_event, make_now

CONTEXTS = (None, *EventContext)
DEFAULT = parse_rules(DEFAULT_RULES)
ANYHOW = tuple(
    replace(rule, clause=Clause.ANY_CONTEXT) if isinstance(rule, Lasting | Cluster) else rule
    for rule in DEFAULT
)
FROM_REST = parse_rules(["3 spasms in 10min from rest"])

nights = st.lists(
    st.tuples(
        st.floats(2.0, 900.0),
        st.sampled_from([Kind.SPASM, Kind.CLONUS, Kind.TONIC, Kind.TWITCH, Kind.TURN]),
        st.sampled_from([1.5, 30.0, 61.0]),
        st.sampled_from(CONTEXTS),
    ),
    max_size=25,
)


def made(night) -> list[Event]:
    """Return events from pauses in s, kinds, durations and contexts."""
    events, end_s = [], 0.0
    for number, (pause_s, kind, duration_s, context) in enumerate(night):
        onset_s = round(end_s + pause_s, 2)
        end_s = onset_s + duration_s
        events.append(make_event(f"e{number}", kind, onset_s, duration_s, context=context))
    return events


def said(policy: Policy, events: list[Event], *, saving: bool = False) -> list[tuple[object, ...]]:
    """Return what is told of a night, without the wording of the rules."""
    told = []
    for event in events:
        if saving:
            saved, policy = json.loads(json.dumps(policy.save())), Policy(policy._rules)
            policy.load(saved)
        told += policy.observe(event, make_now(event.end_s + 1))
    told += policy.tick(make_now(1e6))
    return [(alert.state, alert.kind, alert.episode, alert.at) for alert in told]


@pytest.mark.parametrize("context", CONTEXTS)
def test_a_long_clonus_wakes_in_every_context_but_up(context: EventContext | None) -> None:
    events = [make_event("a", "clonus", 100, 61, context=context)]

    assert bool(said(Policy(DEFAULT), events)) is (context is not EventContext.UP)
    assert said(Policy(ANYHOW), events)


@given(nights)
def test_events_without_a_context_wake_as_they_did(night) -> None:
    """Those of the first releases, of other programs, and behind a gap."""
    events = made([(*each[:3], None) for each in night])

    assert said(Policy(DEFAULT), events) == said(Policy(ANYHOW), events)
    assert said(Policy(FROM_REST), events) == said(
        Policy(parse_rules(["3 spasms in 10min in any context"])), events
    )


@given(nights)
def test_whoever_is_never_up_is_told_of_everything(night) -> None:
    events = [e for e in made(night) if e.context is not EventContext.UP]

    assert said(Policy(DEFAULT), events) == said(Policy(ANYHOW), events)


@given(nights, st.sampled_from(Clause))
def test_what_counts_began_in_its_context_or_soon_after_what_counts(night, clause) -> None:
    """A slow twin goes from each event back to all before it."""
    facts = [Fact.of(event, event.onset_s) for event in made(night)]
    likely = [fact for fact in facts if fact.kind in {Kind.SPASM, Kind.CLONUS, Kind.TONIC}]

    def counts(fact: Fact) -> bool:
        before = [each for each in likely if each.onset_s < fact.onset_s]
        near = [each for each in before if fact.onset_s - each.end_s < WAKE_S]
        return clause.admits(fact.context) or any(map(counts, near[-1:])) or any(map(counts, near))

    assert counted(facts, clause) == [fact for fact in likely if counts(fact)]


@given(nights)
def test_each_clause_counts_what_a_stricter_one_counts(night) -> None:
    facts = [Fact.of(event, event.onset_s) for event in made(night)]
    strict, usual, every = (
        {fact.id for fact in counted(facts, clause)}
        for clause in (Clause.FROM_REST, Clause.UNLESS_UP, Clause.ANY_CONTEXT)
    )

    assert strict <= usual <= every


@given(nights, st.sampled_from([DEFAULT, FROM_REST]))
def test_a_restart_changes_nothing(night, rules) -> None:
    events = made(night)

    assert said(Policy(rules), events) == said(Policy(rules), events, saving=True)


def test_a_wake_lasts_as_long_as_there_is_no_pause_though_its_beginning_is_forgotten() -> None:
    """One spasm at rest, then restless ones every 9 min for 10 h: all are in its wake."""
    policy = Policy(FROM_REST)
    contexts = ["resting", *["restless"] * 66]
    events = [
        make_event(f"e{n}", "spasm", 540.0 * n, 2, context=context)
        for n, context in enumerate(contexts)
    ]
    dense = [
        make_event(f"d{n}", "spasm", 540.0 * 67 + 20 * n, 2, context="restless") for n in range(3)
    ]
    assert said(policy, [*events, *dense])[0][:2] == ("raised", "spasm")

    again = Policy(FROM_REST)
    paused = [e for e in events if e.id != "e40"]
    assert said(again, [*paused, *dense]) == [], "a pause of 18 min ends it"


def test_a_cluster_from_rest_passes_over_restless_spasms_and_says_so() -> None:
    policy = Policy(FROM_REST)
    events = [make_event(f"s{n}", "spasm", 100.0 * n, 2, context="restless") for n in range(1, 4)]
    assert [policy.observe(event, make_now(event.end_s + 1)) for event in events] == [[], [], []]
    assert policy.unwoken(events[2]) == ["3 spasms in 10min from rest"]

    facts = {"reason": "shaken", "duration_s": 2.0}
    told = with_unwoken(replace(events[2], facts=facts, reason="x"), policy.unwoken(events[2]))
    assert told.reason.endswith(
        "; nobody is woken for it (3 spasms in 10 min, from rest), as some of them began while the "
        "wearer was not at rest"
    )
    assert told.facts["unwoken"] == ["3 spasms in 10min from rest"]


@given(nights, st.sampled_from([DEFAULT, FROM_REST]))
def test_whatever_wakes_nobody_for_its_context_alone_says_so(night, rules) -> None:
    """Whoever would be woken without clauses is woken, or an event says by which rule not."""
    policy, anyhow = (
        Policy(rules),
        Policy(
            tuple(
                replace(rule, clause=Clause.ANY_CONTEXT)
                for rule in rules
                if isinstance(rule, Lasting | Cluster)
            )
        ),
    )
    for event in made(night):
        now = make_now(event.end_s + 1)
        told, would = policy.observe(event, now), anyhow.observe(event, now)
        raised = [alert for alert in would if alert.state == "raised"]
        if raised and not any(alert.state == "raised" for alert in told):
            covered = policy.open_alerts or event.episode in {a.episode for a in told}
            assert policy.unwoken(event) or covered


def test_an_alert_is_not_taken_back_by_a_context_that_another_sensor_saw() -> None:
    policy = Policy(DEFAULT)
    first = make_event("a", "clonus", 100, 61, "update", context="resting")
    assert len(policy.observe(first, make_now(162))) == 1
    later = make_event("a", "clonus", 100, 80, "update", context="up")

    assert policy.observe(later, make_now(181)) == []
    assert policy.open_alerts
    assert policy.unwoken(later) == []


def test_what_an_earlier_release_saved_counts_as_at_rest() -> None:
    policy, again = Policy(FROM_REST), Policy(FROM_REST)
    for n in range(2):
        policy.observe(make_event(f"s{n}", "spasm", 100.0 * n, 2), make_now(100.0 * n + 3))
    saved = policy.save()
    for fact in saved["facts"]:
        del fact["context"], fact["in_wake"]
    again.load(saved)

    [raised] = again.observe(make_event("s2", "spasm", 200, 2, context="restless"), make_now(203))
    assert raised.rule == "3 spasms in 10min from rest"
