"""The queue between a sensor's link and the consumer: bounded, in order, with faults in place."""

from __future__ import annotations

import asyncio
from collections import deque

from detector.devices.stream import Reading

# 80 s of the sensors that notify most often (50 a second), an hour of a Polar; at most 5 MB.
MOST_READINGS = 4096
# Enough for a link that is made anew to stream for a while before the queue is full again.
_ROOM = MOST_READINGS // 2


class Inbox:
    """Readings that the consumer has not taken yet, oldest first.

    Nothing is removed but by `take`. What a driver makes of a packet depends on the packets before
    it, so a hole inside a session would be decoded otherwise in a replay: when the inbox is full,
    the session has to end, and the next one begins when there is room.

    Attributes
    ----------
    dropped : notifications not accepted because the inbox was full
    late : notifications that came after their session was over
    """

    def __init__(self) -> None:
        self._entries: deque[Reading | Exception] = deque()
        self._arrived = asyncio.Event()
        self._emptied = asyncio.Event()
        self.dropped = 0
        self.late = 0

    @property
    def waiting(self) -> int:
        """Entries not yet taken."""
        return len(self._entries)

    @property
    def full(self) -> bool:
        """Whether no packet may be added; the end of its session and a fault still may."""
        return len(self._entries) >= MOST_READINGS

    def put(self, entry: Reading | Exception) -> None:
        """Add a reading, or an exception that `take` raises in its turn."""
        self._entries.append(entry)
        self._arrived.set()

    def take(self) -> Reading:
        """Remove the oldest entry; raise it if it is an exception."""
        entry = self._entries.popleft()
        if len(self._entries) <= _ROOM:
            self._emptied.set()
        if isinstance(entry, Exception):
            raise entry
        return entry

    async def arrival(self) -> None:
        """Wait until something is added, or `wake` is called."""
        self._arrived.clear()
        await self._arrived.wait()

    def wake(self) -> None:
        """End `arrival` although nothing was added: nothing more will be."""
        self._arrived.set()

    async def room(self) -> None:
        """Wait until at most half of the capacity is in use."""
        while len(self._entries) > _ROOM:
            self._emptied.clear()
            await self._emptied.wait()
