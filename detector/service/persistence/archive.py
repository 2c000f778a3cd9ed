"""Thread of the state file: a slow disk delays an entry, never a sample."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, TypeVar

from detector.alert import Alert
from detector.channels import Entry, EntryKind, RefusedEntry
from detector.events import Event
from detector.store.log import Draft
from detector.store.state import State

T = TypeVar("T")


class Archive:
    """Makes calls to the state one at a time, in order, without blocking the event loop."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.dropped = 0  # entries that left the log before every channel had passed them
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="state")

    async def commit(
        self,
        *,
        at: datetime,
        events: Sequence[Event],
        alerts: Sequence[Alert],
        entries: Sequence[Draft],
        saved: Mapping[str, Any],
    ) -> Sequence[Entry]:
        """Write all of it in one transaction, or none (StateError); return the log's entries."""
        entries_now, self.dropped = await self.ask(
            lambda state: (
                state.commit(at=at, events=events, alerts=alerts, entries=entries, saved=saved),
                state.dropped,
            )
        )
        return entries_now

    def log_of(self, channel: str) -> ArchivedLog:
        """Return the log as one channel reads it; the channel must have been opened."""
        return ArchivedLog(self, channel)

    @property
    def troubles(self) -> tuple[str, ...]:
        """What was found wrong in the state so far, a sentence each."""
        return self._state.troubles

    @property
    def epoch(self) -> str:
        """Sixteen hex digits, new when the log begins anew and counts from 1 again."""
        return self._state.epoch

    def close(self) -> None:
        """Wait for pending calls, then end the thread; the state itself stays open."""
        self._thread.shutdown(wait=True)

    async def ask(self, question: Callable[[State], T]) -> T:
        """Return what a call to the state returns, made in its thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, question, self._state)


class ArchivedLog:
    """Log of one channel, read and written in the thread of the state file."""

    def __init__(self, archive: Archive, channel: str) -> None:
        self._archive = archive
        self._channel = channel

    async def read(self, limit: int) -> Sequence[Entry]:
        """Return the oldest entries neither acknowledged nor refused."""
        return await self._archive.ask(lambda state: state.read(self._channel, limit))

    async def acknowledge(self, numbers: Sequence[int]) -> None:
        """Record these as delivered."""
        await self._archive.ask(lambda state: state.acknowledge(self._channel, numbers))

    async def refuse(self, whys: Mapping[int, str], *, at: datetime) -> None:
        """Set these aside, each with the reason."""
        await self._archive.ask(lambda state: state.refuse(self._channel, whys, at=at))

    async def refused(self, limit: int) -> Sequence[RefusedEntry]:
        """Return entries set aside, the one tried longest ago first."""
        return await self._archive.ask(lambda state: state.refused(self._channel, limit))

    async def waiting(self, kinds: Collection[EntryKind]) -> int:
        """Return the number of entries of these kinds that are not delivered."""
        return await self._archive.ask(lambda state: state.waiting(self._channel, kinds))

    async def depth(self) -> int:
        """Return the number of entries not delivered."""
        return await self._archive.ask(lambda state: state.depth(self._channel))

    @property
    def epoch(self) -> str:
        """Sixteen hex digits, new when the log begins anew."""
        return self._archive.epoch

    async def last(self) -> int:
        """Return the highest number of the log."""
        return await self._archive.ask(lambda state: state.last)

    async def replay(self, n: int, limit: int) -> Sequence[Entry]:
        """Return entries from number `n` on again."""
        return await self._archive.ask(lambda state: state.replay_from(n, limit))

    async def acknowledge_as(self, receiver: str, upto: int, *, at: datetime) -> int:
        """Record what a receiver has; return up to which number it had it before."""
        return await self._archive.ask(lambda state: state.acknowledge_as(receiver, upto, at=at))
