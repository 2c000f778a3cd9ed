"""The log: numbered entries, and for each channel a cursor and the entries that were refused.

All functions work inside `State`'s transaction. An entry is passed by a channel once it was
acknowledged; the cursor is the number up to which every entry is passed or refused.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from detector import alert as alert_values
from detector import events as event_values
from detector import plain_json
from detector import status as status_values
from detector.alert import Alert, AlertClass
from detector.alerts import commands
from detector.alerts.commands import Acknowledge, AddNote, Command, LabelEvent, MarkSpasm, Snooze
from detector.block import EPOCH
from detector.channels import Entry, EntryKind, RefusedEntry
from detector.events import Event, Origin, format_utc
from detector.status import Status

CAP = 100_000
"""Entries kept at most: weeks without a broker, some 80 MB."""

KEPT = timedelta(days=30)
"""How long an entry that every channel has passed is kept for replays, and a silent receiver, which
would ask for one, is remembered."""

EXPIRES = timedelta(days=7)
"""How long the contract lets a broker keep an event or an alert."""

STATUS_SCHEMA = "status/1"

WHY_MOST = 500  # characters of a refusal's reason: it comes from a broker

TABLES = (
    """CREATE TABLE log (
        n INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL, subject TEXT NOT NULL,
        at_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, clinical INTEGER NOT NULL,
        body TEXT NOT NULL)""",
    "CREATE INDEX log_clinical ON log (clinical, n)",
    "CREATE INDEX log_age ON log (at_ms, n)",
    "CREATE TABLE cursor (channel TEXT PRIMARY KEY, upto INTEGER NOT NULL)",
    # What was acknowledged beyond the cursor, because an entry before it was not.
    "CREATE TABLE passed (channel TEXT, n INTEGER, PRIMARY KEY (channel, n)) WITHOUT ROWID",
    """CREATE TABLE refusal (
        channel TEXT, n INTEGER, why TEXT NOT NULL, at_ms INTEGER NOT NULL,
        tries INTEGER NOT NULL, PRIMARY KEY (channel, n)) WITHOUT ROWID""",
    "CREATE TABLE dropped (entries INTEGER NOT NULL)",
    "INSERT INTO dropped VALUES (0)",
)


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry before it has a number; `fields` are those of its JSON object."""

    kind: EntryKind
    subject: str
    fields: Mapping[str, Any]
    clinical: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)  # fields of the log's JSON only

    def entry(self, n: int, at: datetime) -> Entry:
        """Return the entry; number 0 when it will be in no log."""
        at = from_ms(to_ms(at))  # as it is read again
        return Entry(
            n=n,
            kind=self.kind,
            subject=self.subject,
            body=plain_json.line({**self.fields, "n": n or None, **self.more}),
            at=at,
            expires=at + EXPIRES,
            clinical=self.clinical,
        )


def of_event(event: Event) -> Draft:
    """Return the entry of an event, with the `event_type` that Home Assistant reads."""
    return Draft(
        EntryKind.EVENT,
        event.id,
        event_values.to_dict(event),
        # A revision may take a spasm back: who received the spasm must receive that.
        clinical=event.kind.is_spasm_family or event.revision > 0,
        more={"event_type": event.kind.value},
    )


def of_alert(alert: Alert) -> Draft:
    """Return the entry of one state of an alert."""
    clinical = alert.alert_class is AlertClass.CLINICAL
    return Draft(EntryKind.ALERT, alert.id, alert_values.to_dict(alert), clinical)


def of_status(status: Status, *, wearer: str, source: Origin, at: datetime) -> Draft:
    """Return the entry of a change of status."""
    fields = {
        "schema": STATUS_SCHEMA,
        **status_values.to_dict(status),
        "at": format_utc(at),
        "wearer": wearer,
        "source": source.value,
    }
    return Draft(EntryKind.STATUS, status.watch.value, fields)


