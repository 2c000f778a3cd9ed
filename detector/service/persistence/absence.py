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


def log_absence(state: State, kept: Any, whose: Provenance, now: datetime) -> tuple[Entry, ...]:
    """Log that nobody watched since the last process ended; return the entry, if one is due.

    Of what was watched, up to `CHECKPOINT_S` before a kill count as not watched.

    Parameters
    ----------
    kept : the saved night, as plain data; None without one
    whose : the wearer's, as this process finds it

    Raises
    ------
    StateError
        The disk does not take it.
    """
    latest = state.replay_from(state.last, 1)
    statuses = state.page(past.latest_status())
    if not (latest and statuses) or statuses[0].subject == StateWord.NO_SIGNAL:
        return ()
    since = min(max(latest[0].at, _saved_at(kept) or latest[0].at), now)
    entry = of_status(DID_NOT_RUN, wearer=whose.wearer or "", source=whose.source, at=since)
    return state.commit(at=since, entries=[entry])


def _saved_at(kept: Any) -> datetime | None:
    """Return when a night was last saved; None where it cannot be read."""
    try:
        return None if kept is None else utc_of(SavedNight.of(kept).utc_ns)
    except (ValueError, OverflowError):
        return None
