"""Laws of the words: durations as people say them, sums that add up."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, zip_longest
from pathlib import Path

import pytest

from detector.alert import Alert, AlertClass, AlertState, Level
from detector.events import Event, EventContext, Kind, Phase
from detector.mqtt.payloads import COUNTS
from detector.recognition.counts.true_count import TrueCount
from detector.terminal.output import Output
from detector.words.alerts import alert_line, rule_words
from detector.words.endings import LOSSES, NightEnd, announced_line, ending_json, ending_lines
from detector.words.phrases import (
    count_words,
    event_line,
    harmless,
    length,
    sentence,
    summary,
)


def event(kind: Kind, **fields) -> Event:
    values = {
        "id": "0", "kind": kind, "phase": Phase.END, "onset_s": 754.2, "duration_s": 13.0,
        "confidence": 0.9, "reason": "steady beats",
    }  # fmt: skip
    return Event(**(values | fields))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.44, "0.4 s"), (9.96, "10 s"), (59.4, "59 s"), (59.6, "1 min"), (125, "2 min 5 s"),
     (3599.7, "1 h 0 min"), (28320, "7 h 52 min")],
)  # fmt: skip
def test_a_duration_is_said_as_people_say_it(seconds, text):
    assert length(seconds) == text


def test_an_event_is_one_line():
    line = event_line(event(Kind.CLONUS, rhythm_hz=5.8, cut_short=True))
    assert line == ("+0:12:34  Clonus, 13 s (about 6 a second). Steady beats. Cut short by a gap.")


def test_every_kind_has_words():
    for kind in Kind:
        assert event_line(event(kind)).count("\n") == 0


@pytest.mark.parametrize(
    ("kinds", "text"),
    [
        ([], "No likely spasms."),
        ([Kind.CLONUS], "1 likely spasm, a clonus."),
        ([Kind.CLONUS] * 3, "3 likely spasms, all of them clonus."),
        ([Kind.CLONUS, Kind.SPASM], "2 likely spasms, 1 of them clonus."),
        ([Kind.SPASM, Kind.TONIC], "2 likely spasms."),
        ([Kind.TWITCH, Kind.TURN, Kind.PLM], "No likely spasms. 1 twitch. 2 other movements."),
    ],
)
def test_the_sum_counts_every_event_once(kinds, text):
    assert summary([event(kind) for kind in kinds]) == text


@pytest.mark.parametrize(
    ("kinds", "true", "text"),
    [
        ([Kind.SPASM] * 12, (9, 12, 17), "12 likely spasms found (likely 9 to 17 in truth; "),
        ([Kind.CLONUS], (0, 1, 2), "1 likely spasm found, a clonus (likely at most 2 in "),
        ([Kind.TONIC], (1, 1, 1), "1 likely spasm found (likely 1 in truth; "),
        ([Kind.TURN], (0, 0, 3), "No likely spasms found (likely at most 3 in truth; "),
        ([], (0, 0, 0), "No likely spasms found (likely none in truth; "),
    ],
)
def test_where_it_is_known_the_sum_says_how_many_there_were_in_truth(kinds, true, text):
    said = summary([event(kind) for kind in kinds], TrueCount(*true))

    assert said.startswith(text)
    assert "figures from simulated nights)." in said


MOMENT = datetime(2026, 11, 20, 23, 14, 2, tzinfo=UTC)


def alert(rule: str | None, reason: str, state: str = "raised", kind: str = "spasm") -> Alert:
    return Alert(
        id="0", state=AlertState(state), alert_class=AlertClass.CLINICAL, level=Level.HIGH,
        kind=kind, reason=reason, rule=rule, raised_at=MOMENT, at=MOMENT,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (alert("3 spasms in 10min", "3 spasms in 10min"), "ALERT (bedroom): 3 spasms in 10 min."),
        (
            alert("3 spasms in 10min", "3 spasms in 10min: over", "resolved"),
            "Alert over (bedroom): 3 spasms in 10 min.",
        ),
        (
            alert("clonus >= 60s", "taken back: part of a series", "resolved"),
            "Alert over (bedroom): Clonus lasting 60 s or longer. Taken back: part of a series.",
        ),
        (
            alert("no-signal >= 2min", "no-signal >= 2min: it is\nout of range", kind="no-signal"),
            "ALERT (bedroom): No signal for 2 min: it is out of range.",
        ),
        (
            alert("no-signal >= 2min", "no-signal: over", "resolved", "no-signal"),
            "Alert over (bedroom): No signal for 2 min.",
        ),
        (
            alert(None, "battery: it is at 9 %", kind="battery"),
            "ALERT (bedroom): Battery low: it is at 9 %.",
        ),
        (
            alert(None, "non-wear: over", "resolved", "non-wear"),
            "Alert over (bedroom): Sensor not worn.",
        ),
        (alert("of another version", "why"), "ALERT (bedroom): Of another version: why."),
        (alert("button", "button", kind="button"), "ALERT (bedroom): Call for help."),
        (
            alert("clonus >= 60s", "clonus >= 60s", "escalated"),
            "NOBODY ANSWERED (bedroom): Clonus lasting 60 s or longer.",
        ),
        (
            replace(alert("clonus >= 60s", "clonus >= 60s", "acknowledged"), by="anna"),
            "anna is on it (bedroom): Clonus lasting 60 s or longer.",
        ),
        (
            replace(alert("clonus >= 60s", "not a spasm", "acknowledged"), by="anna"),
            "Not a spasm, says anna (bedroom): Clonus lasting 60 s or longer.",
        ),
        (
            replace(
                alert("clonus >= 60s", "clonus >= 60s", "snoozed"),
                by="anna",
                until=datetime(2026, 11, 21, 2, 30, tzinfo=UTC),
            ),
            "Put off by anna until 02:30 (bedroom): Clonus lasting 60 s or longer.",
        ),
        (
            replace(alert("clonus >= 60s", "clonus >= 60s"), level=Level.INFORMATION),
            "Logged only, as this is a learning night (bedroom): Clonus lasting 60 s or longer.",
        ),
        (
            replace(alert("clonus >= 60s", "clonus >= 60s"), level=Level.MEDIUM, count=2),
            "Again, number 2 (bedroom): Clonus lasting 60 s or longer.",
        ),
    ],
)
def test_an_alert_says_once_what_it_is_about(told, line):
    assert alert_line(told, UTC, "bedroom") == f"23:14:02  {line}"
    assert alert_line(told, UTC) == f"23:14:02  {line.replace(' (bedroom)', '')}"


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("1 spasm in 1h", "1 spasm in 1 h"),
        ("2 clonus in 5min", "2 runs of clonus in 5 min"),
        ("3 tonic in 90s", "3 tonic spasms in 90 s"),
        ("tonic >= 20s", "tonic spasm lasting 20 s or longer"),
        ("no-signal >= 2min", "no signal for 2 min"),
        ("button", "call for help"),
    ],
)
def test_a_rule_is_said_as_people_say_it(rule, words):
    assert rule_words(rule) == words


def test_text_of_strangers_cannot_steer_a_terminal():
    assert harmless("a\x1b[31m\x9b\u202eb\n") == "a�[31m��b\n"


def test_a_reason_becomes_a_sentence():
    assert sentence("ends") == "Ends."
    assert sentence("Ends.") == "Ends."


@pytest.mark.parametrize(
    ("lasts_s", "shown"),
    [
        (4.9, []),
        (10.0, [50, 60, 70, 80, 90, 100]),
        (5000.0, [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]),
    ],
)
def test_progress_speaks_at_most_ten_times_and_not_of_short_work(capsys, lasts_s, shown):
    done = 0
    with Output().progress("night", 1000, lambda: lasts_s * done / 1000) as advance:
        for done in range(1, 1001):  # noqa: B007 - the clock reads it
            advance(1)
        advance(500)  # more than was foreseen
    assert capsys.readouterr().err.splitlines() == [f"night: {percent} %" for percent in shown]


BACK = "the whole movement was no likely spasm"
RENAMED = "the whole movement was another kind of spasm"
FORMS = {
    "kept": [(Kind.SPASM, Phase.START), (Kind.SPASM, Phase.END)],
    "renamed": [(Kind.SPASM, Phase.START), (Kind.CLONUS, Phase.UPDATE), (Kind.CLONUS, Phase.END)],
    "taken back at its end": [(Kind.SPASM, Phase.START), (Kind.MOVEMENT, Phase.END)],
    "taken back after its end": [
        (Kind.SPASM, Phase.START), (Kind.SPASM, Phase.END), (Kind.PLM, Phase.END),
    ],
    "withdrawn": [(Kind.CLONUS, Phase.START), (Kind.MOVEMENT, Phase.UPDATE)],
    "doubted for a while": [
        (Kind.SPASM, Phase.START), (Kind.CLONUS, Phase.UPDATE), (Kind.SPASM, Phase.END),
    ],
    "never announced": [(Kind.TWITCH, Phase.END)],
}  # fmt: skip


@pytest.mark.parametrize(
    ("nights", "text"),
    [
        (["never announced"], "none."),
        (["kept"], "1. Later findings changed none of them."),
        (["doubted for a while"], "1. Later findings changed none of them."),
        (["taken back at its end"], f"1. 1 was taken back: {BACK}."),
        (["kept", "withdrawn", "taken back after its end"], f"3. 2 were taken back: {BACK}."),
        (["renamed", "kept"], f"2. 1 was renamed: {RENAMED}."),
        (list(FORMS), f"6. 3 were taken back: {BACK}. 1 was renamed: {RENAMED}."),
    ],
)
def test_announcements_that_did_not_hold_are_counted_however_events_interleave(nights, text):
    lives = [
        [event(kind, id=str(n), phase=phase) for kind, phase in FORMS[name]]
        for n, name in enumerate(nights)
    ]
    beside = chain.from_iterable(zip_longest(*lives))

    assert announced_line(chain.from_iterable(lives)) == f"Announced as they began: {text}"
    assert announced_line(filter(None, beside)) == f"Announced as they began: {text}"


def test_what_was_found_is_counted_by_what_the_wearer_did():
    found = [
        event(Kind.CLONUS, context=EventContext.RESTING),
        event(Kind.SPASM, context=EventContext.UP),
        event(Kind.TONIC),
        event(Kind.TWITCH, context=EventContext.RESTLESS),
    ]
    assert summary(found) == (
        "3 likely spasms, 1 of them clonus. 1 at rest, 1 while up, 1 where that is not known. "
        "1 twitch."
    )
    assert summary([event(Kind.SPASM)]) == "1 likely spasm.", "nothing is known of any"
    assert summary(found[3:]) == "No likely spasms. 1 twitch."


def test_a_clonus_that_was_more_likely_none_is_counted_apart():
    def clonus(share: float | None) -> Event:
        rest = None if share is None else 1 - share
        shares = None if rest is None else {"clonus": share, "tremor": 0.0, "voluntary": rest}
        return event(Kind.CLONUS, shares=shares)

    spasm = event(Kind.SPASM, shares=None)
    found = [clonus(None), clonus(0.34), clonus(0.2), clonus(0.1), spasm]
    assert summary(found).startswith("5 likely spasms, 4 of them clonus, 2 of these not sure.")
    assert summary([clonus(0.2)]).startswith("1 likely spasm, a clonus, not sure.")
    assert summary([clonus(0.9)]).startswith("1 likely spasm, a clonus.")


def test_the_last_lines_say_how_many_began_in_which_context():
    counts = {Kind.CLONUS: 2, Kind.TWITCH: 1}
    contexts = {EventContext.RESTING: 1, EventContext.RESTLESS: 1, None: 0}
    night = night_end(counts=counts, contexts=contexts)

    assert (
        ending_lines(night, "spasmwatch")[1]
        == f"{count_words(counts, contexts)} Alerts: 0."
        == "2 likely spasms, all of them clonus. 1 at rest, 1 while restless. 1 twitch. Alerts: 0."
    )
    assert json.loads(ending_json(night))["contexts"] == {"resting": 1, "restless": 1, "up": 0}


def night_end(**fields) -> NightEnd:
    values = {
        "monitored_s": 125.0, "samples": 6500, "gap_count": 0, "longest_gap_s": 0.0,
        "counts": {}, "alerts": 0, "recordings": [Path("night.sqlite")],
    }  # fmt: skip
    return NightEnd(**(values | fields))


def test_a_night_without_a_sample_says_only_that_nothing_was_watched():
    said = ending_lines(night_end(monitored_s=0.0, samples=0), "spasmwatch")

    assert said == ["Night finished. Nothing was watched: the sensor was not heard."]


def test_an_alert_that_is_left_open_is_among_the_last_lines():
    left = Alert(
        id="0",
        episode="1",
        state=AlertState.RAISED,
        alert_class=AlertClass.CLINICAL,
        level=Level.HIGH,
        kind="spasm",
        reason="3 spasms in 10min",
        rule="3 spasms in 10min",
    )
    for samples in (0, 6500):
        said = ending_lines(night_end(samples=samples, open_alerts=[left]), "spasmwatch")
        assert "Alert still open: 3 spasms in 10 min." in said


@pytest.mark.parametrize(
    ("count", "longest_s", "words"),
    [
        (0, 0.0, "no gap"),
        (1, 0.019, "1 gap (under 0.1 s)"),
        (1, 0.06, "1 gap (0.1 s)"),
        (3, 0.04, "3 gaps (longest under 0.1 s)"),
        (2, 4.0, "2 gaps (longest 4.0 s)"),
    ],
)
def test_a_gap_is_never_said_to_last_no_time(count, longest_s, words):
    first = ending_lines(night_end(gap_count=count, longest_gap_s=longest_s), "spasmwatch")[0]

    assert first == f"Night finished: 2 min 5 s watched, {words}."


def test_a_night_that_went_on_says_since_when_it_counts_alerts():
    [_, counts, *_] = ending_lines(night_end(went_on=True), "spasmwatch")
    assert "Alerts since it went on: " in counts


def test_every_count_of_a_heartbeat_that_is_not_made_good_is_among_the_last_lines():
    assert set(COUNTS) == {*LOSSES, "unheard", "unconfirmed"}
    for name in LOSSES:
        lines = ending_lines(night_end(losses={name: 2}), "spasmwatch")
        [said] = [line for line in lines if line.startswith("Not taken or lost: 2 ")]
        assert LOSSES[name][0] in said
    quiet = ending_lines(night_end(losses=dict.fromkeys(COUNTS, 0)), "spasmwatch")
    assert not [line for line in quiet if "lost" in line]
    why = "by must be text"
    [*_, said] = [
        line
        for line in ending_lines(night_end(last_refusal=why), "spasmwatch")
        if "not obeyed" in line
    ]
    assert said == "The latest command that was not obeyed: by must be text."


def test_a_recording_with_holes_and_events_without_a_place_are_named():
    whole = ending_lines(night_end(), "spasmwatch")
    assert not [line for line in whole if "kept" in line or "whole" in line]
    said = ending_lines(night_end(incomplete=True, not_kept=Path("d")), "spasmwatch")
    assert "The events of this night were not kept: d could not be written." in said
    assert "The recording is not whole: the disk did not take part of this night." in said
    said = ending_lines(night_end(recordings=[], not_kept=Path("d")), "spasmwatch")
    assert "Nothing of this night was kept: d could not be written." in said
