"""Whether samples may wait unread because the service itself could not run."""

from __future__ import annotations

import asyncio

LATE_S = 2.0  # ticks are 1 s apart; a busy computer delays them by a tenth of that


class Backlog:
    """Judge by the event loop's clock, on each tick.

    A process that was stopped or starved finds its timers due before it has read what its sensors
    sent meanwhile: judged then, sensors that stream would be silent.

    Attributes
    ----------
    waits : silence is to be judged at the next tick; never twice in a row, so that a service that
        is always late judges it all the same
    """

    def __init__(self) -> None:
        self.waits = False
        self._ticked_s: float | None = None

    def tick(self) -> bool:
        """Record that a tick comes now; return whether it waits."""
        now_s = asyncio.get_running_loop().time()
        late = self._ticked_s is not None and now_s - self._ticked_s > LATE_S
        self._ticked_s, self.waits = now_s, late and not self.waits
        return self.waits
