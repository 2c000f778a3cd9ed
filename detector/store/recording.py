"""One night as the sensor sent it: every packet as received, in one SQLite file.

Each row carries a CRC over its place and content, so damage costs rows and never gives wrong ones.
A recording may fail, alarms may not: whatever the disk refuses is one `RecordingWriteError`.
"""

from __future__ import annotations

import json
import os
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self, get_args
from zlib import crc32

from detector.devices.stream import Item, LinkDown, LinkUp, Packet
from detector.errors import RecordingError, RecordingNotFoundError, StorageError
from detector.events import Origin, format_utc
from detector.store.identity import Named

SCHEMA = "recording/1"

TABLES = (
    "CREATE TABLE header (body TEXT NOT NULL, crc INTEGER NOT NULL)",
    """CREATE TABLE item (
        seq INTEGER PRIMARY KEY, type INTEGER NOT NULL, session INTEGER NOT NULL,
        mono_ns INTEGER NOT NULL, utc_ns INTEGER NOT NULL,
        texts TEXT NOT NULL, data BLOB NOT NULL, crc INTEGER NOT NULL)""",
    "CREATE TABLE note (seq INTEGER PRIMARY KEY, utc_ns INTEGER NOT NULL, body TEXT NOT NULL)",
)
"""`type` is 1 LinkUp, 2 Packet, 3 LinkDown; `texts` their text fields as a JSON list."""

MAX_ROW = 1 << 20  # bytes; a notification has at most 512, so anything larger is an attack
_SAME = ("name", "wearer", "sensor", "site", "origin")  # or it is another recording
PAGE = 512  # rows read at once
MIN_ROW = 32  # bytes a row takes at least; bounds how many a file can hold, whatever it claims


