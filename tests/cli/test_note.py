"""Laws of notes from the terminal: of a kind, and for a time that is over."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.store.state import State
from detector.terminal.said_when import said_when

BERLIN = ZoneInfo("Europe/Berlin")
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))


@given(now=moments, minutes=st.integers(0, 24 * 60 - 1))
def test_a_time_of_day_is_the_latest_that_is_over(now: datetime, minutes: int) -> None:
    text = f"{minutes // 60:02d}:{minutes % 60:02d}"
    when = said_when(text, now=now, zone=BERLIN)

    assert when <= now
    assert now - when < timedelta(hours=25)
    shown = when.astimezone(BERLIN)
    left_out = minutes // 60 == 2 and (shown.month, shown.hour) == (3, 3)
    assert f"{shown:%H:%M}" == text or left_out


def test_the_hour_that_comes_twice_is_the_later_once_it_is_over() -> None:
    after = datetime(2026, 10, 25, 1, 45, tzinfo=UTC)  # 02:45, the second time
    assert said_when("02:30", now=after, zone=BERLIN) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    between = datetime(2026, 10, 25, 1, 15, tzinfo=UTC)  # 02:15, the second time
    assert said_when("02:30", now=between, zone=BERLIN) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("soon", "is no time"), ("24:10", "is no time"), ("22:61", "is no time"),
        ("2026-11-20 23:30", "still to come"), ("2026-09-01 10:00", "nothing is kept"),
    ],
)  # fmt: skip
def test_another_time_is_refused_with_the_reason(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        said_when(text, now=datetime(2026, 11, 20, 21, 0, tzinfo=UTC), zone=BERLIN)


def test_a_medicine_is_noted_for_when_it_was_taken(spasmwatch, tmp_path) -> None:
    zone = {"SPASMWATCH_WEARER__TIME_ZONE": "Europe/Berlin"}
    words = (
        "note",
        "baclofen",
        "10",
        "mg",
        "--kind",
        "medication",
        "--at",
        "22:30",
        "--by",
        "anna",
    )
    said = spasmwatch("--data-dir", tmp_path, *words, **zone)
    assert said.returncode == 0, said.stderr
    assert "Noted by anna for 2" in said.stderr
    assert " 22:30, behind the last night." in said.stderr
    with closing(State.open(tmp_path / "state.sqlite")) as state:
        [entry] = state.replay_from(1, 10)
    body = json.loads(entry.body)
    assert (body["kind"], body["text"]) == ("medication", "baclofen 10 mg")
    assert datetime.fromisoformat(body["at"]).astimezone(BERLIN).strftime("%H:%M") == "22:30"


@pytest.mark.parametrize(
    "words", [["--kind", "medication"], ["--mark", "--at", "22:30"], ["x", "--at", "tomorrow"]]
)
def test_a_kind_or_a_time_of_nothing_is_refused(spasmwatch, tmp_path, words) -> None:
    assert spasmwatch("--data-dir", tmp_path, "note", *words).returncode == 2
    assert not (tmp_path / "state.sqlite").exists()
