"""A backup is one moment of the data folder, and comes back whole or not at all."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from detector.store.backup import back_up
from detector.store.recording import Recording
from detector.store.recording_writer import RecordingWriter
from detector.store.restoring import is_empty, put_in_place, staging, unpack
from detector.store.state import State

from .recorded import HEADER, night, record

AT = datetime(2026, 11, 21, 8, tzinfo=UTC)


@pytest.fixture
def data(tmp_path: Path, event) -> Path:
    """A data folder with a state, recordings, one of which was never closed, and small files."""
    folder = tmp_path / "data"
    (folder / "nights").mkdir(parents=True)
    with State.open(folder / "state.sqlite") as state:
        state.commit(at=AT, events=[event("a"), event("b", onset_s=5)])
    record(folder / "nights" / "2026-11-20.sqlite", night(40))
    (folder / "keys").mkdir()
    (folder / "keys" / "anna.key").write_bytes(bytes(range(256)))
    (folder / "people.json").write_text("{}")
    return folder


def ids(folder: Path) -> list[str]:
    with State.open(folder / "state.sqlite") as state:
        return [each.id for each in state.events()]


def items(path: Path) -> list[object]:
    with Recording.open(path) as recording:
        return list(recording.items())


def restored(archive: Path, folder: Path) -> Path | None:
    unpack(archive, staging(folder), settings=folder.with_name("settings"))
    return put_in_place(staging(folder), folder)


def test_what_was_backed_up_comes_back(data, tmp_path):
    made = back_up(data, tmp_path / "b.zip", at=AT)
    assert made.warnings == []
    assert restored(tmp_path / "b.zip", tmp_path / "new") is None

    assert ids(tmp_path / "new") == ids(data) == ["a", "b"]
    name = Path("nights", "2026-11-20.sqlite")
    assert items(tmp_path / "new" / name) == items(data / name)
    for small in ("keys/anna.key", "people.json", "wearer"):
        assert (tmp_path / "new" / small).read_bytes() == (data / small).read_bytes()
    assert stat.S_IMODE((tmp_path / "b.zip").stat().st_mode) == 0o600
    private = [path.stat().st_mode & 0o077 for path in (tmp_path / "new").rglob("*")]
    assert set(private) == {0}


def test_a_service_that_writes_goes_on_and_the_copy_is_of_one_moment(data, tmp_path, event):
    """With rows in the -wal of state and recording, and one transaction not yet committed."""
    path = data / "nights" / "2026-11-21.sqlite"
    writer = RecordingWriter.create(path, HEADER)
    sequence = list(night(30))
    for item in sequence[:20]:
        writer.write(item)
    writer.commit()
    writer.write(sequence[20])  # in an open transaction
    with State.open(data / "state.sqlite") as state:
        state.commit(at=AT, events=[event("c", onset_s=9)])
        back_up(data, tmp_path / "b.zip", at=AT)
        state.commit(at=AT, events=[event("d", onset_s=11)])
    writer.write(sequence[21])
    writer.close()

    restored(tmp_path / "b.zip", tmp_path / "new")
    assert ids(tmp_path / "new") == ["a", "b", "c"]
    assert items(tmp_path / "new" / "nights" / "2026-11-21.sqlite") == sequence[:20]
    assert ids(data) == ["a", "b", "c", "d"]
    assert items(path) == sequence[:22]


def test_what_belongs_to_a_process_or_lies_elsewhere_is_left_out(data, tmp_path):
    (tmp_path / "secret").write_text("of somebody else")
    (data / "link").symlink_to(tmp_path / "secret")
    (data / "page.json").write_text("{}")
    (data / ".people.json.7.part").write_text("half")
    os.mkfifo(data / "pipe")
    made = back_up(data, tmp_path / "b.zip", at=AT)
    names = {each.name.removeprefix("data/") for each in made.files}
    assert names == {
        "state.sqlite",
        "wearer",
        "people.json",
        "keys/anna.key",
        "nights/2026-11-20.sqlite",
    }
    assert ["link" in each for each in made.warnings] == [True]


def test_a_damaged_file_is_kept_as_it_is_and_told(data, tmp_path):
    path = data / "state.sqlite"
    content = bytearray(path.read_bytes())
    content[5000:9000] = b"\xff" * 4000
    path.write_bytes(content)
    made = back_up(data, tmp_path / "b.zip", at=AT)
    assert len(made.warnings) == 1
    assert "state.sqlite is damaged" in made.warnings[0]
    restored(tmp_path / "b.zip", tmp_path / "new")
    assert (tmp_path / "new" / "state.sqlite").read_bytes() == bytes(content)


def test_old_data_are_kept_beside_the_new(data, tmp_path):
    back_up(data, tmp_path / "b.zip", at=AT)
    for number in (1, 2):
        (data / "mine").write_text(f"before {number}")
        aside = restored(tmp_path / "b.zip", data)
        assert aside == tmp_path / f"data.before-restore-{number}"
        assert (aside / "mine").read_text() == f"before {number}"
        assert not (data / "mine").exists()


def test_a_failing_disk_leaves_no_archive_and_no_scratch(data, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        back_up(data, tmp_path / "b.zip", at=AT)
    assert {path.name for path in tmp_path.iterdir()} == {"data"}


KILLED = """
import os, signal, sys
from pathlib import Path
from detector.store import restoring
left = [int(sys.argv[3])]

