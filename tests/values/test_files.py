"""A file that is replaced is the old one or the new one, whole, and leaves nothing beside it."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from detector.files import PRIVATE, regular_only, replacement, write_whole
from detector.people.people import Role
from detector.people.people_file import PeopleFile
from detector.push.links import KEY_FILE, answer_key

READ, APPEND = os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_APPEND


@pytest.mark.parametrize("flags", [READ, APPEND])
@pytest.mark.parametrize("peer", [None, os.O_RDWR], ids=["nobody", "somebody"])
def test_a_pipe_is_refused_at_once_whoever_is_at_its_other_end(
    tmp_path: Path, flags: int, peer: int | None
) -> None:
    pipe = str(tmp_path / "pipe")
    os.mkfifo(pipe)
    other = None if peer is None else os.open(pipe, peer)
    with pytest.raises(OSError, match="this is a pipe or a device, not a file"):
        regular_only(pipe, flags)
    if other is not None:
        os.close(other)


def test_a_folder_is_called_one_and_what_is_made_is_its_owners_alone(tmp_path: Path) -> None:
    for flags in (READ, APPEND):
        with pytest.raises(IsADirectoryError):
            regular_only(str(tmp_path), flags)
    os.close(regular_only(str(tmp_path / "new"), APPEND))
    assert (tmp_path / "new").stat().st_mode & 0o777 == PRIVATE


class StoppedError(Exception):
    """The program ended while it wrote."""


@pytest.mark.parametrize("old", [None, "old"])
@pytest.mark.parametrize("synced", [True, False])
def test_what_ends_while_it_is_written_changes_nothing(
    tmp_path: Path, old: str | None, synced: bool
) -> None:
    path = tmp_path / "file"
    if old is not None:
        path.write_text(old)

    def half() -> None:
        with replacement(path, synced=synced) as draft:
            draft.write_text("ha")
            raise StoppedError

    with pytest.raises(StoppedError):
        half()

    assert (path.read_text() if path.exists() else None) == old
    assert list(tmp_path.iterdir()) == ([] if old is None else [path])

    write_whole(path, "new\r\nä", synced=synced)

    assert path.read_bytes() == "new\r\nä".encode()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("umask", [0o022, 0o077])
@pytest.mark.parametrize("mode", [PRIVATE, 0o400, 0o444, 0o644, 0o666])
def test_nobody_may_read_more_than_was_said_at_any_time(
    tmp_path: Path, mode: int, umask: int
) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o666)
    before = os.umask(umask)
    try:
        with replacement(path, mode=mode) as draft:
            draft.write_text("new")
            during = draft.stat().st_mode & 0o777
    finally:
        os.umask(before)

    allowed = mode & ~umask
    assert during == allowed | PRIVATE
    assert path.stat().st_mode & 0o777 == allowed


def test_a_draft_that_a_killed_process_left_is_no_obstacle(tmp_path: Path) -> None:
    left = tmp_path / f".file.{os.getpid()}.part"
    left.write_text("half")
    left.chmod(0o644)

    write_whole(tmp_path / "file", "new", mode=PRIVATE)

    assert (tmp_path / "file").stat().st_mode & 0o777 == PRIVATE
    assert not left.exists()


def test_an_error_names_the_file_that_was_meant(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere") as caught:
        write_whole(tmp_path / "nowhere" / "file", "new")

    assert caught.value.filename == str(tmp_path / "nowhere" / "file")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for others")
def test_what_root_makes_in_a_services_folder_is_the_services(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    os.chown(tmp_path, 4321, 4321)
    write_whole(tmp_path / "drills.json", "{}", mode=PRIVATE)
    answer_key(tmp_path)
    PeopleFile(tmp_path).change(
        lambda people: (people.with_code("c", "anna", Role.CAREGIVER, now), None)
    )
    for name in ("drills.json", KEY_FILE, "people.json", "people.lock"):
        found = (tmp_path / name).stat()
        assert (found.st_uid, found.st_gid) == (4321, 4321), name


def test_where_files_have_no_owners_root_writes_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A memory card's: only the refusal of its file system is put in by hand."""

    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "fchown", refused)
    if tmp_path.stat().st_uid == 0:
        os.chown(tmp_path, 4321, 4321)
    write_whole(tmp_path / "drills.json", "{}", mode=PRIVATE)
    assert (tmp_path / "drills.json").read_text() == "{}"
