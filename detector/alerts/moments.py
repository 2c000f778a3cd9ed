"""Moments of a night as the alarms know them: by the host's clocks and by the samples."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from detector.alert import Alert
from detector.block import EPOCH
from detector.events import Event


@dataclass(frozen=True, slots=True)
class Now:
    """One moment by the host's clocks and by the signal.

    mono_ns : host's monotonic clock; conditions are timed by it
    utc : host's wall clock, only a label on what has no samples of its own; None without one
    event_s : how far the signal has been analysed, on the axis of events: s since the alarms
        began, through all recordings since. No clock that is set moves it
    host_s : `mono_ns` as s from the recording's first sample; None with a wall clock, or before
        the first sample
    """

    mono_ns: int
    utc: datetime | None
    event_s: float
    host_s: float | None = None

    def host_time(self, ago: timedelta = timedelta(0)) -> AlertTime:
        """Return when it was so long ago, by the host's clocks."""
        if self.utc is not None:
            return AlertTime(self.utc - ago)
        return AlertTime(None, None if self.host_s is None else self.host_s - ago.total_seconds())


@dataclass(frozen=True, slots=True)
class AlertTime:
    """When an alert came into a state.

    utc : None without a wall clock
    at_s : s from the recording's first sample, where there is no wall clock
    """

    utc: datetime | None
    at_s: float | None = None

    @classmethod
    def dated(cls, seconds: float, *, has_utc: bool) -> AlertTime:
        """Return a moment in s since 1970, or without a wall clock from the first sample."""
        return cls(EPOCH + timedelta(seconds=seconds)) if has_utc else cls(None, seconds)

    @property
    def seconds(self) -> float:
        """The same moment as a number, for `dated`."""
        return self.at_s or 0.0 if self.utc is None else (self.utc - EPOCH).total_seconds()

    def no_earlier_than(self, alert: Alert) -> AlertTime:
        """Return this moment, or the one at which the alert came into its state, if later."""
        utc, at_s = self.utc, self.at_s
        utc = utc if utc is None or alert.at is None else max(utc, alert.at)
        return AlertTime(utc, at_s if at_s is None or alert.at_s is None else max(at_s, alert.at_s))


def dated_s(event: Event) -> float:
    """Return an event's onset as it is dated: s since 1970, or from the first sample without."""
    return event.onset_s if event.onset is None else (event.onset - EPOCH).total_seconds()
