"""Thread of the state file: a slow disk delays an entry, never a sample.

A state in memory is exchanged for a file in between two commits: whoever asks the archive, or the
log of a channel, asks the present state.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from detector.alert import Alert
from detector.channels import Entry, EntryKind, RefusedEntry
from detector.events import Event
from detector.store.log import Draft
from detector.store.state import State, StateError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Offer:
    """A state file, opened, that is to take over what is kept in memory.

    events, alerts : of an earlier process, that are over
    saved : plain data by name that replaces what the memory has of it
    may : whether it may be now, as no entry is under way under its old number
    taken : called with the new number of each entry by its old one
    refused : called where it did not take over; the file is closed, and nothing in it has changed
    """

    file: State
    events: Sequence[Event]
    alerts: Sequence[Alert]
    saved: Mapping[str, Any]
    may: Callable[[], bool]
    taken: Callable[[Mapping[int, int]], None]
    refused: Callable[[Exception], None]


class Archive:
    """Makes calls to the state one at a time, in order, without blocking the event loop."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._epoch = state.epoch
        self._offer: Offer | None = None
        self._file: State | None = None  # the latest that was offered
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
        """Write all of it in one transaction, or none (StateError); return the log's entries.

        Where a file is on offer, it first takes over what is in memory.
        """
        if self._offer is not None and self._offer.may():
            await self._exchange(self._offer, at)
        entries_now, self.dropped = await self.ask(
            lambda state: (
                state.commit(at=at, events=events, alerts=alerts, entries=entries, saved=saved),
                state.dropped,
            )
        )
        return entries_now

    def offer(self, offer: Offer) -> None:
        """Have a file take over with the next commit at which it may."""
        self._offer, self._file = offer, offer.file

    async def _exchange(self, offer: Offer, at: datetime) -> None:
        """Let a file take over; what it refuses stays in memory."""

        def take_over(memory: State) -> Mapping[int, int]:
            moved = offer.file.take_over(
                memory, at=at, events=offer.events, alerts=offer.alerts, saved=offer.saved
            )
            self._state = offer.file
            memory.close()
            return moved

        self._offer = None
        try:
            moved = await self.ask(take_over)
        except Exception as error:  # no commit may fail for it: `refused` passes it on
            offer.file.close()
            offer.refused(error)
            return
        self._epoch = offer.file.epoch
        offer.taken(moved)

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
        return self._epoch

    @property
    def on_disk(self) -> bool:
        """Whether what is committed outlives the process."""
        return self._state.on_disk

    def close(self) -> None:
        """Wait for pending calls, then end the thread; the state it began with stays open."""
        self._thread.shutdown(wait=True)
        if self._file is not None:
            self._file.close()

    async def ask(self, question: Callable[[State], T]) -> T:
        """Return what a call to the state returns, made in its thread."""
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, lambda: question(self._state)
        )


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
        epoch = self.epoch

        def acknowledge(state: State) -> int:
            if state.epoch != epoch:
                raise StateError("the log was taken over by a file meanwhile: acknowledge again")
            return state.acknowledge_as(receiver, upto, at=at)

        return await self._archive.ask(acknowledge)
