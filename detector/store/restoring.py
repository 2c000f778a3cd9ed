"""Put a data folder back from an archive: all of it is verified before anything is replaced.

The archive may be damaged, or somebody else's: names stay inside the folder, nothing longer than
the manifest says is unpacked, and no link, device or second file of a name is made.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

from detector import plain_json
from detector.errors import RecordingError, RecordingNotFoundError
from detector.files import PRIVATE, sync_folder
from detector.store.backup import (
    ASIDE,
    DATA,
    MANIFEST,
    PIECE,
    SCHEMA,
    SETTINGS,
    STATE,
    BackedUp,
)

LARGEST_MANIFEST = 16 << 20  # bytes; a file takes 150
MOST_FILES = 100_000
LONGEST_NAME = 200  # characters of a part of a path
DEEPEST = 8  # folders within each other
SPARE_BYTES = 64 << 20  # of the disk, that a restored folder leaves free
STAGED = ".restoring"
AT_FDCWD, RENAME_EXCHANGE = -100, 2


class BackupError(RecordingError):
    """An archive cannot be restored; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive holds, by its own account.

    made : when, as text; wearer : whose it is, None where that was not known
    """

    made: str
    wearer: str | None
    files: tuple[BackedUp, ...]

    @property
    def size(self) -> int:
        """Bytes of all files, unpacked."""
        return sum(each.size for each in self.files)


@contextmanager
def opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, Manifest]]:
    """Open an archive, and check that it holds what its manifest says, by name and length.

    Raises
    ------
    RecordingNotFoundError, BackupError
        There is none, or it is none that `back_up` made.
    """
    if not path.is_file():
        raise RecordingNotFoundError(f"{path}: there is no such file")
    with _damage(path), zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) > MOST_FILES:
            raise ValueError("it holds more files than any data folder")
        by_name = {member.filename: member for member in members}
        if len(by_name) < len(members):
            raise ValueError("a name stands in it twice")
        if MANIFEST not in by_name:
            raise ValueError("it has no manifest")
        if by_name[MANIFEST].file_size > LARGEST_MANIFEST:
            raise ValueError("its manifest is too long")
        with archive.open(MANIFEST) as file:
            manifest = _manifest(file.read(LARGEST_MANIFEST + 1))
        held = {each.name: each.size for each in manifest.files}
        if len(held) < len(manifest.files):
            raise ValueError("its manifest names a file twice")
        if held != {name: m.file_size for name, m in by_name.items() if name != MANIFEST}:
            raise ValueError("it does not hold what its manifest says")
        yield archive, manifest


def unpack(
    path: Path, folder: Path, *, settings: Path, advance: Callable[[int], object] = int
) -> Manifest:
    """Unpack an archive into a folder that does not exist yet, and verify all of it.

    Parameters
    ----------
    settings : where its settings are put, where it has any

    Raises
    ------
    RecordingNotFoundError, BackupError
        As `opened`; or a file in it is damaged.
    OSError
        The disk does not take it.
    """
    with opened(path) as (archive, manifest):
        free = shutil.disk_usage(folder.parent).free
        if manifest.size + SPARE_BYTES > free:
            raise OSError(
                errno.ENOSPC,
                f"it takes {manifest.size >> 20} MB, and {free >> 20} MB are free",
                str(folder),
            )
        folder.mkdir(mode=0o700)
        for each in manifest.files:
            target = settings if each.name == SETTINGS else folder / each.name.removeprefix(DATA)
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _damage(path):
                _unpack_one(archive, each, target, advance)
    for inner in [folder, *(each for each in folder.rglob("*") if each.is_dir())]:
        sync_folder(inner)
    return manifest


def staging(folder: Path) -> Path:
    """Return where an archive is unpacked before it takes a folder's place: on the same disk."""
    if folder.is_mount():
        return folder / STAGED
    return folder.with_name(f".{folder.name}{STAGED}")


def is_empty(folder: Path) -> bool:
    """Whether there is nothing in a folder, but for what a restore that was killed left."""
    return not folder.exists() or all(each.name.startswith(STAGED) for each in folder.iterdir())


