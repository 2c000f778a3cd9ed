"""Delete what a state file keeps of spans of time, for good; only while no service owns it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from detector.alert import AlertState
from detector.store import log, state_file, wearer_file

Between = tuple[datetime, datetime]
"""From the first moment to before the second."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How much was deleted; `entries` of the log."""

    events: int = 0
    alerts: int = 0
    entries: int = 0


def forget(path: Path, spans: Iterable[Between]) -> Forgotten:
    """Delete events that began then, alerts that were over then, and entries of the log, at once.

    What is deleted is overwritten in the file. Numbers of the log are not used again, and what of
    it no channel had delivered yet never will be. Open alerts stay.

    Raises
    ------
    StateDiskError, StateDamagedError, StateError
        As `State.open`; nothing was deleted.
    """
    if not path.exists():
        return Forgotten()
    try:
        held = state_file.lock(path)
        try:
            named = wearer_file.read(path.parent)
            with closing(state_file.connect(path, named or wearer_file.new_id())) as db:
                return _forget(db, [(log.to_ms(a), log.to_ms(b)) for a, b in spans])
        finally:
            os.close(held)
    except (sqlite3.Error, OSError) as error:
        raise state_file.StateDiskError(
            f"The state file {path} cannot be changed ({error}): nothing of it was deleted."
        ) from error


def _forget(db: sqlite3.Connection, spans: list[tuple[int, int]]) -> Forgotten:
    db.execute("PRAGMA secure_delete = ON")
    counts = [0, 0, 0]
    statements = (
        "DELETE FROM event WHERE onset_ms >= ? AND onset_ms < ?",
        f"DELETE FROM alert WHERE at_ms >= ? AND at_ms < ? AND state = '{AlertState.RESOLVED}'",  # noqa: S608
        "DELETE FROM log WHERE at_ms >= ? AND at_ms < ?",
    )
    with state_file.transaction(db):
        for span in spans:
            for number, statement in enumerate(statements):
                counts[number] += db.execute(statement, span).rowcount
        for table in ("passed", "refusal"):
            db.execute(f"DELETE FROM {table} WHERE n NOT IN (SELECT n FROM log)")  # noqa: S608
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return Forgotten(*counts)
