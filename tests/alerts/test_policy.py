import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.alerts.facts import MEMORY
from detector.alerts.moments import Now
from detector.alerts.policy import Policy
from detector.alerts.rules import DEFAULT_RULES, parse_rule, parse_rules
from detector.events import Event, Kind, Phase

MIDNIGHT = datetime(2026, 11, 21, tzinfo=UTC)
RULES = parse_rules([*DEFAULT_RULES, "2 clonus in 1min", "spasm >= 20s"])


def said(alerts):
    return [(alert.state.value, alert.kind, alert.episode) for alert in alerts]


def test_a_long_clonus_is_told_once_and_resolved_when_it_is_over_and_quiet(event, now):
    policy = Policy(parse_rules(DEFAULT_RULES), wearer="w")
    assert policy.observe(event("a", "clonus", 100, 1, "start", episode="e"), now(101)) == []
    assert policy.observe(event("a", "clonus", 100, 59.9, "update", episode="e"), now(160)) == []
    [raised] = policy.observe(event("a", "clonus", 100, 61, "update", episode="e"), now(161.5))
    assert (raised.state, raised.episode, raised.rule) == ("raised", "e", "clonus >= 60s")
    assert raised.raised_at == raised.at == MIDNIGHT + timedelta(seconds=160)
    assert policy.open_alerts == (raised,)
    assert policy.observe(event("a", "clonus", 100, 75, "end", episode="e"), now(176)) == []
    assert policy.tick(now(269.9)) == []
    [resolved] = policy.tick(now(270))
    assert (resolved.id, resolved.state) == (raised.id, "resolved")
    assert resolved.raised_at == raised.raised_at
    assert resolved.at == MIDNIGHT + timedelta(seconds=265)
    assert policy.open_alerts == ()
    assert policy.observe(event("a", "clonus", 100, 75, "end", episode="e"), now(271)) == []


def test_a_tick_that_changes_nothing_does_not_look_at_what_is_remembered(event, now):
    policy = Policy(RULES)
    [raised] = policy.observe(event("a", "clonus", 100, 61, "update", episode="e"), now(161.5))
    policy.tick(now(161.5))
    parse_rule.cache_clear()
    for tick in range(100):
        assert policy.tick(now(161.5 + tick / 10)) == []
    assert policy.open_alerts == (raised,)
    assert parse_rule.cache_info()[:2] == (0, 0), "hits and misses: the rule was never asked for"


def test_a_cluster_is_one_matter_until_none_came_for_a_whole_window(event, now):
    policy = Policy(parse_rules(DEFAULT_RULES))
    told = []
    for n, onset_s in enumerate([0, 250, 500, 750, 1000, 1500]):
        told += policy.observe(event(f"s{n}", "spasm", onset_s, 2), now(onset_s + 3))
    assert said(told) == [("raised", "spasm", "s2")]
    assert policy.tick(now(2104)) == []
    [over] = policy.tick(now(2200))
    assert over.at == MIDNIGHT + timedelta(seconds=2100)


def test_twitches_and_ordinary_movements_never_wake(event, now):
    policy = Policy(RULES)
    for n, kind in enumerate(["twitch", "movement", "turn", "tremor", "plm", "vibration"] * 20):
        assert policy.observe(event(f"m{n}", kind, n * 5.0, 4000), now(n * 5.0 + 5)) == []


def test_no_event_and_no_condition_is_a_call_for_help(event, now):
    policy = Policy(parse_rules(["button"]))
    for n, kind in enumerate(["clonus", "spasm", "tonic", "movement"]):
        assert policy.observe(event(f"m{n}", kind, n * 400.0, 300), now(n * 400 + 300)) == []
    lost = {"active": True, "since_ns": 0, "now": now(2000)}
    assert policy.condition("no-signal", **lost) == [], "no rule here asks for it"


def test_spasms_less_than_90_s_apart_are_one_alert_even_when_nobody_named_the_episode(event, now):
    policy = Policy(parse_rules(["clonus >= 1min"]))
    told = policy.observe(event("a", "clonus", 0, 70), now(71))
    told += policy.observe(event("b", "clonus", 159, 70), now(230))
    told += policy.observe(event("c", "clonus", 320, 70), now(391))
    assert said(told) == [
        ("raised", "clonus", "a"),
        ("resolved", "clonus", "a"),
        ("raised", "clonus", "c"),
    ]


