"""A night's figures are those of its log: whatever it holds they keep their schema, and add up."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector import plain_json
from detector.alert import AlertState
from detector.alerts.commands import LabelEvent, NoteKind, SaidKind, Taken, Withdraw
from detector.evaluation.wearing import context_hours
from detector.events import Event, EventContext, Kind, Origin
from detector.recognition.counts.error_rates import Counted
from detector.recognition.events.movement import fused_name
from detector.report.as_json import payload
from detector.report.lines import report_lines
from detector.report.night import NightReport, report_of
from detector.report.said import ASKED
from detector.report.view import report_view, split_names
from detector.store.known_night import KnownNight
from detector.web.schemas import schemas
from detector.words.phrases import NOTICE

from .made import AMSTERDAM, HOUR, MIN, House, MadeNight, alert, event, note

EVENING = date(2026, 11, 20)
BEGIN = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)


@cache
def validator() -> jsonschema.Draft202012Validator:
    checks = jsonschema.Draft202012Validator.FORMAT_CHECKER
    return jsonschema.Draft202012Validator(schemas()["night-report"], format_checker=checks)


def reported(house: House, evening: date = EVENING) -> NightReport:
    night = house.read().report(evening)
    assert night is not None
    return night


def full_night(folder: Path) -> House:
    """Eight hours with a gap, spasms, notes, a label that was taken back, and an alert."""
    house = House(folder)
    clonus = event(Kind.CLONUS, BEGIN + 3 * HOUR, 66.0, reason="steady beats")
    spasms = [event(Kind.SPASM, BEGIN + 5 * HOUR + n * MIN, 2.0 + n) for n in range(3)]
    others = [event(Kind.TWITCH, BEGIN + HOUR), event(Kind.TURN, BEGIN + 2 * HOUR, 6.0)]
    raised = BEGIN + 3 * HOUR + 62 * MIN / 60
    alerts = [
        alert(AlertState.RAISED, raised, raised),
        alert(AlertState.ACKNOWLEDGED, raised, raised + MIN, by="sam"),
        alert(AlertState.RESOLVED, raised, raised + 4 * MIN),
    ]
    label = LabelEvent(by="anna", verdict=SaidKind.NOT_A_SPASM, event=spasms[1].id)
    said = [
        (BEGIN + MIN, note("tizanidine 4 mg", NoteKind.MEDICATION)),
        (BEGIN + 7 * HOUR, note("stiffness 4")),
        (BEGIN + 7 * HOUR + MIN, note("penn 9")),
        (BEGIN + 7 * HOUR + 2 * MIN, label),
        (BEGIN + 7 * HOUR + 3 * MIN, note("a mistake", by="anna")),
        (
            BEGIN + 7 * HOUR + 4 * MIN,
            Withdraw(by="anna", what=Taken.NOTE, said=BEGIN + 7 * HOUR + 3 * MIN),
        ),
    ]
    house.keep(
        MadeNight(BEGIN, 8, [clonus, *spasms, *others], [(6 * HOUR, 20 * MIN)], said, alerts)
    )
    return house


def test_a_night_is_told_whole(tmp_path: Path) -> None:
    night = reported(full_night(tmp_path))
    body = json.loads(plain_json.line(payload(night)))
    validator().validate(body)
    assert body["coverage"]["watched_s"] == 8 * 3600 - 1200
    likely = body["counts"][0]
    assert (likely["counted"], likely["found"]) == ("likely", 4)
    assert likely["low"] <= likely["middle"] <= likely["high"]
    assert body["burden_s"] == 66 + 2 + 3 + 4
    assert body["burden_share"] == pytest.approx(75 / 27_600, abs=1e-6)
    assert [len(each["events"]) for each in body["episodes"]] == [1, 3]
    assert body["grades"] == {"clonus": [0, 0, 1], "extensor": [1, 2, 0], "flexor": [0, 0, 0]}
    assert next(each["id"] for each in body["longest"]).startswith("clonus")
    (told,) = body["alerts"]
    assert (told["answered_by"], told["escalated"]) == ("sam", False)
    assert told["resolved_at"] is not None
    assert [each["text"] for each in body["notes"]] == ["tizanidine 4 mg", "stiffness 4", "penn 9"]
    assert [(each["scale"], each["value"]) for each in body["answers"]] == [("stiffness", 4)]
    assert next(each["hours"] for each in body["since_medicine"]) == pytest.approx(2.98, abs=0.01)
    assert (body["quality"]["reviewed"], body["quality"]["not_spasms"]) == (1, 1)


def test_no_count_is_told_without_what_is_known_of_its_errors(tmp_path: Path) -> None:
    night = reported(full_night(tmp_path))
    rows = report_view(night)["counts"]
    assert len(rows) == len(Counted)
    for row in rows:
        assert "misses" in row["errors"]
        assert "invents" in row["errors"]
        assert row["truth"] != "not known"
    short = House(tmp_path / "short")
    short.keep(MadeNight(BEGIN, 0.5, [event(Kind.SPASM, BEGIN + MIN)]))
    view = report_view(reported(short))
    assert "less than an hour was watched" in view["headline"]
    assert "less than an hour was watched" in view["counts_note"]


def test_the_text_begins_with_the_sentence_and_ends_with_the_notice(tmp_path: Path) -> None:
    night = reported(full_night(tmp_path))
    for plain in (False, True):
        lines = report_lines(night, width=60, plain=plain)
        assert max(map(len, lines)) <= 60
        assert lines[0] == "Night of Friday 20 November 2026"
        text = " ".join(" ".join(lines).split())
        assert text.index("4 likely spasms found") < text.index("Watched") < text.index("Numbers")
        assert text.endswith(NOTICE)
        assert ("▲ spasm" in text) is not plain
        for judging in ("good", "bad", "worse", "abnormal", "patient", "seizure"):
            assert judging not in text.lower()


def test_fewer_nights_than_five_have_no_usual(tmp_path: Path) -> None:
    house = House(tmp_path)
    for back in range(9, 0, -1):
        begin = BEGIN - timedelta(days=back)
        spasms = [event(Kind.SPASM, begin + n * HOUR) for n in range(1, 4)]
        house.keep(MadeNight(begin, 8, spasms))
    house.keep(MadeNight(BEGIN, 8, [event(Kind.SPASM, BEGIN + 20 * n * MIN) for n in range(1, 20)]))
    night = reported(house)
    assert night.usual is not None
    assert night.usual.nights == 9
    assert report_view(night)["headline"].startswith("A busier night than usual for you: 19 ")
    early = reported(house, EVENING - timedelta(days=5))
    assert early.usual is None
    assert early.standing is None


@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4, unique=True))
def test_names_of_sensors_are_split_as_they_were_joined(names: list[str]) -> None:
    assert split_names(fused_name(names)) == sorted(names)


@st.composite
def known_nights(draw: st.DrawFn) -> KnownNight:
    hostile = st.text(max_size=30)
    spans = draw(st.lists(st.tuples(st.integers(0, 86_399), st.floats(0, 600)), max_size=20))
    events: list[Event] = [
        event(
            draw(st.sampled_from(Kind)),
            BEGIN + timedelta(seconds=onset - 36_000),
            lasts,
            id=f"e{n}",
            reason=draw(hostile),
            sensor=draw(hostile),
            context=draw(st.none() | st.sampled_from(EventContext)),
        )
        for n, (onset, lasts) in enumerate(spans)
    ]
    return KnownNight(evening=EVENING, now=BEGIN + 15 * HOUR, zone=AMSTERDAM, events=tuple(events))


@given(known_nights())
@settings(max_examples=60)
def test_whatever_events_there_are_the_report_keeps_its_schema_and_its_lines(
    known: KnownNight,
) -> None:
    night = report_of(
        known, context_hours, origin=Origin.LIVE, label="bedroom", model="learned-v1", site="ankle"
    )
    body: dict[str, Any] = json.loads(plain_json.line(payload(night)))
    validator().validate(body)
    assert sum(body["counts"][0:1][0][k] for k in ("found",)) == sum(
        hour["clonus"] + hour["other_likely"] for hour in body["hours"]
    )
    assert sum(len(each["events"]) for each in body["episodes"]) == body["counts"][0]["found"]
    for line in report_lines(night, width=60):
        assert line.isprintable()


def test_a_scale_is_read_only_where_it_was_answered() -> None:
    assert ASKED.fullmatch(" Stiffness 10 ")
    for text in ("stiffness", "stiffness 4 today", "my stiffness 4", "stiffness -1", "ashworth 2"):
        assert not ASKED.fullmatch(text)
