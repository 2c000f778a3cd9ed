"""What the state keeps of earlier nights, in pages small enough to lie between two commits."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from detector import alert as alert_values
from detector import events as event_values
from detector.alert import Alert
from detector.channels import Entry, EntryKind
from detector.events import Event
from detector.store import log

T = TypeVar("T")

MOST = 200
"""Rows of a page: 5 ms on a slow computer, and so long the next commit may wait for one."""

INDICES = (
    "CREATE INDEX event_onset ON event (onset_ms, id)",
    "CREATE INDEX log_label ON log (at_ms, n) WHERE kind = 'label'",
    "CREATE INDEX log_status ON log (at_ms, n) WHERE kind = 'status'",
)
"""So that a page costs the same, however much is kept."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A question for `State.page`; the first column of `sql` is the number of the row."""

    table: str
    sql: str
    parameters: tuple[Any, ...]
    parse: Callable[[tuple[Any, ...]], T]


def events_of(recording: str | None, since: datetime | None) -> Page[Event]:
    """Return every event of one recording, or since a time, by onset: no page, but a whole."""
    sql = """SELECT rowid, body FROM event
        WHERE (?1 IS NULL OR recording = ?1) AND (?2 IS NULL OR onset_ms >= ?2)
        ORDER BY onset_ms, onset_s, id"""
    return Page("event", sql, (recording, None if since is None else log.to_ms(since)), _event)


def event_called(name: str) -> Page[Event]:
    """Return the event of an id."""
    return Page("event", "SELECT rowid, body FROM event WHERE id = ?", (name,), _event)


def events_in(
    since: datetime, until: datetime, after: Event | None = None, limit: int = MOST
) -> Page[Event]:
    """Return events by onset, from `since` to before `until`, that come after another."""
    sql = """SELECT rowid, body FROM event WHERE onset_ms >= ?1 AND onset_ms < ?2
        AND (onset_ms, id) > (?3, ?4) ORDER BY onset_ms, id LIMIT ?5"""
    begin = log.to_ms(since)
    place = (begin - 1, "") if after is None else (_onset_ms(after), after.id)
    return Page("event", sql, (begin, log.to_ms(until), *place, limit), _event)


def entries_in(
    since: datetime, until: datetime, after: Entry | None = None, limit: int = MOST
) -> Page[Entry]:
    """Return entries of the log by time, from `since` to before `until`, that come after one."""
    sql = f"""SELECT {_ENTRY} FROM log WHERE at_ms >= ?1 AND at_ms < ?2
        AND (at_ms, n) > (?3, ?4) ORDER BY at_ms, n LIMIT ?5"""  # noqa: S608
    begin = log.to_ms(since)
    place = (begin - 1, 0) if after is None else (log.to_ms(after.at), after.n)
    return Page("log", sql, (begin, log.to_ms(until), *place, limit), log.entry_of)


def labels_in(
    since: datetime, until: datetime, before: Entry | None = None, limit: int = MOST
) -> Page[Entry]:
    """Return what people said that events were, newest first, from before another on."""
    sql = f"""SELECT {_ENTRY} FROM log WHERE kind = 'label' AND at_ms >= ?1 AND at_ms < ?2
        AND (at_ms, n) < (?3, ?4) ORDER BY at_ms DESC, n DESC LIMIT ?5"""  # noqa: S608
    end = log.to_ms(until)
    place = (end, 0) if before is None else (log.to_ms(before.at), before.n)
    return Page("log", sql, (log.to_ms(since), end, *place, limit), log.entry_of)


def alerts_called(names: Collection[str]) -> Page[Alert]:
    """Return the alerts of these ids."""
    sql = "SELECT rowid, body FROM alert WHERE id IN (SELECT value FROM json_each(?))"
    return Page("alert", sql, (json.dumps(sorted(names)),), _alert)


def latest_before(moment: datetime, kind: EntryKind | None = None) -> Page[Entry]:
    """Return the latest entry before a moment, of any kind or the latest status."""
    which = "kind = 'status' AND" if kind is EntryKind.STATUS else ""
    sql = f"""SELECT {_ENTRY} FROM log WHERE {which} at_ms < ?
        ORDER BY at_ms DESC, n DESC LIMIT 1"""  # noqa: S608
    return Page("log", sql, (log.to_ms(moment),), log.entry_of)


def latest_status() -> Page[Entry]:
    """Return the latest change of status, in the order of the log: clocks may have been set."""
    sql = f"SELECT {_ENTRY} FROM log WHERE kind = 'status' ORDER BY n DESC LIMIT 1"  # noqa: S608
    return Page("log", sql, (), log.entry_of)


def next_status(moment: datetime) -> Page[Entry]:
    """Return the first change of status from a moment on."""
    sql = f"""SELECT {_ENTRY} FROM log WHERE kind = 'status' AND at_ms >= ?
        ORDER BY at_ms, n LIMIT 1"""  # noqa: S608
    return Page("log", sql, (log.to_ms(moment),), log.entry_of)


def latest_event_before(moment: datetime) -> Page[Event]:
    """Return the latest event that began before a moment."""
    sql = """SELECT rowid, body FROM event WHERE onset_ms < ?
        ORDER BY onset_ms DESC, id DESC LIMIT 1"""
    return Page("event", sql, (log.to_ms(moment),), _event)


def onset_before(moment: datetime) -> Page[datetime]:
    """Return when the latest event before a moment began, whether or not the event can be read."""
    sql = "SELECT rowid, onset_ms FROM event WHERE onset_ms < ? ORDER BY onset_ms DESC LIMIT 1"
    return Page("event", sql, (log.to_ms(moment),), lambda row: log.from_ms(row[1]))


def first_entry() -> Page[Entry]:
    """Return the oldest entry that is kept."""
    sql = f"SELECT {_ENTRY} FROM log ORDER BY at_ms, n LIMIT 1"  # noqa: S608
    return Page("log", sql, (), log.entry_of)


_ENTRY = "n, kind, subject, at_ms, expires_ms, clinical, body"


def _event(row: tuple[Any, ...]) -> Event:
    return event_values.from_dict(json.loads(row[1]))


def _alert(row: tuple[Any, ...]) -> Alert:
    return alert_values.from_dict(json.loads(row[1]))


def _onset_ms(event: Event) -> int:
    assert event.onset is not None  # noqa: S101 - the query has chosen those
    return log.to_ms(event.onset)
