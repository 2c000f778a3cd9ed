"""One night as the sensor sent it: every packet as received, in one SQLite file.

Each row carries a CRC over its place and content, so damage costs rows and never gives wrong ones.
A recording may fail, alarms may not: every write error is one `RecordingWriteError`.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self
from zlib import crc32

from detector.devices.stream import Item
from detector.errors import RecordingError, RecordingNotFoundError
from detector.events import Origin
from detector.store.recording_rows import MAX_ROW, SCHEMA, TABLES, Row, from_row

NIGHT_NAME = re.compile(r"(\d{4}-\d\d-\d\d)(?:-[A-Za-z0-9_.-]+)?\.sqlite")
"""A recording's name begins with the evening of its night."""

PAGE = 512  # rows read at once
MIN_ROW = 32  # bytes a row takes at least; bounds how many a file can hold, whatever it claims


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


class Recording:
    """Reads a recording, closed or not, without changing it; made by `open`.

    damaged : rows that `items` had to skip, as far as it has come
    cut : the file is shorter than it was, so that nobody knows how many rows it had
    """

    def __init__(self, path: Path, db: sqlite3.Connection, header: RecordingHeader) -> None:
        self.path = path
        self.header = header
        self.damaged = 0
        self.cut = False
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
                item = from_row(rows.get(seq))
                if item is None:
                    missing += 1
                    continue
                self.damaged += missing
                missing = 0
                yield seq, item
        self.cut = not is_known
        self.damaged += missing if is_known else 1

    def link_up_before(self, row: int) -> int:
        """Return the number of the latest `LinkUp` up to a row; 1 where none can be found."""
        query = "SELECT max(seq) FROM item WHERE type = 1 AND seq <= ?"
        try:
            return self._db.execute(query, (row,)).fetchone()[0] or 1
        except sqlite3.Error:
            return 1

    def row_at(self, utc_ns: int) -> int:
        """Return the number of the first row that came at a moment or later, to start from.

        A wall clock that was set meanwhile makes it an estimate.
        """
        low, high = 1, self._last()[0] + 1
        while low < high:
            middle = (low + high) // 2
            # A damaged row says nothing: the next one does.
            query = "SELECT seq, utc_ns FROM item WHERE seq >= ? ORDER BY seq LIMIT 1"
            try:
                found = self._db.execute(query, (middle,)).fetchone()
            except sqlite3.Error:
                return low
            if found is not None and isinstance(found[1], int) and found[1] < utc_ns:
                low = max(int(found[0]), middle) + 1
            else:
                high = middle
        return low

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

    def _rows(self, first: int, last: int) -> dict[int, Row]:
        """Return the readable rows of a stretch; one by one where a page of it is damaged."""
        query = "SELECT * FROM item WHERE seq BETWEEN ? AND ?"
        try:
            return {row[0]: row for row in self._db.execute(query, (first, last))}
        except sqlite3.Error:
            if first == last:
                return {}
        rows: dict[int, Row] = {}
        for seq in range(first, last + 1):
            rows |= self._rows(seq, seq)
        return rows


def _check(path: Path, db: sqlite3.Connection) -> RecordingHeader:
    """Return the header. Only exactly our tables pass: a foreign view or trigger is a program."""
    db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_ROW)
    db.text_factory = bytes
    db.execute("PRAGMA trusted_schema = OFF")
    # SQLite refuses a file that was cut off as a whole, except to who repairs it. Nothing is
    # written here, and the tables must be exactly ours.
    db.execute("PRAGMA writable_schema = ON")
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
def _read_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise RecordingError(f"{path} cannot be read: {error}. Take a copy or backup.") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise RecordingError(f"{path}: the header makes no sense: {error}.") from error
