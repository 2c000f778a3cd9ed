"""The newest of a state file, for a command that is no service: nothing is locked or written.

`State.open` owns the file: it locks, migrates, and moves a damaged one aside. A look must do none
of that, as the service may be starting again at that moment.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from detector import alert as alert_values
from detector import events as event_values
from detector.alert import Alert, AlertState
from detector.channels import Entry
from detector.events import Event
from detector.store import log
from detector.store.state_file import StateError

T = TypeVar("T")

EVENTS_MOST = 2000  # a night of a spasm each 20 s
ALERTS_MOST = 100  # open ones; a night has a handful
ENTRIES_MOST = 200  # the last hour of a restless night
BODY_MOST = 100_000  # characters; an event has 20,000 at most
UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class Glance:
    """Newest first; a row that cannot be read is left out, and set aside by the next service.

    events : by onset
    open_alerts : that were not resolved
    entries : of the log
    """

    events: tuple[Event, ...] = ()
    open_alerts: tuple[Alert, ...] = ()
    entries: tuple[Entry, ...] = ()


def glance(path: Path) -> Glance:
    """Return the newest of the state file; nothing where there is none.

    Raises
    ------
    StateError
        It cannot be read: damaged, of another version, no permission.
    """
    if not path.exists():
        return Glance()
    try:
        with closing(_connect(path)) as db:
            return Glance(
                _rows(db, _EVENTS, (EVENTS_MOST,), lambda row: event_values.from_dict(_json(row))),
                _rows(db, _ALERTS, (ALERTS_MOST,), lambda row: alert_values.from_dict(_json(row))),
                _rows(db, _ENTRIES, (ENTRIES_MOST,), log.entry_of),
            )
    except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
        raise StateError(
            f"The state file {path} cannot be read ({error}). The next `spasmwatch run` repairs "
            "it or moves it aside, and says which."
        ) from error


_SHORT = f"length(body) <= {BODY_MOST}"
_EVENTS = f"""SELECT body FROM event WHERE onset_ms NOTNULL AND {_SHORT}
    ORDER BY onset_ms DESC LIMIT ?"""  # noqa: S608
_ALERTS = f"""SELECT body FROM alert WHERE state != '{AlertState.RESOLVED.value}' AND {_SHORT}
    ORDER BY at_ms DESC LIMIT ?"""  # noqa: S608
_ENTRIES = f"""SELECT n, kind, subject, at_ms, expires_ms, clinical, body FROM log WHERE {_SHORT}
    ORDER BY n DESC LIMIT ?"""  # noqa: S608


def _connect(path: Path) -> sqlite3.Connection:
    """Open the file as it is, with its -wal where a service has left one."""
    wal = path.with_name(f"{path.name}-wal")
    # Without a -wal SQLite would make files beside it that a reader cannot take away again.
    mode = "mode=ro" if wal.exists() and wal.stat().st_size else "mode=ro&immutable=1"
    db = sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True, isolation_level=None)
    db.text_factory = lambda text: text.decode("utf-8", "replace")
    return db


def _json(row: tuple[Any, ...]) -> Any:
    return json.loads(row[0])


def _rows(
    db: sqlite3.Connection,
    query: str,
    values: Iterable[int],
    parse: Callable[[tuple[Any, ...]], T],
) -> tuple[T, ...]:
    found: list[T] = []
    for row in db.execute(query, tuple(values)):
        try:
            found.append(parse(row))
        except UNREADABLE:
            continue
    return tuple(found)
