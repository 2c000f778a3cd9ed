"""How long a sensor's battery will last, from the times at which its gauge falls."""

from __future__ import annotations

from collections import deque
from typing import Any

_NS_PER_H = 3_600_000_000_000

FEWEST_STEPS = 2
"""Steps of the gauge between which a pace is measured; the first reading is none: how far the
battery was into it is not known."""

RECENT_STEPS = 6
"""The latest steps make a pace of their own: cells fall faster near their end, and the earlier
forecast of the two counts, because a sensor that stops unforeseen is worse."""

CHARGED_PERCENT = 3  # gauges of resting cells creep up by one or two; more is a charger
MOST_STEPS = 100


class Charge:
    """Forecast of one sensor's battery. Bounded."""

    def __init__(self) -> None:
        self.percent: int | None = None
        self._steps: deque[tuple[int, int]] = deque(maxlen=MOST_STEPS)  # mono ns, per cent reached

    def feed(self, percent: int, mono_ns: int) -> None:
        """Take a charge reported by the sensor, 0 to 100, however often it is repeated."""
        before, self.percent = self.percent, percent
        if before is None or percent == before:
            return
        if percent - min(p for _, p in [*self._steps, (0, before)]) >= CHARGED_PERCENT:
            self._steps.clear()
        elif not self._steps or percent < self._steps[-1][1]:
            self._steps.append((mono_ns, percent))

    def lasts_s(self, mono_ns: int) -> float | None:
        """Return the seconds from now until it is empty; None before there is a pace."""
        steps = list(self._steps)
        if len(steps) <= FEWEST_STEPS:
            return None
        last_ns, last = steps[-1]
        left_h = [
            last * (last_ns - first_ns) / _NS_PER_H / (first - last)
            for first_ns, first in (steps[0], steps[-RECENT_STEPS:][0])
        ]
        return max(0.0, min(left_h) * 3600 - (mono_ns - last_ns) / 1e9)

    def shift_clock(self, by_ns: int) -> None:
        """Move all stamps of the monotonic clock, which began anew."""
        moved = [(at_ns + by_ns, percent) for at_ns, percent in self._steps]
        self._steps = deque(moved, maxlen=MOST_STEPS)

    def save(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return {"percent": self.percent, "steps": [list(step) for step in self._steps]}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self.percent = state["percent"]
        self._steps = deque(((at, percent) for at, percent in state["steps"]), maxlen=MOST_STEPS)