def counted(call):
    def calls(*given, **named):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*given, **named)
    return calls

os.fsync, os.open = counted(os.fsync), counted(os.open)
Path.rename, restoring._exchange = counted(Path.rename), counted(restoring._exchange)
archive, folder = Path(sys.argv[1]), Path(sys.argv[2])
restoring.unpack(archive, restoring.staging(folder), settings=folder.with_name("settings"))
restoring.put_in_place(restoring.staging(folder), folder)
"""


def tree(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_killed_at_any_step_the_folder_is_the_old_one_or_the_new(data, tmp_path):
    back_up(data, tmp_path / "b.zip", at=AT)
    unpack(tmp_path / "b.zip", tmp_path / "as-new", settings=tmp_path / "none")
    new = tree(tmp_path / "as-new")
    (data / "mine").write_text("nothing of this may be lost")
    old, seen = tree(data), set()
    for step in range(60):
        place = tmp_path / str(step)
        shutil.copytree(data, place / "data")
        done = subprocess.run(
            [sys.executable, "-c", KILLED, tmp_path / "b.zip", place / "data", str(step)],
            capture_output=True,
            check=False,
            timeout=60,
        )
        found = tree(place / "data")
        assert found in (old, new), f"step {step}"
        kept = [tree(each) for each in place.iterdir() if each.name != "data"]
        assert found == old or old in kept, f"step {step}: the old data are gone"
        seen.add(found == new)
        if done.returncode == 0:
            break
        assert done.returncode == -9, done.stderr.decode()
    assert done.returncode == 0
    assert step > 10
    assert seen == {False, True}


def test_an_empty_folder_is_taken_and_what_a_killed_restore_left_counts_as_empty(tmp_path):
    (tmp_path / "data").mkdir()
    assert is_empty(tmp_path / "data")
    (tmp_path / "data" / ".restoring").mkdir()
    assert is_empty(tmp_path / "data")
    (tmp_path / "data" / "mine").touch()
    assert not is_empty(tmp_path / "data")


def test_a_copy_needs_no_wal_of_its_own(data, tmp_path):
    with closing(sqlite3.connect(data / "state.sqlite")) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    back_up(data, tmp_path / "b.zip", at=AT)
    unpack(tmp_path / "b.zip", tmp_path / "new", settings=tmp_path / "settings")
    uri = f"{(tmp_path / 'new' / 'state.sqlite').as_uri()}?mode=ro&immutable=1"
    with closing(sqlite3.connect(uri, uri=True)) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert db.execute("SELECT count(*) FROM event").fetchone() == (2,)


@pytest.fixture
def mounted(monkeypatch):
    """Take a folder for a disk that is mounted there, which cannot be renamed."""

    def mount(folder: Path) -> None:
        monkeypatch.setattr(Path, "is_mount", lambda path: path == folder)

    return mount


def test_a_mounted_disk_is_filled_in_place_and_what_was_there_is_kept_in_it(
    data, tmp_path, mounted
):
    back_up(data, tmp_path / "b.zip", at=AT)
    unpack(tmp_path / "b.zip", tmp_path / "as-new", settings=tmp_path / "none")
    new = tree(tmp_path / "as-new")
    (data / "mine").write_text("before")
    old = tree(data)
    mounted(data)
    assert staging(data).parent == data

    aside = restored(tmp_path / "b.zip", data)

    assert aside == data / "before-restore-1"
    assert tree(aside) == old
    found = tree(data)
    assert {name: body for name, body in found.items() if not name.startswith("before-")} == new
    made = back_up(data, tmp_path / "again.zip", at=AT)
    assert not [each.name for each in made.files if "before-restore" in each.name]


def test_killed_while_a_mounted_disk_is_filled_nothing_is_lost_and_it_can_be_done_again(
    data, tmp_path, mounted, monkeypatch
):
    back_up(data, tmp_path / "b.zip", at=AT)
    unpack(tmp_path / "b.zip", tmp_path / "as-new", settings=tmp_path / "none")
    new = tree(tmp_path / "as-new")
    (data / "mine").write_text("before")
    old = set(tree(data).values())
    mounted(data)
    rename = Path.rename
    for steps in range(12):
        left = [steps]

        def stopping(path, target, left=left):
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            return rename(path, target)

        monkeypatch.setattr(Path, "rename", stopping)
        shutil.rmtree(staging(data), ignore_errors=True)
        try:
            restored(tmp_path / "b.zip", data)
        except KeyboardInterrupt:
            assert old <= set(tree(data).values())
            continue
        break
    found = tree(data)
    assert {name: body for name, body in found.items() if not name.startswith("before-")} == new
    assert old <= set(found.values())
