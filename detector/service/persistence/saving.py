"""The night as it is saved with each commit, so that another process can go on with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from detector.night.night import Night
from detector.service.persistence.resumption import NIGHT, ROWS
from detector.service.supervisor import Supervisor
from detector.sources.clock import Clock

ROWS_S = 1.0  # real; a commit of the recordings takes 0.1 s on a slow card


class Saving:
    """Save the night with the rows of its recordings that are on disk.

    Parameters
    ----------
    rows : returns how many rows of each recording are on disk, once they are
    beside : returns what else is saved

    Attributes
    ----------
    alarms : the state of the alarms as last saved
    at_ns : when that was, on the night's clock
    """

    def __init__(
        self,
        night: Night,
        clock: Clock,
        supervisor: Supervisor,
        *,
        rows: Callable[[], Awaitable[list[int | None]]],
        beside: Callable[[], dict[str, Any]],
    ) -> None:
        self._night = night
        self._clock = clock
        self._supervisor = supervisor
        self._rows = rows
        self._beside = beside
        self.alarms: dict[str, Any] | None = None
        self.at_ns = clock.mono_ns()

    def save(self) -> Awaitable[dict[str, Any]]:
        """Save the night as it is now; return the state to commit with its output.

        What the night has taken in is in its recordings by then: after a kill these are all that
        a replay has, and they go on after the rows that are named here. It is {} while saving
        fails or the recordings' disk does not answer: events and alerts do not wait for that.
        """
        rows = self._rows()
        saved = self._supervisor.call("saved night", self._night.save)
        if saved is None:
            return _with_rows({}, rows)
        self.alarms = saved["state"]["policy"]
        self.at_ns = self._clock.mono_ns()
        return _with_rows({NIGHT: saved} | self._beside(), rows)


async def _with_rows(state: dict[str, Any], rows: Awaitable[list[int | None]]) -> dict[str, Any]:
    try:
        async with asyncio.timeout(ROWS_S):
            kept = await rows
    except TimeoutError:
        return {}
    return state and state | {ROWS: kept}
