"""Judge the computer's clocks: wall clock set or impossible, or the computer asleep."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

from detector.alerts.conditions import Condition
from detector.block import utc_of
from detector.release import RELEASED
from detector.words.clock import implausible_words, slept_words, stepped_words

STEP_NS = 2_000_000_000
"""Between two ticks, 1 s apart, a kept clock gains 0.5 ms at most; a person notices 2 s."""

EARLIEST = datetime(RELEASED.year, RELEASED.month, RELEASED.day, tzinfo=UTC)


class HostClocks(Protocol):
    """The clocks of one computer, ns."""

    def mono_ns(self) -> int:
        """Return the monotonic clock that goes on while the computer sleeps."""
        ...

    def awake_ns(self) -> int:
        """Return the monotonic clock that stands still while the computer sleeps."""
        ...

    def utc_ns(self) -> int:
        """Return the wall clock."""
        ...


class ClockCheck:
    """Compare the clocks on each tick of a night.

    Parameters
    ----------
    before_ns : monotonic and wall clock when an earlier process last looked; None without one
    same_boot : whether the computer ran on since; None where that is not known
    """

    def __init__(
        self,
        clocks: HostClocks,
        *,
        before_ns: tuple[int, int] | None = None,
        same_boot: bool | None = None,
    ) -> None:
        self._clocks = clocks
        mono_ns, utc_ns = clocks.mono_ns(), clocks.utc_ns()
        self._wall_ns = utc_ns - mono_ns  # of the last look: constant while nobody sets the clock
        if before_ns is not None and same_boot and before_ns[0] <= mono_ns:
            self._wall_ns = before_ns[1] - before_ns[0]
        elif before_ns is not None:  # how long it was off is not known, but no negative time
            self._wall_ns += max(0, before_ns[1] - utc_ns)
        self._asleep_ns = mono_ns - clocks.awake_ns()

    def troubles(self) -> dict[Condition, str | None]:
        """Return each condition with why it holds; a step or a sleep only when it is found."""
        mono_ns, awake_ns, utc_ns = (
            self._clocks.mono_ns(),
            self._clocks.awake_ns(),
            self._clocks.utc_ns(),
        )
        step_ns = (utc_ns - mono_ns) - self._wall_ns
        slept_ns = (mono_ns - awake_ns) - self._asleep_ns
        self._wall_ns, self._asleep_ns = utc_ns - mono_ns, mono_ns - awake_ns
        now = utc_of(utc_ns)
        return {
            Condition.CLOCK_STEPPED: stepped_words(step_ns / 1e9)
            if abs(step_ns) > STEP_NS
            else None,
            Condition.CLOCK_IMPLAUSIBLE: implausible_words(now) if now < EARLIEST else None,
            Condition.SLEPT: slept_words(slept_ns / 1e9) if slept_ns > STEP_NS else None,
        }
