"""The file of own minimums is whole or as it was, and says who said yes, when and to what."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.errors import ConfigError
from detector.events import Kind
from detector.files import PRIVATE
from detector.recognition.personal.minimums import Minimum, Personal
from detector.review.minimums_file import (
    MOST_CHANGES,
    NAME,
    MinimumsChange,
    MinimumsHistory,
    change_minimums,
    read_minimums,
)

AT = datetime(2026, 11, 30, 8, tzinfo=UTC)
LEVELS = st.integers(1, 50).map(lambda n: Minimum(Kind.SPASM, "peak_g", n / 100, up_to_s=4.0))


def yes(personal: Personal, n: int) -> MinimumsChange:
    return MinimumsChange(AT + timedelta(seconds=n), "anna", (f"reason {n}",), personal)


@given(st.lists(LEVELS, max_size=6))
def test_what_was_said_yes_to_is_read_again_with_who_and_when(tmp_path_factory, levels):
    folder, history = tmp_path_factory.mktemp("own"), MinimumsHistory()
    for n, level in enumerate(levels):
        change = yes(history.personal.changed(Kind.SPASM, level), n)
        history = history.then(change)
        assert change_minimums(folder, lambda now, c=change: now.then(c)) == history
    assert read_minimums(folder) == history
    assert read_minimums(folder).personal.version == len(levels)
    if levels:
        assert (folder / NAME).stat().st_mode & 0o777 == PRIVATE


def test_a_change_that_fails_leaves_every_byte(tmp_path):
    personal = Personal().changed(Kind.SPASM, Minimum(Kind.SPASM, "peak_g", 0.1, up_to_s=4.0))
    change_minimums(tmp_path, lambda now: now.then(yes(personal, 1)))
    before = (tmp_path / NAME).read_bytes()

    def fails(now: MinimumsHistory) -> MinimumsHistory:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        change_minimums(tmp_path, fails)
    assert (tmp_path / NAME).read_bytes() == before


def test_what_is_kept_is_bounded_and_the_latest(tmp_path):
    for n in range(MOST_CHANGES + 5):
        change_minimums(tmp_path, lambda now, n=n: now.then(yes(Personal(version=n), n)))
    kept = read_minimums(tmp_path)
    assert (len(kept.changes), kept.personal.version) == (MOST_CHANGES, MOST_CHANGES + 4)


GOOD = {"schema": "personal-changes/1", "changes": []}
CHANGE = {"at": "2026-11-30T08:00:00Z", "by": "anna", "why": [], "personal": {}}


@pytest.mark.parametrize(
    "text",
    [
        "", "nonsense", "[]", "{}", json.dumps(GOOD | {"schema": "personal/2"}),
        json.dumps(GOOD | {"changes": 7}), json.dumps(GOOD | {"changes": [7]}),
        json.dumps(GOOD | {"changes": [CHANGE]}),
        json.dumps(GOOD | {"changes": [CHANGE | {"at": None}]}),
        json.dumps(GOOD | {"changes": [CHANGE | {"why": "text"}]}), "x" * 300_000, "\x00" * 40,
        json.dumps(GOOD)[:-5],
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_one_sentence_and_is_never_written_over(tmp_path, text):
    (tmp_path / NAME).write_text(text)
    with pytest.raises(ConfigError, match=r"personal.json cannot be used: .*Move it away"):
        read_minimums(tmp_path)
    with pytest.raises(ConfigError):
        change_minimums(tmp_path, lambda now: now)
    assert (tmp_path / NAME).read_text() == text


def test_a_pipe_instead_of_a_file_holds_nobody_up(tmp_path: Path):
    os.mkfifo(tmp_path / NAME)
    with pytest.raises(ConfigError, match="cannot be used"):
        read_minimums(tmp_path)
