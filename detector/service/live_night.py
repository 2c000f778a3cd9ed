"""A night whose parts fail alone: calls are supervised, and a part that failed is rebuilt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from detector.block import Block
from detector.devices.stream import Reading
from detector.events import Event
from detector.night.night import Night
from detector.night.observation import Observation
from detector.night.outcome import Outcome
from detector.service.supervisor import Supervisor
from detector.words.reasons import worded

TICK_S = 1.0  # of the night's clock: an eighth of `night.liveness.SILENT_S`, so much later at most
TICK_NS = round(TICK_S * 1e9)
ALARMS = "alarms"
NO_WORDS = "the reason cannot be said: see the log"


class LiveNight:
    """A `Night` that goes on whatever part of it raises.

    Parameters
    ----------
    committed : the saved alarm state of the last commit, and the events reported since
    watched : takes each sensor's samples by its label, for live views; must return at once
    """

    def __init__(
        self,
        night: Night,
        supervisor: Supervisor,
        committed: Callable[[], tuple[dict[str, Any] | None, Iterable[Event]]],
        watched: Callable[[str, Sequence[Block]], None] | None = None,
    ) -> None:
        self._night = night
        self._supervisor = supervisor
        self._committed = committed
        self._watched = watched
        self._ticked_ns: int | None = None

    def take(self, reading: Reading, *, sensor: int) -> list[Outcome]:
        """Take a reading; time passes up to it first, so that a silence before it is noticed."""
        item = reading.item
        told = self.tick_if_due(item.mono_ns, item.utc_ns)
        label = self._night.watches[sensor].label
        detector = f"detector of {label}"
        blocks: list[Block] = []
        seen = self._supervisor.call(
            detector,
            lambda: self._examine(reading, sensor, blocks),
            rebuild=lambda: self._night.start_watch_again(sensor, f"the {detector} failed", item),
        )
        if seen is not None:
            told.append(self._alarmed(lambda: self._night.hear(seen, item, sensor=sensor), seen))
        if self._watched is not None and blocks:
            self._supervisor.call("live view", partial(self._watched, label, blocks))
        return told

    def tick(self, mono_ns: int, utc_ns: int) -> Outcome:
        """Advance time."""
        self._ticked_ns = mono_ns
        return self._alarmed(lambda: self._night.tick(mono_ns, utc_ns))

    def tick_if_due(self, mono_ns: int, utc_ns: int) -> list[Outcome]:
        """Advance time, if a second has passed since the last tick."""
        if self._ticked_ns is not None and mono_ns - self._ticked_ns < TICK_NS:
            return []
        return [self.tick(mono_ns, utc_ns)]

    def trouble(self, name: str, why: str | None, mono_ns: int, utc_ns: int) -> Outcome:
        """Take a condition of the monitoring, such as a full disk; over when `why` is None."""
        return self._alarmed(lambda: self._night.trouble(name, why, mono_ns, utc_ns))

    def finish(self, mono_ns: int, utc_ns: int) -> Outcome:
        """Close what is open: the night is over."""
        return self._alarmed(lambda: self._night.finish(mono_ns, utc_ns))

    def _examine(self, reading: Reading, sensor: int, blocks: list[Block]) -> list[Observation]:
        """Let the sensor's watch take a reading; its samples are added to `blocks`."""
        blocks += self._night.gather(reading, sensor=sensor)
        return self._night.watches[sensor].look()

    def _alarmed(self, work: Callable[[], Outcome], seen: Sequence[Observation] = ()) -> Outcome:
        """Return what `work` returns, after a fault with rebuilt alarms; else the events alone."""

        def rebuild() -> Outcome:
            saved, events = self._committed()
            return self._night.start_alarms_again(saved, events) + work()

        told = self._supervisor.call(ALARMS, work, rebuild=rebuild)
        if told is not None:
            return told
        events = [each.what for each in seen if isinstance(each.what, Event)]
        said = self._supervisor.call("words", lambda: tuple(map(worded, events)))
        return Outcome(said or tuple(replace(each, reason=NO_WORDS) for each in events))
