"""How fast a sensor really samples: how its sample index falls behind the host's clock."""

from __future__ import annotations

from collections import deque
from typing import Any

_NS = 1_000_000_000

WINDOW_NS = 5 * _NS  # holds two frames of the slowest sensor, so that one is likely on time
RATE_WINDOWS = 12  # a minute: a wrong rate is known within it, 45 ms of jitter leave 0.1 %
FIRST_RATE_WINDOWS = 4  # needed for a first rate: 20 s
DRIFT_WINDOWS = 120  # ten minutes, and no drift reported before half of them: a few ppm


class RateMeter:
    """How fast the index falls behind the host's clock.

    A packet is delayed, never early, so the truth is the line under all points: of the lines that
    lie under them, the closest (Moon, Skelly and Towsley, INFOCOM 1999). Of every window only its
    lowest point can touch it.
    """

    def __init__(self) -> None:
        self._lowest: deque[tuple[int, int]] = deque(maxlen=DRIFT_WINDOWS)  # of closed windows
        self._window: int | None = None
        self._point = (0, 0)

    def feed(self, mono_ns: int, lag_ns: int) -> None:
        """Take the host's time and how far the index lies behind it."""
        if mono_ns // WINDOW_NS == self._window:
            self._point = min(self._point, (mono_ns, lag_ns), key=lambda point: point[1])
            return
        if self._window is not None:
            self._lowest.append(self._point)
        self._window = mono_ns // WINDOW_NS
        self._point = (mono_ns, lag_ns)

    def least(self, most: int) -> int:
        """Return the least lag of the last `most` windows and the present one."""
        return min(lag_ns for _, lag_ns in [*list(self._lowest)[-most:], self._point])

    def fit(self) -> tuple[float, float] | None:
        """Return the line under all points: lag in ns at host time 0, and its growth.

        Before the drift is known, the least lag of the last minute.
        """
        if self._window is None:
            return None
        known = self.growth(DRIFT_WINDOWS // 2, DRIFT_WINDOWS)
        points = [*self._lowest, self._point]
        growth = 0.0 if known is None else known
        points = points[-RATE_WINDOWS:] if known is None else points
        return min(lag_ns - growth * mono_ns for mono_ns, lag_ns in points), growth

    def growth(self, least: int, most: int) -> float | None:
        """Return the seconds that the lag grew by each second, over the last `most` windows."""
        points = list(self._lowest)[-most:]
        if len(points) < least:
            return None
        hull: list[tuple[int, int]] = []
        for x, y in points:
            while len(hull) > 1 and _turns_down(hull[-2], hull[-1], (x, y)):
                hull.pop()
            hull.append((x, y))
        middle = sum(x for x, _ in points) / len(points)
        right = next(i for i, (x, _) in enumerate(hull) if x >= middle)
        (x0, y0), (x1, y1) = hull[right - 1], hull[right]
        return (y1 - y0) / (x1 - x0)

    def save(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return {
            "lowest": [list(point) for point in self._lowest],
            "window": self._window,
            "point": list(self._point),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self._lowest = deque(((x, y) for x, y in state["lowest"]), maxlen=DRIFT_WINDOWS)
        self._window, (x, y) = state["window"], state["point"]
        self._point = x, y


def _turns_down(a: tuple[int, int], b: tuple[int, int], c: tuple[int, int]) -> bool:
    return (b[1] - a[1]) * (c[0] - b[0]) >= (c[1] - b[1]) * (b[0] - a[0])
