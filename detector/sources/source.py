"""What a source of readings promises, and how its link does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from detector.devices.stream import Reading


class Source(Protocol):
    """Where readings come from: a sensor, or a recording of one."""

    def readings(self) -> AsyncIterator[Reading]:
        """Yield readings until closed, or until a recording ends."""
        ...

    async def close(self) -> None:
        """End, politely."""
        ...

    @property
    def status(self) -> LinkStatus:
        """How the link does."""
        ...


class LinkState(StrEnum):
    """What the source is busy with."""

    SCAN = "scan"
    CONNECT = "connect"
    SETUP = "setup"
    STREAM = "stream"
    BACKOFF = "backoff"


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """How the link does. Only `data_age_s` is proof of life.

    `why` says what stands in the way, empty while nothing does; `address` is the present or last
    sensor's; `dropped`, `late`, `protocol_errors` count what was lost on the way.
    """

    state: LinkState
    in_state_s: float
    data_age_s: float | None
    why: str
    address: str | None
    sessions: int
    dropped: int
    late: int
    protocol_errors: int