def of_command(command: Command, *, at: datetime, whose: str | None, source: Origin) -> Draft:
    """Return the entry of what somebody said to the night."""
    fields = {
        **commands.to_dict(command),
        "at": format_utc(getattr(command, "at", None) or at),
        "said_at": format_utc(at),
        "wearer": whose,
        "source": source.value,
    }
    match command:
        case AddNote() | MarkSpasm():
            kind, subject = EntryKind.NOTE, commands.name_of(command)
        case commands.Withdraw():  # with the labels: they are read up to now for any night
            kind, subject = EntryKind.LABEL, commands.name_of(command)
        case LabelEvent():
            named = command.named or (command.alert or "",)
            kind, subject = EntryKind.LABEL, named[0]
        case Acknowledge(alert=alert) | Snooze(alert=alert):
            kind, subject = EntryKind.COMMAND, alert or commands.name_of(command)
        case _:
            kind, subject = EntryKind.COMMAND, commands.name_of(command)
    return Draft(kind, subject, fields)


def put(db: sqlite3.Connection, draft: Draft, *, at: datetime) -> Entry:
    """Write an entry under the next number."""
    entry = draft.entry(last(db) + 1, at)
    db.execute(
        "INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            entry.n,
            entry.kind,
            entry.subject,
            to_ms(entry.at),
            to_ms(entry.expires),
            entry.clinical,
            entry.body,
        ),
    )
    return entry


