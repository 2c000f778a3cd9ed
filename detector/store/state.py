"""The state: events, alerts, the log and saved data in one SQLite file that survives a power cut.

Commit, then publish: an event, the alert it causes and the log's entries about both are one
transaction. A commit waits until the disk has the data, so call it from a thread of its own:
calls may come from any thread, but must never overlap.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Self, TypeVar

from detector import alert as alert_values
from detector import events as event_values
from detector.alert import Alert, AlertState
from detector.channels import Entry, EntryKind, RefusedEntry
from detector.events import Event, Phase
from detector.store import cursors, log, past, receivers, state_file, takeover, wearer_file
from detector.store.identity import Named
from detector.store.log import Draft
from detector.store.past import Page
from detector.store.receivers import KnownReceiver
from detector.store.state_file import (
    StateDamagedError,
    StateDiskError,
    StateError,
    transaction,
)

__all__ = ["State", "StateDamagedError", "StateDiskError", "StateError"]

T = TypeVar("T")

TROUBLES_MOST = 20  # sentences kept; each stands for all that was found damaged in one reading
DAMAGE = (ValueError, TypeError, AttributeError, OverflowError, RecursionError)


class State:
    """The one owner of the state; made by `State.open` or, without a disk, `State.in_memory`.

    wearer : ten random base32 characters, kept in a file of its own beside the state
    epoch : sixteen random hex digits, new with every new file: entries count from 1 again
    """

    def __init__(self, path: Path, db: sqlite3.Connection, lock: int | None, cap: int) -> None:
        self._path = path
        self._db = db
        self._named = None if lock is None else Named.of(path)
        self._lock = lock
        self._cap = cap
        self._troubles: deque[str] = deque(maxlen=TROUBLES_MOST)
        meta = dict(db.execute("SELECT name, value FROM meta"))
        self.wearer: str = meta["wearer"]
        self.epoch: str = meta["epoch"]

    @classmethod
    def open(cls, path: Path, *, wearer: str | None = None, cap: int = log.CAP) -> State:
        """Open or create the state, for the wearer in the wearer's file, else for `wearer`.

        Raises
        ------
        StateDiskError
            The disk cannot be read or written; use `in_memory` for a night.
        StateDamagedError
            It was damaged and has been moved aside. Announce it, then open again.
        StateError
            Another process owns it, or a newer version wrote it.
        """
        if wearer is not None and not wearer_file.ID.fullmatch(wearer):
            raise StateError(f"a wearer's id is ten characters of a-z and 2-7, not {wearer!r}")
        with _clear_errors(path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = state_file.lock(path)
            try:
                named = wearer_file.read(path.parent)
                db = state_file.connect(path, named or wearer or wearer_file.new_id())
                state = cls(path, db, lock, cap)
                state._tell_what_the_migration_set_aside()
                state._keep_wearer(named)
                return state
            except BaseException:
                os.close(lock)
                raise

    @classmethod
    def in_memory(cls, *, wearer: str | None = None, cap: int = log.CAP) -> State:
        """Return a new state without a file, for a night without a usable disk."""
        db = state_file.in_memory(wearer or wearer_file.new_id())
        return cls(Path("memory"), db, None, cap)

    def close(self) -> None:
        """Merge the -wal into the file and close it."""
        with suppress(sqlite3.Error):  # a full disk must not keep us from ending
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

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
        entries: Iterable[Draft] = (),
        saved: Mapping[str, Any] | None = None,
    ) -> tuple[Entry, ...]:
        """Write all of this or, on StateError, none of it; return the new entries of the log.

        What is already stored, the same or in a later form, makes no entry: repeating a
        commit of events and alerts publishes nothing twice. `saved` replaces plain data by name
        (`night`, `rows`, `ended`, `boot`, `self-test`, `starts`, `push:NAME` of each contact).
        """
        with _clear_errors(self._path), transaction(self._db):
            self._check_name()
            logged = self._put(at, events, alerts, entries, saved or {})
            if logged:
                log.trim(self._db, self._cap, at=at)
        return logged

    def take_over(
        self,
        memory: State,
        *,
        at: datetime,
        events: Iterable[Event] = (),
        alerts: Iterable[Alert] = (),
        saved: Mapping[str, Any] | None = None,
    ) -> Mapping[int, int]:
        """Take all that a state in memory holds or, on StateError, nothing.

        Parameters
        ----------
        events, alerts : of an earlier process, that are over; they come first. What the memory
            has of the same id is later, and counts
        saved : plain data by name that replaces what the memory has of it

        Returns
        -------
        the number of each entry of its log in this one, by the number there
        """
        with _clear_errors(self._path), transaction(self._db):
            self._check_name()
            later = takeover.known(memory._db)
            over = [each for each in events if each.id not in later]
            self._put(at, over, [each for each in alerts if each.id not in later], (), {})
            moved = takeover.copy(self._db, memory._db, memory.epoch)
            self._put(at, (), (), (), saved or {})
        return moved

    @property
    def on_disk(self) -> bool:
        """Whether it has a file."""
        return self._named is not None

    def saved(self, name: str) -> Any:
        """Return the plain data last saved under this name, or None."""
        query = "SELECT rowid, body FROM saved WHERE name = ?"
        found = self._read_rows("saved", query, (name,), lambda row: json.loads(row[1]))
        return found[0] if found else None

    def events(self, recording: str | None = None, since: datetime | None = None) -> list[Event]:
        """Return events in their latest form, by onset, of one recording or since a time."""
        return self.page(past.events_of(recording, since))

    def page(self, page: Page[T]) -> list[T]:
        """Return a page of what is kept of earlier nights."""
        return self._read_rows(page.table, page.sql, page.parameters, page.parse)

    def open_alerts(self) -> list[Alert]:
        """Return the alerts not yet resolved, oldest first."""
        query = "SELECT rowid, body FROM alert WHERE state != ? ORDER BY at_ms, id"
        parameters = (AlertState.RESOLVED.value,)
        return self._read_rows(
            "alert", query, parameters, lambda row: alert_values.from_json(row[1])
        )

    def open_channel(self, channel: str, *, from_start: bool) -> None:
        """Open the log for a channel; a new one begins at the log's start, or at its end."""
        with _clear_errors(self._path), transaction(self._db):
            strayed = log.open_channel(self._db, channel, from_start=from_start)
        if strayed:
            self._troubles.append(
                f"how far {channel} had come in {self._path.name} was damaged: what it had not "
                "told of earlier nights stays untold. Check the disk."
            )

    def close_channels(self, prefix: str, kept: Collection[str]) -> None:
        """Forget the channels whose name begins so, but for these."""
        with _clear_errors(self._path), transaction(self._db):
            cursors.close_channels(self._db, prefix, kept)

    def read(self, channel: str, limit: int = 100) -> list[Entry]:
        """Return the oldest entries that a channel has neither acknowledged nor refused."""
        with _clear_errors(self._path):
            rows = log.rows_to_read(self._db, channel, limit)
        return self._parsed("log", rows, log.entry_of)

    def acknowledge(self, channel: str, numbers: Iterable[int]) -> None:
        """Record that a channel has delivered these, in any order."""
        with _clear_errors(self._path), transaction(self._db):
            log.acknowledge(self._db, channel, numbers)

    def refuse(self, channel: str, whys: Mapping[int, str], *, at: datetime) -> None:
        """Set entries aside that a channel could not deliver, each with the reason."""
        with _clear_errors(self._path), transaction(self._db):
            log.refuse(self._db, channel, whys, at=at)

    def refused(self, channel: str, limit: int = 100) -> list[RefusedEntry]:
        """Return what a channel has set aside, the one tried longest ago first."""
        with _clear_errors(self._path):
            rows = log.rows_refused(self._db, channel, limit)
        return self._parsed("log", rows, log.refusal_of)

    def replay_from(self, n: int, limit: int = 1000) -> list[Entry]:
        """Return entries from number `n` on again, passed or not."""
        with _clear_errors(self._path):
            rows = log.rows_from(self._db, n, limit)
        return self._parsed("log", rows, log.entry_of)

    @property
    def last(self) -> int:
        """Highest number of the log, 0 before the first entry."""
        with _clear_errors(self._path):
            return log.last(self._db)

    def acknowledge_as(self, receiver: str, upto: int, *, at: datetime) -> int:
        """Record that a named receiver has every entry up to a number; return where it was before.

        Raises
        ------
        ValueError
            The name is none, or the number was never used.
        """
        with _clear_errors(self._path), transaction(self._db):
            return receivers.acknowledge(self._db, receiver, upto, at=at)

    @property
    def receivers(self) -> list[KnownReceiver]:
        """Receivers that acknowledged something in the last 30 days, by name."""
        with _clear_errors(self._path):
            return receivers.known(self._db)

    def depth(self, channel: str) -> int:
        """Return the number of entries a channel has not delivered, refused ones included."""
        with _clear_errors(self._path):
            return log.depth(self._db, channel)

    def waiting(self, channel: str, kinds: Collection[EntryKind]) -> int:
        """Return the number of entries of these kinds a channel has not delivered."""
        with _clear_errors(self._path):
            return log.waiting(self._db, channel, kinds)

    @property
    def dropped(self) -> int:
        """Entries ever dropped before every channel had passed them: too many waited."""
        with _clear_errors(self._path):
            return log.dropped(self._db)

    @property
    def troubles(self) -> tuple[str, ...]:
        """Damage found since the state was opened, a sentence each, the latest last."""
        return tuple(self._troubles)

    def _check_name(self) -> None:
        if self._named is not None and self._named.is_gone:
            raise StateDiskError(
                f"The state file {self._path} was deleted or replaced while it was in use: "
                "what happens now is not kept. Stop spasmwatch and start it again."
            )

    def _put(
        self,
        at: datetime,
        events: Iterable[Event],
        alerts: Iterable[Alert],
        entries: Iterable[Draft],
        saved: Mapping[str, Any],
    ) -> tuple[Entry, ...]:
        drafts = [log.of_event(event) for event in events if self._is_news(event)]
        drafts += [log.of_alert(alert) for alert in alerts if self._is_step(alert, at)]
        for name, data in saved.items():
            row = (name, json.dumps(data))
            self._db.execute("INSERT OR REPLACE INTO saved VALUES (?, ?)", row)
        return tuple(log.put(self._db, draft, at=at) for draft in (*drafts, *entries))

    def _is_news(self, event: Event) -> bool:
        """Store an event; return whether it is new or changed."""
        body = event_values.to_json(event)
        onset_ms = None if event.onset is None else log.to_ms(event.onset)
        recording = None if event.recording is None else event.recording.name
        phase = list(Phase).index(event.phase)
        cursor = self._db.execute(
            takeover.EVENT,
            (event.id, recording, event.onset_s, onset_ms, event.revision, phase, body),
        )
        return cursor.rowcount == 1

    def _is_step(self, alert: Alert, at: datetime) -> bool:
        """Store an alert; return whether it is new or changed."""
        row = (alert.id, alert.state, log.to_ms(at), alert_values.to_json(alert))
        cursor = self._db.execute(takeover.ALERT, row)
        return cursor.rowcount == 1

    def _keep_wearer(self, named: str | None) -> None:
        """Make file and state name the same wearer; the file was written first and wins."""
        if named is None:
            try:
                wearer_file.write(self._path.parent, self.wearer)
            except OSError as error:
                self._troubles.append(f"the wearer's id has no file of its own: {error}")
        elif named != self.wearer:
            self._troubles.append(
                f"{self._path.name} belonged to the wearer {self.wearer}, this folder to {named}: "
                "from now on all of it counts as theirs"
            )
            self._db.execute("UPDATE meta SET value = ? WHERE name = 'wearer'", (named,))
            self.wearer = named

    def _read_rows(
        self,
        table: str,
        query: str,
        parameters: Sequence[Any],
        parse: Callable[[tuple[Any, ...]], T],
    ) -> list[T]:
        with _clear_errors(self._path):
            rows = self._db.execute(query, parameters).fetchall()
        return self._parsed(table, rows, parse)

    def _parsed(
        self, table: str, rows: Iterable[tuple[Any, ...]], parse: Callable[[tuple[Any, ...]], T]
    ) -> list[T]:
        """Return what the rows hold; those that cannot be read are set aside and reported."""
        found: list[T] = []
        damaged: list[tuple[str, int]] = []
        for row in rows:
            try:
                found.append(parse(row))
            except DAMAGE as error:
                damaged.append((str(error)[:200], row[0]))
        if damaged:
            self._set_aside(table, damaged)
        return found

    def _set_aside(self, table: str, damaged: list[tuple[str, int]]) -> None:
        """Set rows aside, if the disk allows it, and report them either way."""
        rowids = [(rowid,) for _, rowid in damaged]
        with suppress(sqlite3.Error), transaction(self._db):
            self._db.executemany(
                f"""INSERT INTO damaged SELECT '{table}', rowid, CAST(body AS TEXT), ?, 1
                    FROM {table} WHERE rowid = ?""",  # noqa: S608
                damaged,
            )
            self._db.executemany(f"DELETE FROM {table} WHERE rowid = ?", rowids)  # noqa: S608
        self._say_damaged(len(damaged), table, damaged[0][0])

    def _tell_what_the_migration_set_aside(self) -> None:
        untold = "SELECT count(*), source, why FROM damaged WHERE NOT told GROUP BY source"
        for rows, table, why in self._db.execute(untold).fetchall():
            self._say_damaged(rows, table, why)
        if self._troubles:
            self._db.execute("UPDATE damaged SET told = 1")

    def _say_damaged(self, rows: int, table: str, why: str) -> None:
        self._troubles.append(
            f"{rows} rows of {table} in {self._path.name} cannot be read ({why}) "
            "and are set aside in its table 'damaged'. Check the disk."
        )


@contextmanager
def _clear_errors(path: Path) -> Iterator[None]:
    """Raise errors of disk and file as StateDiskError with one sentence."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StateDiskError(
            f"The state file {path} cannot be used: {reason}. Nothing was written; check free "
            "space and permissions."
        ) from error
