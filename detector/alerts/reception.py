"""Whether alerts reach anybody: acknowledgements in, the alerts that nobody received out.

Pure; time is an argument. An alert has reached somebody when a named receiver acknowledged its
number in the log, or a channel passed it to a subscriber that needs no name. That a broker took it
is neither. While a receiver with a name is there, only an acknowledgement counts: a broker reports
as passed on what it has written to the connection of a computer that sleeps, and what its access
list then withholds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from detector.alert import Alert, from_json
from detector.alerts.conditions import Condition

UNREACHED_S = 10.0
"""After so long without any receiver an alert counts as unreached: twice the time in which a
receiver that is there asks for what it lacks (a heartbeat every 5 s)."""

PRESENT_S = 15.0
"""A named receiver that was silent for so long is away: it answers each heartbeat, every 5 s."""

MOST = 1000
"""Alerts remembered that reached nobody; one is enough to tell."""


class Reception:
    """The alerts of the log that have reached nobody yet."""

    def __init__(self) -> None:
        self._waiting: dict[int, float] = {}  # by number in the log: since when, monotonic s
        self._unconfirmed: set[int] = set()  # of these, what was passed on to somebody, or nobody
        self._told: deque[int] = deque(maxlen=MOST)  # to somebody's phone
        self._present_s: float | None = None  # when a named receiver was last heard

    def wait_for(self, n: int, mono_s: float) -> None:
        """Take an alert that somebody must receive; again while it waits, nothing changes."""
        if len(self._waiting) < MOST and n not in self._told:
            self._waiting.setdefault(n, mono_s)

    def present(self, mono_s: float) -> None:
        """Record that a named receiver is there."""
        self._present_s = mono_s

    def is_present(self, mono_s: float) -> bool:
        """Whether a named receiver was heard within `PRESENT_S`."""
        return self._present_s is not None and mono_s - self._present_s < PRESENT_S

    def passed_on(self, n: int, mono_s: float) -> None:
        """Record that a channel has passed an entry on to some subscriber."""
        if self.is_present(mono_s):
            self._unconfirmed |= {n} & self._waiting.keys()
        else:
            self._drop({n})

    def told(self, n: int) -> None:
        """Record that somebody's phone was told of an entry, whatever a broker says of it later."""
        self._told.append(n)
        self._drop({n})

    def acknowledged(self, after: int, upto: int) -> None:
        """Record that a receiver has every entry after a number, up to another."""
        self._drop({n for n in self._waiting if after < n <= upto})

    def unconfirmed(self, mono_s: float) -> list[int]:
        """Return what to pass on again: no named receiver that was there confirmed it, or is left.

        Whether it reaches somebody is answered truly now.
        """
        return [] if self.is_present(mono_s) else sorted(self._unconfirmed)

    def renumber(self, moved: Mapping[int, int]) -> None:
        """Go on in another log: the new number of each entry by its old one; others are gone."""
        self._waiting = {moved[n]: at_s for n, at_s in self._waiting.items() if n in moved}
        self._unconfirmed = {moved[n] for n in self._unconfirmed if n in moved}
        self._told = deque((moved[n] for n in self._told if n in moved), maxlen=MOST)

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

    def _drop(self, numbers: set[int]) -> None:
        self._waiting = {n: at_s for n, at_s in self._waiting.items() if n not in numbers}
        self._unconfirmed -= numbers


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
    return alert.wakes and alert.kind != Condition.NOBODY_REACHABLE
