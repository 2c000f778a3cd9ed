"""Screens of what was: earlier nights, one night, and why an event was found."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from detector.alerts.commands import Acknowledge, AddNote, LabelEvent, NoteKind, SaidKind
from detector.events import Kind
from detector.people.people import Role
from detector.status import StateWord, Status

from .recorded_night import clonus, dated, record
from .screens import MIN, NOW, browser, device, opened
from .stand import Bedroom, standing

VIEWS = (("", False, "phone"), ("-night", True, "phone"), ("-320", False, "narrow"))

PAST = {
    "nights": "/nights",
    "night": f"/nights/{NOW.date() - timedelta(days=1)}",
    "event": "/events/",
}
"""Screens of what was, and where they are; an event's address ends with its id."""


def history(folder: Path) -> tuple[Bedroom, str]:
    """Return a night with a recording in this folder, some before it, and an event's id."""
    samples, events = clonus()
    room = Bedroom(now=lambda: NOW, recordings=folder)
    for nights in (6, 4, 3, 1):
        begin = timedelta(days=nights, minutes=300)
        room.show(Status(StateWord.WATCHING), begin)
        for number in range(nights):
            room.move(Kind.SPASM, begin - (40 + 31 * number) * MIN, 2.6)
        if nights == 3:
            room.show(Status(StateWord.NO_SIGNAL, why="not heard"), begin - 200 * MIN)
            room.show(Status(StateWord.WATCHING), begin - 242 * MIN)
        room.show(Status(StateWord.NO_SIGNAL, why="stopped"), begin - 470 * MIN)
    room.show(Status(StateWord.WATCHING), 281 * MIN)
    room.move(Kind.SPASM, 250 * MIN, 2.4)
    room.move(Kind.TWITCH, 214 * MIN, 0.4)
    room.show(Status(StateWord.NO_SIGNAL, why="the sensor is not heard"), 190 * MIN)
    room.show(Status(StateWord.WATCHING), 169 * MIN)
    begin = NOW - 155 * MIN
    event = replace(dated(events[0], begin, record(folder, begin, samples)), episode="e1")
    room.keep(event)
    assert event.onset is not None
    room.alarm(raised_at=event.onset, at=event.onset, episode="e1")
    room.move(Kind.TURN, 133 * MIN, 3.1)
    room.obey(Acknowledge(by="sam"))
    room.obey(AddNote(by="sam", text="baclofen, 10 mg", kind=NoteKind.MEDICATION))
    room.obey(LabelEvent(by="anna", verdict=SaidKind.CLONUS, event=event.id))
    return room, event.id


def draw_past(folder: Path) -> None:
    """Draw the screens of what was."""
    with browser() as chromium, tempfile.TemporaryDirectory() as data:
        room, event = history(Path(data))
        with standing(Path(data), room) as stand:
            token = stand.let_in("anna", Role.CAREGIVER)
            for name, path in PAST.items():
                for suffix, dark, size in VIEWS:
                    context = device(chromium, stand, token, dark=dark, size=size)
                    page = opened(context, stand, path + (event if name == "event" else ""))
                    page.screenshot(path=folder / f"{name}{suffix}.png", full_page=True)
                    context.close()
