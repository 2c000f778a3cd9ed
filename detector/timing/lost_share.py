"""How much of the time nothing came that should have: pauses that are short and many."""

from __future__ import annotations

from typing import Any

_NS = 1_000_000_000

STEP_NS = 10 * _NS  # what is lost is counted by steps of this length: a thirtieth of 5 min
SHORT_STEPS = 30  # 5 min
LONG_STEPS = 360  # an hour, and all that is remembered

SHORT_SHARE = 0.30
LONG_SHARE = 0.10
"""Bars of the plan: a third of what happens in 5 min, or 6 min of an hour, would pass unseen. A
link that loses 2 % stays far below."""

CALM_SHARE = 0.05
"""Of 5 min, half the share that an hour may lose: so little, and it is over. What was lost until
then is forgotten, or the hour's share would hold on to a link that works again."""


class LostShare:
    """Follow a stream that should never pause. Bounded; how often time is passed changes nothing.

    What comes late (a backlog after a stall) fills what was missing before it: it is not lost.

    Attributes
    ----------
    high : whether so much is lost that somebody must know
    """

    def __init__(self) -> None:
        self.high = False
        self._origin_ns: int | None = None  # beginning of step 0; None before anything came
        self._reached_ns = 0
        self._lost_ns: dict[int, int] = {}  # in each step, oldest first; those without are left out

    def came(self, mono_ns: int, length_ns: int) -> None:
        """Take what arrived now and covers so much time; the first begins."""
        if self._origin_ns is None:
            self._origin_ns = self._reached_ns = mono_ns - length_ns
        self.pass_time(mono_ns)
        for step in reversed(list(self._lost_ns)):
            filled_ns = min(length_ns, self._lost_ns[step])
            self._lost_ns[step] -= filled_ns
            length_ns -= filled_ns
            if not self._lost_ns[step]:
                del self._lost_ns[step]
            if not length_ns:
                break

    def cover(self, begin_ns: int, end_ns: int) -> list[int]:
        """Take what arrived and covers this time; return when `high` changed.

        It is judged where time begins to be covered and after each step, so that the same is
        known of a packet as of the hour of a file that it lies in.
        """
        changed: list[int] = []
        at_ns = begin_ns
        self.came(begin_ns, 0)
        while True:
            was = self.high
            if self.judge() != was:
                changed.append(at_ns)
            if at_ns >= end_ns:
                return changed
            origin_ns = self._origin_ns or 0
            after_ns = origin_ns + ((at_ns - origin_ns) // STEP_NS + 1) * STEP_NS
            after_ns = min(end_ns, after_ns)
            self.came(after_ns, after_ns - at_ns)
            at_ns = after_ns

    def pass_time(self, mono_ns: int) -> None:
        """Advance time: it is lost, unless something comes for it."""
        if self._origin_ns is None or mono_ns <= self._reached_ns:
            return
        last = (mono_ns - self._origin_ns) // STEP_NS
        begun = (self._reached_ns - self._origin_ns) // STEP_NS
        for step in range(max(begun, last - LONG_STEPS + 1), last + 1):
            first_ns = self._origin_ns + step * STEP_NS
            lost_ns = min(mono_ns, first_ns + STEP_NS) - max(self._reached_ns, first_ns)
            if lost_ns:
                self._lost_ns[step] = self._lost_ns.get(step, 0) + lost_ns
        self._reached_ns = mono_ns
        for step in [step for step in self._lost_ns if step <= last - LONG_STEPS]:
            del self._lost_ns[step]

    def note(self, mono_ns: int, *, works: bool) -> None:
        """Take whether it has worked since the time of the last call."""
        since_ns = mono_ns if self._origin_ns is None else self._reached_ns
        if works:
            self.came(mono_ns, max(0, mono_ns - since_ns))
        else:
            self.pass_time(mono_ns)

    def judge(self) -> bool:
        """Return whether so much is lost that somebody must know, up to the time reached."""
        short = self._share(SHORT_STEPS)
        if self.high and short <= CALM_SHARE:
            self.high = False
            self._lost_ns.clear()
        elif short >= SHORT_SHARE or (short > CALM_SHARE and self._share(LONG_STEPS) >= LONG_SHARE):
            self.high = True
        return self.high

    def shift_clock(self, by_ns: int) -> None:
        """Move stamps of the monotonic clock, which began anew."""
        if self._origin_ns is not None:
            self._origin_ns += by_ns
            self._reached_ns += by_ns

    def save(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return {
            "high": self.high,
            "times_ns": [self._origin_ns, self._reached_ns],
            "lost_ns": [list(step) for step in self._lost_ns.items()],
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self.high, (self._origin_ns, self._reached_ns) = state["high"], state["times_ns"]
        self._lost_ns = dict(state["lost_ns"])

    def _share(self, steps: int) -> float:
        """Return how much of the last steps was lost; the present one counts as far as it goes."""
        if self._origin_ns is None:
            return 0.0
        last = (self._reached_ns - self._origin_ns) // STEP_NS
        lost_ns = sum(ns for step, ns in self._lost_ns.items() if step > last - steps)
        return lost_ns / (steps * STEP_NS)
