"""Laws of a recording: what is read is what was written, whatever became of it."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.devices.stream import LinkDown, LinkUp, Packet
from detector.errors import RecordingError, RecordingNotFoundError
from detector.events import Origin
from detector.store.recording import Recording
from detector.store.recording_writer import RecordingWriteError, RecordingWriter

from .recorded import HEADER, night, record

moments = st.integers(-(2**63), 2**63 - 1)
texts = st.text(st.characters(exclude_categories=[]), max_size=20)  # with lone surrogates and NUL
items = st.one_of(
    st.builds(LinkUp, moments, texts, texts, texts, moments, moments),
    st.builds(Packet, moments, texts, st.binary(max_size=250), moments, moments),
    st.builds(LinkDown, moments, texts, moments, moments),
)


@given(st.lists(items, max_size=12), st.integers(1, 5))
def test_what_is_read_is_what_was_written(sequence, every):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "night #1?.sqlite"
        record(path, sequence, every=every)
        assert [p.name for p in Path(folder).iterdir()] == [path.name], "one file, no -wal"
        with Recording.open(path) as recording:
            assert recording.header == HEADER
            assert list(recording.items()) == sequence
            assert recording.damaged == 0


def test_a_recording_is_read_in_pages_and_as_often_as_wanted(tmp_path):
    record(tmp_path / "n.sqlite", night(2000), every=100)
    with Recording.open(tmp_path / "n.sqlite") as recording:
        assert list(recording.items()) == list(recording.items()) == list(night(2000))


def test_reading_a_closed_file_leaves_no_trace_even_in_a_folder_nobody_may_write(tmp_path):
    path = tmp_path / "n.sqlite"
    record(path, night(10))
    before = path.read_bytes()
    tmp_path.chmod(0o500)
    path.chmod(0o400)
    with Recording.open(path) as recording:
        assert len(list(recording.items())) == 10
        assert list(tmp_path.iterdir()) == [path]
    tmp_path.chmod(0o700)
    assert path.read_bytes() == before


def test_a_killed_recorder_loses_nothing_it_had_committed(tmp_path):
    path = tmp_path / "n.sqlite"
    child = f"""
import os
from pathlib import Path
from tests.store.recorded import night, record
record(Path({str(path)!r}), night(1000), every=3, close=False)
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", child], check=False)
    assert path.with_name(path.name + "-wal").stat().st_size > 0
    before = path.read_bytes(), path.with_name(path.name + "-wal").read_bytes()
    with Recording.open(path) as recording:
        assert list(recording.items()) == list(night(1000))
    assert before == (path.read_bytes(), path.with_name(path.name + "-wal").read_bytes())
    path.with_name(path.name + "-wal").unlink()
    path.with_name(path.name + "-shm").unlink()
    with Recording.open(path) as recording:
        found = list(recording.items())
    assert found == list(night(1000))[: len(found)], "without its -wal: an older, but true, state"


@pytest.mark.parametrize("close", [True, False])
def test_a_recording_goes_on_behind_its_last_item_however_it_ended(tmp_path, close):
    path, rows = tmp_path / "n.sqlite", list(night(30))
    record(path, rows[:20], every=1, close=close)
    if not close:  # a killed process leaves what it committed beside the file
        path = Path(shutil.copytree(tmp_path, tmp_path / "killed")) / path.name
        assert path.with_name("n.sqlite-wal").stat().st_size
    second = RecordingWriter.resume(path, replace(HEADER, version="9", created=datetime.now(UTC)))
    assert (second.kept, second.session) == (20, 1)
    again = LinkUp(2, "polar-verity-sense", "A0:9E", "Polar", 5, 6)
    for item in [again, *rows[20:]]:
        second.write(item)
    second.close()
    with Recording.open(path) as recording:
        assert list(recording.items()) == [*rows[:20], again, *rows[20:]]
        assert recording.header == HEADER
        assert recording.damaged == 0
    third = RecordingWriter.resume(path, HEADER)
    assert (third.kept, third.session) == (31, 2)
    third.close()


@pytest.mark.parametrize("other", ["name", "wearer", "sensor", "site"])
def test_a_recording_of_something_else_is_not_gone_on_with(tmp_path, other):
    path = tmp_path / "n.sqlite"
    record(path, night(10))
    before = path.read_bytes()
    with pytest.raises(RecordingWriteError, match=f"has another {other}"):
        RecordingWriter.resume(path, replace(HEADER, **{other: "another"}))
    assert path.read_bytes() == before


