"""A night in seconds: an event loop whose time jumps, and the clocks of a host that lives by it."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

UTC_NS = 1_700_000_000_000_000_000
"""When a loop of virtual time begins, unless a test says otherwise; any other date does, too."""


class _JumpingSelector(selectors.DefaultSelector):
    """Move the clock to the next timer instead of waiting, but not while a thread works."""

    now_s = 0.0
    working = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        if timeout is not None and timeout <= 0:  # callbacks wait
            return ready
        while not ready and self.working:
            ready = super().select(0.05)
        if not ready:
            if timeout is None:
                raise RuntimeError("deadlock: nothing is going on and nothing is due")
            self.now_s += timeout
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps to the next timer once nothing is ready or at work."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return virtual seconds, from 0 on."""
        return self._jumping.now_s

    def block(self, busy_s: float) -> None:
        """Let time pass while nothing can run: a busy processor, a paused debugger."""
        self._jumping.now_s += busy_s

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Count the call: until it has ended, no time passes."""
        self._jumping.working += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._worked)
        return future

    def _worked(self, _: Any) -> None:
        self._jumping.working -= 1


class LoopClock:
    """The host's clocks are the loop's; UTC is `utc_ns` when the loop begins."""

    def __init__(self, utc_ns: int = UTC_NS) -> None:
        self._utc_ns = utc_ns

    def mono_ns(self) -> int:
        """Return the loop's time."""
        return round(asyncio.get_running_loop().time() * 1e9)

    def utc_ns(self) -> int:
        """Return it, as a date."""
        return self._utc_ns + self.mono_ns()


def in_virtual_time(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a loop of virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
