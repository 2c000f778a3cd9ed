"""Receivers that acknowledge: up to which number of the log each of them has every entry.

All functions work inside `State`'s transaction. Numbers belong to one epoch of the log.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from detector.channels import RECEIVER_NAME
from detector.store import log

MOST = 64
"""Receivers remembered; the one that was silent longest goes first. A household has a few."""

TABLES = (
    """CREATE TABLE receiver (
        name TEXT PRIMARY KEY, upto INTEGER NOT NULL, at_ms INTEGER NOT NULL) WITHOUT ROWID""",
)


@dataclass(frozen=True, slots=True)
class KnownReceiver:
    """A receiver that acknowledged every entry up to number `upto`, last at `at`."""

    name: str
    upto: int
    at: datetime


def acknowledge(db: sqlite3.Connection, name: str, upto: int, *, at: datetime) -> int:
    """Record that a receiver has every entry up to a number, from where it began.

    Returns
    -------
    the number up to which it had them before; for a new one, which was told nothing yet, `upto`

    Raises
    ------
    ValueError
        It is no receiver's name, or there is no such number yet: nothing is recorded.
    """
    if not RECEIVER_NAME.fullmatch(name):
        raise ValueError(f"a receiver's name is up to 32 of a-z, 0-9, _ and -, not {name[:40]!a}")
    if not 0 <= upto <= log.last(db):
        raise ValueError(f"{name} acknowledges entry {upto} of {log.last(db)}")
    row = db.execute("SELECT upto FROM receiver WHERE name = ?", (name,)).fetchone()
    before = upto if row is None else int(row[0])
    db.execute(
        """INSERT INTO receiver VALUES (?, ?, ?)
            ON CONFLICT (name) DO UPDATE SET upto = excluded.upto, at_ms = excluded.at_ms""",
        (name, upto, log.to_ms(at)),
    )
    # What a channel set aside because nobody was there, or because it may not publish it.
    db.execute("DELETE FROM refusal WHERE n > ? AND n <= ?", (before, upto))
    db.execute("DELETE FROM receiver WHERE at_ms < ?", (log.to_ms(at - log.KEPT),))
    db.execute(
        """DELETE FROM receiver WHERE name NOT IN
            (SELECT name FROM receiver ORDER BY at_ms DESC, name LIMIT ?)""",
        (MOST,),
    )
    return before


def known(db: sqlite3.Connection) -> list[KnownReceiver]:
    """Return the receivers, by name."""
    rows = db.execute("SELECT name, upto, at_ms FROM receiver ORDER BY name").fetchall()
    return [KnownReceiver(str(name), int(upto), log.from_ms(int(at))) for name, upto, at in rows]
