"""How the files of a night are written: commits that survive a power cut, in bounded memory."""

from __future__ import annotations

import sqlite3

CACHE_KIB = 256
"""Pages kept in memory for each file. A night appends and reads what is newest; SQLite's 2,000 KiB
fill within four hours of a busy night and look like a leak."""


def write_durably(db: sqlite3.Connection) -> None:
    """Have each commit written to a -wal file and synchronised before it returns.

    Raises
    ------
    sqlite3.Error
        The file is damaged, or cannot be written.
    """
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