def test_what_cannot_be_gone_on_with_is_one_write_error(tmp_path):
    with pytest.raises(RecordingWriteError, match="does not exist"):
        RecordingWriter.resume(tmp_path / "n.sqlite", HEADER)
    (tmp_path / "m.sqlite").write_bytes(b"no recording")
    with pytest.raises(RecordingWriteError, match="not a spasmwatch recording"):
        RecordingWriter.resume(tmp_path / "m.sqlite", HEADER)


def test_a_night_can_be_read_while_it_is_recorded(tmp_path):
    writer = record(tmp_path / "n.sqlite", night(50), every=7, close=False)
    writer.commit()
    with Recording.open(tmp_path / "n.sqlite") as recording:
        assert list(recording.items()) == list(night(50))
        writer.write(LinkDown(1, "gone", 1, 2))
    writer.close()
    with Recording.open(tmp_path / "n.sqlite") as recording:
        assert len(list(recording.items())) == 51


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "n.sqlite"
    record(path, night(600))
    return path.read_bytes(), list(night(600))


@given(st.data())
@settings(max_examples=150)
def test_damage_gives_fewer_items_or_an_error_but_never_wrong_ones(whole, data):
    content, sequence = bytearray(whole[0]), whole[1]
    if data.draw(st.booleans()):
        for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
            content[place] ^= 1 << data.draw(st.integers(0, 7))
    else:
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "n.sqlite"
        path.write_bytes(content)
        try:
            recording = Recording.open(path)
        except RecordingError as error:
            assert str(path) in str(error)  # noqa: PT017
            return
        with recording:
            found = list(recording.items())
            places = {item.mono_ns: n for n, item in enumerate(sequence)}
            order = [places[item.mono_ns] for item in found]
            assert found == [sequence[n] for n in order]
            assert order == sorted(set(order))
            assert len(found) == len(sequence) or recording.damaged > 0
            assert recording.header == HEADER


def test_a_flipped_bit_in_a_row_costs_that_row_and_is_counted(whole, tmp_path):
    content, sequence = bytearray(whole[0]), whole[1]
    place = content.index((300).to_bytes(4, "little") * 30)
    content[place] ^= 1
    (tmp_path / "n.sqlite").write_bytes(content)
    with Recording.open(tmp_path / "n.sqlite") as recording:
        assert list(recording.items()) == sequence[:300] + sequence[301:]
        assert recording.damaged == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "byte 0"),
        (b"time,x,y,z\n0,0,0,1\n", "not a spasmwatch recording"),
        (b"SQLite format 3\0", "n.sqlite"),
        (b"SQLite format 3\0" + b"\0" * 5000, "n.sqlite"),
    ],
)
def test_a_file_that_is_no_recording_is_one_sentence(tmp_path, content, says):
    (tmp_path / "n.sqlite").write_bytes(content)
    with pytest.raises(RecordingError, match=says):
        Recording.open(tmp_path / "n.sqlite")


@pytest.mark.parametrize(
    "damage",
    [
        "DROP TABLE item",
        "CREATE TABLE more (x)",
        "DROP TABLE note; CREATE VIEW note AS SELECT 1",
        "DELETE FROM header",
        "UPDATE header SET body = 'null'",
        "UPDATE header SET crc = 'x'",
        "UPDATE header SET body = '[]', crc = 223132457",
        "UPDATE header SET body = '{}', crc = 2745614147",
        "UPDATE header SET body = zeroblob(2000000)",
    ],
)
def test_a_foreign_or_hostile_database_is_refused(tmp_path, damage):
    path = tmp_path / "n.sqlite"
    record(path, night(3))
    with closing(sqlite3.connect(path)) as db:
        db.executescript(damage)
    with pytest.raises(RecordingError, match=r"n\.sqlite"):
        Recording.open(path)


def test_hostile_rows_are_skipped_and_counted_in_bounded_time(tmp_path):
    path = tmp_path / "n.sqlite"
    record(path, night(20))
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("UPDATE item SET data = zeroblob(3000000) WHERE seq = 5")
        db.execute("UPDATE item SET texts = 7, session = 'x', crc = 1.5 WHERE seq = 6")
        db.execute("UPDATE item SET seq = ? WHERE seq = 20", (2**63 - 1,))
        db.execute("VACUUM")
        db.execute("UPDATE item SET data = zeroblob(1) WHERE seq = 5")
        db.execute("VACUUM")
    with Recording.open(path) as recording:
        assert len(list(recording.items())) == 17
        assert recording.damaged >= 3


