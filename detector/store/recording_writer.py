"""Write one night as the sensor sent it; reading it is `recording`."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from zlib import crc32

from detector.devices.stream import Item
from detector.errors import RecordingError, StorageError
from detector.events import format_utc
from detector.files import sync_folder
from detector.store.durable import write_durably
from detector.store.identity import Named
from detector.store.recording import Recording, RecordingHeader
from detector.store.recording_rows import MAX_ROW, SCHEMA, TABLES, to_row

_SAME = ("name", "wearer", "sensor", "site", "origin")  # or it is another recording


class RecordingWriteError(StorageError):
    """The disk refused what came since the last commit; it is lost and counted.

    Announce it and go on: the writer tries again with the next item.
    """


class RecordingWriter:
    """Writes one recording; made by `create` or `resume`. Calls must not overlap.

    Call `commit` about once a second, where waiting for the disk is allowed: what is committed
    survives a power cut, which with SQLite's `synchronous=NORMAL` cost the ten minutes since the
    last checkpoint.
    """

    def __init__(self, path: Path, db: sqlite3.Connection) -> None:
        self.path = path
        self.lost = 0  # items the disk refused
        self.kept = 0  # items committed, those of before a `resume` too
        self.session = 0  # number of the last session of before a `resume`
        self._db = db
        self._named = Named.of(path)
        self._waiting = 0

    @classmethod
    def create(cls, path: Path, header: RecordingHeader) -> RecordingWriter:
        """Begin a file that must not exist yet; RecordingWriteError if it cannot."""
        body = json.dumps(
            {"schema": SCHEMA, **asdict(header), "created": format_utc(header.created)}
        )
        with _write_errors(path):
            _make_folder(path.parent)
            _begin(path, body)
            db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            try:
                # The header is in the file itself, even for one who copies without the -wal.
                return cls._ready(path, db)
            except BaseException:
                db.close()
                raise

    @classmethod
    def resume(cls, path: Path, header: RecordingHeader) -> RecordingWriter:
        """Go on with a file that `create` began, closed or not, behind its last item.

        Raises
        ------
        RecordingWriteError
            There is none, it is of another name, wearer, sensor or place, or cannot be written:
            begin another.
        """
        try:
            with Recording.open(path) as known:
                was, now = asdict(known.header), asdict(header)
        except RecordingError as error:
            raise RecordingWriteError(str(error)) from error
        other = [name for name in _SAME if was[name] != now[name]]
        if other:
            raise RecordingWriteError(f"{path} has another {other[0]}. Begin a new recording.")
        with _write_errors(path):
            db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            try:
                last, session = db.execute("SELECT max(seq), max(session) FROM item").fetchone()
                writer = cls._ready(path, db)
            except BaseException:
                db.close()
                raise
        writer.kept, writer.session = last or 0, session or 0
        return writer

    @classmethod
    def _ready(cls, path: Path, db: sqlite3.Connection) -> RecordingWriter:
        db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_ROW)
        write_durably(db)
        return cls(path, db)

    @property
    def written(self) -> int:
        """Number of the last item, committed or not."""
        return self.kept + self._waiting

    def write(self, item: Item) -> None:
        """Add an item; it is safe after the next `commit`."""
        with self._batch():
            self._waiting += 1
            if not self._db.in_transaction:
                self._db.execute("BEGIN")
            row = to_row(self.written, item)
            self._db.execute("INSERT INTO item VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def commit(self) -> None:
        """Commit the items written since the last commit."""
        with self._batch():
            if self._waiting and self._named.is_gone:
                raise RecordingWriteError(
                    f"{self.path} was deleted or replaced while it was written: the rest of this "
                    "night is not recorded. Stop spasmwatch and start it again."
                )
            if self._db.in_transaction:
                self._db.execute("COMMIT")
            self.kept += self._waiting
            self._waiting = 0

    def close(self) -> None:
        """Commit, and merge the -wal into the file."""
        try:
            self.commit()
            with _write_errors(self.path):
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            self._db.close()

    @contextmanager
    def _batch(self) -> Iterator[None]:
        """Drop what waits when it cannot be written: memory stays bounded, numbers contiguous."""
        try:
            with _write_errors(self.path):
                yield
        except RecordingWriteError:
            self.lost += self._waiting
            self._waiting = 0
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError as error:
        raise RecordingWriteError(
            f"{folder} is not a folder: nothing is recorded. Move it away, then start again."
        ) from error


def _begin(path: Path, header: str) -> None:
    """Write a new file beside and then name it, so that what bears the name has a header.

    Raises
    ------
    FileExistsError
        There is one of that name.
    """
    if path.exists():
        raise FileExistsError
    begun = path.with_name(path.name + ".new")
    for end in ("", "-journal", "-wal", "-shm"):  # of a process that was killed here
        begun.with_name(begun.name + end).unlink(missing_ok=True)
    os.close(os.open(begun, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(begun, isolation_level=None)) as db:
        db.execute("BEGIN")
        for statement in TABLES:
            db.execute(statement)
        db.execute("INSERT INTO header VALUES (?, ?)", (header, crc32(header.encode())))
        db.execute("COMMIT")
        # From the beginning to the end: a power cut while the mode is switched would leave a file
        # that cannot be read without being changed.
        db.execute("PRAGMA journal_mode = WAL")
    begun.rename(path)
    sync_folder(path.parent)


@contextmanager
def _write_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise RecordingWriteError(f"{path} exists already. Choose another name.") from error
    except (sqlite3.Error, OSError, OverflowError) as error:
        raise RecordingWriteError(
            f"{path} cannot be recorded to: {error}. Check free space and permissions."
        ) from error
