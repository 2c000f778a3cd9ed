"""What the world has yet to be told: numbered letters that wait until somebody has signed for them.

Everything ever told stays in the log, so that a receiver can ask for what it missed; the outbox
only says which letters are still on their way. All functions work inside `State`'s transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from detector.block import EPOCH

CAP = 100_000
"""Letters on their way at most: weeks without a broker, some 80 MB."""

EXPIRES = timedelta(days=7)
"""How long the contract lets a broker keep an event or an alert."""

TABLES = (
    """CREATE TABLE log (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        leaf TEXT NOT NULL, subject TEXT NOT NULL,
        at_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,
        payload TEXT NOT NULL)""",
    "CREATE TABLE outbox (seq INTEGER PRIMARY KEY, clinical INTEGER NOT NULL)",
    "CREATE INDEX outbox_clinical ON outbox (clinical, seq)",
    "CREATE TABLE dropped (letters INTEGER NOT NULL)",
    "INSERT INTO dropped VALUES (0)",
)


@dataclass(frozen=True, slots=True)
class Letter:
    """One message for the world: `leaf` is the topic's last word, `event` or `alert`."""

    seq: int
    leaf: str
    payload: str
    expires: datetime


def put(
    db: sqlite3.Connection, leaf: str, subject: str, payload: str, *, at: datetime, clinical: bool
) -> None:
    """Write a letter into the log and lay it out for posting."""
    cursor = db.execute(
        "INSERT INTO log (leaf, subject, at_ms, expires_ms, payload) VALUES (?, ?, ?, ?, ?)",
        (leaf, subject, to_ms(at), to_ms(at + EXPIRES), payload),
    )
    db.execute("INSERT INTO outbox VALUES (?, ?)", (cursor.lastrowid, clinical))


def trim(db: sqlite3.Connection, cap: int, *, at: datetime) -> None:
    """Drop what is beyond `cap`, oldest first, and count it.

    Whatever is not clinical goes first. Clinical letters go only when they have expired, too:
    rather a growing file than a spasm nobody hears of.
    """
    for clinical in (0, 1):
        excess = depth(db) - cap
        if excess <= 0:
            return
        cursor = db.execute(
            """DELETE FROM outbox WHERE seq IN (
                SELECT seq FROM (
                    SELECT seq FROM outbox WHERE clinical = :clinical ORDER BY seq LIMIT :excess
                ) JOIN log USING (seq) WHERE NOT :clinical OR expires_ms < :at_ms)""",
            {"clinical": clinical, "excess": excess, "at_ms": to_ms(at)},
        )
        db.execute("UPDATE dropped SET letters = letters + ?", (cursor.rowcount,))


def pending(db: sqlite3.Connection, limit: int) -> list[Letter]:
    """Return the oldest letters nobody has signed for."""
    return _letters(db, "JOIN outbox USING (seq) WHERE seq >= ?", 0, limit)


def replay(db: sqlite3.Connection, seq: int, limit: int) -> list[Letter]:
    """Return what was told from `seq` on, signed for or not."""
    return _letters(db, "WHERE seq >= ?", seq, limit)


def sign(db: sqlite3.Connection, seqs: Iterable[int]) -> None:
    """Take letters off: they have arrived."""
    db.executemany("DELETE FROM outbox WHERE seq = ?", ((seq,) for seq in seqs))


def depth(db: sqlite3.Connection) -> int:
    """Count the letters on their way."""
    return int(db.execute("SELECT count(*) FROM outbox").fetchone()[0])


def dropped(db: sqlite3.Connection) -> int:
    """Count the letters ever dropped because too many waited."""
    return int(db.execute("SELECT letters FROM dropped").fetchone()[0])


def to_ms(moment: datetime) -> int:
    """Return ms since 1970."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def _letters(db: sqlite3.Connection, which: str, seq: int, limit: int) -> list[Letter]:
    rows = db.execute(
        f"SELECT seq, leaf, payload, expires_ms FROM log {which} ORDER BY seq LIMIT ?",  # noqa: S608
        (seq, limit),
    )
    return [
        Letter(seq, leaf, payload, EPOCH + timedelta(milliseconds=expires_ms))
        for seq, leaf, payload, expires_ms in rows
    ]
