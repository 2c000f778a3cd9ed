"""Time for the rules: how far each sensor was analysed, on one axis that never jumps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from detector.alerts.moments import Now, dated_s
from detector.alerts.rules import MAX_WINDOW_S
from detector.block import utc_of
from detector.events import Event
from detector.night.sensor_watch import SensorWatch
from detector.plain import from_plain, to_plain

SAME_BOOT_NS = 30_000_000_000
"""Monotonic and wall clock of one boot stay closer than this while nobody is there, unless the
wall clock is set. Where a computer was started anew, they differ by how long it ran before."""

AWAY_MOST_NS = MAX_WINDOW_S * 1_000_000_000
"""Longest absence that only a wall clock says: beyond it no rule counts across, and a clock that
was set a year ahead says as much."""


class TimeAxis:
    """The moments of a night, in seconds since the alarms began; saved and restored.

    The samples' own index moves it on; before the first sample, and from one recording to the
    next, the host's monotonic clock does. The wall clock does only where the computer was started
    anew meanwhile.

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
        self._begun: tuple[int, float] | None = None  # monotonic clock, and the axis then
        self._origins_s: dict[str, float] = {}  # where each recording's first sample lies
        self._event_s = 0.0
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
        begun_ns, begun_s = self._begun = self._begun or (mono_ns, 0.0)
        reached_s = [
            origin_s + analysed_s
            for watch, analysed_s in zip(self._watches, self._reached_s, strict=True)
            if (origin_s := self._origin_s(watch, begun_ns, begun_s)) is not None
        ]
        waiting_s = begun_s + max(0, mono_ns - begun_ns) / 1e9
        self._event_s = max(reached_s, default=waiting_s)
        return Now(
            mono_ns=mono_ns,
            utc=utc_of(utc_ns) if self._dated else None,
            event_s=self._event_s,
            host_s=None if self._dated else self._host_s(mono_ns),
        )

    def of(self, event: Event) -> Now:
        """Return the moment at which an event of the past had its present form."""
        end_s = self.onset_s(event) + event.duration_s
        return Now(mono_ns=0, utc=event.end, event_s=end_s)

    def onset_s(self, event: Event) -> float:
        """Return where on the axis an event began: each sensor's recording began by itself."""
        key = event.sensor if event.recording is None else event.recording.name
        first_s = min(self._origins_s.values(), default=None)
        origin_s = self._origins_s.get(key or "", first_s)
        # The first builds laid events on the wall clock.
        return dated_s(event) if origin_s is None else origin_s + event.onset_s

    def shift_clock(self, by_ns: int) -> None:
        """Move stamps of a monotonic clock that began anew."""
        if self._begun is not None:
            self._begun = self._begun[0] + by_ns, self._begun[1]

    def begin_anew(self, mono_ns: int, away_ns: int) -> None:
        """Begin other recordings after those that were loaded, so long after."""
        self._begun = mono_ns, self._event_s + away_ns / 1e9
        self._origins_s.clear()

    def save(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return {
            "host_ns": list(self.host_ns),
            "begun": to_plain(self._begun),
            "origins_s": dict(self._origins_s),
            "event_s": self._event_s,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a saved state; the watches were loaded before."""
        self.load_before(state)
        self.reach_all()
        if "begun" not in state:  # the first builds: seconds since 1970
            for watch in self._watches:
                begun = None if watch.timebase is None else watch.timebase.at_s(0.0)
                if begun is not None:
                    self._origins_s[_key(watch)] = begun.timestamp()

    def load_before(self, state: dict[str, Any]) -> None:
        """Go on from the state of other recordings."""
        mono_ns, utc_ns = state["host_ns"]
        self.host_ns = mono_ns, utc_ns
        self._event_s = state.get("event_s", utc_ns / 1e9)
        begun = from_plain(tuple[int, float] | None, state.get("begun"))
        self._begun = begun or (mono_ns, self._event_s)
        self._origins_s = dict(state.get("origins_s", {}))

    def _origin_s(self, watch: SensorWatch, begun_ns: int, begun_s: float) -> float | None:
        """Return where a recording's first sample lies; None before there is one."""
        key = _key(watch)
        if key not in self._origins_s:
            if watch.zero_ns is None:
                return None
            self._origins_s[key] = begun_s + (watch.zero_ns - begun_ns) / 1e9
        return self._origins_s[key]

    def _host_s(self, mono_ns: int) -> float | None:
        zeros_ns = [watch.zero_ns for watch in self._watches if watch.zero_ns is not None]
        return (mono_ns - min(zeros_ns)) / 1e9 if zeros_ns else None


def away_ns(was_ns: tuple[int, int], now_ns: tuple[int, int], *, same_boot: bool | None) -> int:
    """Return how long nobody was there, ns; never negative, and bounded where it is not known.

    Parameters
    ----------
    was_ns, now_ns : the host's monotonic and wall clock
    same_boot : whether the computer ran on; None where that is not known
    """
    waited_ns, passed_ns = now_ns[0] - was_ns[0], max(0, now_ns[1] - was_ns[1])
    if same_boot is None:
        same_boot = abs(waited_ns - passed_ns) <= SAME_BOOT_NS
    if same_boot and waited_ns >= 0:
        return waited_ns
    return min(passed_ns, AWAY_MOST_NS)


def _key(watch: SensorWatch) -> str:
    return watch.worn.provenance.recording or watch.label
