"""Each alert is raised once and resolved once, under an id that no other alert ever has."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from detector.alert import AlertState
from detector.alerts.conditions import Condition
from detector.alerts.policy import Policy
from detector.alerts.rules import DEFAULT_RULES, parse_rules
from detector.events import Phase

from .made import make_event, make_now

RULES = parse_rules(["clonus >= 60s", "2 spasms in 5min", *DEFAULT_RULES, "spasm >= 20s"])
KINDS = ("spasm", "clonus", "tonic", "plm", "movement", "twitch")
EPISODES = ("e", "f", None)  # named by the detector, or not
FAR_S = 10**6

kinds = st.sampled_from(KINDS)
conditions = st.sampled_from([Condition.NO_SIGNAL, Condition.BATTERY, Condition.STUCK])


def test_an_episode_that_is_set_off_again_is_another_alert(event, now):
    policy = Policy(parse_rules(DEFAULT_RULES), wearer="w")
    ids = []
    for life in range(3):
        at_s = 100.0 * life
        clonus = event(f"c{life}", "clonus", at_s, 61, episode="e")
        [raised] = policy.observe(clonus, now(at_s + 61))
        [over] = policy.observe(replace(clonus, kind="movement", revision=1), now(at_s + 62))
        assert (raised.id, over.state) == (over.id, "resolved")
        ids.append(raised.id)
        saved = json.loads(json.dumps(policy.save()))
        policy = Policy(parse_rules(DEFAULT_RULES), wearer="w")
        policy.load(saved)
    assert len(set(ids)) == 3


def test_a_condition_that_returns_with_the_same_beginning_is_another_alert(now):
    policy = Policy(parse_rules(DEFAULT_RULES))
    since = {"since_ns": 0, "now": now(0, mono_s=5)}
    told = []
    for _ in range(2):
        told += policy.condition("battery", active=True, **since)
        told += policy.condition("battery", active=False, **since)
    assert [alert.state for alert in told] == ["raised", "resolved"] * 2
    assert len({alert.id for alert in told}) == 2


class Lives(RuleBasedStateMachine):
    """Events, revisions, conditions, time and restarts in any order."""

    @initialize()
    def begin(self) -> None:
        self.policy = Policy(RULES, wearer="w")
        self.now_s = 0.0
        self.events: dict[str, object] = {}
        self.active: set[str] = set()
        self.open: set[str] = set()
        self.used: set[str] = set()

    def hear(self, told) -> None:
        for alert in told:
            if alert.state is AlertState.RAISED:
                assert alert.id not in self.used, "an id is used once"
                self.used.add(alert.id)
                self.open.add(alert.id)
            else:
                assert alert.state is AlertState.RESOLVED
                self.open.remove(alert.id)

    @rule(
        gap_s=st.floats(0, 200),
        kind=kinds,
        length_s=st.sampled_from([1.0, 2.0, 25.0, 70.0]),
        episode=st.sampled_from(EPISODES),
        peak_g=st.sampled_from([None, 0.2, 0.9]),
        phase=st.sampled_from(["start", "end"]),
    )
    def move(self, gap_s, kind, length_s, episode, peak_g, phase) -> None:
        onset_s = self.now_s + gap_s
        made = make_event(
            f"m{len(self.events)}", kind, onset_s, length_s, phase, 0, episode,
            peak_g=peak_g, turn_deg=5.0,
        )  # fmt: skip
        self.events[made.id] = made
        self.now_s = onset_s + length_s
        self.hear(self.policy.observe(made, make_now(self.now_s)))

    @rule(gaps_s=st.lists(st.floats(10, 60), min_size=2, max_size=5))
    def series(self, gaps_s) -> None:
        for gap_s in gaps_s:
            self.move(gap_s, "spasm", 2.0, "e", 0.2, "end")

    @precondition(lambda self: self.events)
    @rule(data=st.data(), kind=kinds, longer_s=st.sampled_from([0.0, 40.0]))
    def revise(self, data, kind, longer_s) -> None:
        id_ = data.draw(st.sampled_from(sorted(self.events)))
        known = self.events[id_]
        made = replace(
            known,
            kind=make_event("", kind, 0, 0).kind,
            phase=Phase.END,
            revision=known.revision + 1,
            duration_s=known.duration_s + longer_s,
        )
        self.events[id_] = made
        self.hear(self.policy.observe(made, make_now(self.now_s)))

    @rule(name=conditions, active=st.booleans(), since_s=st.sampled_from([0, 1]))
    def condition(self, name, active, since_s) -> None:
        (self.active.add if active else self.active.discard)(name)
        now = make_now(self.now_s)
        told = self.policy.condition(name, active=active, since_ns=since_s * 10**9, now=now)
        self.hear(told)

    @rule(by_s=st.floats(0, 700))
    def wait(self, by_s) -> None:
        self.now_s += by_s
        self.hear(self.policy.tick(make_now(self.now_s)))

    @rule()
    def restart(self) -> None:
        saved = json.loads(json.dumps(self.policy.save()))
        self.policy = Policy(RULES, wearer="w")
        self.policy.load(saved)

    @invariant()
    def open_alerts_are_those_that_were_raised(self) -> None:
        if hasattr(self, "open"):
            assert {alert.id for alert in self.policy.open_alerts} == self.open

    def teardown(self) -> None:
        if not hasattr(self, "open"):
            return
        for name in sorted(self.active):
            self.hear(self.policy.condition(name, active=False, since_ns=0, now=make_now(FAR_S)))
        self.hear(self.policy.tick(make_now(FAR_S)))
        assert not self.open, "nothing is open for ever"
        assert not self.policy.waits, "and nothing waits for ever"


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=150, stateful_step_count=30)
