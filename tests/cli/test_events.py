"""`events` shows what is kept of a night: each event once, and nothing is written for it."""

from __future__ import annotations

import csv
import io
import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from detector.alerts.commands import LabelEvent, SaidKind, Taken, Withdraw
from detector.events import Kind, Origin, Phase, format_utc, to_dict, to_json
from detector.store.log import of_command
from detector.store.state import State

from ..kit.kept_night import BEGAN, a_kept_night, jerking, keep, packets, record

NOON = timedelta(hours=12)


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def ask(spasmwatch, data):
    return lambda *words, **env: spasmwatch("--data-dir", data, "events", *words, **env)


def contents(folder):
    return {each: each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def say(data, *commands, at=BEGAN + timedelta(hours=9)):
    with closing(State.open(data / "state.sqlite")) as state:
        entries = [of_command(c, at=at, whose=None, source=Origin.LIVE) for c in commands]
        state.commit(at=at, entries=entries)


def test_json_is_what_detect_prints_and_no_file_is_touched(ask, data, spasmwatch):
    kept = a_kept_night(data)
    before = contents(data)

    done = ask("2026-11-20", "--json")
    again = spasmwatch("detect", data / "nights" / "2026-11-20.sqlite", "--json")

    assert len(kept) >= 2
    assert done.stdout == "".join(to_json(event) + "\n" for event in kept)
    same = [json.loads(line) | {"source": "live"} for line in again.stdout.splitlines()]
    assert [json.loads(line) for line in done.stdout.splitlines()] == same
    assert (done.returncode, contents(data)) == (0, before)


def test_only_the_final_form_is_shown_and_nothing_that_goes_on(ask, data):
    (one, *_) = a_kept_night(data)
    begun = replace(one, id="begun", phase=Phase.START)
    taken_back = replace(one, id="back", phase=Phase.UPDATE, kind=Kind.MOVEMENT)
    keep(data, [begun, taken_back, replace(one, kind=Kind.TREMOR, revision=one.revision + 1)])

    shown = [json.loads(line) for line in ask("--json").stdout.splitlines()]

    assert {"begun", "back"}.isdisjoint(each["id"] for each in shown)
    assert [each["kind"] for each in shown if each["id"] == one.id] == ["tremor"]


def test_a_service_that_runs_is_read_beside_and_goes_on(ask, data):
    kept = a_kept_night(data)
    with closing(State.open(data / "state.sqlite")) as state:
        later = replace(kept[0], id="later", onset=kept[0].onset + timedelta(hours=1))
        state.commit(at=BEGAN, events=[later])
        done = ask("--json")
        state.commit(at=BEGAN, events=[replace(later, id="after")])
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()][-1] == "later"


def test_kinds_are_chosen_and_others_left_out(ask, data):
    kept = a_kept_night(data)
    kinds = {event.kind for event in kept}
    for kind in Kind:
        shown = [json.loads(x)["kind"] for x in ask("--json", "--kind", kind).stdout.splitlines()]
        assert set(shown) == ({kind.value} & {each.value for each in kinds})
        assert len(shown) == sum(event.kind is kind for event in kept)


def test_labels_stand_beside_events_until_they_are_taken_back(ask, data):
    kept = a_kept_night(data)
    said = BEGAN + timedelta(hours=9)
    say(data, LabelEvent(by="anna", event=kept[0].id, verdict=SaidKind.NOT_A_SPASM), at=said)
    assert "[not a spasm (anna)]" in ask().stdout
    rows = list(csv.DictReader(io.StringIO(ask("--csv").stdout)))
    assert [row["label"] for row in rows] == ["not a spasm (anna)", *[""] * (len(kept) - 1)]

    say(
        data,
        Withdraw(by="anna", what=Taken.LABEL, said=said),
        at=said + timedelta(hours=2),
    )
    assert "anna" not in ask().stdout + ask("--csv").stdout


def test_csv_holds_the_numbers_of_json_with_a_point_whatever_the_locale(ask, data):
    a_kept_night(data)
    done = ask("--csv", LC_ALL="de_DE.UTF-8")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    lines = [json.loads(line) for line in ask("--json").stdout.splitlines()]
    assert [float(row["onset"]) for row in rows] == [each["onset_s"] for each in lines]
    assert [row["id"] for row in rows] == [each["id"] for each in lines]


