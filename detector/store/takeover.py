"""Copy a state that was kept in memory into the state file, in the file's own transaction.

The log's entries get the next numbers of the file. A copy whose commit failed may be on the disk
all the same: rows that it left are recognised and not made twice.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from detector import plain_json
from detector.store import log

TAKEN = "taken-over"
"""Name under which the file keeps which log was copied, and behind which number of its own."""

EVENT = """INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
        recording = excluded.recording, onset_s = excluded.onset_s,
        onset_ms = excluded.onset_ms, revision = excluded.revision,
        phase = excluded.phase, body = excluded.body
    WHERE (excluded.revision, excluded.phase) >= (event.revision, event.phase)
        AND excluded.body != event.body"""
ALERT = """INSERT INTO alert VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
        state = excluded.state, at_ms = excluded.at_ms, body = excluded.body
    WHERE excluded.body != alert.body"""


def known(memory: sqlite3.Connection) -> set[str]:
    """Return the ids of the events and alerts that a state holds."""
    return {
        str(id_) for (id_,) in memory.execute("SELECT id FROM event UNION SELECT id FROM alert")
    }


def copy(db: sqlite3.Connection, memory: sqlite3.Connection, epoch: str) -> Mapping[int, int]:
    """Copy all that `memory` holds; return the new number of each entry by its old one.

    What a channel has passed or refused stays so. Receivers are known by name; what they have is
    counted from the beginning, as they count it themselves in a log that is new to them.

    Parameters
    ----------
    epoch : of the log in memory
    """
    for name, body in memory.execute("SELECT name, body FROM saved WHERE name != ?", (TAKEN,)):
        db.execute("INSERT OR REPLACE INTO saved VALUES (?, ?)", (name, body))
    db.executemany(EVENT, memory.execute("SELECT * FROM event"))
    db.executemany(ALERT, memory.execute("SELECT * FROM alert"))
    db.executemany(
        """INSERT INTO receiver VALUES (?, 0, ?)
            ON CONFLICT (name) DO UPDATE SET at_ms = max(at_ms, excluded.at_ms)""",
        memory.execute("SELECT name, at_ms FROM receiver"),
    )
    db.execute("UPDATE dropped SET entries = entries + ?", (log.dropped(memory),))
    after = _behind(db, epoch)
    channels = [str(name) for (name,) in memory.execute("SELECT channel FROM cursor")]
    for channel in channels:
        log.open_channel(db, channel, from_start=False)  # nothing earlier was meant for a new one
    moved = _copy_log(db, memory, after)
    for channel in channels:
        _copy_progress(db, memory, channel, moved)
    return moved


def _behind(db: sqlite3.Connection, epoch: str) -> int:
    """Return behind which number of the file this log is copied, now or in an earlier attempt."""
    row = db.execute("SELECT body FROM saved WHERE name = ?", (TAKEN,)).fetchone()
    taken: Any = None if row is None else json.loads(row[0])
    if isinstance(taken, dict) and taken.get("epoch") == epoch:
        return int(taken["after"])
    after = log.last(db)
    body = json.dumps({"epoch": epoch, "after": after})
    db.execute("INSERT OR REPLACE INTO saved VALUES (?, ?)", (TAKEN, body))
    return after


def _copy_log(db: sqlite3.Connection, memory: sqlite3.Connection, after: int) -> dict[int, int]:
    there = {_content(row): int(row[0]) for row in _entries(db, after)}
    moved: dict[int, int] = {}
    n = log.last(db)
    for row in _entries(memory, 0):
        content = _content(row)
        if content not in there:
            n += 1
            there[content] = n
            said = json.loads(row[-1]) | {"n": n}
            db.execute(
                "INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?)",
                (n, *row[1:-1], plain_json.line(said)),
            )
        moved[int(row[0])] = there[content]
    return moved


def _copy_progress(
    db: sqlite3.Connection, memory: sqlite3.Connection, channel: str, moved: Mapping[int, int]
) -> None:
    """Have a channel pass and refuse in the file what it did in memory."""
    refused = memory.execute(
        "SELECT n, why, at_ms, tries FROM refusal WHERE channel = ?", (channel,)
    ).fetchall()
    beyond = {n for (n,) in memory.execute("SELECT n FROM passed WHERE channel = ?", (channel,))}
    upto, aside = log.upto(memory, channel), {row[0] for row in refused}
    log.acknowledge(
        db,
        channel,
        [new for n, new in moved.items() if (n <= upto or n in beyond) and n not in aside],
    )
    for n, why, at_ms, tries in refused:
        log.refuse(db, channel, {moved[n]: why}, at=log.from_ms(at_ms))
        db.execute(
            "UPDATE refusal SET tries = ? WHERE channel = ? AND n = ?", (tries, channel, moved[n])
        )


def _entries(db: sqlite3.Connection, after: int) -> list[tuple[Any, ...]]:
    return db.execute("SELECT * FROM log WHERE n > ? ORDER BY n", (after,)).fetchall()


def _content(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return all of an entry but its number."""
    try:
        said = json.loads(row[-1]) | {"n": None}
    except (ValueError, TypeError):  # damaged on disk: it is like no other
        return row
    return (*row[1:-1], json.dumps(said))
