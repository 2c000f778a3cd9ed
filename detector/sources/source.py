"""The interface of a source of readings, and the state of its link."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from detector.alerts.conditions import Condition
from detector.devices.stream import Reading


class Source(Protocol):
    """A source of readings: a sensor, or a recording of one."""

    def readings(self) -> AsyncIterator[Reading]:
        """Yield readings until closed, or until a recording ends; for one consumer at a time.

        After the iterator was closed or has raised, call again to continue.
        """
        ...

    async def close(self) -> None:
        """Stop the sensor, disconnect, and end `readings` for good, within a bounded time.

        Call it on every way out: an abandoned iterator does not close the source.
        """
        ...

    def go_on(self, session: int, address: str | None) -> None:
        """Go on where another process was: `session` was its last, of the sensor at `address`.

        Call it before `readings`; a recording keeps the numbers it has.

        Parameters
        ----------
        address : None takes a sensor as at first
        """
        ...

    @property
    def status(self) -> LinkStatus:
        """State of the link."""
        ...


class LinkState(StrEnum):
    """Step of making or keeping a link."""

    SCAN = "scan"
    CONNECT = "connect"
    SETUP = "setup"
    STREAM = "stream"
    BACKOFF = "backoff"


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """State of the link. Only `data_age_s` shows that the sensor is alive.

    `data_age_s` is the time since samples were decoded, whether or not the consumer has taken them;
    `why` is the reason for having no samples, or empty; `address` is the present or last sensor's;
    `dropped`, `late` and `protocol_errors` count notifications that were lost; `remark` is what a
    person should know of the present link, such as which of several adapters has it; `trouble` is
    the name of a condition that waiting does not end, with its cause and remedy.
    """

    state: LinkState
    data_age_s: float | None
    why: str
    address: str | None
    sessions: int
    dropped: int
    late: int
    protocol_errors: int
    remark: str = ""
    trouble: tuple[Condition, str] | None = None
