"""Read what a state file keeps of earlier nights, for a command that is no service.

Pages are those of `State.page`. As with a glance nothing is locked, migrated, moved or written: a
service may commit to the file meanwhile.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self, TypeVar

from detector.store import past
from detector.store.past import Page
from detector.store.state_file import StateError

T = TypeVar("T")

UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)


class KeptState:
    """What a state file holds; made by `open`.

    damaged : rows that could not be read, so far; the next service sets them aside
    """

    def __init__(self, path: Path, db: sqlite3.Connection | None) -> None:
        self.path = path
        self.damaged = 0
        self._db = db

    @classmethod
    def open(cls, path: Path) -> KeptState:
        """Open the file as it is; one that does not exist holds nothing.

        Raises
        ------
        StateError
            It cannot be read: damaged, no permission.
        """
        if not path.exists():
            return cls(path, None)
        try:
            return cls(path, connect(path))
        except (sqlite3.Error, OSError) as error:
            raise unreadable(path, error) from error

    def page(self, page: Page[T]) -> list[T]:
        """Return the rows of a page that can be read.

        Raises
        ------
        StateError
            The file cannot be read.
        """
        if self._db is None:
            return []
        try:
            rows = self._db.execute(page.sql, page.parameters).fetchall()
        except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
            raise unreadable(self.path, error) from error
        found: list[T] = []
        for row in rows:
            try:
                found.append(page.parse(row))
            except UNREADABLE:
                self.damaged += 1
        return found

    def every(self, page: Callable[[T | None], Page[T]]) -> list[T]:
        """Return all rows of a question that is asked in pages, each behind the row before it.

        Raises
        ------
        StateError
            As `page`; also where a page of nothing but damaged rows hides where to go on.
        """
        found: list[T] = []
        while True:
            damaged = self.damaged
            more = self.page(page(found[-1] if found else None))
            found += more
            seen = len(more) + self.damaged - damaged
            if seen < past.MOST:
                return found
            if not more:
                raise StateError(
                    f"The state file {self.path} has more damaged rows than can be passed over. "
                    "The next `spasmwatch run` sets them aside."
                )

    def close(self) -> None:
        """Close the file."""
        if self._db is not None:
            with suppress(sqlite3.Error):
                self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def connect(path: Path) -> sqlite3.Connection:
    """Open a SQLite file as it is, with its -wal where a service has left one; nothing is written.

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


def unreadable(path: Path, error: Exception) -> StateError:
    """Return that the state file cannot be read, and what mends it."""
    return StateError(
        f"The state file {path} cannot be read ({error}). The next `spasmwatch run` repairs "
        "it or moves it aside, and says which."
    )