def last(db: sqlite3.Connection) -> int:
    """Return the highest number ever used, 0 before the first."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'log'").fetchone()
    return 0 if row is None else int(row[0])


def open_channel(db: sqlite3.Connection, channel: str, *, from_start: bool) -> bool:
    """Place the cursor of a channel that never read: before everything that is kept, or after it.

    Returns
    -------
    whether its cursor lay outside the log, where it would pass what is not written yet; it is put
    at the end
    """
    upto = 0 if from_start else last(db)
    db.execute("INSERT OR IGNORE INTO cursor VALUES (?, ?)", (channel, upto))
    strayed = db.execute(
        """UPDATE cursor SET upto = ?2 WHERE channel = ?1
            AND (typeof(upto) != 'integer' OR upto NOT BETWEEN 0 AND ?2)""",
        (channel, last(db)),
    )
    return strayed.rowcount > 0


def rows_to_read(db: sqlite3.Connection, channel: str, limit: int) -> list[tuple[Any, ...]]:
    """Return the rows of the oldest entries neither passed nor refused."""
    return db.execute(
        f"SELECT {_COLUMNS} FROM log WHERE n > ?2 AND {_OPEN} ORDER BY n LIMIT ?3",  # noqa: S608
        (channel, upto(db, channel), limit),
    ).fetchall()


def rows_from(db: sqlite3.Connection, n: int, limit: int) -> list[tuple[Any, ...]]:
    """Return the rows from a number on, passed or not."""
    query = f"SELECT {_COLUMNS} FROM log WHERE n >= ? ORDER BY n LIMIT ?"  # noqa: S608
    return db.execute(query, (n, limit)).fetchall()


def rows_refused(db: sqlite3.Connection, channel: str, limit: int) -> list[tuple[Any, ...]]:
    """Return the rows of refused entries with why, when and how often, longest ago first."""
    return db.execute(
        f"""SELECT {_COLUMNS}, why, refusal.at_ms, tries FROM refusal JOIN log USING (n)
            WHERE channel = ? ORDER BY refusal.at_ms, n LIMIT ?""",  # noqa: S608
        (channel, limit),
    ).fetchall()


def entry_of(row: tuple[Any, ...]) -> Entry:
    """Return the entry of a row.

    Raises
    ------
    ValueError, TypeError, OverflowError
        The row is damaged.
    """
    n, kind, subject, at_ms, expires_ms, clinical, body = row[:7]
    if not isinstance(body, str) or not isinstance(subject, str):
        raise TypeError("an entry's body must be text")
    return Entry(
        n, EntryKind(kind), subject, body, from_ms(at_ms), from_ms(expires_ms), bool(clinical)
    )


def refusal_of(row: tuple[Any, ...]) -> RefusedEntry:
    """Return the refusal of a row of `rows_refused`; errors as `entry_of`."""
    why, at_ms, tries = row[7:]
    return RefusedEntry(entry_of(row), str(why), from_ms(at_ms), int(tries))


def acknowledge(db: sqlite3.Connection, channel: str, numbers: Iterable[int]) -> None:
    """Pass these entries, refused before or not; numbers that are in no log are ignored."""
    after = upto(db, channel)
    for n in numbers:
        db.execute("DELETE FROM refusal WHERE channel = ? AND n = ?", (channel, n))
        db.execute(
            "INSERT OR IGNORE INTO passed SELECT ?, n FROM log WHERE n = ? AND n > ?",
            (channel, n, after),
        )
    _advance(db, channel, after)


def refuse(db: sqlite3.Connection, channel: str, whys: Mapping[int, str], *, at: datetime) -> None:
    """Set entries aside, or count another try of them; what was passed stays passed."""
    after = upto(db, channel)
    for n, why in whys.items():
        values = {"channel": channel, "n": n, "why": why[:WHY_MOST], "at_ms": to_ms(at)}
        db.execute(
            """INSERT INTO refusal SELECT :channel, n, :why, :at_ms, 0 FROM log
                WHERE n = :n AND n > :after
                AND NOT EXISTS (SELECT 1 FROM passed WHERE channel = :channel AND n = :n)
                ON CONFLICT DO NOTHING""",
            values | {"after": after},
        )
        db.execute(
            """UPDATE refusal SET why = :why, at_ms = :at_ms, tries = tries + 1
                WHERE channel = :channel AND n = :n""",
            values,
        )
    _advance(db, channel, after)


def depth(db: sqlite3.Connection, channel: str) -> int:
    """Count the entries a channel has not passed, refused ones included."""
    return int(
        db.execute(
            # `clinical IN (0, 1)` is always so: it has SQLite count in an index without bodies.
            """SELECT (SELECT count(*) FROM log WHERE clinical IN (0, 1) AND n > :upto)
                - (SELECT count(*) FROM passed WHERE channel = :channel)
                + (SELECT count(*) FROM refusal WHERE channel = :channel AND n <= :upto)""",
            {"channel": channel, "upto": upto(db, channel)},
        ).fetchone()[0]
    )


def waiting(db: sqlite3.Connection, channel: str, kinds: Collection[EntryKind]) -> int:
    """Count the entries of these kinds that a channel has not passed, refused ones included."""
    marks = ", ".join("?" * len(kinds))
    refused = "EXISTS (SELECT 1 FROM refusal WHERE channel = ?1 AND refusal.n = log.n)"
    query = f"""SELECT count(*) FROM log WHERE ((n > ?2 AND {_OPEN}) OR {refused})
        AND kind IN ({marks})"""  # noqa: S608
    return int(db.execute(query, (channel, upto(db, channel), *kinds)).fetchone()[0])


def dropped(db: sqlite3.Connection) -> int:
    """Count the entries ever dropped before every channel had passed them."""
    return int(db.execute("SELECT entries FROM dropped").fetchone()[0])


def trim(db: sqlite3.Connection, cap: int, *, at: datetime) -> None:
    """Drop what is old and passed, then what is beyond `cap`, and count what was not passed.

    Beyond the cap what was passed goes first, then what is not clinical. Clinical entries go only
    when they have expired, too: rather a growing file than a spasm that is never delivered.
    """
    heard = db.execute("SELECT min(upto) FROM cursor").fetchone()[0]
    values = {
        "heard": last(db) if heard is None else heard,
        "at_ms": to_ms(at),
        "old_ms": to_ms(at - KEPT),
    }
    # `+n`: the index on the age is the way in, and next to nothing is that old.
    old = f"at_ms < :old_ms AND +n <= :heard AND {_DONE_WITH}"
    gone = db.execute(f"DELETE FROM log WHERE {old}", values).rowcount  # noqa: S608
    for which, counted in (
        (f"n <= :heard AND {_DONE_WITH}", False),
        ("clinical = 0", True),
        (_EXPIRED, True),
    ):
        excess = _excess(db, cap)
        if excess <= 0:
            break
        went = _delete(db, which, values, excess)
        gone += went
        if counted:
            db.execute("UPDATE dropped SET entries = entries + ?", (went,))
    if gone:
        for table in ("passed", "refusal"):
            db.execute(f"DELETE FROM {table} WHERE n NOT IN (SELECT n FROM log)")  # noqa: S608


def retold(kind: str, n: int, body: str) -> str | None:
    """Return a body of the first layout as entries have it; None where it is no JSON object."""
    try:
        said = json.loads(body)
    except (ValueError, TypeError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    more = {"event_type": said.get("kind")} if kind == EntryKind.EVENT else {}
    return plain_json.line({**said, "n": n, **more})


def current_form(body: str) -> str:
    """Return the body of an event with the fields of this release; what is no event stays."""
    try:
        return event_values.to_json(event_values.from_dict(json.loads(body)))
    except (ValueError, TypeError, AttributeError, RecursionError):
        return body


def to_ms(moment: datetime) -> int:
    """Return ms since 1970."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def from_ms(ms: int) -> datetime:
    """Return the moment so many ms after 1970."""
    return EPOCH + timedelta(milliseconds=ms)


