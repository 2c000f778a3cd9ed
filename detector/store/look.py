"""A state file as it is, for a command that is no service: nothing is locked or written.

`State.open` owns the file: it locks, migrates, and moves a damaged one aside. A look must do none
of that, as the service may be starting again at that moment.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from detector.block import utc_of
from detector.store import log
from detector.store.past import Page
from detector.store.questions import Questions, answered
from detector.store.state_file import StateError

T = TypeVar("T")

BODY_MOST = 100_000  # characters; an event has 20,000 at most
UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)


class StateReader:
    """Reads the rows of a state file; one that cannot be read is left out and counted.

    The next service sets such rows aside.

    Parameters
    ----------
    db : opened by `connect`; None where there is no file, and so no rows
    """

    def __init__(self, path: Path, db: sqlite3.Connection | None) -> None:
        self._path, self._db = path, db
        self.left_out = 0

    def page(self, page: Page[T]) -> list[T]:
        """Return a page of what is kept."""
        return list(self.rows(page.sql, page.parameters, page.parse))

    def answered(self, questions: Questions[T]) -> T:
        """Return what comes of questions."""
        return answered(questions, self.page)

    def kept_until(self) -> datetime | None:
        """Return the last moment that anything is kept of: of the log, or of the saved night.

        None where nothing is. After it nobody knows what was watched.
        """
        moments = self.rows("SELECT max(at_ms) FROM log", (), lambda row: log.from_ms(row[0]))
        query = "SELECT body FROM saved WHERE name = 'night'"
        moments += self.rows(query, (), lambda row: utc_of(_host_utc_ns(row[0])))
        return max(moments, default=None)

    def ended(self) -> bool:
        """Return whether the last service said that its night is over."""
        query = "SELECT body FROM saved WHERE name = 'ended'"
        return True in self.rows(query, (), lambda row: json.loads(row[0]))

    def rows(
        self, query: str, values: Iterable[Any], parse: Callable[[tuple[Any, ...]], T]
    ) -> tuple[T, ...]:
        """Return what is made of each row of a query.

        Raises
        ------
        StateError
            The file cannot be read: damaged, of another version.
        """
        if self._db is None:
            return ()
        try:
            rows = self._db.execute(query, tuple(values)).fetchall()
        except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
            raise unreadable(self._path, error) from error
        found: list[T] = []
        for row in rows:
            try:
                found.append(parse(row))
            except UNREADABLE:
                self.left_out += 1
        return tuple(found)


def _host_utc_ns(body: str) -> int:
    """Return the wall clock at the last item that a saved night had taken."""
    return int(json.loads(body)["state"]["time"]["host_ns"][1])


@contextmanager
def looking_at(path: Path) -> Iterator[StateReader]:
    """Open a state file for as long as the block lasts; where there is none, nothing is in it.

    Raises
    ------
    StateError
        It cannot be read: damaged, of another version, no permission.
    """
    if not path.exists():
        yield StateReader(path, None)
        return
    try:
        db = connect(path)
    except (sqlite3.Error, OSError) as error:
        raise unreadable(path, error) from error
    with closing(db):
        yield StateReader(path, db)


def unreadable(path: Path, error: Exception) -> StateError:
    """Return that the state file cannot be read, and what mends it."""
    return StateError(
        f"The state file {path} cannot be read ({error}). The next `spasmwatch run` repairs "
        "it or moves it aside, and says which."
    )


def connect(path: Path) -> sqlite3.Connection:
    """Open the file as it is, with its -wal where a service has left one; nothing is written.

    Raises
    ------
    sqlite3.Error, OSError
        It cannot be opened.
    """
    wal = path.with_name(f"{path.name}-wal")
    # Without a -wal SQLite would make files beside it that a reader cannot take away again.
    mode = "mode=ro" if wal.exists() and wal.stat().st_size else "mode=ro&immutable=1"
    db = sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True, isolation_level=None)
    db.text_factory = lambda text: text.decode("utf-8", "replace")
    return db
