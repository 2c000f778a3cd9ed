"""Which alerts are open: the service's snapshot tells, where entries of the log were missed.

Pure. A broker retains the snapshot, also of a service that is dead: it counts once a heartbeat of
the same run has come.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

from detector.alert import Alert, AlertState, Level, from_dict
from detector.receiver.untrusted import moment_of

SETTLED = timedelta(seconds=60)
"""An alert that was raised this long before a snapshot without it is over. A younger one may be on
its way: alerts are dated back by the time in which they were noticed, a few seconds."""

MOST = 1000
"""Open alerts remembered; a snapshot has 16 at most."""


@dataclass(frozen=True, slots=True)
class OpenAlerts:
    """The alerts that are open at a moment; repeated every 30 s and whenever something changes.

    Parameters
    ----------
    alerts : their JSON objects; untrusted
    complete : there are no others
    sent : when, by the service's wall clock; None where it cannot be read
    tonight : what was counted since the night began; untrusted
    """

    alerts: tuple[Mapping[str, Any], ...]
    complete: bool
    sent: datetime | None
    tonight: Mapping[str, Any] = field(default_factory=dict)


class Snapshots:
    """Snapshots of the service, each returned once it is known that its run is alive."""

    def __init__(self) -> None:
        self._alive: str | None = None  # boot id of the latest heartbeat
        self._waiting: Mapping[str, Any] | None = None

    def take(self, said: Mapping[str, Any]) -> list[OpenAlerts]:
        """Take a snapshot, retained or not; return what is open."""
        if not isinstance(said.get("boot_id"), str):
            return []
        self._waiting = said
        return self._ripe()

    def heard(self, boot_id: str) -> list[OpenAlerts]:
        """Take a heartbeat of a run; return what is open by the snapshot that waited for it."""
        self._alive = boot_id
        return self._ripe()

    def _ripe(self) -> list[OpenAlerts]:
        said = self._waiting
        if said is None or said["boot_id"] != self._alive:
            return []
        self._waiting = None
        alerts, total = said.get("open_alerts"), said.get("open_alerts_total")
        if not isinstance(alerts, list):
            return []
        listed = tuple(each for each in alerts if isinstance(each, dict))
        found = said.get("tonight")
        tonight = found if isinstance(found, dict) else {}
        return [OpenAlerts(listed, total == len(listed), moment_of(said.get("sent")), tonight)]


class Sounds(Enum):
    """What an alert means for the sound."""

    NOTHING = auto()
    HELD = auto()  # it sounds from now on, or goes on as it did
    AGAIN = auto()  # it sounds now, whenever it sounded last
    ONCE = auto()  # a test


@dataclass(frozen=True, slots=True)
class Telling:
    """Whether to show a state of an alert, and what it means for the sound."""

    shown: bool
    sounds: Sounds


@dataclass(frozen=True, slots=True)
class OpenChanges:
    """What a snapshot tells that was not told yet; an alert sounds if it `is_urgent`.

    Parameters
    ----------
    still : alerts that were open before
    new : alerts that have just been raised
    changed : alerts in another state than was told, such as acknowledged; their entry is on the way
    over : ids of those that are over
    """

    still: list[Alert]
    new: list[Alert]
    over: list[str]
    changed: list[Alert] = field(default_factory=list)


class OpenNow:
    """Join snapshots and entries: each state of an alert is told once, what is over stays quiet."""

    def __init__(self) -> None:
        self._open: dict[str, Alert] = {}  # in the state last told, by id
        self._latest: tuple[frozenset[str], datetime] | None = None  # complete snapshot: ids, sent
        self._followed = False  # since a snapshot

    def snapshot(self, now: OpenAlerts) -> OpenChanges:
        """Take what is open; return what was not known yet."""
        alerts = [alert for each in now.alerts if (alert := alert_of(each)) is not None]
        fresh = [each for each in alerts if each.id not in self._open]
        ids = frozenset(str(each.get("id")) for each in now.alerts)
        over: list[str] = []
        if now.complete and now.sent is not None:
            self._latest = ids, now.sent
            over = [id_ for id_, alert in self._open.items() if self._is_over(alert)]
        for id_ in over:
            del self._open[id_]
        changed = [alert for alert in alerts if self._is_changed(alert)]
        for alert in (*fresh[: MOST - len(self._open)], *changed):
            self._open[alert.id] = alert
        first, self._followed = not self._followed, True
        new = [] if first else [alert for alert in fresh if _is_new(alert, now)]
        return OpenChanges([alert for alert in fresh if alert not in new], new, over, changed)

    def entry(self, alert: Alert, *, late: bool) -> Telling:
        """Take a state of an alert from the log; return what to tell of it."""
        if alert.level is Level.TEST:
            begins = alert.state is AlertState.RAISED and not late
            return Telling(shown=True, sounds=Sounds.ONCE if begins else Sounds.NOTHING)
        if alert.state is AlertState.RESOLVED:
            self._open.pop(alert.id, None)
            return Telling(shown=True, sounds=Sounds.NOTHING)
        if self._is_over(alert):
            return Telling(shown=True, sounds=Sounds.NOTHING)
        known = self._open.get(alert.id)
        if known is not None and (known == alert or (late and _is_later(known, alert))):
            # A snapshot has told it, or what came after it.
            held = Sounds.HELD if is_urgent(known) else Sounds.NOTHING
            return Telling(shown=known != alert, sounds=held)
        if known is not None or len(self._open) < MOST:
            self._open[alert.id] = alert
        if not is_urgent(alert):
            return Telling(shown=True, sounds=Sounds.NOTHING)
        return Telling(shown=True, sounds=Sounds.HELD if late else Sounds.AGAIN)

    def _is_changed(self, alert: Alert) -> bool:
        """Whether a snapshot has a later state of an alert than was told."""
        known = self._open.get(alert.id)
        return known is not None and _is_later(alert, known)

    def _is_over(self, alert: Alert) -> bool:
        """Whether the latest snapshot would have it, were it still open."""
        if self._latest is None or alert.at is None:
            return False
        ids, sent = self._latest
        return alert.id not in ids and alert.at + SETTLED < sent


_UNANSWERED = {AlertState.RAISED, AlertState.REPEATED, AlertState.ESCALATED}


def is_urgent(alert: Alert) -> bool:
    """Whether an alert sounds until it is over, or until somebody answers it."""
    return alert.level is Level.HIGH and alert.state in _UNANSWERED


def _is_later(alert: Alert, other: Alert) -> bool:
    """Whether an alert is in another state than before, which it came to later."""
    if alert.at is None or other.at is None:
        return False
    return alert.state is not other.state and alert.at > other.at


def _is_new(alert: Alert, now: OpenAlerts) -> bool:
    """Whether an alert of a snapshot was just raised: its entry is on the way."""
    if alert.raised_at is None or now.sent is None:
        return False
    return alert.raised_at + SETTLED > now.sent


def alert_of(fields: Mapping[str, Any]) -> Alert | None:
    """Return an alert that anybody may have sent; None where it is none."""
    try:
        return from_dict(fields)
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return None