def upto(db: sqlite3.Connection, channel: str) -> int:
    """Return a channel's cursor.

    Raises
    ------
    LookupError
        The channel was never opened.
    """
    row = db.execute("SELECT upto FROM cursor WHERE channel = ?", (channel,)).fetchone()
    if row is None:
        raise LookupError(f"the channel {channel!r} was never opened: call open_channel first")
    return int(row[0])


_COLUMNS = "n, kind, subject, log.at_ms, expires_ms, clinical, body"
_OPEN = """NOT EXISTS (SELECT 1 FROM passed WHERE channel = ?1 AND passed.n = log.n)
    AND NOT EXISTS (SELECT 1 FROM refusal WHERE channel = ?1 AND refusal.n = log.n)"""
_EXPIRED = "clinical = 1 AND expires_ms < :at_ms"
_DONE_WITH = """(NOT clinical OR expires_ms < :at_ms)
    AND NOT EXISTS (SELECT 1 FROM refusal WHERE refusal.n = log.n)"""


def _advance(db: sqlite3.Connection, channel: str, after: int) -> None:
    """Move the cursor over what is passed or refused without a hole."""
    row = db.execute(
        f"SELECT n FROM log WHERE n > ?2 AND {_OPEN} ORDER BY n LIMIT 1",  # noqa: S608
        (channel, after),
    ).fetchone()
    to = last(db) if row is None else int(row[0]) - 1
    db.execute("UPDATE cursor SET upto = ? WHERE channel = ?", (to, channel))
    db.execute("DELETE FROM passed WHERE channel = ? AND n <= ?", (channel, to))


def _excess(db: sqlite3.Connection, cap: int) -> int:
    """Count the entries beyond the cap; without looking at each while there is plenty of room."""
    first, newest = db.execute(
        "SELECT (SELECT min(n) FROM log), (SELECT max(n) FROM log)"
    ).fetchone()
    if first is None or newest - first < cap:
        return 0
    return int(db.execute("SELECT count(*) FROM log").fetchone()[0]) - cap


def _delete(db: sqlite3.Connection, which: str, values: dict[str, int], most: int) -> int:
    """Delete the oldest entries of which this is so; return how many went."""
    return db.execute(
        f"DELETE FROM log WHERE n IN (SELECT n FROM log WHERE {which} ORDER BY n LIMIT :most)",  # noqa: S608
        values | {"most": most},
    ).rowcount
