"""Runs of the service that send heartbeats: two that go on side by side are twins. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from detector.mqtt.contract import Availability

ALIVE_S = 30.0
"""A run without a heartbeat for so long has ended: six missed ones."""

BEATS = 2
"""So many heartbeats, after every other run had begun, make a run that goes on. One may be the
last word of the process before, still on its way."""

MOST = 8
"""Runs remembered; the one silent longest is forgotten first. A household has one."""


@dataclass(slots=True)
class _Beating:
    seq: int
    last_s: float
    beats: int = 1  # since the latest of the other runs began


ENDED = {
    Availability.STOPPED: "spasmwatch was stopped",
    Availability.OFFLINE: "spasmwatch has ended",
}


class Runs:
    """Heartbeats by boot id; the same one again, by whomever, is none."""

    def __init__(self) -> None:
        self._runs: dict[str, _Beating] = {}

    def __contains__(self, boot_id: str) -> bool:
        return boot_id in self._runs

    def take(self, boot_id: str, seq: int, mono_s: float) -> bool:
        """Take a heartbeat; return whether it is a new one."""
        run = self._runs.get(boot_id)
        if run is None:
            if len(self._runs) >= MOST:
                del self._runs[min(self._runs, key=lambda each: self._runs[each].last_s)]
            for other in self._runs.values():
                other.beats = 0
            self._runs[boot_id] = _Beating(seq, mono_s)
            return True
        if seq <= run.seq:
            return False
        run.seq, run.last_s, run.beats = seq, mono_s, run.beats + 1
        return True

    def silent_s(self, boot_id: str, mono_s: float) -> float:
        """Return how long ago the latest heartbeat of a run came; infinity without any."""
        run = self._runs.get(boot_id)
        return float("inf") if run is None else mono_s - run.last_s

    def alive(self, mono_s: float) -> set[str]:
        """Return the runs that go on."""
        return {
            boot_id
            for boot_id, run in self._runs.items()
            if run.beats >= BEATS and mono_s - run.last_s < ALIVE_S
        }
