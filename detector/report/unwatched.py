"""A recording that no state tells of, as nights: it is watched now, as `detect` would."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from datetime import date, datetime, tzinfo
from math import ceil
from pathlib import Path

from detector.block import Block, Timebase
from detector.errors import RecordingError
from detector.evenings import bounds, evening_of, utc_bounds
from detector.events import Event, Origin
from detector.night.observation import WornSensor
from detector.night.recorded import RecordedNight, RecordedSensor
from detector.recognition.events.stamp import Provenance
from detector.report.movement import SensorMovement, Traced, seen_around, traced
from detector.report.night import ContextHours, NightReport, report_of
from detector.report.spasms import onset_of
from detector.store.formats.reading import RecordingReader
from detector.store.known_night import KnownNight
from detector.store.recording import NIGHT_NAME

AROUND_S = 40.0  # kept beside each event for its trace
MOST_KEPT = 12_000_000
"""Samples kept for traces, 290 MB: 33 h at 100 Hz. Of a longer file the latest have pictures."""

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
        self._blocks: deque[Block] = deque()
        self._kept = 0
        self._timebase = reader.timebase
        self._nights: dict[date, SensorMovement] = {}

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
        (watch,) = recorded.night.watches
        for step in recorded.steps():
            self._timebase = watch.timebase or reader.timebase
            for _, block in step.blocks:
                self._take(block)
                advance(len(block))
        for movement in self._nights.values():
            movement.close(self._timebase)
            movement.damage += [] if recorded.is_whole else [reader.damage()]
        if not self._nights:
            raise RecordingError(f"{reader.name} has no samples")
        return [
            self._report(evening, recorded.events, hours_of, label, recorded.warnings)
            for evening in sorted(self._nights)
        ]

    def trace(self, event: Event) -> Traced | None:
        """Return an event's movement; None where its samples are kept no more."""
        if event.onset is None:
            return None
        begin_s = onset_of(event).timestamp()
        near = [
            block
            for block in self._blocks
            if (at := self._timebase.at_s(block.start / block.fs)) is not None
            and at.timestamp() < begin_s + event.duration_s + AROUND_S
            and at.timestamp() + len(block) / block.fs > begin_s - AROUND_S
        ]
        return traced(seen_around(near, self._timebase, onset_of(event)), event.duration_s)

    def _take(self, block: Block) -> None:
        at = self._timebase.at_s(block.start / block.fs)
        if at is None:
            return
        evening = evening_of(at, self._zone)
        before = ceil((utc_bounds(evening, self._zone)[1] - at).total_seconds() * block.fs)
        if before < len(block):  # noon lies in it
            self._take(Block(block.samples[:before], block.start, block.fs))
            self._take(Block(block.samples[before:], block.start + before, block.fs))
            return
        if evening not in self._nights:
            for movement in self._nights.values():
                movement.close(self._timebase)
            name = self._reader.sensor or self._reader.recording
            bounds_utc = utc_bounds(evening, self._zone)
            self._nights[evening] = SensorMovement(name, self._site, *bounds_utc)
        self._nights[evening].add(block, self._timebase)
        self._blocks.append(block)
        self._kept += len(block)
        while self._kept > MOST_KEPT:
            self._kept -= len(self._blocks.popleft())

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
            sensors=[self._nights[evening]],
            remarks=warnings,
        )


def begun(reader: RecordingReader, at: datetime) -> None:
    """Have a reader of a file without a time of day begin at a moment."""
    utc_ns = round(at.timestamp() * 1e9)
    reader.timebase = Timebase(reader.timebase.fs, utc_ns)


def state_beside(path: Path) -> Path | None:
    """Return the state file of the data folder that a night's recording lies in; None elsewhere."""
    folder = path.absolute().parent
    state = folder.parent / "state.sqlite"
    named = folder.name == "nights" and NIGHT_NAME.fullmatch(path.name)
    return state if named and state.is_file() else None
