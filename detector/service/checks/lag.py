"""Whether the detector keeps up with the samples that come."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from detector.alerts.conditions import Condition
from detector.night.night import Night
from detector.sources.clock import Clock
from detector.sources.source import Source

STALLED_S = 10.0  # by then an alert would be late by as much as a lost sensor may be
LATE_S = 2.0  # hazard H20 of the reliability note; a frame is analysed 0.3 s after its last sample
IN_A_ROW = 3
"""Checks, of one a second: a commit to a slow disk, or a packet that comes just before its check,
is late once."""


class LagWatch:
    """Judge on each tick whether what sensors send is analysed in time.

    A part that raises is another's concern; this finds one that does nothing, or not enough.

    Parameters
    ----------
    pace : night seconds per real second. How late readings are is judged at 1: a night that runs
        faster is as late as the computer needs
    """

    def __init__(
        self, night: Night, sources: Sequence[Source], clock: Clock, *, pace: float = 1.0
    ) -> None:
        self._night, self._sources, self._clock = night, tuple(sources), clock
        self._pace = pace
        self._checked_s: float | None = None
        self._dropped = 0
        self._late = 0  # checks in a row that found readings late
        self._stalled = 0

    def troubles(self) -> dict[Condition, str | None]:
        """Return each condition with why it holds, or None where it does not."""
        paused_s = self._paused_s()
        behind_s = max((watch.behind_s for watch in self._night.watches), default=0.0)
        lag_s = max(behind_s, self._waiting_s() if self._pace == 1 else 0.0)
        self._late = self._late + 1 if max(lag_s, paused_s) > LATE_S else 0
        self._stalled = self._stalled + 1 if lag_s > STALLED_S else 0
        dropped = sum(source.status.dropped for source in self._sources)
        more, self._dropped = dropped - self._dropped, dropped
        stalled = overload = None
        if self._stalled >= IN_A_ROW:
            stalled = (
                f"samples come, and those of the last {STALLED_S:.0f} s or more were not analysed: "
                "start spasmwatch again"
            )
        elif paused_s > STALLED_S:
            stalled = (
                f"spasmwatch could not run for {paused_s:.0f} s: the computer held it back. Close "
                "what else runs on it"
            )
        elif more > 0:
            overload = (
                f"{more} packets were dropped because the detector did not keep up: close what "
                "else runs on this computer"
            )
        elif self._late >= IN_A_ROW:
            overload = (
                f"samples are analysed more than {LATE_S:.0f} s late: close what else runs on this "
                "computer"
            )
        return {Condition.DETECTOR_STALLED: stalled, Condition.OVERLOAD: overload}

    def _paused_s(self) -> float:
        """Return for how long the event loop ran nothing; sleep of the computer is no such time."""
        now_s = asyncio.get_running_loop().time()
        waited_s = 0.0 if self._checked_s is None else now_s - self._checked_s
        self._checked_s = now_s
        return max(0.0, waited_s - 1.0 / self._pace)

    def _waiting_s(self) -> float:
        """Return for how long the oldest samples wait that a link decoded and nobody took."""
        mono_ns = self._clock.mono_ns()
        waiting_s = [0.0]
        for watch, source in zip(self._night.watches, self._sources, strict=True):
            taken_s, decoded_s = watch.data_age_s(mono_ns), source.status.data_age_s
            if taken_s is not None and decoded_s is not None:
                waiting_s.append(taken_s - decoded_s)
        return max(waiting_s)
