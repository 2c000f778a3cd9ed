"""Whether samples of one sensor come, and why not."""

from __future__ import annotations

from typing import Any

from detector.alerts.conditions import Condition
from detector.devices.stream import Item, LinkDown, LinkUp
from detector.night.observation import SensorCondition

SILENT_S = 8.0
"""Samples this old are no signal: four of the slowest sensor's 2 s packets, and below the 10 s
within which a lost sensor must be reported."""

NOT_HEARD = "the sensor was not heard yet"
NO_SAMPLES = "connected, but no samples come"
NO_SAMPLES_KEPT = "nothing was recorded here"


class Liveness:
    """When samples last came, by the host's monotonic clock.

    Attributes
    ----------
    begun_ns : time of the first item or tick, with samples or not; None before
    last_ns : arrival of the last samples; None before the first
    silent : no signal is reported
    """

    def __init__(self) -> None:
        self.begun_ns: int | None = None
        self.last_ns: int | None = None
        self.silent = True
        self._link = NOT_HEARD
        self._linked_ns: int | None = None  # when the link was made that stands

    def begin(self, mono_ns: int) -> None:
        """Take the time of an item or a tick: the first is the beginning."""
        self.begun_ns = mono_ns if self.begun_ns is None else self.begun_ns

    def take(self, item: Item) -> None:
        """Take the sensor's next item."""
        self.begin(item.mono_ns)
        match item:
            case LinkUp():
                self._linked_ns = item.mono_ns
            case LinkDown():
                self.explain(item.reason)

    def explain(self, why: str) -> None:
        """Take the reason for which no samples come from now on."""
        self._link, self._linked_ns = why, None

    def fail(self, why: str) -> None:
        """Take the reason of a fault on this side, which leaves the link as it is."""
        self._link = why

    def age_s(self, mono_ns: int) -> float | None:
        """Return the seconds since samples last came; None if they never did."""
        return None if self.last_ns is None else (mono_ns - self.last_ns) / 1e9

    def silence(self, mono_ns: int) -> str | None:
        """Return in words why there is no signal; None while samples come."""
        age_s = self.age_s(mono_ns)
        if age_s is not None and age_s < SILENT_S:
            return None
        # Every sensor takes a moment from its connection to its first samples.
        overdue = self._linked_ns is not None and mono_ns - self._linked_ns >= SILENT_S * 1e9
        return NO_SAMPLES if overdue else self._link

    def tick(self, mono_ns: int) -> list[SensorCondition]:
        """Advance time; return no signal where nothing has come."""
        self.begin(mono_ns)
        why = self.silence(mono_ns)
        if why is None:
            return []
        self.silent = True
        since_ns = self.begun_ns if self.last_ns is None else self.last_ns
        return [
            SensorCondition(Condition.NO_SIGNAL, why, mono_ns if since_ns is None else since_ns)
        ]

    def shift_clock(self, by_ns: int) -> None:
        """Move stamps of the monotonic clock, which began anew."""
        if self.last_ns is not None:
            self.last_ns += by_ns
        if self.begun_ns is not None:
            self.begun_ns += by_ns
        if self._linked_ns is not None:
            self._linked_ns += by_ns

    def save(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return {
            "_last_mono_ns": self.last_ns,
            "_begun_ns": self.begun_ns,
            "_linked_ns": self._linked_ns,
            "_link": self._link,
            "_silent": self.silent,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self.last_ns, self.begun_ns = state["_last_mono_ns"], state["_begun_ns"]
        self._linked_ns = state.get("_linked_ns")  # the first build kept none
        self._link, self.silent = state["_link"], state["_silent"]
