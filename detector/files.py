"""Read small files that somebody names, open files alone, and replace files whole."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EINVAL, EISDIR, ENXIO
from pathlib import Path
from stat import S_ISDIR, S_ISREG

NO_FILE = "this is a pipe or a device, not a file"

PRIVATE = 0o600
"""Permissions of files with keys, a password or health data: their owner's alone."""


def read_start(path: Path, most: int) -> bytes:
    """Return the first `most` bytes of a regular file.

    Raises
    ------
    OSError
        It cannot be read, or is a pipe, a device or a folder: to read a pipe may take for ever.
    """
    with open(path, "rb", opener=regular_only) as file:
        return file.read(most)


def regular_only(path: str, flags: int) -> int:
    """Open a regular file; one that is made is its owner's alone: an `opener` of `open`.

    Raises
    ------
    OSError
        It cannot be opened, or is a pipe, a device or a folder: to open a pipe may take for ever.
    """
    try:
        descriptor = os.open(path, flags | os.O_NONBLOCK, PRIVATE)
    except OSError as error:
        if error.errno == ENXIO:  # a pipe that nobody reads, or a socket
            raise OSError(EINVAL, NO_FILE, path) from error
        raise
    kind = os.fstat(descriptor).st_mode
    if S_ISREG(kind):
        return descriptor
    os.close(descriptor)
    if S_ISDIR(kind):
        raise IsADirectoryError(EISDIR, os.strerror(EISDIR), path)
    raise OSError(EINVAL, NO_FILE, path)


@contextmanager
def replacement(path: Path, *, mode: int = 0o666, synced: bool = True) -> Iterator[Path]:
    """Yield a draft beside a file, which takes its place when the block ends without an error.

    Whatever happens, also a power cut, the file is the old one or the new one, whole. Whether it
    is the new one after a power cut, `sync_folder` decides.

    Parameters
    ----------
    mode : permissions of the new file, less those that the umask takes
    synced : False leaves out the wait for the disk: after a power cut it may be empty

    Raises
    ------
    OSError
        It cannot be written; the file is the old one.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        draft.unlink(missing_ok=True)  # of a killed process of the same number: its mode would stay
        descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode | PRIVATE)
        try:
            hand_over(descriptor, path.parent)
        finally:
            os.close(descriptor)
        yield draft
        if synced:
            _sync(draft)
        if mode & PRIVATE != PRIVATE:  # not before: its owner could not write to it
            draft.chmod(draft.stat().st_mode & mode)
        draft.replace(path)
    except OSError as error:
        if error.filename in {None, str(draft)}:  # people know the file by the name they gave
            error.filename, error.filename2 = str(path), None
        raise
    finally:
        draft.unlink(missing_ok=True)


def write_whole(path: Path, text: str, *, mode: int = 0o666, synced: bool = True) -> None:
    """Replace a file by a text in UTF-8, whole or not at all, as `replacement`."""
    with replacement(path, mode=mode, synced=synced) as draft:
        draft.write_bytes(text.encode())


def hand_over(descriptor: int, folder: Path) -> None:
    """Make a file that root has made its folder's owner's, whose service must read it.

    Nothing where the file system keeps no owners, such as that of a memory card.
    """
    owner = folder.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        with suppress(PermissionError):
            os.fchown(descriptor, owner.st_uid, owner.st_gid)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file, in one beside it; it ends with the process, however that ends.

    Raises
    ------
    OSError
        The lock cannot be made or held.
    """
    # For writing: over NFS nothing else can be locked against others.
    descriptor = os.open(path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR, PRIVATE)
    try:
        hand_over(descriptor, path.parent)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Sync a folder, so that names in it survive a power cut."""
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
