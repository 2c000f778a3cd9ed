"""What the page shows follows from snapshot and log alone, and leaves no time out."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.alert import Alert, AlertClass, AlertState, Level, to_dict
from detector.alerts.commands import (
    Acknowledge,
    AddNote,
    CallForHelp,
    CommandError,
    LabelEvent,
    SaidKind,
    Snooze,
)
from detector.channels import Entry, EntryKind
from detector.events import Kind, Origin
from detector.people.people import Role
from detector.status import Snapshot, StateWord, Status, Vitals
from detector.store.diary import HOURS, MOST_EVENTS, MOST_LINES, MOST_STATES, Diary, Span
from detector.store.known_night import SpanState
from detector.store.log import of_command
from detector.web.actions import ALLOWED, NotAllowedError, command_of
from detector.web.tonight.payload import WIDTH
from detector.web.tonight.timeline import timeline
from detector.web.tonight.view import Scene, lasting, view_of
from detector.words.screens import happened_words, origin_words, whose_words

from .stand import Bedroom

NOW = datetime(2026, 11, 21, 3, 41, 20, tzinfo=UTC)
MIN = timedelta(minutes=1)


def scene(status: Status, **more: object) -> Scene:
    snapshot = Snapshot(status=status, monitored_s=9000.0, counts={Kind.SPASM: 1})
    given: dict[str, object] = {
        "at": NOW, "made_ms": 7, "snapshot": snapshot,
        "vitals": Vitals(data_age_s=0.44, battery_percent=85.6),
        "label": "bedroom", "sensors": ("left-calf",), "zone": UTC,
    }  # fmt: skip
    return Scene(**given | more)  # type: ignore[arg-type]


def test_the_first_thing_is_a_sentence() -> None:
    room = Bedroom(now=lambda: NOW)
    assert room.view()["sentence"] == "Watching. No likely spasm so far."
    room.move(Kind.SPASM, 130 * MIN, 0.0)
    assert room.view()["sentence"] == "Watching. Quiet for 2 h 10 min."
    room.status = Status(StateWord.NO_SIGNAL, why="the sensor is not heard")
    expected = "No signal – not watching. The sensor is not heard."  # noqa: RUF001
    assert room.view()["sentence"] == expected
    room.status = Status(StateWord.PAUSED, why="by sam", until=NOW + 30 * MIN)
    assert room.view()["sentence"].startswith("Paused until 04:11. Until then no alert wakes")
    room.status = Status(StateWord.SPASM, kind=Kind.CLONUS, why="steady beats")
    found = room.view()
    assert (found["shape"], found["words"]) == ("◆", "Clonus")
    assert found["sentence"].endswith("likely, not certain. Steady beats.")


def test_a_service_that_hangs_is_no_signal_whatever_the_night_last_said() -> None:
    found = view_of(scene(Status(StateWord.WATCHING), hung="it hangs"), Diary())
    assert (found["state"], found["shape"], found["detail"]) == ("no_signal", "✕", "It hangs.")


def test_an_alert_says_what_where_since_when_and_who_answered() -> None:
    room = Bedroom(now=lambda: NOW)
    event = room.move(Kind.CLONUS, 2 * MIN, 66.0, episode="e1")
    room.alarm(raised_at=NOW - MIN, episode="e1")
    (alert,) = room.view()["alerts"]
    assert (alert["title"], alert["where"]) == ("Clonus lasting 60 s or longer", "left calf")
    assert (alert["since"], alert["ago"]) == ("03:40", "1 min ago")
    assert alert["reason"] == "Steady 5.8 beats a second for 65 s."
    assert (alert["event"], alert["movement"]) == (event.id, True)
    assert alert["answer"] == "Nobody has answered yet."
    room.obey(CallForHelp(by="alex"))
    first, _ = room.view()["alerts"]
    assert (first["title"], first["movement"]) == ("Call for help", False)


def test_the_most_urgent_alert_that_nobody_answered_is_first() -> None:
    room = Bedroom(now=lambda: NOW)
    for level, state in (
        (Level.LOW, AlertState.RAISED),
        (Level.HIGH, AlertState.ACKNOWLEDGED),
        (Level.MEDIUM, AlertState.ESCALATED),
        (Level.HIGH, AlertState.REPEATED),
    ):
        room.alarm(level=level, state=state, by="sam")
    shown = [(each["level"], each["state"]) for each in room.view()["alerts"]]
    assert shown == [
        ("high", "repeated"),
        ("medium", "escalated"),
        ("low", "raised"),
        ("high", "acknowledged"),
    ]
    for _ in range(30):
        room.alarm()
    assert (len(room.view()["alerts"]), room.view()["more_alerts"]) == (20, 14)


@given(
    st.lists(st.tuples(st.sampled_from([*StateWord, None]), st.integers(0, 800)), max_size=30),
    st.lists(st.integers(0, 900), max_size=20),
)
def test_the_picture_leaves_no_time_out_and_shows_none_twice(
    states: list[tuple[StateWord | None, int]], ago_min: list[int]
) -> None:
    room = Bedroom(now=lambda: NOW)
    for ago in sorted(ago_min, reverse=True):
        room.move(Kind.SPASM, ago * MIN)
    ordered = sorted(states, key=lambda each: -each[1])
    spans = [Span(state, NOW - ago * MIN) for state, ago in ordered if ago * MIN <= HOURS]
    found = timeline(spans, room.diary.events(NOW), NOW, UTC)
    ends = [(span["x"], span["x"] + span["width"]) for span in found["spans"]]
    assert ends[0][0] == 0
    assert ends[-1][1] == pytest.approx(WIDTH, abs=0.2)
    for (_, end), (begin, _) in itertools.pairwise(ends):
        assert end == pytest.approx(begin, abs=0.2)
    assert all(0 <= mark["x"] <= WIDTH for mark in found["marks"])
    names = [span["state"] for span in found["spans"]]
    assert all(a != b for a, b in itertools.pairwise(names))
    assert "spasm" not in names, "a spasm is a mark on time that was watched"


def test_time_of_which_nothing_is_known_is_hatched_and_never_watched() -> None:
    room = Bedroom(now=lambda: NOW)
    room.show(Status(StateWord.WATCHING), 200 * MIN)
    room.move(Kind.SPASM, 150 * MIN)
    room.show(Status(StateWord.WATCHING), 90 * MIN)  # a new process, after one that was killed
    spans = [span["state"] for span in room.view()["timeline"]["spans"]]
    assert spans == ["watching", SpanState.UNKNOWN, "watching"]
    assert room.view()["timeline"]["rows"] == [
        {"begin": "01:11", "end": "02:11", "what": "Not watched", "length": "1 h 0 min"}
    ]
    assert Bedroom(now=lambda: NOW).view()["timeline"]["spans"][0]["state"] == SpanState.UNKNOWN


texts = st.text(max_size=40)


@given(
    st.lists(
        st.builds(
            Entry,
            n=st.integers(1, 500),
            kind=st.sampled_from(EntryKind),
            subject=texts,
            body=texts
            | st.sampled_from(["0", "[]", "null", '"x"', "true"])
            | st.dictionaries(
                st.sampled_from(["kind", "state", "by", "command", "text", "words", "verdict"]),
                texts | st.integers() | st.none(),
            ).map(json.dumps),
            at=st.just(NOW),
            expires=st.just(NOW),
            clinical=st.booleans(),
        )
    )
)
def test_whatever_the_log_holds_there_is_a_view(entries: list[Entry]) -> None:
    diary = Diary()
    diary.take(entries)
    found = view_of(scene(Status(StateWord.WATCHING)), diary)
    assert json.loads(json.dumps(found)) == found
    for line in found["happened"]:
        assert "\n" not in line["words"]


def test_the_diary_is_bounded_and_takes_an_entry_once() -> None:
    room = Bedroom(now=lambda: NOW)
    for number in range(MOST_EVENTS + 50):
        room.move(Kind.SPASM, MIN, id=f"e{number}")
        room.show(Status(list(StateWord)[number % 2]) if number % 2 == 0 else _lost())
    assert len(room.diary.events(NOW)) == MOST_EVENTS
    assert len(room.diary.lines()) == MOST_LINES
    assert len(room.diary.spans(NOW)) <= MOST_STATES
    entry = room.enter(_note("once"))
    room.diary.take([entry, entry])
    words = [line["words"] for line in room.view()["happened"]]
    assert words.count("Note by sam: once") == 1


def _lost() -> Status:
    return Status(StateWord.NO_SIGNAL, why="gone")


def _note(text: str):
    from detector.events import Origin  # noqa: PLC0415
    from detector.store.log import of_command  # noqa: PLC0415

    return of_command(AddNote(by="sam", text=text), at=NOW, whose=None, source=Origin.LIVE)


def test_only_news_wakes_a_page() -> None:
    room = Bedroom(now=lambda: NOW)
    before = room.view()
    room.vitals = Vitals(data_age_s=3.0, battery_percent=86)
    room.monitored_s += 70
    assert lasting(room.view()) == lasting(before)
    room.alarm()
    assert lasting(room.view()) != lasting(before)


def test_events_of_one_id_are_one_line_in_their_latest_form() -> None:
    room = Bedroom(now=lambda: NOW)
    room.move(Kind.SPASM, 3 * MIN, 1.0, id="e1")
    room.move(Kind.CLONUS, 3 * MIN, 9.0, id="e1")
    assert [line["words"] for line in room.view()["happened"]] == ["Clonus, 9.0 s, left calf."]
    assert [mark["kind"] for mark in room.view()["timeline"]["marks"]] == ["clonus"]


@pytest.mark.parametrize("kind", [kind for kind in Kind if not kind.is_spasm_family])
def test_a_spasm_that_is_taken_back_is_gone_from_what_happened(kind: Kind) -> None:
    room = Bedroom(now=lambda: NOW)
    room.move(Kind.SPASM, 4 * MIN, 1.0, id="e0")
    room.move(Kind.SPASM, 3 * MIN, 1.0, id="e1")
    room.move(kind, 3 * MIN, 16.0, id="e1")
    assert [line["event"] for line in room.view()["happened"]] == ["e0"]


@pytest.mark.parametrize(
    ("command", "state", "words"),
    [
        (Acknowledge(by="anna"), AlertState.ACKNOWLEDGED, "anna is on it: clonus lasting"),
        (Snooze(by="anna", minutes=10), AlertState.SNOOZED, "Put off by anna: clonus lasting"),
    ],
)
def test_who_answers_an_alert_is_told_once_and_who_answers_none_is_told_too(
    command: Acknowledge | Snooze, state: AlertState, words: str
) -> None:
    room = Bedroom(now=lambda: NOW)
    said = partial(of_command, at=NOW, whose="k3vq7m2xta", source=Origin.LIVE)
    room.enter(said(command))
    assert len(room.view()["happened"]) == 1
    alert = room.alarm()
    room.alarm(id=alert.id, state=state, by="anna")
    room.enter(said(command))
    told = [line["words"] for line in room.view()["happened"]]
    assert told[0].startswith(words)
    assert len(told) == 3
    room.enter(said(replace(command, by="ben")))
    assert len(room.view()["happened"]) == 4


@pytest.mark.parametrize("hours", [-11, 0, 5])
def test_an_alert_is_put_off_until_a_time_of_the_wearer(hours: int) -> None:
    zone = timezone(timedelta(hours=hours))
    alert = Bedroom().alarm(state=AlertState.SNOOZED, by="anna", until=NOW)
    told = happened_words(EntryKind.ALERT, to_dict(alert), zone)
    assert told.startswith(f"Put off by anna until {NOW.astimezone(zone):%H:%M}: ")


def test_a_test_of_the_alarm_is_named_once() -> None:
    room = Bedroom(now=lambda: NOW)
    room.alarm("self-test", level=Level.TEST, alert_class=AlertClass.TECHNICAL, rule=None)
    assert room.view()["happened"][0]["words"] == "Test of the alarm."


@given(label=st.text(max_size=20))
def test_only_a_live_night_looks_like_one(label: str) -> None:
    for origin in Origin:
        live = origin is Origin.LIVE
        assert (whose_words(label, origin) == label) is live
        assert (origin_words(origin) == "") is live
        assert live or "nobody is watched" in origin_words(origin)


def test_what_a_form_says_is_a_command_of_the_person_who_sent_it() -> None:
    said = {"event": "e1", "verdict": "not-a-spasm", "by": "somebody-else", "alert": ""}
    assert command_of("label", said, by="anna", role=Role.WEARER) == LabelEvent(
        by="anna", event="e1", verdict=SaidKind.NOT_A_SPASM
    )
    with pytest.raises(NotAllowedError, match="your role, wearer"):
        command_of("ack", {}, by="anna", role=Role.WEARER)
    for minutes in ("x", "-1", "1e9", "99999", "²"):
        with pytest.raises(CommandError):
            command_of("pause", {"minutes": minutes}, by="anna", role=Role.CAREGIVER)
    assert not ALLOWED[Role.READ_ONLY]


def test_technical_alerts_have_names_of_their_own() -> None:
    alert = Alert(
        id="a", state=AlertState.RAISED, alert_class=AlertClass.TECHNICAL, level=Level.HIGH,
        kind="no-signal", reason="no-signal: the sensor is not heard", raised_at=NOW - 90 * MIN,
    )  # fmt: skip
    snapshot = Snapshot(status=_lost(), open_alerts=(alert,))
    (shown,) = view_of(scene(_lost(), snapshot=snapshot), Diary())["alerts"]
    assert (shown["title"], shown["shape"], shown["ago"]) == ("No signal", "✕", "1 h 30 min ago")
    assert shown["reason"] == "The sensor is not heard."
    assert shown["movement"] is False
