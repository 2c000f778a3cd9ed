"""A cluster of mild, even movements waits until it shows whether it is periodic; no other does."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.alerts.holds import LONGEST_S
from detector.alerts.policy import LATE_S, Policy
from detector.alerts.rules import parse_rules

from .made import make_event, make_now

RULES = parse_rules(["3 spasms in 10min"])
MILD = {"peak_g": 0.2, "turn_deg": 5.0}


def observe(policy, event, now, onsets_s, **how):
    """Let movements of 2 s come, each known at its end; return what is told."""
    how = {"kind": "spasm", "episode": "e", **MILD, **how}
    kind = how.pop("kind")
    told = []
    for onset_s in onsets_s:
        made = event(f"m{onset_s:g}", kind, onset_s, 2, **how)
        told += policy.observe(made, now(onset_s + 2.5))
    return told


@pytest.fixture
def waiting(event, now):
    """A rule for three spasms, and three mild ones 20 s apart, the last at 40 s."""
    policy = Policy(RULES)
    assert observe(policy, event, now, [0, 20, 40]) == []
    assert policy.waits
    assert policy.open_alerts == ()
    return policy


def test_a_series_that_turns_out_periodic_wakes_nobody(waiting, event, now):
    told = waiting.observe(event("m60", "spasm", 60, 1, "start", episode="e", **MILD), now(61))
    for onset_s in (0, 20, 40, 60):
        plm = event(f"m{onset_s}", "plm", onset_s, 2, revision=1, **MILD)
        told += waiting.observe(plm, now(62.5))
    told += waiting.tick(now(2000))
    assert told == []
    assert not waiting.waits


def test_where_no_movement_follows_it_is_raised_when_the_next_was_due(waiting, now):
    assert waiting.tick(now(130 + LATE_S - 0.1)) == []
    [raised] = waiting.tick(now(130 + LATE_S))
    assert (raised.state, raised.episode, raised.at) == ("raised", "e", now(130).utc)


@pytest.mark.parametrize(
    ("onset_s", "how"),
    [
        (45, {}),  # too soon
        (110, {}),  # uneven
        (60, {"peak_g": 0.9}),  # strong
        (60, {"peak_g": None}),  # of unknown strength
        (60, {"turn_deg": 40.0}),
        (60, {"kind": "clonus"}),
        (60, {"kind": "clonus", "phase": "start"}),
        (60, {"peak_g": 0.9, "phase": "start"}),
    ],
)
def test_a_movement_that_breaks_the_series_raises_it_at_once(waiting, event, now, onset_s, how):
    [raised] = observe(waiting, event, now, [onset_s], **how)
    assert (raised.state, raised.at) == ("raised", now(onset_s).utc)


def test_a_movement_that_grows_too_long_breaks_the_series(waiting, event, now):
    so_far = {"phase": "update", "episode": "e", **MILD}
    assert waiting.observe(event("m", "spasm", 60, 9, **so_far), now(70)) == []
    assert len(waiting.observe(event("m", "spasm", 60, 11, **so_far), now(72))) == 1


def test_a_lost_signal_holds_it_back_no_longer_than_any(waiting, now):
    assert waiting.tick(now(42.5, mono_s=42.5 + LONGEST_S - 1)) == []
    [raised] = waiting.tick(now(42.5, mono_s=42.5 + LONGEST_S))
    assert raised.at == now(130).utc


def test_a_boot_of_the_computer_holds_it_back_no_longer(waiting, now):
    saved = json.loads(json.dumps(waiting.save()))
    policy = Policy(RULES)
    policy.load(saved)
    away_s, since_boot_s = 300, 5
    policy.shift_clock((since_boot_s - away_s - 42) * 10**9)
    assert len(policy.tick(now(42.5, mono_s=since_boot_s))) == 1


def test_at_the_end_of_the_night_it_is_raised(waiting, now):
    [raised] = waiting.finish(now(50))
    assert (raised.state, raised.at) == ("raised", now(40).utc)
    assert waiting.finish(now(51)) == []


def test_another_alert_of_its_episode_covers_it(waiting, event, now):
    saved = waiting.save()
    policy = Policy(parse_rules(["clonus >= 60s", "3 spasms in 10min"]))
    policy.load(saved)
    told = policy.observe(event("c", "clonus", 60, 61, "update", episode="e"), now(122))
    assert [alert.state for alert in told] == ["raised"]


def test_a_rule_that_is_gone_raises_nothing(waiting, now):
    policy = Policy(parse_rules(["clonus >= 60s"]))
    policy.load(waiting.save())
    assert policy.tick(now(500)) == []
    assert not policy.waits


def test_every_single_spasm_is_told_at_once_where_a_rule_asks_for_it(event, now):
    policy = Policy(parse_rules(["1 spasm in 10min"]))
    assert len(observe(policy, event, now, [0])) == 1


def test_six_that_are_not_named_periodic_are_none(event, now):
    policy = Policy(RULES)
    assert observe(policy, event, now, [0, 20, 40, 60, 80]) == []
    [raised] = observe(policy, event, now, [100])
    assert raised.at == now(100).utc


spasms = st.tuples(st.floats(0.5, 300), st.floats(0.5, 30), st.floats(0.01, 2), st.floats(0, 60))


def replayed(moves, *, known):
    policy, told, onset_s = Policy(RULES), [], 0.0
    for n, (gap_s, length_s, peak_g, turn_deg) in enumerate(moves):
        onset_s += gap_s
        strength = {"peak_g": peak_g, "turn_deg": turn_deg} if known else {}
        made = make_event(f"m{n}", "spasm", onset_s, length_s, **strength)
        onset_s += length_s
        told += policy.observe(made, make_now(onset_s + 0.5))
    return told + policy.tick(make_now(onset_s + 10**5))


@given(st.lists(spasms, min_size=3, max_size=12), st.sampled_from(["strong", "long", "turning"]))
def test_a_cluster_of_strong_or_long_movements_is_told_as_soon_as_ever(moves, how):
    more = {"strong": (0, 0.61, 0), "long": (10.1, 0, 0), "turning": (0, 0, 18.1)}[how]
    spoilt = [(gap, *(a + b for a, b in zip(rest, more, strict=True))) for gap, *rest in moves]
    assert replayed(spoilt, known=True) == replayed(spoilt, known=False)


@given(st.lists(spasms, min_size=3, max_size=12), st.floats(0.5, 6.9), st.floats(91, 250))
def test_an_uneven_cluster_is_told_as_soon_as_ever(moves, short_s, long_s):
    spoilt = [(long_s if n % 2 else short_s, 2.0, *rest) for n, (_, _, *rest) in enumerate(moves)]
    assert replayed(spoilt, known=True) == replayed(spoilt, known=False)


@given(st.lists(st.floats(0.5, 120), min_size=3, max_size=20), st.floats(0.01, 0.6))
def test_whatever_comes_nothing_is_held_back_for_longer_than_180_s(gaps_s, peak_g):
    policy, plain, onset_s, due_s = Policy(RULES), Policy(RULES), 0.0, None
    for n, gap_s in enumerate(gaps_s):
        onset_s += gap_s
        made = make_event(f"m{n}", "spasm", onset_s, 0.4, peak_g=peak_g, turn_deg=5, episode="e")
        known = make_now(onset_s + 0.5)
        policy.observe(made, known)
        told = plain.observe(replace(made, peak_g=None), known)
        if due_s is None and any(alert.state == "raised" for alert in told):
            due_s = onset_s + LONGEST_S
        if due_s is not None and onset_s > due_s:
            assert policy.open_alerts
            return
    if due_s is not None:
        policy.tick(make_now(due_s + LATE_S))
        assert policy.open_alerts
