"""The newest of a state file, for a command that is no service: nothing is locked or written."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detector import alert as alert_values
from detector import events as event_values
from detector.alert import Alert, AlertState
from detector.channels import Entry
from detector.events import Event
from detector.store import log
from detector.store.look import BODY_MOST, looking_at

EVENTS_MOST = 2000  # a night of a spasm each 20 s
ALERTS_MOST = 100  # open ones; a night has a handful
ENTRIES_MOST = 200  # the last hour of a restless night


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
    with looking_at(path) as look:
        return Glance(
            look.rows(_EVENTS, (EVENTS_MOST,), lambda row: event_values.from_dict(_json(row))),
            look.rows(_ALERTS, (ALERTS_MOST,), lambda row: alert_values.from_dict(_json(row))),
            look.rows(_ENTRIES, (ENTRIES_MOST,), log.entry_of),
        )


_SHORT = f"length(body) <= {BODY_MOST}"
_EVENTS = f"""SELECT body FROM event WHERE onset_ms NOTNULL AND {_SHORT}
    ORDER BY onset_ms DESC LIMIT ?"""  # noqa: S608
_ALERTS = f"""SELECT body FROM alert WHERE state != '{AlertState.RESOLVED.value}' AND {_SHORT}
    ORDER BY at_ms DESC LIMIT ?"""  # noqa: S608
_ENTRIES = f"""SELECT n, kind, subject, at_ms, expires_ms, clinical, body FROM log WHERE {_SHORT}
    ORDER BY n DESC LIMIT ?"""  # noqa: S608


def _json(row: tuple[Any, ...]) -> Any:
    return json.loads(row[0])
