"""Rules within a budget of wakes: what they cost is told, and nothing else would have kept more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.alerts.budget import RulesProposal, propose
from detector.alerts.commands import SaidKind
from detector.alerts.rules import Cluster, Lasting, NoSignal, parse_rules
from detector.events import Event

from .made import MIDNIGHT

CLONUS, FALSE = SaidKind.CLONUS, SaidKind.NOT_A_SPASM


def nights(event: Callable[..., Event], *lengths: list[float]) -> list[list[Event]]:
    """Return a night for each list: runs of clonus an hour apart, so long each."""
    found = []
    for n, night in enumerate(lengths):
        dated = []
        for k, length_s in enumerate(night):
            made = event(f"{n}-{k}", "clonus", n * 86_400 + k * 3600.0, length_s)
            dated.append(made)
        found.append(dated)
    return found


def test_no_night_is_no_proposal() -> None:
    with pytest.raises(ValueError, match="no night was watched"):
        propose([], {}, parse_rules(["clonus >= 60s"]))


def test_a_longer_clonus_is_proposed_where_short_ones_wake_too_often(
    event: Callable[..., Event],
) -> None:
    watched = nights(event, [65.0, 70.0, 200.0], [70.0], [], [], [65.0], [], [])
    labels = {"0-2": CLONUS, "0-0": FALSE, "1-0": FALSE}
    found = propose(watched, labels, parse_rules(["clonus >= 60s", "no-signal >= 2min"]))

    assert (found.nights, found.labelled) == (7, 3)
    assert found.present.per_week == 5
    assert found.present.false == 2
    assert found.proposed is not None
    assert found.proposed.per_week == 1
    assert found.proposed.woke_for == {"0-2"}
    assert found.kept == 1.0
    assert [str(rule) for rule in found.proposed.rules][1] == "no-signal >= 2min"


def test_what_is_lost_is_told(event: Callable[..., Event]) -> None:
    watched = nights(event, [65.0, 70.0, 200.0], *[[]] * 6)
    found = propose(watched, {"0-0": CLONUS, "0-2": CLONUS}, parse_rules(["clonus >= 60s"]))
    assert found.present.woke_for == {"0-0", "0-2"}
    assert found.kept == 0.5


def test_a_cluster_is_judged_by_its_count_and_what_follows_at_once_is_one_wake(
    event: Callable[..., Event],
) -> None:
    night = [event(f"a{k}", "spasm", 1000 + 100.0 * k, 2.0) for k in range(4)]
    night += [event("b", "clonus", 1350.0, 90.0)]
    rules = parse_rules(["3 spasms in 10min", "clonus >= 60s"])
    found = propose([night] * 7, {}, rules, wakes_a_week=7)
    assert found.present.per_week == 7, "the cluster and its clonus are one wake"


def test_a_budget_that_no_rule_keeps_to_has_no_proposal(event: Callable[..., Event]) -> None:
    found = propose(nights(event, [3000.0]), {}, parse_rules(["clonus >= 60s"]))
    assert found.proposed is None
    assert found.kept is None


lengths = st.lists(st.lists(st.floats(1.0, 600.0), max_size=4), min_size=1, max_size=5)


@settings(max_examples=30)
@given(lengths, st.data())
def test_nothing_within_the_budget_keeps_more(
    lengths: list[list[float]], data: st.DataObject
) -> None:
    watched = [
        [
            Event(
                id=f"{n}-{k}",
                kind="clonus",
                phase="end",
                onset_s=k * 3600.0,
                duration_s=length_s,
                onset=MIDNIGHT + timedelta(days=n, hours=k),
                end=MIDNIGHT + timedelta(days=n, hours=k, seconds=length_s),
                confidence=0.9,
                reason="said so",
            )
            for k, length_s in enumerate(night)
        ]
        for n, night in enumerate(lengths)
    ]
    ids = [event.id for night in watched for event in night]
    labels = {i: data.draw(st.sampled_from([CLONUS, FALSE])) for i in ids}
    rule = Lasting("clonus", 60)
    found = propose(watched, labels, [rule, NoSignal(120)], wakes_a_week=2.0)

    def woken(at_least_s: float) -> list[str]:
        # An hour between two, so that each is a wake of its own.
        return [e.id for night in watched for e in night if e.duration_s >= at_least_s]

    assert found.present.per_week == pytest.approx(7 * len(woken(60)) / len(watched))
    real = [
        sum(labels[i] is CLONUS for i in woken(each))
        for each in (30, 60, 90, 120, 180, 240, 360)
        if 7 * len(woken(each)) / len(watched) <= 2.0
    ]
    assert (found.proposed is None) == (not real)
    if found.proposed is not None:
        assert found.proposed.per_week <= 2.0
        assert len(found.proposed.woke_for) == max(real)


def test_every_choice_of_thresholds_is_tried() -> None:
    rules = [Cluster(3, "spasm", 600), Lasting("clonus", 60)]
    found: RulesProposal = propose([[]], {}, rules)
    assert found.proposed is not None
    assert found.proposed.rules == tuple(rules), "nothing changes where nothing has to"
