"""Whether alerts reach anybody: acknowledgements in, the alerts that nobody received out.

Pure; time is an argument. An alert has reached somebody when a named receiver acknowledged its
number in the log, or a channel passed it to a subscriber that needs no name. That a broker took it
is neither.
"""

from __future__ import annotations

from detector.alert import Alert, AlertState, Level, from_json
from detector.alerts.conditions import Condition

UNREACHED_S = 10.0
"""After so long without any receiver an alert counts as unreached: twice the time in which a
receiver that is there asks for what it lacks (a heartbeat every 5 s)."""

MOST = 1000
"""Alerts remembered that reached nobody; one is enough to tell."""


class Reception:
    """The alerts of the log that have reached nobody yet."""

    def __init__(self) -> None:
        self._waiting: dict[int, float] = {}  # by number in the log: since when, monotonic s

    def wait_for(self, n: int, mono_s: float) -> None:
        """Take an alert that somebody must receive; again while it waits, nothing changes."""
        if len(self._waiting) < MOST:
            self._waiting.setdefault(n, mono_s)

    def passed_on(self, n: int) -> None:
        """Take that a channel has passed an entry on to somebody."""
        self._waiting.pop(n, None)

    def acknowledged(self, after: int, upto: int) -> None:
        """Take that a receiver has every entry after a number, up to another."""
        kept = (each for each in self._waiting.items() if not after < each[0] <= upto)
        self._waiting = dict(kept)

    @property
    def waiting(self) -> tuple[int, ...]:
        """Numbers of the alerts that have reached nobody, in order."""
        return tuple(sorted(self._waiting))

    def oldest_s(self, mono_s: float) -> float:
        """Return how long the alert has waited that has waited longest; 0 when none waits."""
        return mono_s - min(self._waiting.values(), default=mono_s)

    def unreached(self, mono_s: float) -> int:
        """Return how many alerts have waited longer than `UNREACHED_S`."""
        return sum(mono_s - since_s >= UNREACHED_S for since_s in self._waiting.values())


def must_reach(body: str) -> bool:
    """Whether somebody must receive an alert of the log; one that cannot be read is one."""
    try:
        return _must_reach(from_json(body))
    except ValueError:
        return True


def _must_reach(alert: Alert) -> bool:
    """Whether somebody must receive this state of an alert.

    An alarm about nobody being there reaches nobody either: its own channel is the local sound.
    """
    urgent = alert.state is not AlertState.RESOLVED and alert.level is Level.HIGH
    return urgent and alert.kind != Condition.NOBODY_REACHABLE
