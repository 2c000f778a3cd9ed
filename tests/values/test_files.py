"""A file that is replaced is the old one or the new one, whole, and leaves nothing beside it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from detector.files import PRIVATE, replacement, write_whole


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
