"""The live view says what is so, by word, shape and colour, on a terminal of any width."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from detector.alert import AlertState
from detector.alerts.commands import (
    NOTE_MOST,
    Acknowledge,
    AddNote,
    CallForHelp,
    CommandError,
    MarkSpasm,
    PauseAlerts,
    ResumeAlerts,
    Snooze,
)
from detector.events import Kind
from detector.status import Snapshot, StateWord, Status, Vitals
from detector.terminal.night_keys import HELP, Keystrokes, command_of
from detector.terminal.night_view import KEYS, OPEN_MOST, NightView, rendered
from detector.words.answers import answer_words
from tests.alerts.open_alert import LOST

UNTIL = datetime(2026, 11, 21, 2, 30, tzinfo=UTC)
STATES = [
    (Status(StateWord.WATCHING), "● Watching"),
    (Status(StateWord.SPASM, kind=Kind.SPASM), "▲ Spasm"),
    (Status(StateWord.SPASM, kind=Kind.CLONUS), "◆ Clonus"),
    (Status(StateWord.NO_SIGNAL, why="out of range"), "✕ No signal – not watching"),  # noqa: RUF001
    (Status(StateWord.PAUSED, until=UNTIL), "‖ Paused until 02:30"),
]


def lines(view: NightView, width: int = 100) -> list[str]:
    """Return the view as a terminal without colour shows it."""
    screen = Console(file=io.StringIO(), width=width, no_color=True)
    screen.print(rendered(view))
    assert isinstance(screen.file, io.StringIO)
    return [line.rstrip() for line in screen.file.getvalue().splitlines()]


@pytest.mark.parametrize(("status", "shown"), STATES)
def test_the_state_is_a_word_with_a_shape(status: Status, shown: str) -> None:
    view = NightView("bedroom", Snapshot(status=status), Vitals(data_age_s=0.4), zone=UTC)
    first = lines(view)[1]
    assert first.strip().startswith(shown)
    assert "last data 0.4 s ago" in first


def test_what_is_known_of_the_night_is_five_lines() -> None:
    on_it = replace(LOST, state=AlertState.ACKNOWLEDGED, by="anna")
    counts = {Kind.CLONUS: 1, Kind.SPASM: 2, Kind.TURN: 40}
    now = Snapshot(status=STATES[0][0], open_alerts=(on_it,), counts=counts, monitored_s=3 * 3600.0)
    vitals = Vitals(data_age_s=0.4, rate_hz=51.9, battery_percent=84.0)
    assert lines(NightView("bedroom", now, vitals, strip_g=[0.0, 0.5], zone=UTC)) == [
        "bedroom " + "─" * 92,
        " ● Watching   last data 0.4 s ago   52 samples/s   battery 84 %",
        "  movement  ▁█",
        "  Tonight: 3 likely spasms, 1 of them clonus; watched 3 h 0 min",
        "  ! anna is on it since 22:00: No signal for 2 min: out of range.",
        f"  {KEYS}",
    ]


def test_many_alerts_are_counted_and_hostile_names_are_text() -> None:
    hostile = replace(LOST, reason="no-signal >= 2min: \x1b[2J[bold red]\nx", by="anna")
    now = Snapshot(status=STATES[0][0], open_alerts=(hostile,) * (OPEN_MOST + 2))
    shown = "\n".join(lines(NightView("[red]\x1b[31m", now, Vitals())))
    assert "\x1b" not in shown
    assert "[bold red]" in shown
    assert "and 2 other alerts" in shown
    assert "[red]" in shown


@given(st.integers(20, 200), st.text(max_size=300), st.sampled_from([s for s, _ in STATES]))
def test_no_line_wraps(width: int, answer: str, status: Status) -> None:
    now = Snapshot(status=status, open_alerts=(LOST,) * 3)
    view = NightView("bedroom", now, Vitals(), answer=answer, zone=UTC)
    assert len(lines(view, width)) == 7 + (status.why is not None)


@pytest.mark.parametrize(
    ("typed", "command"),
    [
        ("a", Acknowledge(by="bedside")),
        (" A ", Acknowledge(by="bedside")),
        ("s", Snooze(by="bedside", minutes=30)),
        ("s 10", Snooze(by="bedside", minutes=10)),
        ("p", PauseAlerts(by="bedside", minutes=30)),
        ("p 60", PauseAlerts(by="bedside", minutes=60)),
        ("r", ResumeAlerts(by="bedside")),
        ("m", MarkSpasm(by="bedside")),
        ("h", CallForHelp(by="bedside")),
        ("n took baclofen", AddNote(by="bedside", text="took baclofen")),
    ],
)
def test_a_typed_line_is_a_command(typed: str, command: object) -> None:
    assert command_of(typed) == command
    assert answer_words(command_of(typed), None).endswith(".")


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("x", HELP),
        ("a now", HELP),
        ("p 61", "minutes must be from 1 to 60"),
        ("s 31", "minutes must be from 1 to 30"),
        ("p ²", HELP),
        ("s 99999", HELP),
        ("n", HELP),
    ],
)
def test_what_is_no_command_says_what_is(typed: str, why: str) -> None:
    with pytest.raises(CommandError) as error:
        command_of(typed)
    assert why in str(error.value)


def test_single_keys_are_lines_and_a_note_ends_with_enter() -> None:
    keys = Keystrokes()
    assert keys.feed("am ") == ["a", "m"]
    assert keys.feed("nam") == []
    assert keys.note == "am"
    assert keys.feed("\x7f\x7ftea\n") == ["n tea"]
    assert keys.note is None
    assert keys.feed("nx\x1ba") == ["a"], "escape ends a note"
    assert keys.feed("n\n") == [], "an empty note is none"


@given(st.lists(st.text(max_size=20)))
def test_whatever_is_typed_is_bounded_and_whole(pieces: list[str]) -> None:
    apart, joined = Keystrokes(), Keystrokes()
    said = [line for piece in pieces for line in apart.feed(piece)]
    assert said == joined.feed("".join(pieces))
    assert all(len(line) <= NOTE_MOST + 2 for line in said)
    for line in said:
        try:
            command_of(line)
        except CommandError as error:
            assert str(error)  # noqa: PT017 - either way is right
