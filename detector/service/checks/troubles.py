"""Which parts do not work at present: trouble that comes and goes is one trouble."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from detector.alerts.conditions import Condition

CALM_S = 60.0  # of the night's clock: for so long a part must have worked, to work again


class TroubleCheck(Protocol):
    """A judge of conditions, which is asked on each tick of a night."""

    def troubles(self) -> Mapping[Condition, str | None]:
        """Return each condition by name, with why it holds, or None where it does not."""
        ...


class NotedTroubles:
    """A check of what parts beside the service have noted: each condition as it was noted last."""

    def __init__(self) -> None:
        self._why: dict[Condition, str | None] = {}

    def note(self, name: Condition, why: str | None) -> None:
        """Take whether a condition holds."""
        self._why[name] = why

    def troubles(self) -> Mapping[Condition, str | None]:
        """Return each condition that was noted, with why it holds or None."""
        return self._why


class Troubles:
    """Conditions by name. Times are monotonic nanoseconds of the night's clock."""

    def __init__(self) -> None:
        self._since_ns: dict[Condition, int] = {}  # when each was last so
        self.absent: set[Condition] = set()
        """Those that did not hold when they were last noted, and are over if that lasts."""

    def __contains__(self, name: Condition) -> bool:
        return name in self._since_ns

    def note(self, name: Condition, why: str | None, now_ns: int) -> bool:
        """Take what is true of a condition now; return whether it has begun or is over.

        It is over once `why` was None for `CALM_S`.
        """
        known = name in self._since_ns
        if why is not None:
            self._since_ns[name] = now_ns
            self.absent.discard(name)
        elif known and now_ns - self._since_ns[name] >= CALM_S * 1e9:
            del self._since_ns[name]
            self.absent.discard(name)
        elif known:
            self.absent.add(name)
        return known != (name in self._since_ns)
