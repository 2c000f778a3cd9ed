"""A recording that no state tells of, as nights: it is watched now, as `detect` would."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path

from detector.block import Block, Timebase
from detector.errors import RecordingError
from detector.events import Event, Origin
from detector.night.observation import WornSensor
from detector.night.recorded import RecordedNight, RecordedSensor
from detector.recognition.events.stamp import Provenance
from detector.report.movement import SensorMovement, Traced, seen_around, traced
from detector.report.night import ContextHours, NightReport, report_of
from detector.report.spasms import onset_of
from detector.store.evenings import bounds, evening_of, utc_bounds
from detector.store.formats.reading import RecordingReader
from detector.store.known_night import KnownNight

AROUND_S = 40.0  # kept beside each event for its trace

Advance = Callable[[int], None]


class UnwatchedRecording:
    """A recording that is watched now; its reports by `reports`, once.

    Parameters
    ----------
    reader : has a wall clock
    site, model : where it was worn, and the detector
    """

    def __init__(
        self, reader: RecordingReader, *, site: str, model: str, zone: tzinfo | None
    ) -> None:
        self._reader, self._site, self._model, self._zone = reader, site, model, zone
        self._blocks: list[Block] = []
        self._timebase = reader.timebase

    def reports(
        self, hours_of: ContextHours, label: str, advance: Advance = lambda _: None
    ) -> list[NightReport]:
        """Return a report of each night in it.

        Raises
        ------
        RecordingError
            It is damaged further on, has no time of day, or nothing in it.
        """
        reader = self._reader
        if reader.timebase.epoch_ns is None:
            raise RecordingError(
                f"{reader.name} has no time of day, and a report is of a night. Say when it began: "
                "--began '2026-11-20 22:30'"
            )
        provenance = Provenance(reader.wearer, reader.sensor, reader.recording, model=self._model)
        recorded = RecordedNight([RecordedSensor(reader, WornSensor(provenance, self._site))])
        for step in recorded.steps():
            for _, block in step.blocks:
                self._blocks.append(block)
                advance(len(block))
        (watch,) = recorded.night.watches
        self._timebase = watch.timebase or reader.timebase
        if not self._blocks:
            raise RecordingError(f"{reader.name} has no samples")
        warnings = list(recorded.warnings)
        return [
            self._report(evening, recorded.events, hours_of, label, warnings)
            for evening in self._evenings()
        ]

    def trace(self, event: Event) -> Traced | None:
        """Return an event's movement."""
        if event.onset is None:
            return None
        begin = onset_of(event).timestamp()
        near = [
            block
            for block, at in self._dated()
            if at.timestamp() < begin + event.duration_s + AROUND_S
            and at.timestamp() + len(block) / block.fs > begin - AROUND_S
        ]
        return traced(seen_around(near, self._timebase, onset_of(event)), event.duration_s)

    def _report(
        self,
        evening: date,
        events: Sequence[Event],
        hours_of: ContextHours,
        label: str,
        warnings: Sequence[str],
    ) -> NightReport:
        since, until = bounds(evening, self._zone)
        known = KnownNight(
            evening=evening,
            now=until,
            zone=self._zone,
            events=tuple(e for e in events if e.onset is not None and since <= e.onset < until),
        )
        return report_of(
            known,
            hours_of,
            origin=self._reader.origin or Origin.REPLAY,
            label=label,
            model=self._model,
            site=self._site,
            sensors=[self._movement(evening)],
            remarks=warnings,
        )

    def _movement(self, evening: date) -> SensorMovement:
        begin, end = utc_bounds(evening, self._zone)
        movement = SensorMovement(
            self._reader.sensor or self._reader.recording, self._site, begin, end
        )
        inside = [block for block, at in self._dated() if begin <= at < end]
        movement.take(inside, lambda: self._timebase)
        return movement

    def _evenings(self) -> list[date]:
        return sorted({evening_of(at, self._zone) for _, at in self._dated()})

    def _dated(self) -> Iterator[tuple[Block, datetime]]:
        for block in self._blocks:
            at = self._timebase.at_s(block.start / block.fs)
            if at is not None:
                yield block, at.astimezone(UTC)


def begun(reader: RecordingReader, at: datetime) -> None:
    """Have a reader of a file without a time of day begin at a moment."""
    utc_ns = round(at.timestamp() * 1e9)
    reader.timebase = Timebase(reader.timebase.fs, utc_ns)


def state_beside(path: Path) -> Path | None:
    """Return the state file of the data folder that a recording lies in; None where it does not."""
    state = path.absolute().parent.parent / "state.sqlite"
    return state if state.is_file() else None