def test_a_series_that_turns_out_periodic_is_taken_back(event, now):
    policy = Policy(parse_rules(DEFAULT_RULES))
    told = []
    for n in range(3):
        told += policy.observe(event(f"s{n}", "spasm", n * 30.0, 2, episode="e"), now(n * 30 + 2))
    assert said(told) == [("raised", "spasm", "e")]
    [back] = policy.observe(event("s1", "plm", 30, 2, revision=1, episode="e"), now(70))
    assert back.state == "resolved"
    assert back.reason == "taken back: said so"
    assert policy.observe(event("s1", "spasm", 30, 2, revision=0, episode="e"), now(71)) == []
    told = policy.observe(event("s3", "spasm", 90, 2, episode="e"), now(93))
    assert said(told) == [("raised", "spasm", "e")], "three real ones remain: it counts again"


def test_taking_one_reason_back_leaves_the_alert_while_another_holds(event, now):
    policy = Policy(parse_rules(DEFAULT_RULES))
    for n in range(3):
        policy.observe(event(f"s{n}", "spasm", n * 30.0, 2, episode="e"), now(n * 30 + 2))
    assert policy.observe(event("c", "clonus", 100, 65, episode="e"), now(166)) == []
    for n in range(3):
        told = policy.observe(event(f"s{n}", "plm", n * 30.0, 2, "end", 1, "e"), now(170))
        assert told == [], "the long clonus was never told by itself: it must stay"
    [back] = policy.observe(event("c", "movement", 100, 65, "end", 1, "e"), now(171))
    assert back.state == "resolved"


def test_no_signal_follows_the_monotonic_clock_and_waits_for_no_tick(event, now):
    policy = Policy(parse_rules(DEFAULT_RULES), wearer="w")
    since = {"since_ns": 1_000_000_000, "why": "left-calf is out of range"}
    assert policy.condition("no-signal", active=True, now=now(0, mono_s=11), **since) == []
    [raised] = policy.tick(now(0, mono_s=130, utc=MIDNIGHT))
    assert (raised.alert_class, raised.level, raised.kind) == ("technical", "high", "no-signal")
    assert raised.reason == "no-signal >= 2min: left-calf is out of range"
    assert raised.at == MIDNIGHT - timedelta(seconds=9)
    assert policy.condition("no-signal", active=True, now=now(0, mono_s=140), **since) == []
    [over] = policy.condition("no-signal", active=False, now=now(0, mono_s=150), **since)
    assert (over.id, over.state) == (raised.id, "resolved")
    assert policy.tick(now(0, mono_s=9000)) == []


def test_a_short_loss_is_nothing_and_a_long_one_is_never_missed_between_ticks(now):
    policy = Policy(parse_rules(DEFAULT_RULES))
    assert policy.condition("no-signal", active=True, since_ns=0, now=now(0, mono_s=10)) == []
    assert policy.condition("no-signal", active=False, since_ns=0, now=now(0, mono_s=119)) == []
    assert policy.condition("no-signal", active=True, since_ns=0, now=now(0, mono_s=10)) == []
    told = policy.condition("no-signal", active=False, since_ns=0, now=now(0, mono_s=121))
    assert [alert.state for alert in told] == ["raised", "resolved"]


def test_a_restart_of_the_host_counts_a_loss_anew(now):
    policy = Policy(parse_rules(DEFAULT_RULES))
    policy.condition("no-signal", active=True, since_ns=10**15, now=now(0, mono_s=10**6 + 1))
    assert policy.tick(now(0, mono_s=5)) == []
    assert policy.tick(now(0, mono_s=124)) == []
    assert len(policy.tick(now(0, mono_s=125))) == 1


def test_other_conditions_are_told_at_once_and_a_lost_signal_by_its_rule(now):
    policy = Policy(parse_rules(DEFAULT_RULES))
    here = {"active": True, "since_ns": 0, "now": now(0, mono_s=1)}
    [battery] = policy.condition("battery", why="8 % left", **here)
    assert (battery.alert_class, battery.level, battery.rule) == ("technical", "medium", None)
    silent = Policy(parse_rules(["clonus >= 60s"]))
    assert silent.condition("no-signal", **here) == []


def test_a_lost_signal_neither_clears_nor_repeats_a_clinical_alert(event, now):
    policy = Policy(parse_rules(DEFAULT_RULES))
    assert len(policy.observe(event("a", "clonus", 0, 70, "update"), now(70))) == 1
    for minute in range(1, 200):  # no samples: stream time stands still, the host's goes on
        told = policy.condition(
            "no-signal", active=True, since_ns=70 * 10**9, now=now(70, mono_s=70 + minute * 60)
        )
        assert all(alert.kind == "no-signal" for alert in told)
    assert [alert.kind for alert in policy.open_alerts] == ["clonus", "no-signal"]


