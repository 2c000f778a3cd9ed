"""Time for the rules: how far each sensor was analysed, on one axis for the wearer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from detector.alerts.moments import Now
from detector.block import utc_of
from detector.events import Event
from detector.night.sensor_watch import SensorWatch
from detector.plain import from_plain, to_plain


class TimeAxis:
    """The moments of a night; saved and restored.

    Parameters
    ----------
    dated : whether the items' wall clock means anything

    Attributes
    ----------
    host_ns : the host's monotonic and wall clock at the last item
    """

    def __init__(self, watches: Sequence[SensorWatch], *, dated: bool) -> None:
        self._watches = watches
        self._dated = dated
        self._reached_s = [0.0] * len(watches)  # of what was analysed of each
        self._origin: datetime | None = None  # where the seconds of several sensors begin
        self.host_ns = 0, 0

    def reach(self, sensor: int, known_s: float) -> None:
        """Note how far one sensor was analysed, s from its first sample."""
        self._reached_s[sensor] = known_s

    def reach_all(self) -> None:
        """Note that each sensor was analysed as far as its watch has come."""
        self._reached_s = [watch.analysed_s for watch in self._watches]

    def now(self, mono_ns: int, utc_ns: int) -> Now:
        """Return the present by the host's clocks and by the samples that were analysed."""
        self.host_ns = mono_ns, utc_ns
        utc = utc_of(utc_ns) if self._dated else None
        reached = [
            (timebase.at_s(reached_s), timebase.at_s(0.0))
            for watch, reached_s in zip(self._watches, self._reached_s, strict=True)
            if (timebase := watch.timebase) is not None
        ]
        if len(self._watches) == 1 or not self._dated or not reached:
            return Now(
                mono_ns=mono_ns,
                utc=utc,
                stream_s=max(self._reached_s),
                stream_utc=reached[0][0] if reached else utc,
                host_s=None if self._dated else self._host_s(mono_ns),
            )
        ends = [end for end, _ in reached if end is not None]
        begun = min(begin for _, begin in reached if begin is not None)
        self._origin = self._origin or begun
        stream_s = (max(ends) - self._origin).total_seconds()
        return Now(mono_ns=mono_ns, utc=utc, stream_s=stream_s, stream_utc=max(ends))

    def _host_s(self, mono_ns: int) -> float | None:
        zeros_ns = [watch.zero_ns for watch in self._watches if watch.zero_ns is not None]
        return (mono_ns - min(zeros_ns)) / 1e9 if zeros_ns else None

    def of(self, event: Event) -> Now:
        """Return the moment at which an event of the past had its present form."""
        return Now(mono_ns=0, utc=event.end, stream_s=event.end_s, stream_utc=event.end)

    def in_wearers_seconds(self, event: Event) -> Event:
        """Return the event on the wearer's axis: each sensor's recording began by itself."""
        if len(self._watches) == 1 or event.onset is None or self._origin is None:
            return event
        return replace(event, onset_s=max((event.onset - self._origin).total_seconds(), 0.0))

    def save(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return {"host_ns": list(self.host_ns), "origin": to_plain(self._origin)}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a saved state; the watches were loaded before."""
        mono_ns, utc_ns = state["host_ns"]
        self.host_ns = mono_ns, utc_ns
        self._origin = from_plain(datetime | None, state["origin"])
        self.reach_all()
