"""Log from when on no process watched: no state that an ended process left lasts until the next."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from detector.block import utc_of
from detector.channels import Entry
from detector.night.saved import SavedNight
from detector.recognition.events.stamp import Provenance
from detector.status import StateWord, Status
from detector.store import past
from detector.store.log import of_status
from detector.store.state import State

DID_NOT_RUN = Status(StateWord.NO_SIGNAL, why="spasmwatch did not run")


def log_absence(
    state: State,
    kept: Any,
    whose: Provenance,
    now: datetime,
    *,
    heard_until: datetime | None = None,
) -> tuple[Entry, ...]:
    """Log that nobody watched since the last process ended; return the entry, if one is due.

    Of a night that is not gone on with, up to `CHECKPOINT_S` before a kill count as not watched.

    Parameters
    ----------
    kept : the saved night, as plain data; None without one
    whose : the wearer's, as this process finds it
    heard_until : when samples last came, of a night that is gone on with

    Raises
    ------
    StateError
        The disk does not take it.
    """
    latest = state.replay_from(state.last, 1)
    statuses = state.page(past.latest_status())
    if not (latest and statuses) or statuses[0].subject == StateWord.NO_SIGNAL:
        return ()
    known = [latest[0].at, _saved_at(kept), heard_until]
    since = min(max(at for at in known if at is not None), now)
    entry = of_status(DID_NOT_RUN, wearer=whose.wearer or "", source=whose.source, at=since)
    return state.commit(at=since, entries=[entry])


def _saved_at(kept: Any) -> datetime | None:
    """Return when a night was last saved; None where it cannot be read."""
    try:
        return None if kept is None else utc_of(SavedNight.of(kept).utc_ns)
    except (ValueError, OverflowError):
        return None
