"""Whatever a disk refuses, and when: what it took is true, what it did not is said, and it heals.

`python -m tests.store.test_faulty_disk` fails every operation in its turn; the suite every fourth.
"""

from __future__ import annotations

import itertools
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

from detector.store.recording import Recording
from detector.store.recording_writer import RecordingWriteError, RecordingWriter
from detector.store.state import State, StateError

from .crash_images import BEGAN, HEADER, event, packets
from .faulty_disk import AVAILABLE, FULL, IOERR, OK, Disk, Operation, below_sqlite

pytestmark = pytest.mark.skipif(
    not AVAILABLE, reason="sqlite3 of this Python is no library of its own: its disk is not seen"
)

ITEMS = list(packets(40, seed=5))
HEALED = 20  # from this packet on the disk works again


class Failing:
    """Fail from the n-th operation on, `times` times; `n` counts down to it."""

    def __init__(self, n: int, code: int, times: int) -> None:
        self.left, self.code, self.times = n, code, times
        self.failed = 0

    def __call__(self, _: Operation) -> int:
        self.left -= 1
        if self.left >= 0 or self.failed >= self.times:
            return OK
        self.failed += 1
        return self.code


FAULTS = [
    (FULL, 1, False),
    (FULL, 1, True),
    (FULL, 10_000, False),
    (IOERR, 1, True),
    (IOERR, 4, False),
]
STEP = 4


@pytest.mark.parametrize("place", range(len(FAULTS)))
def test_a_fault_at_any_operation_costs_only_what_it_hit(tmp_path: Path, place: int) -> None:
    sweep(tmp_path, *FAULTS[place], first=place, step=STEP)


def sweep(tmp_path: Path, code: int, times: int, short: bool, *, first: int, step: int) -> None:
    """Record a night for every `step`-th operation that can fail."""
    for n in itertools.count(first, step):
        folder = tmp_path / str(n)
        folder.mkdir()
        fault = Failing(n, code, times)
        record_through(folder, fault, short=short)
        if not fault.failed:
            break
    assert n > 60, "every write, sync and deletion of the night failed in its turn"


def record_through(folder: Path, fault: Failing, *, short: bool) -> None:
    """Record a short night on a disk with this fault, and look at what is left of it."""
    disk = Disk(short=short)
    refused, acknowledged = 0, []
    with below_sqlite(disk):
        writer = RecordingWriter.create(folder / "n.sqlite", HEADER)
        state = State.open(folder / "state.sqlite")
        disk.before = fault
        for n, item in enumerate(ITEMS):
            if n == HEALED:
                disk.before = lambda _: OK
            try:
                writer.write(item)
                if n % 2:
                    writer.commit()
            except RecordingWriteError as error:
                refused += str(folder) in str(error)
            if n % 5 == 4:
                try:
                    state.commit(at=BEGAN, events=[event(n)], saved={"night": n})
                    acknowledged.append(event(n))
                except StateError as error:
                    refused += str(folder) in str(error)
        writer.close()
        state.close()
    with Recording.open(folder / "n.sqlite") as recording:
        found = list(recording.items())
        assert recording.damaged == 0
    assert len(found) + writer.lost == len(ITEMS), "what the disk did not take is counted"
    assert [item for item in ITEMS if item in found] == found
    assert found[-(len(ITEMS) - HEALED) :] == ITEMS[HEALED:], "with room again, all of it is there"
    with State.open(folder / "state.sqlite") as state:
        kept = state.events()
        assert {each.id for each in acknowledged} <= {each.id for each in kept}
        assert [each.n for each in state.replay_from(1)] == list(range(1, len(kept) + 1))
    assert refused or not fault.failed or not writer.lost


def test_a_fault_at_any_operation_of_the_start_is_an_error_or_a_start(tmp_path: Path) -> None:
    for n in itertools.count(0, STEP):
        folder = tmp_path / str(n)
        folder.mkdir()
        fault = Failing(n, FULL, 1)
        disk = Disk(before=fault)
        with below_sqlite(disk):
            with suppress(RecordingWriteError):
                RecordingWriter.create(folder / "n.sqlite", HEADER).close()
            with suppress(StateError):
                State.open(folder / "state.sqlite").close()
            # Once there is room both begin, and nothing is called damaged.
            disk.before = lambda _: OK
            with State.open(folder / "state.sqlite") as state:
                assert state.troubles == ()
            if not (folder / "n.sqlite").exists():
                RecordingWriter.create(folder / "n.sqlite", HEADER).close()
        with Recording.open(folder / "n.sqlite") as recording:
            assert recording.header == HEADER
        if not fault.failed:
            break
    assert n > 15


if __name__ == "__main__":
    for each in FAULTS:
        with tempfile.TemporaryDirectory() as scratch:
            sweep(Path(scratch), *each, first=0, step=1)
        print(f"error {each[0]}, {each[1]} times, half written: {each[2]}: all is told and true")
