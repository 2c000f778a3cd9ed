"""Opening of the state file: created whole, migrated, checked, moved aside if damaged.

It is never replaced silently: a file that is there but cannot be trusted is kept under another
name, and an error is raised before anything new is created.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from itertools import count
from pathlib import Path

from detector.errors import StorageError
from detector.store import wearer_file
from detector.store.durable import write_durably
from detector.store.layout import MIGRATIONS, migrate
from detector.systemd import control

PID_LONGEST = 20  # bytes; more than any process id


class StateError(StorageError):
    """The state file cannot be used now: in use, disk full, no permission. Nothing was changed."""


class StateDiskError(StateError):
    """The disk refuses: full, read-only, failing. use `State.in_memory` for a night."""


class StateDamagedError(StateError):
    """The state file was damaged and has been moved aside; opening again begins an empty one.

    moved_to : where it lies now
    """

    def __init__(self, path: Path, why: str, moved_to: Path) -> None:
        super().__init__(
            f"the state file {path} is damaged ({why}) and was moved to {moved_to.name}. "
            "Earlier events and alerts are in there: keep it, and check the disk."
        )
        self.moved_to = moved_to


def lock(path: Path) -> int:
    """Lock the state for this process; return the descriptor that holds the lock until closed."""
    descriptor = os.open(_beside(path, ".lock"), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.read(descriptor, PID_LONGEST).decode("ascii", "replace").strip()
        os.close(descriptor)
        end = control("stop", int(owner)) or f"kill {owner}" if owner.isdecimal() else ""
        how = f" ({end})" if end else ""
        raise StateError(
            f"another spasmwatch is using {path}. Stop it first{how}, or choose another --data-dir."
        ) from None
    with suppress(OSError):  # a full disk takes no number: it only helps to find the owner
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def connect(path: Path, wearer: str) -> sqlite3.Connection:
    """Open the file, or create it for this wearer; only the holder of the lock may.

    Raises
    ------
    StateDamagedError
        It was damaged and has been moved aside.
    StateError
        A newer version wrote it.
    sqlite3.Error, OSError
        The disk refuses.
    """
    if not path.exists():
        if _beside(path, "-wal").exists():  # SQLite would replay it into the new file
            raise _move_aside(path, "its main file is missing", None)
        _begin(path, wearer)
    elif path.stat().st_size == 0:  # SQLite would take it for a new one
        raise _move_aside(path, "it is empty", None)
    db = _connect(path)
    found: dict[str, str] = {}
    try:
        why = _check(db, found, path)
    except UnicodeDecodeError:  # SQLite quotes a name of a table in its message, as it is
        why = "its tables have no readable names"
    except sqlite3.Error as error:
        why = str(error)
        if not _means_damage(error, path):
            db.close()
            raise
    except BaseException:
        db.close()
        raise
    if why:
        db.close()
        raise _move_aside(path, why, found.get("wearer"))
    return db


def wearer_in(path: Path) -> str | None:
    """Return the wearer's id without disturbing a process that owns the state; None without one."""
    with suppress(OSError):
        named = wearer_file.read(path.parent)
        if named is not None:
            return named
    with (
        suppress(sqlite3.Error, UnicodeDecodeError),
        closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db,
    ):
        for (wearer,) in db.execute("SELECT value FROM meta WHERE name = 'wearer'"):
            return str(wearer) if wearer_file.ID.fullmatch(str(wearer)) else None
    return None


def in_memory(wearer: str) -> sqlite3.Connection:
    """Return a state without a file, for a night without a disk."""
    db = _connect(":memory:")
    _fill(db, wearer)
    return db


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Commit the block's changes, or roll all of them back when it raises."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _connect(path: Path | str) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    # One flipped bit must not make a whole table unreadable.
    db.text_factory = lambda text: text.decode("utf-8", "replace")
    return db


def _begin(path: Path, wearer: str) -> None:
    """Write a new file under another name and rename it, so that it is never incomplete."""
    begun = _beside(path, ".new")
    for leftover in (begun, _beside(begun, "-wal"), _beside(begun, "-shm")):
        leftover.unlink(missing_ok=True)
    os.close(os.open(begun, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(_connect(begun)) as db:
        write_durably(db)
        _fill(db, wearer)
    begun.rename(path)
    wearer_file.sync_folder(path.parent)


def _fill(db: sqlite3.Connection, wearer: str) -> None:
    with transaction(db):
        migrate(db, 0, MIGRATIONS)
        db.execute("INSERT INTO meta VALUES ('wearer', ?)", (wearer,))
        db.execute("INSERT INTO meta VALUES ('epoch', ?)", (secrets.token_hex(8),))


def _check(db: sqlite3.Connection, found: dict[str, str], path: Path) -> str:
    """Migrate and check the file; return what is wrong with it, or "". Fills in `found`."""
    write_durably(db)
    for name, value in db.execute("SELECT name, value FROM meta"):
        if name != "wearer" or wearer_file.ID.fullmatch(str(value)):
            found[str(name)] = str(value)
    if not {"wearer", "epoch"} <= found.keys():
        return "it has no wearer's id"
    version = found.get("schema_version", "")
    if not version.isdecimal():
        return "it has no schema version"
    if int(version) > len(MIGRATIONS):
        raise StateError(
            f"{path} was written by a newer spasmwatch (schema {version}, this one knows "
            f"{len(MIGRATIONS)}). Update spasmwatch, or choose another --data-dir."
        )
    if int(version) < len(MIGRATIONS):
        with transaction(db):
            migrate(db, int(version), MIGRATIONS)
    if _tables(db) != _tables_of_now():
        return "its tables are not the expected ones"
    verdict = str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
    return "" if verdict == "ok" else verdict


def _tables(db: sqlite3.Connection) -> list[tuple[str, str]]:
    return list(db.execute("SELECT name, sql FROM sqlite_schema WHERE sql NOTNULL ORDER BY name"))


def _tables_of_now() -> list[tuple[str, str]]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        migrate(db, 0, MIGRATIONS)
        return _tables(db)


def _means_damage(error: sqlite3.Error, path: Path) -> bool:
    """Whether an error means a damaged file, not a disk that is full, read-only or failing."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    if code == sqlite3.SQLITE_READONLY:  # a wrong format number in the file has the same effect
        return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    return code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}


def _move_aside(path: Path, why: str, wearer: str | None) -> StateDamagedError:
    """Rename the file and what belongs to it; nothing is deleted.

    The wearer's id is saved first, where it could be read and no file of its own has it yet.
    """
    if wearer is not None and wearer_file.read(path.parent) is None:
        wearer_file.write(path.parent, wearer)
    aside = next(
        name
        for n in count(1)
        if not (name := _beside(path, f".damaged-{n}")).exists()
        and not _beside(name, "-wal").exists()
    )
    for ending in ("", "-wal", "-shm"):
        if _beside(path, ending).exists():
            _beside(path, ending).rename(_beside(aside, ending))
    return StateDamagedError(path, why, aside)


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)