def test_an_event_whose_end_was_lost_does_not_hold_an_alert_for_ever(event, now):
    policy = Policy(parse_rules(DEFAULT_RULES))
    policy.observe(event("a", "clonus", 0, 70, "update"), now(70))
    assert policy.tick(now(764)) == []
    assert said(policy.tick(now(765))) == [("resolved", "clonus", "a")]


def test_a_recording_without_a_wall_clock_is_judged_all_the_same(event, now):
    policy = Policy(parse_rules(DEFAULT_RULES))
    [raised] = policy.observe(event("a", "clonus", 0, 70, clock=False), now(71, clock=False))
    [resolved] = policy.tick(now(165, clock=False))
    assert raised.at is resolved.at is None
    with pytest.raises(ValueError, match="both be known"):
        policy.observe(event("a", "clonus", 0, 70), now(71, clock=False))


def test_memory_is_bounded(event, now):
    policy = Policy(parse_rules(["100 spasms in 12h"]))
    for n in range(MEMORY + 50):
        policy.observe(event(f"s{n}", "spasm", n, 0.5), now(n + 1))
    assert len(policy.save()["facts"]) <= MEMORY + 1


def test_a_night_that_is_one_episode_is_not_remembered_whole(event, now):
    policy = Policy(parse_rules(DEFAULT_RULES))
    for n in range(180):
        policy.observe(event(f"s{n}", "spasm", n * 60, 2, episode="e"), now(n * 60 + 3))
    assert len(policy.open_alerts) == 1
    assert len(policy.save()["facts"]) <= 22, "20 min: the rule's window, and for a missing end"


@pytest.mark.parametrize("restarted", [False, True])
def test_an_alert_stands_on_what_is_too_old_to_be_revised(event, now, restarted):
    policy = Policy(parse_rules(["clonus >= 60s"]))
    policy.observe(event("a", "clonus", 0, 70, episode="e"), now(71))
    for n in range(1, 13):
        policy.observe(event(f"s{n}", "spasm", n * 70, 5, episode="e"), now(n * 70 + 6))
    last = {"onset_s": 800, "duration_s": 65, "episode": "e"}
    policy.observe(event("b", "clonus", **last), now(866))
    if restarted:
        saved = json.loads(json.dumps(policy.save()))
        policy = Policy(parse_rules(["clonus >= 60s"]))
        policy.load(saved)
    assert "a" not in [fact["id"] for fact in policy.save()["facts"]]
    assert policy.observe(event("b", "movement", revision=1, **last), now(867)) == []
    assert len(policy.open_alerts) == 1


def test_what_another_alert_rested_on_is_no_reason_for_this_one(event, now):
    policy = Policy(parse_rules(["clonus >= 60s"]))
    policy.observe(event("a", "clonus", 0, 70, episode="e"), now(71))
    [_, raised] = policy.observe(event("b", "clonus", 690, 61, "update", episode="f"), now(751))
    policy.tick(now(780))
    assert "a" not in [fact["id"] for fact in policy.save()["facts"]]
    told = policy.observe(event("b", "movement", 690, 70, revision=1, episode="f"), now(781))
    assert [(alert.id, alert.state) for alert in told] == [(raised.id, "resolved")]
    assert told[0].reason == "taken back: said so"


# A night as a script: what happens, and how long after the thing before.
kinds = st.sampled_from([Kind.CLONUS, Kind.SPASM, Kind.TONIC, Kind.TWITCH, Kind.PLM])
lengths_s = st.sampled_from([1.0, 15.0, 25.0, 61.0, 100.0])
peaks_g = st.sampled_from([None, 0.2, 0.9])
mild = st.tuples(st.floats(9, 60), st.just(Kind.SPASM), st.sampled_from([1.0, 2.0]), st.just(0.2))
onsets = st.one_of(st.tuples(st.floats(0.1, 300), kinds, lengths_s, peaks_g), mild)
nights = st.lists(onsets, max_size=12)


def script(night, revisions, repeats, losses=()):
    """What is said, in order, each with its time: events, and whether a signal is lost or back."""
    words, t = [], 0.0
    for start_s, length_s in losses:
        words += [(start_s, "lost"), (start_s + length_s, "back")]
    for n, (gap, kind, duration, peak_g) in enumerate(night):
        t += gap
        steps = [("start", min(1.0, duration)), ("update", duration / 2), ("end", duration)]
        for phase, so_far in steps:
            at = MIDNIGHT + timedelta(seconds=t)
            said_s = t + so_far + 0.5
            event = Event(
                id=f"e{n}",
                kind=kind,
                phase=Phase(phase),
                onset_s=t,
                duration_s=so_far,
                onset=at,
                confidence=1.0,
                reason="r",
                peak_g=peak_g,
                turn_deg=5.0,
            )
            words.append((said_s, event))
        t += duration
        if n in revisions:
            late = revisions[n]
            words.append((t + 0.6, replace(event, kind=late, revision=1, end=at)))
        t += 0.7
    words.sort(key=lambda word: word[0])
    return [word for n, word in enumerate(words) for _ in range(1 + (n in repeats))]