def put_in_place(new: Path, folder: Path) -> Path | None:
    """Have a folder take another's place at once; return where what was there lies now.

    Killed at any moment, the folder is the old one or the new one, whole. Only on a disk that is
    mounted there, whose folder cannot be replaced, files are moved one by one, the state last; then
    nothing is lost, either, and the command can be given again.

    Raises
    ------
    OSError
        It cannot be replaced; nothing was changed.
    """
    if folder.is_mount():
        return _move_in(new, folder)
    if is_empty(folder):
        new.rename(folder)  # takes the place of an empty one
        sync_folder(folder.parent)
        return None
    aside = _unused(folder.with_name(f"{folder.name}.{ASIDE}"))
    _exchange(new, folder)
    new.rename(aside)
    sync_folder(folder.parent)
    return aside


def _move_in(new: Path, folder: Path) -> Path | None:
    old = [each for each in folder.iterdir() if each != new and not each.name.startswith(ASIDE)]
    aside = _unused(folder / ASIDE)
    if old:
        aside.mkdir(mode=0o700)
    for each in old:
        each.rename(aside / each.name)
    for each in sorted(new.iterdir(), key=lambda each: each.name == STATE):
        each.rename(folder / each.name)
    new.rmdir()
    sync_folder(folder)
    return aside if old else None


def _unused(path: Path) -> Path:
    return next(name for n in count(1) if not (name := path.with_name(f"{path.name}-{n}")).exists())


def _unpack_one(
    archive: zipfile.ZipFile, each: BackedUp, target: Path, advance: Callable[[int], object]
) -> None:
    digest, left = sha256(), each.size
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW
    with (
        archive.open(each.name) as member,
        os.fdopen(os.open(target, flags, PRIVATE), "wb") as file,
    ):
        while piece := member.read(min(PIECE, left + 1)):
            left -= len(piece)
            if left < 0:
                raise ValueError(f"{each.name} is longer than its manifest says")
            digest.update(piece)
            file.write(piece)
            advance(len(piece))
        file.flush()
        os.fsync(file.fileno())
    if left or digest.hexdigest() != each.sha256:
        raise ValueError(f"{each.name} is damaged: it is not what was backed up")


def _manifest(content: bytes) -> Manifest:
    body = plain_json.parsed(content)
    if not isinstance(body, dict) or body.get("schema") != SCHEMA:
        raise ValueError(f"its manifest is no {SCHEMA}")
    files, made, wearer = body.get("files"), body.get("made"), body.get("wearer")
    if not isinstance(files, list) or not isinstance(made, str) or len(made) > 40:
        raise ValueError("its manifest has no files, or no date")
    return Manifest(
        made, wearer if isinstance(wearer, str) else None, tuple(_file(each) for each in files)
    )


def _file(body: Any) -> BackedUp:
    if not isinstance(body, dict):
        raise ValueError("its manifest has a file that is none")
    name, size, digest = body.get("name"), body.get("size"), body.get("sha256")
    if not isinstance(name, str) or not isinstance(digest, str) or type(size) is not int:
        raise ValueError("its manifest has a file without name, size or checksum")
    if not (name == SETTINGS or _is_inside(name)) or size < 0:
        raise ValueError(f"{name[:80]!a} in it is no name of a file in a data folder")
    return BackedUp(name, size, digest)


def _is_inside(name: str) -> bool:
    """Whether a member's name is that of a file in a data folder, and of nothing else."""
    parts = name.split("/")
    return (
        parts[0] == DATA.removesuffix("/")
        and 2 <= len(parts) <= DEEPEST
        and all(
            part not in {"", ".", ".."}
            and len(part) <= LONGEST_NAME
            and part.isprintable()
            and not set(part) & set('\\:*?"<>|')
            for part in parts
        )
    )


def _exchange(one: Path, other: Path) -> None:
    """Exchange the names of two folders at once, as Linux can.

    Raises
    ------
    OSError
        They cannot be exchanged: a mounted disk, or a file system that does not know how.
    """
    exchange = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if exchange is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), str(other))
    names = os.fsencode(one.absolute()), os.fsencode(other.absolute())
    if exchange(AT_FDCWD, names[0], AT_FDCWD, names[1], RENAME_EXCHANGE) != 0:
        why = ctypes.get_errno()
        raise OSError(why, os.strerror(why), str(other))


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    """Turn what zip and JSON readers raise on damaged files into one sentence."""
    try:
        yield
    except RecordingError:
        raise
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        ValueError,
        KeyError,
        RuntimeError,  # encrypted
        NotImplementedError,
        RecursionError,
        OverflowError,
    ) as error:
        said = " ".join(str(error).split())[:300]
        raise BackupError(f"{path.name} cannot be restored: {said}. Nothing was changed") from error
