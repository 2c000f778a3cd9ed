"""Own minimums act in a night from its beginning, and a change of them at once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from detector.alerts.conditions import Condition
from detector.devices.profile import Note
from detector.events import Kind
from detector.night.own_minimums import OwnMinimums
from detector.recognition.personal.minimums import Minimum, Personal
from detector.review.minimums_file import NAME, MinimumsChange, change_minimums
from detector.service.checks.minimums_watch import EACH_S, MinimumsWatch
from detector.sources.clock import HostClock

from ..kit.silent_night import watching
from ..kit.waiting import until

STRICT = Personal().changed(Kind.SPASM, Minimum(Kind.SPASM, "peak_g", 0.3, up_to_s=9.0))


def write(folder: Path, personal: Personal) -> None:
    change = MinimumsChange(datetime.now(UTC), "anna", (), personal)
    change_minimums(folder, lambda now: now.then(change))


class Ticking:
    """A watch, and the time that passes for it."""

    def __init__(self, folder: Path, personal: Personal | None = None) -> None:
        self.now_s, self.notes = 100.0, list[Note]()
        self.own = OwnMinimums(personal or Personal())
        self.watch = MinimumsWatch(
            folder, self.own, now_s=lambda: self.now_s, tell=self.notes.append
        )

    def pass_time(self) -> None:
        """A look, and the tick that takes what it found."""
        for _ in range(2):
            self.now_s += EACH_S
            assert self.watch.troubles() == {}
            if self.watch._look is not None:
                self.watch._look.join(10)
        assert self.watch.troubles() == {}


def test_a_change_acts_and_is_told_once_and_so_does_its_undo(tmp_path):
    one = Ticking(tmp_path)
    one.pass_time()
    assert one.notes == []
    write(tmp_path, STRICT)
    one.pass_time()
    one.pass_time()
    assert one.own.personal == STRICT
    assert [note.text for note in one.notes] == [
        "Your own minimums: spasm 0.30 g. What is beneath is told as a movement, and says so."
    ]
    write(tmp_path, STRICT.reverted())
    one.pass_time()
    assert one.own.personal.minimums == ()
    assert one.notes[-1].text == "No minimum of your own holds anything back now."
    (tmp_path / NAME).unlink()
    one.pass_time()
    assert one.own.personal == Personal()


def test_a_damaged_file_changes_nothing_and_is_told(tmp_path):
    write(tmp_path, STRICT)
    one = Ticking(tmp_path, STRICT)
    (tmp_path / NAME).write_text("nonsense")
    one.pass_time()
    assert one.own.personal == STRICT
    (note,) = one.notes
    assert "personal.json cannot be used" in note.text
    assert note.text.endswith("Until then what held goes on to hold.")


def test_looks_are_seldom_and_one_at_a_time(tmp_path):
    one = Ticking(tmp_path)
    for _ in range(50):
        one.now_s += EACH_S / 100
        one.watch.troubles()
    assert one.watch._look is None


def test_a_night_begins_and_goes_on_with_what_the_file_says(tmp_path):
    async def lived() -> list[Personal]:
        found = []
        for _ in range(2):  # the second goes on with the first, which was killed
            async with watching(tmp_path, HostClock()) as made:
                found.append(made.night.own.personal)
        return found

    write(tmp_path, STRICT)
    assert asyncio.run(lived()) == [STRICT, STRICT]


def test_a_night_with_a_damaged_file_is_watched_without_minimums_and_says_so(tmp_path):
    async def lived() -> None:
        async with watching(tmp_path, HostClock()) as made:
            assert made.night.own.personal == Personal()
            await until(lambda: Condition.STATE in {a.kind for a in made.night.open_alerts})
            (told,) = [a for a in made.night.open_alerts if a.kind == Condition.STATE]
            assert "personal.json cannot be used" in told.reason

    (tmp_path / NAME).write_text("nonsense")
    asyncio.run(lived())
