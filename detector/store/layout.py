"""The tables of the state file, as the steps from one version of it to the next."""

from __future__ import annotations

import sqlite3

from detector.store import log, past, receivers

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
        """CREATE TABLE event (
            id TEXT PRIMARY KEY, recording TEXT, onset_s REAL NOT NULL, onset_ms INTEGER,
            revision INTEGER NOT NULL, phase INTEGER NOT NULL, body TEXT NOT NULL)""",
        "CREATE INDEX event_recording ON event (recording, onset_s)",
        """CREATE TABLE alert (
            id TEXT PRIMARY KEY, state TEXT NOT NULL, at_ms INTEGER NOT NULL,
            body TEXT NOT NULL)""",
        "CREATE TABLE saved (name TEXT PRIMARY KEY, body TEXT NOT NULL)",
        """CREATE TABLE log (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            leaf TEXT NOT NULL, subject TEXT NOT NULL,
            at_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,
            payload TEXT NOT NULL)""",
        "CREATE TABLE outbox (seq INTEGER PRIMARY KEY, clinical INTEGER NOT NULL)",
        "CREATE INDEX outbox_clinical ON outbox (clinical, seq)",
        "CREATE TABLE dropped (letters INTEGER NOT NULL)",
        "INSERT INTO dropped VALUES (0)",
    ),
    # The outbox of MQTT, the only reader there was, becomes a cursor: what was not acknowledged
    # is still to be delivered. Rows of the old log get their number into their body, as entries.
    (
        "ALTER TABLE log RENAME TO letter",
        "ALTER TABLE dropped RENAME TO dropped_letters",
        """CREATE TABLE damaged (
            source TEXT NOT NULL, id TEXT, body TEXT, why TEXT NOT NULL,
            told INTEGER NOT NULL)""",
        *log.TABLES,
        "UPDATE dropped SET entries = (SELECT letters FROM dropped_letters)",
        """INSERT INTO damaged SELECT 'log', seq, payload, 'not a JSON object', 0 FROM letter
            WHERE retold(leaf, seq, payload) IS NULL""",
        """INSERT INTO sqlite_sequence
            SELECT 'log', seq FROM sqlite_sequence WHERE name = 'letter'""",
        """INSERT INTO log
            SELECT seq, leaf, subject, at_ms, expires_ms, coalesce(clinical, 1),
                retold(leaf, seq, payload)
            FROM letter LEFT JOIN outbox USING (seq)
            WHERE retold(leaf, seq, payload) IS NOT NULL ORDER BY seq""",
        """INSERT INTO cursor SELECT 'mqtt', coalesce(
            (SELECT min(seq) - 1 FROM outbox),
            (SELECT seq FROM sqlite_sequence WHERE name = 'letter'), 0)
            WHERE EXISTS (SELECT 1 FROM letter)""",
        """INSERT INTO passed SELECT channel, n FROM log JOIN cursor ON n > upto
            WHERE n NOT IN (SELECT seq FROM outbox)""",
        # Fields that came later, so that repeating what is known is still no news.
        "UPDATE event SET body = current_form(body)",
        "DROP TABLE outbox",
        "DROP TABLE letter",
        "DROP TABLE dropped_letters",
    ),
    receivers.TABLES,
    past.INDICES,
)
"""Step n brings a file of schema version n to version n + 1. Only ever append."""


def migrate(
    db: sqlite3.Connection, version: int, steps: tuple[tuple[str, ...], ...] = MIGRATIONS
) -> None:
    """Bring tables of this version up to date; the caller has begun a transaction."""
    db.create_function("retold", 3, log.retold, deterministic=True)
    db.create_function("current_form", 1, log.current_form, deterministic=True)
    for step in steps[version:]:
        for statement in step:
            db.execute(statement)
    row = ("schema_version", str(len(steps)))
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", row)
