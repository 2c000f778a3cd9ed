"""The pause of a running night: who asked, until when, and what it does to what is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from typing import Any

from detector.alert import Alert
from detector.alerts.commands import CommandError
from detector.alerts.pause import Pause, hushed
from detector.block import utc_of
from detector.status import Snapshot, StateWord, Status

APART_NS = 1_000_000_000  # each is an entry of the log, which whoever may publish must not fill
LABEL_S = 2.0  # so far may the wall clock drift before the time shown is another


class Pausing:
    """The alarms' pause, if there is one.

    Parameters
    ----------
    pause : of an earlier process, that still holds
    zone : of the times shown; None is the computer's own
    """

    def __init__(self, pause: Pause | None = None, zone: tzinfo | None = None) -> None:
        self._pause = pause
        self._zone = zone
        self._until: datetime | None = None  # as it is shown

    def begin(self, minutes: int, by: str, mono_ns: int) -> None:
        """Begin a pause; ValueError unless it is of 1 to 60 minutes, or right after another."""
        if self._pause is not None and 0 <= mono_ns - self._pause.begun_ns < APART_NS:
            raise CommandError("a pause was asked for less than a second ago")
        self._pause, self._until = Pause.of(minutes, by, mono_ns), None

    def end(self, mono_ns: int) -> None:
        """End the pause now; CommandError where there is none."""
        if self._pause is None or not self._pause.left_ns(mono_ns):
            raise CommandError("alerts are not paused")
        self._pause = replace(self._pause, until_ns=mono_ns)

    def lasts(self, mono_ns: int) -> bool:
        """Return whether alerts wake nobody now."""
        return self._pause is not None and self._pause.left_ns(mono_ns) > 0

    def until(self, mono_ns: int, utc_ns: int) -> datetime | None:
        """Return until when alerts wake nobody, by the present wall clock; None without a pause."""
        left_ns = 0 if self._pause is None else self._pause.left_ns(mono_ns)
        if not left_ns:
            self._until = None
            return None
        until = utc_of(utc_ns + left_ns).astimezone(self._zone)
        if self._until is None or abs(until - self._until) > timedelta(seconds=LABEL_S):
            self._until = until
        return self._until

    def is_over(self, mono_ns: int) -> bool:
        """Return whether a pause has ended; asked again, it has not."""
        if self._pause is None or self._pause.left_ns(mono_ns):
            return False
        self._pause = None
        return True

    def hushed(self, alert: Alert, mono_ns: int) -> Alert:
        """Return an alert as it is told now: in a pause it wakes nobody."""
        return hushed(alert) if self.lasts(mono_ns) else alert

    def hush_open(self, now: Snapshot, open_alerts: Sequence[Alert], mono_ns: int) -> Snapshot:
        """Return a snapshot with these open alerts, as they were told."""
        return replace(now, open_alerts=tuple(self.hushed(a, mono_ns) for a in open_alerts))

    def shown(self, status: Status, mono_ns: int, utc_ns: int) -> Status:
        """Return the status with the pause: that is shown first, and beside it what is so."""
        until = self.until(mono_ns, utc_ns)
        if until is None:
            return status
        by = "" if self._pause is None else self._pause.by
        why = status.why
        if status.watch is StateWord.SPASM:  # its numbers change every few seconds: no news here
            why = status.words
        elif status.watch is not StateWord.WATCHING and why:
            why = f"{status.words}: {why}"
        return Status(StateWord.PAUSED, why="; ".join(filter(None, [f"by {by}", why])), until=until)

    def save(self) -> dict[str, Any] | None:
        """Return the pause as plain data."""
        return None if self._pause is None else self._pause.save()