def test_a_missing_file_and_a_folder_are_not_found(tmp_path):
    for path in (tmp_path / "none.sqlite", tmp_path):
        with pytest.raises(RecordingNotFoundError, match="does not exist"):
            Recording.open(path)


@pytest.mark.parametrize("successor", [False, True])
def test_a_recording_that_was_deleted_or_replaced_takes_nothing_silently(tmp_path, successor):
    path = tmp_path / "n.sqlite"
    writer = RecordingWriter.create(path, HEADER)
    first, *others = night(4)
    writer.write(first)
    writer.commit()
    for file in tmp_path.glob("n.sqlite*"):
        file.unlink()
    if successor:
        RecordingWriter.create(path, HEADER).close()
    for item in others:
        writer.write(item)
        with pytest.raises(RecordingWriteError, match="was deleted or replaced while it was"):
            writer.commit()
    assert (writer.kept, writer.lost) == (1, 3)


def test_another_recording_is_never_written_over(tmp_path):
    record(tmp_path / "n.sqlite", night(3))
    with pytest.raises(RecordingWriteError, match="exists already"):
        RecordingWriter.create(tmp_path / "n.sqlite", HEADER)
    with pytest.raises(ValueError, match="replay"):
        replace(HEADER, origin=Origin.REPLAY)


def test_what_is_no_folder_is_called_that_and_not_a_recording(tmp_path):
    (tmp_path / "nights").touch()
    with pytest.raises(RecordingWriteError, match="nights is not a folder: nothing is recorded"):
        RecordingWriter.create(tmp_path / "nights" / "n.sqlite", HEADER)


def test_a_full_disk_is_one_error_costs_one_batch_and_recording_goes_on_once_there_is_room(
    tmp_path,
):
    path = tmp_path / "n.sqlite"
    child = f"""
import resource, signal
from pathlib import Path
from tests.store.recorded import HEADER, night
from detector.store.recording import *
from detector.store.recording_writer import *
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
writer = RecordingWriter.create(Path({str(path)!r}), HEADER)
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, resource.RLIM_INFINITY))
failures = 0
for n, item in enumerate(night(2000)):
    try:
        writer.write(item)
        if n % 10 == 9:
            writer.commit()
    except RecordingWriteError as error:
        failures += 1
    if n == 1500:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
writer.close()
assert failures > 10
print(writer.lost)
"""
    done = subprocess.run(
        [sys.executable, "-c", child], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with Recording.open(path) as recording:
        found = list(recording.items())
        assert len(found) + int(done.stdout) == 2000
        assert recording.damaged == 0
    sequence = list(night(2000))
    assert found[-490:] == sequence[-490:], "what came after there was room again is all there"
    assert found == [item for item in sequence if item in set(found)]


def test_a_recording_that_is_killed_while_it_begins_is_begun_again(tmp_path):
    """What bears the name has a header; what does not is in nobody's way."""
    path = tmp_path / "n.sqlite"
    for place in range(1, 12):
        child = f"""
import os, sqlite3, sys
from pathlib import Path
from tests.store.recorded import HEADER, RecordingWriter
calls = 0
def count(event, args):
    global calls
    if event in ("open", "os.rename", "os.remove", "sqlite3.connect") and "n.sqlite" in str(args):
        calls += 1
        if calls == {place}:
            os.kill(os.getpid(), 9)
sys.addaudithook(count)
RecordingWriter.create(Path({str(path)!r}), HEADER)
"""
        done = subprocess.run([sys.executable, "-c", child], check=False)
        if path.exists():
            with Recording.open(path) as recording:
                assert recording.header == HEADER
        if not done.returncode:
            break
        path.unlink(missing_ok=True)
    assert done.returncode == 0
    assert place > 4, "it was killed at every step"
    record(tmp_path / "m.sqlite", night(3))
    assert {each.name for each in tmp_path.glob("*.new*")} == set()


def test_rows_are_read_from_any_on_with_their_numbers(whole, tmp_path):
    content, sequence = bytearray(whole[0]), whole[1]
    place = content.index((300).to_bytes(4, "little") * 30)
    content[place] ^= 1
    (tmp_path / "n.sqlite").write_bytes(content)
    with Recording.open(tmp_path / "n.sqlite") as recording:
        found = list(recording.numbered(290))
        assert found == [(n, sequence[n - 1]) for n in range(290, 601) if n != 301]
        assert recording.damaged == 1
        assert (recording.link_up_before(600), recording.link_up_before(0)) == (1, 1)
