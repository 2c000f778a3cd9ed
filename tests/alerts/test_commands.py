"""Law: a command is the same from whatever screen it comes, and what cannot be obeyed says why."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector import plain_json
from detector.alerts.commands import (
    NAMES,
    NOTE_MOST,
    PERSON,
    Acknowledge,
    AddNote,
    CallForHelp,
    Command,
    CommandError,
    LabelEvent,
    MarkSpasm,
    NoteKind,
    PauseAlerts,
    ResumeAlerts,
    SaidKind,
    Snooze,
    Taken,
    Withdraw,
    from_dict,
    from_fields,
    name_of,
    to_dict,
)

people = st.from_regex(PERSON, fullmatch=True)
ids = st.text("abcdef0123456789", min_size=1, max_size=64)
# To the ms, as everything that is logged.
moments = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(
    lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)
)
notes = st.text(min_size=1, max_size=NOTE_MOST).filter(str.isprintable)
commands = st.one_of(
    st.builds(Acknowledge, by=people, alert=st.none() | ids),
    st.builds(Snooze, by=people, alert=st.none() | ids, minutes=st.integers(1, 30)),
    st.builds(PauseAlerts, by=people, minutes=st.integers(1, 60)),
    st.builds(ResumeAlerts, by=people),
    st.builds(MarkSpasm, by=people, at=st.none() | moments),
    st.builds(
        LabelEvent,
        by=people,
        event=ids,
        alert=st.none() | ids,
        events=st.none() | st.lists(ids, unique=True, min_size=1, max_size=5).map(tuple),
        verdict=st.sampled_from(SaidKind),
    ),
    st.builds(
        AddNote, by=people, text=notes, kind=st.sampled_from(NoteKind), at=st.none() | moments
    ),
    st.builds(Withdraw, by=people, what=st.sampled_from(Taken), said=moments),
    st.builds(CallForHelp, by=people),
)


@given(commands)
def test_a_command_is_itself_again_after_the_log(command: Command) -> None:
    assert from_dict(json.loads(plain_json.line(to_dict(command)))) == command


def test_every_command_has_a_name() -> None:
    assert all(name_of(from_fields(name, NEEDED[name])) == name for name in NAMES)


NEEDED: dict[str, dict[str, Any]] = {name: {"by": "anna"} for name in NAMES} | {
    "label": {"by": "anna", "event": "e1", "verdict": "spasm"},
    "note": {"by": "anna", "text": "woke"},
    "withdraw": {"by": "anna", "what": "note", "said": "2026-11-21T02:14:07.000Z"},
}


@pytest.mark.parametrize(
    ("name", "said", "why"),
    [
        ("open-door", {"by": "anna"}, "there is no command 'open-door'"),
        ("ack", {}, "ack needs by"),
        ("ack", {"by": "Anna Smith"}, "by must be up to 32 of a-z"),
        ("ack", {"by": 7}, "by must be text"),
        ("ack", {"by": "anna", "alert": "<b>"}, "alert must be the id"),
        ("snooze", {"by": "anna", "minutes": 31}, "minutes must be from 1 to 30, not 31"),
        ("snooze", {"by": "anna", "minutes": True}, "minutes must be a whole number"),
        ("pause", {"by": "anna", "minutes": 61}, "minutes must be from 1 to 60, not 61"),
        ("label", {"by": "anna", "event": "e1"}, "label needs verdict"),
        ("label", {"by": "anna", "verdict": "spasm"}, "label needs event, events or alert"),
        ("label", {"by": "anna", "event": "e1", "verdict": "maybe"}, "verdict must be spasm, "),
        ("label", {"by": "anna", "events": [7], "verdict": "spasm"}, "events must be a list"),
        ("label", {"by": "anna", "events": 7, "verdict": "spasm"}, "events must be a list"),
        ("label", {"by": "anna", "events": "a,<b>", "verdict": "spasm"}, "events must be the id"),
        ("label", {"by": "anna", "events": [], "verdict": "spasm"}, "label needs event, events"),
        (
            "label",
            {"by": "anna", "events": [f"e{n}" for n in range(201)], "verdict": "spasm"},
            "at most 200 events are labelled at once",
        ),
        ("mark", {"by": "anna", "at": "yesterday"}, "at must be a UTC time like"),
        ("mark", {"by": "anna", "at": "2026-11-21T02:14:07"}, "at must be a UTC time like"),
        ("mark", {"by": "anna", "at": "9999-12-31T23:00:00-12:00"}, "at must be a UTC time like"),
        ("mark", {"by": "anna", "at": "0001-01-01T00:00:00+12:00"}, "at must be a UTC time like"),
        ("note", {"by": "anna", "text": ""}, "a note is one line of 1 to 500"),
        ("note", {"by": "anna", "text": "a\nb"}, "a note is one line of 1 to 500"),
        ("note", {"by": "anna", "text": "b", "kind": "song"}, "kind must be medication, "),
    ],
)
def test_what_cannot_be_obeyed_says_why(name: str, said: dict[str, Any], why: str) -> None:
    with pytest.raises(CommandError, match=why):
        from_fields(name, said)


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
keys = st.sampled_from(["by", "alert", "minutes", "at", "event", "verdict", "text", "kind"])


offsets = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
ends = st.sampled_from([datetime(1, 1, 1), datetime(9999, 12, 31, 23), datetime(2026, 1, 1)])
anywhen = st.builds(lambda at, zone: at.replace(tzinfo=zone).isoformat(), ends, offsets)


@given(st.sampled_from(sorted(NAMES)), st.dictionaries(keys, junk), st.none() | anywhen)
def test_whatever_is_sent_is_a_command_or_refused(
    name: str, said: dict[str, Any], at: str | None
) -> None:
    said = said if at is None else NEEDED[name] | {"at": at}
    try:
        assert from_dict(to_dict(from_fields(name, said))) == from_fields(name, said)
    except CommandError as error:
        assert 0 < len(str(error)) < 200  # noqa: PT017 - either way is right
