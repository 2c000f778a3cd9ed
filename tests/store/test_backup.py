"""A backup is one moment of the data folder, and comes back whole or not at all."""

from __future__ import annotations

import io
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import zipfile
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.errors import SpasmwatchError
from detector.store.backup import MANIFEST, SCHEMA, back_up
from detector.store.recording import Recording
from detector.store.recording_writer import RecordingWriter
from detector.store.restoring import BackupError, is_empty, put_in_place, staging, unpack
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


def archive_of(members: dict[str, bytes], manifest: object = None) -> bytes:
    """An archive that is right, or whose manifest is another."""
    listed = [
        {"name": name, "size": len(body), "sha256": sha256(body).hexdigest()}
        for name, body in members.items()
    ]
    body = {"schema": SCHEMA, "made": "2026-11-21T08:00:00.000Z", "wearer": None, "files": listed}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        archive.writestr(MANIFEST, json.dumps(body if manifest is None else manifest))
    return out.getvalue()


@pytest.mark.parametrize(
    "name",
    [
        "data/../../evil", "data/..", "/etc/evil", "data//evil", "evil", "data/./evil", "data/a\\b",
        "data/" + "d/" * 20 + "f", "data/" + "n" * 300, "data/a\x00b", "data/a\nb", "data/c:evil",
        "../data/evil", "data/", "DATA/evil",
    ],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_is_refused_and_nothing_is_made(tmp_path, name):
    (tmp_path / "b.zip").write_bytes(archive_of({name: b"evil"}))
    place = tmp_path / "in" / "here"
    place.mkdir(parents=True)
    with pytest.raises(BackupError):
        unpack(tmp_path / "b.zip", place / "data", settings=place / "settings")
    assert not list(tmp_path.rglob("evil*"))
    assert list(place.iterdir()) == []


def test_a_link_in_an_archive_makes_a_file_at_most(tmp_path):
    target = b"/etc"
    out = io.BytesIO(archive_of({"data/link": target, "data/link2/passwd": b"evil"}))
    content = out.getvalue()
    with zipfile.ZipFile(out) as archive:
        info = archive.getinfo("data/link")
    assert info.external_attr >> 28 != 0xA
    made = zipfile.ZipInfo("data/link")
    made.external_attr = (stat.S_IFLNK | 0o777) << 16
    again = io.BytesIO()
    with zipfile.ZipFile(again, "w") as archive:
        archive.writestr(made, target)
        body = json.loads(zipfile.ZipFile(io.BytesIO(content)).read(MANIFEST))
        body["files"] = [each for each in body["files"] if each["name"] == "data/link"]
        archive.writestr(MANIFEST, json.dumps(body))
    (tmp_path / "b.zip").write_bytes(again.getvalue())
    unpack(tmp_path / "b.zip", tmp_path / "data", settings=tmp_path / "settings")
    assert (tmp_path / "data" / "link").is_symlink() is False
    assert (tmp_path / "data" / "link").read_bytes() == target


def test_more_than_the_manifest_says_is_never_unpacked(tmp_path):
    """A bomb: megabytes of zeros behind a manifest that says one byte."""
    zeros = bytes(50 << 20)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data/a", zeros)
        files = [{"name": "data/a", "size": 1, "sha256": sha256(b"\0").hexdigest()}]
        body = {"schema": SCHEMA, "made": "now", "files": files}
        archive.writestr(MANIFEST, json.dumps(body))
    (tmp_path / "b.zip").write_bytes(out.getvalue())
    with pytest.raises(BackupError, match="does not hold what its manifest says"):
        unpack(tmp_path / "b.zip", tmp_path / "data", settings=tmp_path / "settings")
    assert not (tmp_path / "data").exists()


def test_one_larger_than_the_disk_is_refused_before_it_begins(tmp_path, monkeypatch):
    (tmp_path / "b.zip").write_bytes(archive_of({"data/a": b"some"}))
    usage = shutil.disk_usage(tmp_path)._replace(free=1 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OSError, match="MB are free"):
        unpack(tmp_path / "b.zip", tmp_path / "data", settings=tmp_path / "settings")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "manifest",
    [
        [], {}, {"schema": "backup/9", "made": "x", "files": []}, {"schema": SCHEMA, "files": []},
        {"schema": SCHEMA, "made": "x", "files": [{}]},
        {"schema": SCHEMA, "made": "x", "files": [{"name": "data/a", "size": True, "sha256": ""}]},
        {"schema": SCHEMA, "made": "x", "files": [{"name": "data/a", "size": -1, "sha256": ""}]},
        {"schema": SCHEMA, "made": "x", "files": [{"name": "data/a", "size": 4, "sha256": "00"}]},
        {"schema": SCHEMA, "made": "x", "files": []},
    ],
)  # fmt: skip
def test_a_manifest_that_does_not_fit_is_refused(tmp_path, manifest):
    (tmp_path / "b.zip").write_bytes(archive_of({"data/a": b"some"}, manifest))
    with pytest.raises(BackupError, match="Nothing was changed"):
        unpack(tmp_path / "b.zip", tmp_path / "data", settings=tmp_path / "settings")


@given(
    damage=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=8
    ),
    cut=st.none() | st.floats(0.05, 1, exclude_max=True),
)
@settings(max_examples=60)
def test_a_damaged_archive_gives_what_was_backed_up_or_one_sentence(damage, cut):
    members = {"data/state.sqlite": b"state" * 50, "data/nights/a.sqlite": bytes(range(256))}
    content = bytearray(archive_of(members))
    for place, flip in damage:
        content[int(place * len(content))] ^= flip
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "b.zip").write_bytes(content[: int(cut * len(content))] if cut else content)
        told = ""
        try:
            unpack(folder / "b.zip", folder / "data", settings=folder / "settings")
        except SpasmwatchError as error:
            told = str(error)
        found = {f"data/{name}": body for name, body in tree(folder / "data").items()}
        assert found == members if not told else "\n" not in told


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
