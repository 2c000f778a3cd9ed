"""Earlier nights and the reasons of events on the page: bounded, and never in the way."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from detector.alerts.commands import Acknowledge, AddNote, LabelEvent, NoteKind, SaidKind
from detector.evenings import bounds, evening_of
from detector.events import Kind
from detector.people.people import Role
from detector.report.movement import SeenMovement
from detector.service.presentation.history import MOST_ASKING, NightHistory
from detector.status import StateWord, Status
from detector.store.formats.excerpt import excerpt
from detector.store.past import MOST
from detector.web.access.guard import form_token
from detector.web.history.asked import BusyError
from detector.web.history.pictures import spectrum, trace

from .recorded_night import FS, clonus, dated, record
from .stand import Bedroom, ask, standing

NOW = datetime(2026, 11, 21, 7, 0, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
EVENING = date(2026, 11, 20)


def a_room(**more: Any) -> Bedroom:
    """A night from 22:00 to 06:30 with a gap, and an hour of the night before."""
    moment = [NOW]
    room = Bedroom(now=lambda: moment[0], **more)
    room.show(Status(StateWord.WATCHING), 33 * HOUR)
    room.show(Status(StateWord.NO_SIGNAL, why="stopped"), 32 * HOUR)
    room.show(Status(StateWord.WATCHING), 9 * HOUR)
    event = room.move(Kind.CLONUS, 6 * HOUR, 66.0, id="c1", episode="c1", reason="steady beats")
    room.alarm(episode=event.id, raised_at=event.onset)
    room.move(Kind.TURN, 5 * HOUR, 3.0, id="t1")
    room.show(Status(StateWord.NO_SIGNAL, why="not heard"), 4 * HOUR)
    room.show(Status(StateWord.WATCHING), 3 * HOUR)
    room.move(Kind.SPASM, 2 * HOUR, 2.0, id="s1")
    room.obey(AddNote(by="sam", text="baclofen, 10 mg", kind=NoteKind.MEDICATION))
    room.show(Status(StateWord.NO_SIGNAL, why="stopped"), HOUR / 2)
    return room


def asked(room: Bedroom, what: str, *values: Any) -> Any:
    async def answer() -> Any:
        past = room.past()
        try:
            return await getattr(past, what)(*values)
        finally:
            past.close()

    return asyncio.run(answer())


def test_a_list_of_nights_says_how_long_each_was_watched_and_what_was_found() -> None:
    view = asked(a_room(), "nights", None)
    last, before = view["nights"]
    assert (last["evening"], before["evening"]) == ("2026-11-20", "2026-11-19")
    assert last["watched"] == "Watched for 7 h 30 min, from 22:00 to 06:30."
    assert last["gaps"] == "1 gap, 1 h 0 min in all."
    assert last["counts"] == "2 likely spasms, 1 of them clonus. 1 other movement."
    assert last["rate"] == "0.3 likely spasms an hour."
    assert last["alerts"] == "1 alert."
    assert before["watched"] == "Watched for 1 h 0 min, from 22:00 to 23:00."
    assert (view["earlier"], view["later"]) == (None, None)


def test_a_night_that_ended_without_a_word_is_known_up_to_its_last_entry() -> None:
    room = Bedroom(now=lambda: NOW)
    room.show(Status(StateWord.WATCHING), 33 * HOUR)
    room.move(Kind.SPASM, 32 * HOUR)  # then it was killed
    room.show(Status(StateWord.WATCHING), 9 * HOUR)
    last, before = asked(room, "nights", None)["nights"]
    assert before["watched"] == "Watched for 1 h 0 min, from 22:00 to 23:00."
    assert last["watched"] == "Watched for 9 h 0 min, from 22:00 on."


def test_one_night_has_its_events_answers_and_notes() -> None:
    room = a_room()
    room.obey(Acknowledge(by="sam"))
    room.obey(LabelEvent(by="anna", verdict=SaidKind.NOT_A_SPASM, alert=next(iter(room.alerts))))
    view = asked(room, "night", EVENING)
    assert [row["id"] for row in view["events"]] == ["c1", "t1", "s1"]
    assert view["events"][0]["label"] == "not a spasm (anna)"
    assert [span["state"] for span in view["timeline"]["spans"]] == [
        "watching", "no_signal", "watching", "no_signal",
    ]  # fmt: skip
    assert any("sam is on it" in line["words"] for line in view["answers"])
    assert [line["words"] for line in view["said"]] == [
        "Note by sam: baclofen, 10 mg",
        "Labelled by anna: not a spasm.",
    ]
    assert asked(room, "night", date(2020, 1, 1)) is None


def test_older_nights_are_found_page_by_page() -> None:
    room = Bedroom(now=lambda: NOW)
    for days in (0, 3, 9, 40):
        room.move(Kind.SPASM, timedelta(days=days, hours=3))
    seen: list[str] = []
    until: date | None = None
    for _ in range(5):
        view = asked(room, "nights", until)
        seen += [night["evening"] for night in view["nights"]]
        if view["earlier"] is None:
            break
        until = date.fromisoformat(view["earlier"])
    assert seen == ["2026-11-20", "2026-11-17", "2026-11-11", "2026-10-11"]


@pytest.mark.parametrize(
    "zone", [UTC, ZoneInfo("Europe/Amsterdam"), ZoneInfo("Pacific/Apia"), None]
)
def test_every_moment_belongs_to_one_night(zone: Any) -> None:
    for hours in range(0, 24 * 400, 7):
        moment = datetime(2026, 1, 1, tzinfo=UTC) + hours * HOUR
        since, until = bounds(evening_of(moment, zone), zone)
        assert since <= moment < until


def test_a_question_reads_pages_that_a_commit_can_come_between() -> None:
    room = Bedroom(now=lambda: NOW)
    for number in range(MOST + 50):
        room.move(Kind.TWITCH, timedelta(seconds=9000 + number))
    sizes: list[int] = []
    plain = room.ask

    async def measured(question: Any) -> Any:
        found = await plain(question)
        sizes.append(len(found))
        return found

    room.ask = measured  # type: ignore[method-assign]
    view = asked(room, "night", EVENING)
    assert len(view["events"]) == MOST + 50
    assert max(sizes) <= MOST


def test_too_many_who_ask_at_once_are_told_to_wait(tmp_path: Path) -> None:
    room = a_room()

    async def check() -> None:
        past = room.past()
        answers = await asyncio.gather(
            *(past.nights(None) for _ in range(MOST_ASKING + 3)), return_exceptions=True
        )
        assert sum(isinstance(each, BusyError) for each in answers) == 3
        assert sum(isinstance(each, dict) for each in answers) == MOST_ASKING
        past.close()

    asyncio.run(check())


def recorded_room(folder: Path) -> tuple[Bedroom, str]:
    samples, events = clonus()
    begin = NOW - 5 * HOUR
    name = record(folder, begin, samples, wait_s=3600.0)
    room = a_room(recordings=folder)
    event = dated(events[0], begin, name)
    room.keep(event)
    return room, event.id


def test_an_event_is_explained_from_its_recording(tmp_path: Path) -> None:
    room, name = recorded_room(tmp_path)
    view = asked(room, "event", name)
    assert (view["title"], view["missing"], view["remark"]) == ("Likely clonus", "", "")
    numbers = {row["what"]: row for row in view["rules"][0]["rows"]}
    assert numbers["rate"]["passed"] is True
    assert "Hz" in numbers["rate"]["measured"]
    assert len(view["trace"]["lines"]) == 1
    assert "Strongest at" in view["spectrum"]["words"]
    assert 4.0 < float(view["spectrum"]["words"].split()[2]) < 8.0


@pytest.mark.parametrize(
    ("recording", "enabled", "words"),
    [
        ("2026-11-01", True, "the recording was deleted"),
        ("../../etc/passwd", True, "unknown name"),
        (None, True, "this night was not recorded"),
        (None, False, "recording is switched off"),
    ],
)
def test_without_its_recording_an_event_still_has_its_reason(
    tmp_path: Path, recording: str | None, enabled: bool, words: str
) -> None:
    room = a_room(recordings=tmp_path, recording=enabled)
    event = dated(clonus()[1][0], NOW - HOUR, recording)
    room.keep(event)
    view = asked(room, "event", event.id)
    assert words in view["missing"]
    assert view["reason"] != ""
    assert (view["trace"], view["rules"]) == (None, [])


def test_a_damaged_recording_is_said_to_be_unreadable(tmp_path: Path) -> None:
    room, name = recorded_room(tmp_path)
    (tmp_path / "2026-11-20.sqlite").write_bytes(b"SQLite format 3\0" + bytes(5000))
    assert "cannot be read" in asked(room, "event", name)["missing"]


def test_an_excerpt_has_the_samples_of_its_time_and_no_others(tmp_path: Path) -> None:
    samples, _ = clonus()
    begin = NOW - HOUR
    name = record(tmp_path, begin, samples, wait_s=1800.0)
    since = begin + timedelta(seconds=200)
    part = excerpt(tmp_path / f"{name}.sqlite", since, since + timedelta(seconds=100))
    found = np.concatenate([block.samples for block in part.blocks])
    first = part.timebase.at_s(0.0)
    assert first is not None
    assert abs((first - since).total_seconds()) < 1.0
    place = round((first - begin).total_seconds() * FS)
    wanted = np.round(samples[place - 50 : place + 50 + len(found)], 3)
    offsets = [n for n in range(100) if np.allclose(wanted[n : n + len(found)], found, atol=1e-9)]
    assert len(offsets) == 1
    assert len(found) == pytest.approx(100 * FS, abs=FS)


def test_a_trace_leaves_no_peak_out_and_hatches_what_is_missing() -> None:
    values = np.zeros((200, 3))
    values[127, 1] = 1.0  # half a second into the event
    seen = SeenMovement(((-2.0, 50.0, values), (10.0, 50.0, np.zeros((900, 3)))))
    made = trace(seen, NOW, 1.0, UTC)
    heights = [float(point.split(",")[1]) for line in made["lines"] for point in line.split()]
    assert min(heights) == pytest.approx(5.0)
    assert [(hole["x"], hole["width"]) for hole in made["holes"]] == [(0.0, 100.0), (233.3, 266.7)]
    assert trace(SeenMovement(()), NOW, 1.0, UTC)["lines"] == []


@pytest.mark.parametrize("hz", [3.0, 5.8, 11.0])
def test_a_spectrum_finds_the_rhythm(hz: float) -> None:
    at_s = np.arange(0, 10, 1 / 50)
    values = np.stack([np.sin(2 * np.pi * hz * at_s), 0 * at_s, 0 * at_s], axis=1)
    made = spectrum(SeenMovement(((0.0, 50.0, values),)), 10.0, (3.0, 8.0))
    assert made is not None
    assert float(made["words"].split()[2]) == pytest.approx(hz, abs=0.25)
    assert spectrum(SeenMovement(((0.0, 50.0, values[:20]),)), 10.0, (3.0, 8.0)) is None
    assert spectrum(SeenMovement(((0.0, 50.0, 0 * values),)), 10.0, (3.0, 8.0)) is None


def test_a_label_on_the_page_of_an_event_comes_back_to_it(tmp_path: Path) -> None:
    with standing(tmp_path, a_room()) as stand:
        token = stand.let_in()
        form = {"token": form_token(token), "event": "s1", "verdict": "not-a-spasm"}
        said = {**form, "back": "event"}
        answer = ask(stand.port, "/say/label", method="POST", token=token, form=said)
        assert (answer.status, answer.headers["location"]) == (303, "/events/s1")
        assert "not a spasm (anna)" in ask(stand.port, "/events/s1", token=token).body
        assert (
            ask(stand.port, "/say/label", method="POST", token=token, form=form).headers["location"]
            == "/"
        )


def test_who_may_only_read_sees_no_buttons(tmp_path: Path) -> None:
    with standing(tmp_path, a_room()) as stand:
        token = stand.let_in("office", Role.READ_ONLY)
        answer = ask(stand.port, "/events/c1", token=token)
        assert answer.status == 200
        assert "<form" not in answer.body
        for path in ("/nights", "/nights/2026-11-20"):
            assert ask(stand.port, path, token=token).status == 200


@pytest.mark.parametrize("path", ["/nights", "/nights/2026-11-20", "/events/c1"])
def test_nobody_sees_a_night_who_is_not_let_in(tmp_path: Path, path: str) -> None:
    with standing(tmp_path, a_room()) as stand:
        answer = ask(stand.port, path)
        assert (answer.status, answer.headers["location"]) == (303, "/pair")
        assert ask(stand.port, "/movement").status == 401


@pytest.mark.parametrize(
    "path",
    [
        "/nights/2026-13-01", "/nights/0001-01-01", "/nights/9999-12-31", "/nights/x",
        "/nights?until=9999-99-99", "/events/none", "/events/%2e%2e", "/events/%00",
        "/events/" + "a" * 3000, "/nights/2020-01-01", "/nothing",
    ],
)  # fmt: skip
def test_what_there_is_not_is_said_in_a_sentence(tmp_path: Path, path: str) -> None:
    with standing(tmp_path, a_room()) as stand:
        answer = ask(stand.port, path, token=stand.let_in(), headers={"Accept": "text/html"})
        assert answer.status == 404
        assert "<h1>Nothing is here</h1>" in answer.body
        assert "404" not in answer.body


def test_a_look_into_the_past_holds_up_no_other_page(tmp_path: Path) -> None:
    """While recordings are judged again, the loop answers as ever."""
    folder = tmp_path / "nights"
    folder.mkdir()
    room, name = recorded_room(folder)
    with standing(tmp_path, room) as stand:
        token = stand.let_in()
        over = threading.Event()

        def look() -> None:
            for _ in range(6):
                assert ask(stand.port, f"/events/{name}", token=token).status == 200
            over.set()

        thread = threading.Thread(target=look)
        thread.start()
        waits_s = []
        while not over.is_set() and len(waits_s) < 2000:
            begun_s = time.perf_counter()
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), stand.loop).result(10)
            waits_s.append(time.perf_counter() - begun_s)
            time.sleep(0.01)
        thread.join(60)
        assert len(waits_s) > 5
        assert np.median(waits_s) < 0.05


def test_an_unused_history_has_no_thread_left() -> None:
    others = set(threading.enumerate())
    past = NightHistory(Bedroom(), Path(), zone=UTC, now=lambda: NOW, recording=True)
    past.close()
    assert set(threading.enumerate()) <= others
