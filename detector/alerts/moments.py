"""Moments of a night as the alarms know them: by the host's clocks and by the samples."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from detector.alert import Alert
from detector.block import EPOCH


@dataclass(frozen=True, slots=True)
class Now:
    """One moment by the host's clocks and by the signal.

    mono_ns : host's monotonic clock; conditions are timed by it
    utc : host's wall clock, only a label on what has no samples of its own
    stream_s : how far the signal has been analysed, s from the recording's first sample
    stream_utc : the same moment by the recording's `Timebase`, None when it has no wall clock
    host_s : `mono_ns` as s from the recording's first sample; None with a wall clock, or before
        the first sample
    """

    mono_ns: int
    utc: datetime | None
    stream_s: float
    stream_utc: datetime | None
    host_s: float | None = None

    @property
    def event_s(self) -> float:
        """Moment on the axis of events: s since 1970, which continues across recordings.

        A recording without a wall clock has only its own axis, s from its first sample.
        """
        return axis_s(self.stream_s, self.stream_utc)

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
    def on_axis(cls, event_s: float, *, dated: bool) -> AlertTime:
        """Return a moment on the axis of `Now.event_s`."""
        return cls(EPOCH + timedelta(seconds=event_s)) if dated else cls(None, event_s)

    def no_earlier_than(self, alert: Alert) -> AlertTime:
        """Return this moment, or the one at which the alert came into its state, if later."""
        utc, at_s = self.utc, self.at_s
        utc = utc if utc is None or alert.at is None else max(utc, alert.at)
        return AlertTime(utc, at_s if at_s is None or alert.at_s is None else max(at_s, alert.at_s))


def axis_s(seconds: float, utc: datetime | None) -> float:
    """Return a moment as s since 1970; without a wall clock, the seconds as they are."""
    return seconds if utc is None else (utc - EPOCH).total_seconds()
