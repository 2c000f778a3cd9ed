"""How many commands each person may send: so many at once, then one an interval. Pure."""

from __future__ import annotations

NAMES_MOST = 128
"""Names remembered: several of a household; without keys they cost a stranger nothing."""


class TokenBucket:
    """A token bucket for each name.

    Parameters
    ----------
    at_once : how many may come at once
    every_s : one more after so long
    """

    def __init__(self, *, at_once: int, every_s: float) -> None:
        self._every_s = every_s
        self._room_s = at_once * every_s
        self._full_s: dict[str, float] = {}  # when the bucket of a name is full again

    def admits(self, name: str, mono_s: float) -> bool:
        """Return whether one more of this name is not too many; it counts then."""
        if name not in self._full_s and len(self._full_s) >= NAMES_MOST:
            self._full_s = {each: s for each, s in self._full_s.items() if s > mono_s}
            if len(self._full_s) >= NAMES_MOST:
                return False
        full_s = max(self._full_s.get(name, mono_s), mono_s) + self._every_s
        if full_s - mono_s > self._room_s:
            return False
        self._full_s[name] = full_s
        return True
