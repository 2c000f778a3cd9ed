"""The state file in a thread of its own: a slow disk delays a letter, never a sample."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, TypeVar

from detector.alert import Alert
from detector.events import Event
from detector.store.state import Letter, State

T = TypeVar("T")


class Archive:
    """Asks the state one thing at a time, in order, without holding up the event loop."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="state")

    async def commit(
        self,
        *,
        at: datetime,
        events: Sequence[Event],
        alerts: Sequence[Alert],
        saved: Mapping[str, Any],
    ) -> None:
        """Write all of it in one transaction, or none: StateError."""
        await self._ask(
            lambda: self._state.commit(at=at, events=events, alerts=alerts, saved=saved)
        )

    async def pending(self, limit: int) -> Sequence[Letter]:
        """Return the oldest letters not yet delivered."""
        return await self._ask(lambda: self._state.pending(limit))

    async def delivered(self, seqs: Sequence[int]) -> None:
        """Take letters off: the broker has signed for them."""
        await self._ask(lambda: self._state.delivered(seqs))

    async def depth(self) -> int:
        """Count the letters not yet delivered."""
        return await self._ask(lambda: self._state.depth)

    def close(self) -> None:
        """Wait for what was asked, then end the thread; the state itself stays open."""
        self._thread.shutdown(wait=True)

    async def _ask(self, question: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, question)