scripts = st.builds(
    script,
    nights,
    st.dictionaries(st.integers(0, 11), kinds, max_size=4),
    st.sets(st.integers(0, 40), max_size=6),
    st.lists(st.tuples(st.floats(0, 2000), st.floats(1, 500)), max_size=3),
)


def at(stream_s, utc=None):
    label = MIDNIGHT + timedelta(seconds=stream_s)
    return Now(int(label.timestamp() * 1e6) * 1000, utc or label, stream_s)


def say(policy, what, now):
    if what is None:
        return policy.tick(now)
    if isinstance(what, Event):
        return policy.observe(what, now)
    lost = what == "lost"
    return policy.condition("no-signal", active=lost, since_ns=now.mono_ns, now=now)


def play(words, *, ticks=(), utc=lambda t: None, restart_at=frozenset(), twice=False):
    policy, told = Policy(RULES, wearer="w"), []
    steps = sorted([(t, None) for t in ticks] + list(words), key=lambda step: step[0])
    for n, (t, event) in enumerate(steps):
        if n in restart_at:
            kept = json.loads(json.dumps(policy.save()))
            policy = Policy(RULES, wearer="w")
            policy.load(kept)
        now = at(t, utc(t))
        told += say(policy, event, now)
        if twice and event is not None:
            assert say(policy, event, now) == []
    lost = "no-signal" in [alert.kind for alert in policy.open_alerts]
    assert not lost, "every loss of the script ends"
    told += policy.tick(at(10**6))
    assert policy.open_alerts == ()
    # Bodies and watching go by two clocks; between them there is no order to keep.
    return sorted(told, key=lambda alert: alert.alert_class)


@given(scripts, st.sets(st.integers(0, 60)))
def test_restart_invariance_saving_at_any_step_changes_nothing(words, restart_at):
    assert play(words, restart_at=restart_at) == play(words)


@given(scripts, st.lists(st.floats(0, 4000), max_size=30))
def test_ticking_more_often_tells_the_same(words, ticks):
    assert play(words, ticks=ticks) == play(words)


@given(scripts)
def test_saying_everything_twice_tells_nothing_new(words):
    assert play(words, twice=True) == play(words)


@given(scripts, st.floats(-1e6, 1e6))
def test_the_hosts_wall_clock_decides_nothing(words, step_s):
    def stepped(t):
        return MIDNIGHT + timedelta(seconds=step_s * (t % 2))

    def decided(alerts):
        return [(a.id, a.state, a.kind, a.episode, a.episode and a.at) for a in alerts]

    assert decided(play(words, utc=stepped)) == decided(play(words))


@given(scripts)
def test_an_alert_lives_once_per_episode_raised_then_resolved(words):
    open_now = set()
    for alert in play(words):
        if alert.state == "raised":
            assert alert.id not in open_now
            open_now.add(alert.id)
        else:
            open_now.remove(alert.id)
            assert alert.at >= alert.raised_at
    assert not open_now


@given(nights)
@settings(max_examples=200)
def test_without_revisions_just_the_episodes_that_deserve_it_are_told(night):
    """The slow twin: episodes by their gaps, then the rule on each."""
    episodes, t, last_end = [], 0.0, -1e9
    for n, (gap, kind, duration, _) in enumerate(night):
        t += gap
        if kind in {Kind.CLONUS, Kind.SPASM, Kind.TONIC}:
            if t - last_end >= 90:
                episodes.append([])
            episodes[-1].append((f"e{n}", kind, duration))
            last_end = t + duration
        t += duration + 0.7
    deserve = [e[0][0] for e in episodes if any(k is Kind.CLONUS and d >= 60 for _, k, d in e)]
    policy, told = Policy(parse_rules(["clonus >= 60s"])), []
    for said_s, event in script(night, {}, ()):
        told += policy.observe(event, at(said_s))
    assert [alert.episode for alert in told if alert.state == "raised"] == deserve


@pytest.mark.parametrize(
    "data",
    [{}, {"schema": "policy/0"}, {"schema": "policy/1", "facts": 3, "conditions": [], "open": []}],
)
def test_a_foreign_state_is_refused_and_changes_nothing(data, event, now):
    policy = Policy(RULES)
    policy.observe(event("a", "clonus", 0, 70), now(71))
    before = policy.save()
    with pytest.raises(ValueError, match="alarm state"):
        policy.load(data)
    assert policy.save() == before
