"""A disk below SQLite that can be watched and made to fail: a VFS around SQLite's own.

Every write, truncation, sync and deletion of SQLite in this process passes through `Disk`, in the
order SQLite asks for it. Nothing of ours is replaced: the fault is at the edge, as of a real disk.
"""

from __future__ import annotations

import ctypes
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

OK, IOERR, FULL = 0, 10, 13  # FULL is what SQLite makes of ENOSPC, and of a short write
IOERR_WRITE, IOERR_FSYNC, IOERR_TRUNCATE = 10 | 3 << 8, 10 | 4 << 8, 10 | 6 << 8

_P, _I, _L = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
_WRITE = ctypes.CFUNCTYPE(_I, _P, _P, _I, _L)
_TRUNCATE = ctypes.CFUNCTYPE(_I, _P, _L)
_SYNC = ctypes.CFUNCTYPE(_I, _P, _I)
_CLOSE = ctypes.CFUNCTYPE(_I, _P)
# Names as addresses: SQLite keeps them, and what it wrote behind them.
_OPEN = ctypes.CFUNCTYPE(_I, _P, _P, _P, _I, ctypes.POINTER(_I))
_DELETE = ctypes.CFUNCTYPE(_I, _P, _P, _I)


class _Methods(ctypes.Structure):
    _fields_ = [
        ("version", _I),
        ("close", _CLOSE),
        ("read", _P),
        ("write", _WRITE),
        ("truncate", _TRUNCATE),
        ("sync", _SYNC),
        ("others", _P * 13),
    ]


class _File(ctypes.Structure):
    _fields_ = [("methods", ctypes.POINTER(_Methods))]


class _Vfs(ctypes.Structure):
    _fields_ = [
        ("version", _I),
        ("file_size", _I),
        ("longest_path", _I),
        ("next", _P),
        ("name", ctypes.c_char_p),
        ("data", _P),
        ("open", _OPEN),
        ("delete", _DELETE),
        ("others", _P * 14),
    ]


_KEPT: list[Any] = []
"""C has pointers to these until the last file is closed: the garbage collector may do that late."""


@dataclass(frozen=True)
class Operation:
    """What SQLite asked of the disk: `write`, `truncate`, `sync` or `delete` of a file."""

    kind: str
    path: Path
    offset: int = 0
    data: bytes = b""


@dataclass
class Disk:
    """What the disk does; `before` is asked first, and an error that it returns is what happens.

    short : a write that fails has written half
    """

    before: Callable[[Operation], int] = lambda _: OK
    after: Callable[[Operation], None] = lambda _: None
    short: bool = False
    _lock: threading.RLock = field(default_factory=threading.RLock)


def _library() -> ctypes.CDLL | None:
    """Return the very library that `sqlite3` uses: it must be linked dynamically."""
    sqlite3.connect(":memory:").close()
    for line in Path("/proc/self/maps").read_text().splitlines():
        name = line.rsplit(" ", 1)[-1]
        if "libsqlite3" in name:
            library = ctypes.CDLL(name)
            library.sqlite3_libversion.restype = ctypes.c_char_p
            if library.sqlite3_libversion().decode() == sqlite3.sqlite_version:
                return library
    return None


def _path(name: int) -> Path:
    return Path(ctypes.string_at(name).decode())


AVAILABLE = _library() is not None


@contextmanager
def below_sqlite(disk: Disk) -> Iterator[None]:
    """Put the disk below every file that SQLite opens in this block; close them in it too."""
    library = _library()
    assert library is not None
    library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
    real = library.sqlite3_vfs_find(None)
    mine = _Vfs.from_buffer_copy(real.contents)
    mine.name, mine.next = b"watched", None
    original_open, original_delete = real.contents.open, real.contents.delete

    def asked(operation: Operation, failing: int, work: Callable[[], int]) -> int:
        with disk._lock:
            code = disk.before(operation)
            if code:
                return failing if code == IOERR else code
            code = work()
            if code == OK:
                disk.after(operation)
            return code

    def open_file(_vfs: Any, name: int | None, file: Any, flags: int, out: Any) -> int:
        code = original_open(ctypes.cast(real, _P), name, file, flags, out)
        opened = ctypes.cast(file, ctypes.POINTER(_File)).contents
        if code == OK and name is not None and opened.methods:
            patch(opened, _path(name))
        return int(code)

    def patch(opened: _File, path: Path) -> None:
        was = opened.methods.contents

        def write(file: Any, data: Any, count: int, offset: int) -> int:
            body = ctypes.string_at(data, count)
            operation = Operation("write", path, offset, body)
            with disk._lock:
                code = disk.before(operation)
                if code:
                    if disk.short and count > 1:
                        was.write(file, data, count // 2, offset)
                    return IOERR_WRITE if code == IOERR else code
                code = int(was.write(file, data, count, offset))
                if code == OK:
                    disk.after(operation)
                return code

        def truncate(file: Any, size: int) -> int:
            operation = Operation("truncate", path, size)
            return asked(operation, IOERR_TRUNCATE, lambda: int(was.truncate(file, size)))

        def sync(file: Any, flags: int) -> int:
            operation = Operation("sync", path)
            return asked(operation, IOERR_FSYNC, lambda: int(was.sync(file, flags)))

        now = _Methods.from_buffer_copy(was)
        now.write, now.truncate, now.sync = _WRITE(write), _TRUNCATE(truncate), _SYNC(sync)
        _KEPT.append((now, was))
        opened.methods = ctypes.pointer(now)

    def delete(_vfs: Any, name: int, sync_folder: int) -> int:
        operation = Operation("delete", _path(name), sync_folder)
        return asked(
            operation,
            IOERR,
            lambda: int(original_delete(ctypes.cast(real, _P), name, sync_folder)),
        )

    mine.open, mine.delete = _OPEN(open_file), _DELETE(delete)
    _KEPT.append(mine)
    library.sqlite3_vfs_register(ctypes.byref(mine), 1)
    try:
        yield
    finally:
        library.sqlite3_vfs_register(real, 1)
        library.sqlite3_vfs_unregister(ctypes.byref(mine))