def test_a_text_cannot_become_a_formula(ask, data):
    (one, *_) = a_kept_night(data)
    keep(data, [replace(one, reason="=HYPERLINK(1)", facts={}, revision=one.revision + 1)])
    rows = list(csv.DictReader(io.StringIO(ask("--csv").stdout)))
    assert "'=HYPERLINK(1)" in {row["reason"] for row in rows}


@pytest.mark.parametrize(
    ("evening", "hours"), [("2026-03-28", 23), ("2026-10-24", 25), ("2026-11-20", 24)]
)
def test_a_night_is_from_noon_to_noon_also_when_clocks_change(ask, data, evening, hours):
    """The nights of 23 and of 25 hours: each moment belongs to one night, and to one only."""
    (one, *_) = a_kept_night(data)
    noon = datetime.fromisoformat(f"{evening}T{'11' if evening != '2026-10-24' else '10'}:00Z")
    for hour in range(-1, hours + 2):
        onset = noon + timedelta(hours=hour)
        keep(data, [replace(one, id=f"{hour}", onset=onset, end=onset)])
    done = ask(evening, "--json", SPASMWATCH_WEARER__TIME_ZONE="Europe/Berlin")
    shown = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["id"] for each in shown if len(each["id"]) < 4] == [f"{h}" for h in range(hours)]


def test_since_takes_every_night_from_one_on(ask, data):
    (one, *_) = a_kept_night(data)
    days = [one.onset + timedelta(days=n) for n in (-40, -2, 0)]
    keep(data, [replace(one, id=f"d{n}", onset=at, end=at) for n, at in enumerate(days)])
    for since, least in (("1990-01-01", "d0"), ("2026-11-18", "d1"), ("2026-11-19", None)):
        shown = [json.loads(x)["id"] for x in ask("--since", since, "--json").stdout.splitlines()]
        assert shown[0] == (least or one.id)
    assert "No night is kept from" in ask("--since", "2030-01-01").stderr


def test_more_than_a_page_of_events_comes_whole(ask, data):
    (one, *_) = a_kept_night(data)
    many = [
        replace(one, id=f"n{n:04}", onset=at, end=at)
        for n in range(450)
        for at in [datetime(2026, 1, 5, 23, tzinfo=UTC) + timedelta(seconds=n // 3)]
    ]
    keep(data, many)
    shown = [json.loads(x)["id"] for x in ask("2026-01-05", "--json").stdout.splitlines()]
    assert shown == [event.id for event in many]


def test_a_damaged_row_costs_itself_and_is_told(ask, data):
    kept = a_kept_night(data)
    with closing(State.open(data / "state.sqlite")) as state:
        state._db.execute("UPDATE event SET body = '{' WHERE id = ?", (kept[0].id,))
    done = ask("--json")
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [
        event.id for event in kept[1:]
    ]
    assert "1 row of the state cannot be read" in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["2026-11-19"], 66, "Nothing is kept of the night of 2026-11-19"),
        (["yesterday"], 2, "names no night"),
        (["0001-01-01"], 2, "names no night"),
        (["9999-12-31"], 2, "names no night"),
        (["last", "--since", "7d"], 2, "Name one NIGHT"),
        (["--csv", "--json"], 2, "choose one"),
        (["--since", "soon"], 2, "names no night"),
        (["--kind", "cramp"], 2, "cramp"),
    ],
)
def test_what_is_asked_wrongly_gets_one_sentence(ask, data, words, code, told):
    a_kept_night(data)
    done = ask(*words)
    assert (done.returncode, done.stdout) == (code, "")
    assert told in done.stderr


def test_without_a_night_it_says_how_to_make_one(ask, data):
    done = ask()
    assert (done.returncode, done.stdout) == (66, "")
    assert "run" in done.stderr
    assert not data.exists()


def test_a_night_with_a_recording_alone_is_a_night(ask, data):
    record(data, packets(jerking(20, 50, ()), 50))
    done = ask()
    assert done.returncode == 0
    assert "Friday 20 November 2026" in done.stdout
    assert "No likely spasms" in done.stdout


def test_it_is_no_medical_device_and_says_so(ask, data):
    a_kept_night(data)
    assert "Not a medical device" in ask("--plain").stderr


def test_every_event_has_each_field_of_its_schema(ask, data):
    (one, *_) = a_kept_night(data)
    line = json.loads(ask("--json").stdout.splitlines()[0])
    assert set(line) == set(to_dict(one))
    assert line["onset"] == format_utc(one.onset)