class RecordingWriteError(StorageError):
    """The disk refused what came since the last commit; it is lost and counted.

    Announce it and go on: the writer tries again with the next item.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingHeader:
    """What is needed to analyse the night again.

    origin : live or simulated; created : UTC; time_zone : IANA name, for nights and reports
    """

    name: str
    wearer: str
    sensor: str
    site: str
    driver: str
    origin: Origin
    created: datetime
    version: str
    time_zone: str

    def __post_init__(self) -> None:
        if self.origin is Origin.REPLAY:
            raise ValueError("a replay is not recorded again; origin must be live or simulated")


class RecordingWriter:
    """Writes one recording; made by `create` or `resume`. Calls must not overlap.

    Call `commit` about once a second. It does not wait for the disk (`synchronous=NORMAL`): a
    killed process loses nothing committed, and a power cut may cost the last seconds of raw
    samples; what was found in them is in `State`, which does wait.
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
        """Begin a file that must not exist yet; RecordingWriteError if the disk refuses."""
        body = json.dumps(
            {"schema": SCHEMA, **asdict(header), "created": format_utc(header.created)}
        )
        with _write_errors(path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
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
            There is none, it is of another name, wearer, sensor or place, or the disk refuses:
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
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
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
            row = _to_row(self.written, item)
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
                self._db.execute("PRAGMA journal_mode = DELETE")
        finally:
            self._db.close()

    @contextmanager
    def _batch(self) -> Iterator[None]:
        """Drop what waits when the disk refuses it: memory stays bounded, numbers contiguous."""
        try:
            with _write_errors(self.path):
                yield
        except RecordingWriteError:
            self.lost += self._waiting
            self._waiting = 0
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise


class Recording:
    """Reads a recording, closed or not, without changing it; made by `open`.

    damaged : rows that `items` had to skip, as far as it has come
    """

    def __init__(self, path: Path, db: sqlite3.Connection, header: RecordingHeader) -> None:
        self.path = path
        self.header = header
        self.damaged = 0
        self._db = db

    @classmethod
    def open(cls, path: Path) -> Recording:
        """Open a recording.

        A file that was never closed is read with its -wal, which must lie in a writable folder
        (SQLite keeps an index beside it); any other is read without touching the folder.

        Raises
        ------
        RecordingNotFoundError, RecordingError
            There is no such file, or it is no recording that this version can read.
        """
        if not path.is_file():
            raise RecordingNotFoundError(f"{path} does not exist. Check the name.")
        with _read_errors(path):
            with path.open("rb") as file:
                if file.read(16) != b"SQLite format 3\0":
                    raise _foreign(path, "byte 0 does not begin a SQLite file")
            mode = "mode=ro" if _size(_wal(path)) else "mode=ro&immutable=1"
            db = sqlite3.connect(
                f"{path.absolute().as_uri()}?{mode}",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                return cls(path, db, _check(path, db))
            except BaseException:
                db.close()
                raise

    def items(self) -> Iterator[Item]:
        """Return every whole item in the order it came, with little memory; counts `damaged`."""
        return (item for _, item in self.numbered())

    def numbered(self, first: int = 1) -> Iterator[tuple[int, Item]]:
        """Return items as `items` does, from row `first` on, each with the number of its row."""
        self.damaged = 0
        missing = 0
        last, is_known = self._last()
        for begin in range(first, last + 1, PAGE):
            rows = self._rows(begin, min(begin + PAGE - 1, last))
            for seq in range(begin, min(begin + PAGE, last + 1)):
                item = _from_row(rows.get(seq))
                if item is None:
                    missing += 1
                    continue
                self.damaged += missing
                missing = 0
                yield seq, item
        self.damaged += missing if is_known else 1

    def link_up_before(self, row: int) -> int:
        """Return the number of the latest `LinkUp` up to a row; 1 where none can be found."""
        query = "SELECT max(seq) FROM item WHERE type = 1 AND seq <= ?"
        try:
            return self._db.execute(query, (row,)).fetchone()[0] or 1
        except sqlite3.Error:
            return 1

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _last(self) -> tuple[int, bool]:
        """Return the number of the last row, or where it must end, and whether that is known."""
        bound = (_size(self.path) + _size(_wal(self.path))) // MIN_ROW
        try:
            last = self._db.execute("SELECT max(seq) FROM item").fetchone()[0]
        except sqlite3.Error:
            return bound, False
        return min(last or 0, bound), True

    def _rows(self, first: int, last: int) -> dict[int, _Row]:
        """Return the readable rows of a stretch; one by one where a page of it is damaged."""
        query = "SELECT * FROM item WHERE seq BETWEEN ? AND ?"
        try:
            return {row[0]: row for row in self._db.execute(query, (first, last))}
        except sqlite3.Error:
            if first == last:
                return {}
        rows: dict[int, _Row] = {}
        for seq in range(first, last + 1):
            rows |= self._rows(seq, seq)
        return rows


_Row = tuple[Any, ...]
_TYPES: tuple[type[Item], ...] = get_args(Item)
_PLACE = struct.Struct("<5qI")


def _to_row(seq: int, item: Item) -> _Row:
    """Return a table row."""
    match item:
        case LinkUp():
            texts, data = [item.driver, item.address, item.name], b""
        case Packet():
            texts, data = [item.channel], item.data
        case LinkDown():
            texts, data = [item.reason], b""
    text = json.dumps(texts)  # ASCII, so that even a name that is no valid Unicode can be kept
    place = (seq, _TYPES.index(type(item)) + 1, item.session, item.mono_ns, item.utc_ns)
    return *place, text, data, _crc(place, text.encode(), data)


def _from_row(row: _Row | None) -> Item | None:
    """Return the item of a row, None unless it is exactly what was written."""
    try:
        seq, kind, session, mono_ns, utc_ns, text, data, crc = row or ()
        if crc != _crc((seq, kind, session, mono_ns, utc_ns), text, data):
            return None
        texts = json.loads(text)
        if not all(isinstance(value, str) for value in texts):
            return None
        if kind == 1:
            driver, address, name = texts
            return LinkUp(session, driver, address, name, mono_ns, utc_ns)
        (only,) = texts
        if kind == 2:
            return Packet(session, only, data, mono_ns, utc_ns)
        return LinkDown(session, only, mono_ns, utc_ns) if kind == 3 else None
    except (ValueError, TypeError, struct.error, RecursionError):
        return None


def _crc(place: tuple[int, ...], text: bytes, data: bytes) -> int:
    return crc32(data, crc32(text, crc32(_PLACE.pack(*place, len(text)))))


def _check(path: Path, db: sqlite3.Connection) -> RecordingHeader:
    """Return the header. Only exactly our tables pass: a foreign view or trigger is a program."""
    db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_ROW)
    db.text_factory = bytes
    db.execute("PRAGMA trusted_schema = OFF")
    tables = [sql for (sql,) in db.execute("SELECT sql FROM sqlite_schema ORDER BY name")]
    if tables != [statement.encode() for statement in TABLES]:
        raise _foreign(path, "it has other tables")
    rows = db.execute("SELECT body, crc FROM header LIMIT 2").fetchall()
    if len(rows) != 1 or crc32(rows[0][0]) != rows[0][1]:
        raise RecordingError(f"{path}: the header is damaged. Take a copy or backup of the file.")
    values = json.loads(rows[0][0])
    schema = values.pop("schema", None)
    if schema != SCHEMA:
        raise RecordingError(
            f"{path} is a {schema!r}, this spasmwatch reads {SCHEMA!r}. Update spasmwatch."
        )
    created, origin = datetime.fromisoformat(values["created"]), Origin(values["origin"])
    if not all(isinstance(value, str) for value in values.values()):
        raise ValueError("a header field is not text")
    return RecordingHeader(**values | {"created": created, "origin": origin})


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
    for leftover in (begun, begun.with_name(begun.name + "-journal")):
        leftover.unlink(missing_ok=True)  # of a process that was killed here
    os.close(os.open(begun, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(begun, isolation_level=None)) as db:
        db.execute("BEGIN")
        for statement in TABLES:
            db.execute(statement)
        db.execute("INSERT INTO header VALUES (?, ?)", (header, crc32(header.encode())))
        db.execute("COMMIT")
    begun.rename(path)


def _foreign(path: Path, why: str) -> RecordingError:
    return RecordingError(
        f"{path} is not a spasmwatch recording: {why}. Give a file that `spasmwatch run` or "
        "`spasmwatch record` wrote; other formats are recognised by their suffix."
    )


def _wal(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


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


@contextmanager
def _read_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise RecordingError(f"{path} cannot be read: {error}. Take a copy or backup.") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise RecordingError(f"{path}: the header makes no sense: {error}.") from error
