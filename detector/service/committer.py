"""Commit what a night says, then let the channels read it: the world hears after the disk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

from detector.events import Event
from detector.night.night import Told
from detector.service.archive import Archive
from detector.store.state import StateError

log = logging.getLogger(__name__)

MOST_WAITING = 10_000
"""Of what the disk refuses, a week; it was told all the same, so that the oldest may go."""

MOST_ATTEMPTS = 3  # a fault of the moment is over by then; what still raises will always do


class Committer:
    """Take what is said at any time; commit it in order, in one transaction a batch.

    Parameters
    ----------
    utc_now : dates the commits
    saved : everything that is remembered, as plain data by name; asked once a commit, before it
        is decided what is committed, since asking may add to that
    committed : called after each commit
    uncommitted : told what the disk refused, once; a receiver hears it again after the commit
    trouble : told by name why something does not work, or None once it does
    """

    def __init__(
        self,
        archive: Archive,
        *,
        utc_now: Callable[[], datetime],
        saved: Callable[[], dict[str, Any]],
        committed: Callable[[], None],
        uncommitted: Callable[[Sequence[Told]], Awaitable[None]],
        trouble: Callable[[str, str | None], None],
    ) -> None:
        self._archive = archive
        self._utc_now = utc_now
        self._saved = saved
        self._committed = committed
        self._uncommitted = uncommitted
        self._trouble = trouble
        self._waiting: list[Told] = []  # oldest first
        self._attempts = 0  # at the oldest of them, which raised
        self._told_anyway = 0  # of those, how many were told without being committed
        self._checkpoint_due = False
        self._busy = False  # with a commit
        self._more = asyncio.Event()
        self.dropped = 0  # given up: refused for too long, or not writable at all

    @property
    def idle(self) -> bool:
        """Whether everything is committed."""
        return not (self._waiting or self._checkpoint_due or self._busy)

    @property
    def waiting(self) -> Sequence[Told]:
        """What is not committed yet, oldest first."""
        return tuple(self._waiting)

    @property
    def waiting_events(self) -> tuple[Event, ...]:
        """The events of what is not committed yet."""
        return tuple(event for told in self._waiting for event in told.events)

    def add(self, told: Told) -> None:
        """Take the next thing that was said."""
        self._waiting.append(told)
        self._more.set()

    def checkpoint(self) -> None:
        """Commit what is remembered, even if nothing was said since."""
        self._checkpoint_due = True
        self._more.set()

    def retry(self) -> None:
        """Try again what waits."""
        if self._waiting:
            self._more.set()

    async def run(self) -> None:
        """Commit until cancelled. What the disk refuses waits for `retry`."""
        while True:
            self._more.clear()
            await self._commit_waiting()
            await self._more.wait()

    async def _commit_waiting(self) -> None:
        if not self._waiting and not self._checkpoint_due:
            return
        # What is remembered goes with all that it led to, or a restart would not say the rest.
        saved, batch = self._saved(), list(self._waiting)
        self._checkpoint_due, self._busy = False, True
        try:
            await self._commit(batch, saved)
        except StateError as error:
            self._trouble("disk", str(error))
            await self._tell_uncommitted(batch)
            return
        except Exception:
            # If it is one of them that cannot be written, it must not keep the others waiting.
            await self._commit_one_by_one(batch)
            raise  # the supervisor logs and announces it
        finally:
            self._busy = False
        self._done(len(batch))

    async def _commit(self, batch: Sequence[Told], saved: dict[str, Any]) -> None:
        await self._archive.commit(
            at=self._utc_now(),
            events=[event for told in batch for event in told.events],
            alerts=[alert for told in batch for alert in told.alerts],
            saved=saved,
        )

    async def _commit_one_by_one(self, batch: Sequence[Told]) -> None:
        for told in batch:
            try:
                await self._commit([told], {})
            except StateError:
                return  # the next attempt says so
            except Exception as error:
                self._attempts += 1
                if self._attempts < MOST_ATTEMPTS:
                    return
                log.error("something that was said cannot be committed", exc_info=error)
                self.dropped += 1
                await self._uncommitted([told])
            self._attempts = 0
            self._done(1)

    def _done(self, count: int) -> None:
        del self._waiting[:count]
        self._told_anyway = max(0, self._told_anyway - count)
        self._trouble("disk", None)
        self._committed()

    async def _tell_uncommitted(self, batch: list[Told]) -> None:
        """Tell the world what the disk refuses: an alarm that nobody keeps is still an alarm."""
        fresh, self._told_anyway = batch[self._told_anyway :], len(batch)
        await self._uncommitted(fresh)
        excess = len(self._waiting) - MOST_WAITING
        if excess > 0:
            del self._waiting[:excess]
            self._told_anyway -= excess
            self.dropped += excess
