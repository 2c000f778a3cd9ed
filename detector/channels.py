"""What a reader of the log, a channel, gets: numbered entries, from a cursor of its own.

A channel (MQTT, later push and the page) reads entries after its own cursor, acknowledges each one
it has delivered, and refuses, with the reason, each one it cannot deliver. Delivery is at least
once; receivers recognise repetitions by the entry's number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

RECEIVER_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
"""Name of a receiver: it becomes a level of a topic, and is shown on screens."""


class EntryKind(StrEnum):
    """What an entry of the log is about."""

    EVENT = "event"
    ALERT = "alert"
    STATUS = "status"
    COMMAND = "command"
    NOTE = "note"
    LABEL = "label"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the log, published exactly as it is logged.

    n : its number, from 1, never used twice; 0 when the disk refused it and it is in no log
    subject : id of the event or alert, or of what else it is about
    body : one line of JSON; contains `n`, null when it is 0
    expires : until when a broker may keep it
    clinical : never dropped from the log before `expires`
    """

    n: int
    kind: EntryKind
    subject: str
    body: str
    at: datetime
    expires: datetime
    clinical: bool


@dataclass(frozen=True, slots=True)
class RefusedEntry:
    """An entry that a channel could not deliver, set aside so that it delays no other."""

    entry: Entry
    why: str
    at: datetime
    tries: int


class ChannelLog(Protocol):
    """The log as one channel reads it, with a cursor that survives a restart.

    May raise any `SpasmwatchError` (a disk error): nothing has changed, try again later.
    """

    async def read(self, limit: int) -> Sequence[Entry]:
        """Return the oldest entries neither acknowledged nor refused, in order of `n`."""

    async def acknowledge(self, numbers: Sequence[int]) -> None:
        """Record these as delivered, in any order."""

    async def refuse(self, whys: Mapping[int, str], *, at: datetime) -> None:
        """Set these aside, each with the reason; `read` does not return them again."""

    async def refused(self, limit: int) -> Sequence[RefusedEntry]:
        """Return entries set aside, the one tried longest ago first."""

    async def depth(self) -> int:
        """Return the number of entries not delivered, refused ones included."""

    @property
    def epoch(self) -> str:
        """Sixteen hex digits, new when the log begins anew and counts from 1 again."""

    async def last(self) -> int:
        """Return the highest number of the log, 0 before the first entry."""

    async def replay(self, n: int, limit: int) -> Sequence[Entry]:
        """Return entries from number `n` on again, whatever became of them."""

    async def acknowledge_as(self, receiver: str, upto: int, *, at: datetime) -> int:
        """Record that a named receiver has every entry up to a number; return where it was before.

        Raises
        ------
        ValueError
            The name is none, or the number was never used.
        """
