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


class Troubles:
    """Conditions by name. Times are monotonic nanoseconds of the night's clock."""

    def __init__(self) -> None:
        self._since_ns: dict[Condition, int] = {}  # when each was last so

    def __contains__(self, name: Condition) -> bool:
        return name in self._since_ns

    def note(self, name: Condition, why: str | None, now_ns: int) -> bool:
        """Take what is true of a condition now; return whether it has begun or is over.

        It is over once `why` was None for `CALM_S`.
        """
        known = name in self._since_ns
        if why is not None:
            self._since_ns[name] = now_ns
        elif known and now_ns - self._since_ns[name] >= CALM_S * 1e9:
            del self._since_ns[name]
        return known != (name in self._since_ns)
