"""Commit the output of a night, then have the channels publish it: disk first."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from detector.alerts.conditions import Condition
from detector.channels import Entry
from detector.events import Event
from detector.night.outcome import Outcome
from detector.service.persistence.archive import Archive
from detector.store.log import Draft, of_alert, of_event
from detector.store.state import StateError
from detector.words.disk import SLOW_COMMIT

log = logging.getLogger(__name__)

MOST_WAITING = 10_000
"""Of what cannot be written, a week; it was published anyway, so that the oldest may go."""

MOST_NAMED = 100  # events given up that are named at the end
PATIENCE_S = 2.0  # real; a commit takes 0.1 s on a slow card, and an alert must be out in seconds
MOST_ATTEMPTS = 3  # a passing fault is over by then; what still raises always will


@dataclass(frozen=True, slots=True)
class Unlogged:
    """What waits for a commit: events and alerts, or another entry of the log."""

    told: Outcome
    entries: tuple[Draft, ...] = ()

    def unnumbered(self, at: datetime) -> list[Entry]:
        """Return its events and alerts as entries that are in no log."""
        drafts = [of_event(event) for event in self.told.events]
        drafts += [of_alert(alert) for alert in self.told.alerts]
        return [draft.entry(0, at) for draft in drafts]


class Committer:
    """Take output of a night at any time; commit it in order, in one transaction a batch.

    Parameters
    ----------
    utc_now : dates the commits
    saved : returns an awaitable of all state to be saved, as plain data by name and as it was at
        the call; called once a commit, before it is decided what is committed, since the call may
        add to that
    committed : called after each commit with the log's new entries
    uncommitted : called once with what cannot be written, or is not within `PATIENCE_S`;
        receivers get it again after the commit
    trouble : called with a name and why that does not work, or None once it does
    """

    def __init__(
        self,
        archive: Archive,
        *,
        utc_now: Callable[[], datetime],
        saved: Callable[[], Awaitable[dict[str, Any]]],
        committed: Callable[[Sequence[Entry]], None],
        uncommitted: Callable[[Sequence[Unlogged]], Awaitable[None]],
        trouble: Callable[[Condition, str | None], None],
    ) -> None:
        self._archive = archive
        self._utc_now = utc_now
        self._saved = saved
        self._committed = committed
        self._uncommitted = uncommitted
        self._trouble = trouble
        self._waiting: list[Unlogged] = []  # oldest first
        self._attempts = 0  # to commit the oldest of them, after it raised
        self._told_anyway = 0  # of those, how many were published without being committed
        self._checkpoint_due = False
        self._busy = False  # with a commit
        self._more = asyncio.Event()
        self.dropped_events: deque[Event] = deque(maxlen=MOST_NAMED)
        self.dropped = 0  # given up: refused for too long, or not writable at all

    @property
    def idle(self) -> bool:
        """Whether everything is committed."""
        return not (self._waiting or self._checkpoint_due or self._busy)

    @property
    def waiting_events(self) -> tuple[Event, ...]:
        """Events not committed yet."""
        return tuple(event for each in self._waiting for event in each.told.events)

    def add(self, told: Outcome, *, entries: Sequence[Draft] = ()) -> None:
        """Take the next output."""
        self._waiting.append(Unlogged(told, tuple(entries)))
        self._more.set()

    def checkpoint(self) -> None:
        """Save the state, even if there is no new output."""
        self._checkpoint_due = True
        self._more.set()

    def retry(self) -> None:
        """Try again to commit what waits."""
        if self._waiting:
            self._more.set()

    async def run(self) -> None:
        """Commit until cancelled. What cannot be written waits for `retry`."""
        while True:
            self._more.clear()
            await self._commit_waiting()
            await self._more.wait()

    async def _commit_waiting(self) -> None:
        if not self._waiting and not self._checkpoint_due:
            return
        # What is remembered goes with all that it led to, or a restart would not say the rest.
        saving, batch = self._saved(), list(self._waiting)
        self._checkpoint_due, self._busy = False, True
        try:
            entries = await self._commit_or_tell(batch, await saving)
        except StateError as error:
            self._trouble(Condition.DISK, str(error))
            await self._tell_uncommitted(batch)
            self._trim()
            return
        except Exception:
            # One of them that cannot be written must not delay the others.
            await self._commit_one_by_one(batch)
            raise  # the supervisor logs and announces it
        finally:
            self._busy = False
        self._done(len(batch), entries)

    async def _commit_or_tell(
        self, batch: list[Unlogged], saved: dict[str, Any]
    ) -> Sequence[Entry]:
        """Commit; publish meanwhile what a slow disk keeps waiting."""
        commit = asyncio.ensure_future(self._commit(batch, saved))
        commit.add_done_callback(_look)  # whoever ends the night does not wait for it
        if not (await asyncio.wait({commit}, timeout=PATIENCE_S))[0]:
            self._trouble(Condition.DISK, SLOW_COMMIT)
            await self._tell_uncommitted(batch)
        return await commit

    async def _commit(self, batch: Sequence[Unlogged], saved: dict[str, Any]) -> Sequence[Entry]:
        return await self._archive.commit(
            at=self._utc_now(),
            events=[event for each in batch for event in each.told.events],
            alerts=[alert for each in batch for alert in each.told.alerts],
            entries=[entry for each in batch for entry in each.entries],
            saved=saved,
        )

    async def _commit_one_by_one(self, batch: Sequence[Unlogged]) -> None:
        for each in batch:
            entries: Sequence[Entry] = ()
            try:
                entries = await self._commit([each], {})
            except StateError:
                return  # the next attempt reports it
            except Exception as error:
                self._attempts += 1
                if self._attempts < MOST_ATTEMPTS:
                    return
                log.error("an entry cannot be committed and is dropped", exc_info=error)
                self.dropped += 1
                self.dropped_events.extend(each.told.events)
                await self._uncommitted([each])
            self._attempts = 0
            self._done(1, entries)

    def _done(self, count: int, entries: Sequence[Entry]) -> None:
        del self._waiting[:count]
        self._told_anyway = max(0, self._told_anyway - count)
        self._trouble(Condition.DISK, None)
        self._committed(entries)

    async def _tell_uncommitted(self, batch: list[Unlogged]) -> None:
        """Publish what the disk does not take: an alarm that is not stored is still an alarm."""
        fresh, self._told_anyway = batch[self._told_anyway :], len(batch)
        await self._uncommitted(fresh)

    def _trim(self) -> None:
        """Drop the oldest of what was published without being committed."""
        excess = len(self._waiting) - MOST_WAITING
        if excess > 0:
            for each in self._waiting[:excess]:
                self.dropped_events.extend(each.told.events)
            del self._waiting[:excess]
            self._told_anyway -= excess
            self.dropped += excess


def _look(commit: asyncio.Future[Sequence[Entry]]) -> None:
    """Take notice of an error that nobody waits for any more."""
    if not commit.cancelled():
        commit.exception()
