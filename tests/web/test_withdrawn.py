"""What is taken back is shown nowhere, all else everywhere, and the log is whole."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.alerts.commands import (
    AddNote,
    Command,
    CommandError,
    LabelEvent,
    MarkSpasm,
    SaidKind,
    Taken,
    Withdraw,
)
from detector.evenings import evening_of
from detector.events import Kind
from detector.terminal.said_before import said_tonight

from .stand import Bedroom

BEGUN = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
PEOPLE = ("anna", "ben")
SAID = st.sampled_from(["note", "mark", "label", "undo"])


@settings(max_examples=40)
@given(st.lists(st.tuples(SAID, st.sampled_from(PEOPLE)), max_size=10))
def test_screens_show_what_was_said_and_not_taken_back(said: list[tuple[str, str]]) -> None:
    moment = BEGUN
    room = Bedroom(now=lambda: moment)
    event = room.move(Kind.SPASM, timedelta(minutes=5))
    kept: list[tuple[str, str]] = []
    for number, (what, by) in enumerate(said):
        moment += timedelta(seconds=number + 1)
        command: Command
        if what == "undo":
            mine = [words for who, words in kept if who == by]
            before = said_tonight(room.view())
            assert [line.words for line in before.said if line.by == by] == mine[::-1]
            if not mine:
                continue
            del kept[max(n for n, (who, _) in enumerate(kept) if who == by)]
            last = before.last_of(by)
            command = Withdraw(by=by, what=last.what, said=last.said)
        elif what == "note":
            kept.append((by, f"Note by {by}: {number}"))
            command = AddNote(by=by, text=str(number))
        elif what == "mark":
            kept.append((by, f"A spasm is marked by {by}."))
            command = MarkSpasm(by=by)
        else:
            kept.append((by, f"Labelled by {by}: not a spasm."))
            command = LabelEvent(by=by, event=event.id, verdict=SaidKind.NOT_A_SPASM)
        room.obey(command)

    words = [words for _, words in kept]
    lines = [line["words"] for line in room.view()["happened"] if line["kind"] != "event"]
    assert lines == words[::-1]
    night = asyncio.run(room.past().night(evening_of(moment, UTC)))
    assert night is not None
    assert [line["words"] for line in night["said"]] == words
    labels = [by for by, text in kept if text.startswith("Labelled")]
    shown = next(row["label"] for row in night["events"] if row["id"] == event.id)
    assert shown == (f"not a spasm ({labels[-1]})" if labels else "")
    assert room.state.last == 1 + len(room.obeyed), "nothing was rewritten"


def test_a_label_is_of_the_latest_likely_spasm_and_of_no_twitch() -> None:
    room = Bedroom(now=lambda: BEGUN)
    with pytest.raises(CommandError, match="no likely spasm was found"):
        said_tonight(room.view()).latest_event()
    room.move(Kind.SPASM, timedelta(minutes=9), id="e1")
    room.move(Kind.CLONUS, timedelta(minutes=5), 9.0, id="e2")
    room.move(Kind.TWITCH, timedelta(minutes=2), 0.3, id="e3")
    latest = said_tonight(room.view()).latest_event()
    assert (latest.id, latest.words) == ("e2", "clonus at 00:55:00, 9.0 s, left calf")


def test_nobody_takes_back_what_another_said() -> None:
    room = Bedroom(now=lambda: BEGUN)
    room.obey(AddNote(by="anna", text="took baclofen"))
    room.obey(Withdraw(by="ben", what=Taken.NOTE, said=BEGUN))
    assert [line["words"] for line in room.view()["happened"]] == ["Note by anna: took baclofen"]


def test_a_note_of_last_night_is_taken_back_the_day_after() -> None:
    moment = BEGUN
    room = Bedroom(now=lambda: moment)
    room.obey(AddNote(by="anna", text="took baclofen"))
    moment += timedelta(hours=30)
    room.obey(Withdraw(by="anna", what=Taken.NOTE, said=BEGUN))
    night = asyncio.run(room.past().night(evening_of(BEGUN, UTC)))
    assert night is None or night["said"] == []
