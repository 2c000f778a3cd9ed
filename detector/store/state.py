"""What must survive a power cut: events, alerts, letters and saved state, in one small SQLite file.

Commit, then tell: an event, the alert it causes and the letters about both are one transaction.
A commit waits until the disk has the data, so give the state a thread of its own: calls may come
from any thread, but must never overlap.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from detector import alert as alert_values
from detector import events as event_values
from detector.alert import Alert, AlertClass, AlertState
from detector.events import Event, Phase
from detector.store import outbox, state_file
from detector.store.outbox import Letter
from detector.store.state_file import StateDamagedError, StateError, transaction

__all__ = ["Letter", "State", "StateDamagedError", "StateError"]


class State:
    """The one owner of the state file; made by `State.open`.

    wearer : ten random base32 characters, made with the file
    epoch : sixteen random hex digits, new with every new file: letters count from 1 again
    """

    def __init__(self, path: Path, db: sqlite3.Connection, lock: int, outbox_cap: int) -> None:
        self._path = path
        self._db = db
        self._lock = lock
        self._cap = outbox_cap
        meta = dict(db.execute("SELECT name, value FROM meta"))
        self.wearer: str = meta["wearer"]
        self.epoch: str = meta["epoch"]

    @classmethod
    def open(cls, path: Path, *, wearer: str | None = None, outbox_cap: int = outbox.CAP) -> State:
        """Open the state, or begin it (for `wearer`, else for a new random one).

        Raises
        ------
        StateError
            Another process owns it, a newer version wrote it, or the disk refuses.
        StateDamagedError
            It was damaged and has been moved aside. Announce it, then open again.
        """
        with _clear_errors(path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = state_file.lock(path)
            try:
                return cls(path, state_file.connect(path, wearer), lock, outbox_cap)
            except BaseException:
                os.close(lock)
                raise

    def close(self) -> None:
        """Fold everything into one file and let go of it."""
        with suppress(sqlite3.Error):  # a full disk must not keep us from ending
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def commit(
        self,
        *,
        at: datetime,
        events: Iterable[Event] = (),
        alerts: Iterable[Alert] = (),
        saved: Mapping[str, Any] | None = None,
    ) -> int:
        """Write all of this or, on StateError, none of it; return how many letters it made.

        What is already known, word for word or in a later form, makes no letter: repeating a
        commit tells nothing twice. `saved` replaces plain data by name (`policy`, `pipeline`).
        """
        with _clear_errors(self._path), transaction(self._db):
            letters = sum([self._keep_event(event, at) for event in events])
            letters += sum([self._keep_alert(alert, at) for alert in alerts])
            for name, data in (saved or {}).items():
                row = (name, json.dumps(data))
                self._db.execute("INSERT OR REPLACE INTO saved VALUES (?, ?)", row)
            if letters:
                outbox.trim(self._db, self._cap, at=at)
        return letters

    def saved(self, name: str) -> Any:
        """Return the plain data last saved under this name, or None."""
        with _reading(self._path):
            row = self._db.execute("SELECT body FROM saved WHERE name = ?", (name,)).fetchone()
            return None if row is None else json.loads(row[0])

    def events(self, recording: str | None = None, since: datetime | None = None) -> list[Event]:
        """Return events in their latest form, by onset, of one recording or since a time."""
        query = """SELECT body FROM event
            WHERE (?1 IS NULL OR recording = ?1) AND (?2 IS NULL OR onset_ms >= ?2)
            ORDER BY onset_ms, onset_s, id"""
        since_ms = None if since is None else outbox.to_ms(since)
        with _reading(self._path):
            rows = self._db.execute(query, (recording, since_ms)).fetchall()
            return [event_values.from_dict(json.loads(body)) for (body,) in rows]

    def open_alerts(self) -> list[Alert]:
        """Return the alerts not yet resolved, oldest first."""
        query = "SELECT body FROM alert WHERE state != ? ORDER BY at_ms, id"
        with _reading(self._path):
            rows = self._db.execute(query, (AlertState.RESOLVED,)).fetchall()
            return [alert_values.from_json(body) for (body,) in rows]

    def pending(self, limit: int = 100) -> list[Letter]:
        """Return the oldest letters not yet delivered."""
        with _reading(self._path):
            return outbox.pending(self._db, limit)

    def delivered(self, seqs: Iterable[int]) -> None:
        """Take letters off: the broker has signed for them."""
        with _clear_errors(self._path), transaction(self._db):
            outbox.sign(self._db, seqs)

    def replay_from(self, seq: int, limit: int = 1000) -> list[Letter]:
        """Return letters from `seq` on again, delivered or not."""
        with _reading(self._path):
            return outbox.replay(self._db, seq, limit)

    @property
    def depth(self) -> int:
        """Letters not yet delivered."""
        with _reading(self._path):
            return outbox.depth(self._db)

    @property
    def dropped(self) -> int:
        """Letters ever given up because too many waited."""
        with _reading(self._path):
            return outbox.dropped(self._db)

    def _keep_event(self, event: Event, at: datetime) -> bool:
        body = event_values.to_json(event)
        onset_ms = None if event.onset is None else outbox.to_ms(event.onset)
        recording = None if event.recording is None else event.recording.name
        phase = list(Phase).index(event.phase)
        cursor = self._db.execute(
            """INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
                recording = excluded.recording, onset_s = excluded.onset_s,
                onset_ms = excluded.onset_ms, revision = excluded.revision,
                phase = excluded.phase, body = excluded.body
            WHERE (excluded.revision, excluded.phase) >= (event.revision, event.phase)
                AND excluded.body != event.body""",
            (event.id, recording, event.onset_s, onset_ms, event.revision, phase, body),
        )
        if cursor.rowcount != 1:
            return False
        # A revision may take a spasm back: whoever heard of the spasm must hear of that.
        clinical = event.kind.is_spasm_family or event.revision > 0
        outbox.put(self._db, "event", event.id, body, at=at, clinical=clinical)
        return True

    def _keep_alert(self, alert: Alert, at: datetime) -> bool:
        body = alert_values.to_json(alert)
        cursor = self._db.execute(
            """INSERT INTO alert VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
                state = excluded.state, at_ms = excluded.at_ms, body = excluded.body
            WHERE excluded.body != alert.body""",
            (alert.id, alert.state, outbox.to_ms(at), body),
        )
        if cursor.rowcount != 1:
            return False
        clinical = alert.alert_class is AlertClass.CLINICAL
        outbox.put(self._db, "alert", alert.id, body, at=at, clinical=clinical)
        return True


@contextmanager
def _clear_errors(path: Path) -> Iterator[None]:
    """Say in one sentence what the disk refused or the file holds."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StateError(
            f"The state file {path} cannot be used: {reason}. Nothing was written; check free "
            "space and permissions."
        ) from error


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        with _clear_errors(path):
            yield
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise StateError(f"the state file {path} holds something unreadable: {error}") from error
