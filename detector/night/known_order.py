"""What several sensors showed, in the order in which it was known. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from detector.night.observation import Observation
from detector.night.sensor_watch import SensorWatch


class KnownOrder:
    """Observations of one wearer's watches; those of one wait until the others are as far.

    Otherwise the outcome would depend on which recording was read first.
    """

    def __init__(self, watches: Sequence[SensorWatch]) -> None:
        self._watches = tuple(watches)
        self._waiting: list[tuple[int, int, Observation]] = []  # monotonic ns, sensor, what
        self._over: set[int] = set()  # sensors whose recording has ended

    @property
    def settled(self) -> bool:
        """Whether nothing can wait: there is one sensor, or all recordings have ended."""
        return len(self._watches) == 1 or len(self._over) == len(self._watches)

    def end(self, sensor: int) -> None:
        """Record that a recording has ended: no other sensor waits for it any more."""
        self._over.add(sensor)

    def running(self) -> list[int]:
        """Return the sensors whose recording has not ended."""
        return [number for number in range(len(self._watches)) if number not in self._over]

    def go_on(self) -> None:
        """Record that all recordings go on: the night was only interrupted."""
        self._over.clear()

    def look(self) -> list[tuple[int, Observation]]:
        """Return what is known by now and was not returned before, each with its sensor."""
        self._waiting += [
            (seen.mono_ns, number, seen)
            for number, watch in enumerate(self._watches)
            for seen in watch.look()
        ]
        self._waiting.sort(key=lambda each: each[:2])
        known_ns = inf
        if len(self._watches) > 1:
            reached_ns = [self._watches[number].looked_ns for number in self.running()]
            known_ns = min((-inf if ns is None else ns for ns in reached_ns), default=inf)
        ripe = sum(at_ns <= known_ns for at_ns, _, _ in self._waiting)
        known, self._waiting = self._waiting[:ripe], self._waiting[ripe:]
        return [(number, seen) for _, number, seen in known]
