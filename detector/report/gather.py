"""Read nights: what the state keeps of them, and their recordings. Nothing is written.

The service may be running: the state is read as it is, between two of its commits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path

from detector.block import Block
from detector.errors import RecordingError, RecordingNotFoundError
from detector.evenings import bounds, utc_bounds
from detector.events import Event, Origin
from detector.report.movement import SensorMovement, Traced, seen_around, traced
from detector.report.night import ContextHours, NightReport, report_of, trend_of
from detector.report.spasms import onset_of
from detector.report.trend import NIGHTS, TrendNight, evenings_up_to, usual
from detector.store.formats.excerpt import LONGEST, excerpt
from detector.store.formats.reader import open_recording
from detector.store.known_night import KnownNight, watch_states
from detector.store.look import StateReader, looking_at
from detector.store.questions import known_night, latest_evening
from detector.store.recording import NIGHT_NAME

AROUND = timedelta(seconds=10)  # of an event, in which samples are read for its trace
FAR = datetime(2999, 1, 1, tzinfo=UTC)
SILENT = timedelta(minutes=2)  # a service saves its night every few seconds
BYTES_EACH = 10  # of a sample, in a recording
FARTHEST = 400  # evenings that are looked back on for the last night

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class NightPlace:
    """Where nights are kept, and what is known of whose they are.

    state : the state file; recordings : their folder
    label : names the wearer's place; site, model : where nothing else says them
    """

    state: Path
    recordings: Path
    origin: Origin
    zone: tzinfo | None
    label: str
    site: str
    model: str

    def recordings_of(self, evening: date) -> list[Path]:
        """Return the recordings of a night that are there, by name."""
        paths = sorted(self.recordings.glob(f"{evening}*.sqlite"))
        return [path for path in paths if NIGHT_NAME.fullmatch(path.name)]


class Nights:
    """Reads nights of a place.

    Parameters
    ----------
    hours_of : returns the hours in each context
    now : the moment; a simulated night may lie beyond it
    """

    def __init__(self, place: NightPlace, hours_of: ContextHours, now: datetime) -> None:
        self._place, self._hours_of, self._now = place, hours_of, now

    def last(self) -> date | None:
        """Return the evening of the last night that anything is known of; None without one.

        Raises
        ------
        StateError
            The state cannot be read.
        """
        with looking_at(self._place.state) as look:
            names = [NIGHT_NAME.fullmatch(path.name) for path in self._recordings()]
            evenings = {_date(match[1]) for match in names if match} - {None}
            recorded = max((each for each in evenings if each is not None), default=None)
            before = FAR
            for _ in range(FARTHEST):
                evening = look.answered(latest_evening(before, self._place.zone))
                if evening is None or (recorded is not None and recorded >= evening):
                    return recorded
                if self._known(look, evening, look.kept_until()).is_known:
                    return evening
                before = bounds(evening, self._place.zone)[0]
        return recorded

    def known(self, evenings: Sequence[date]) -> dict[date, KnownNight]:
        """Return what the state keeps of nights, of those that it tells of.

        Raises
        ------
        StateError
            The state cannot be read.
        """
        with looking_at(self._place.state) as look:
            until = look.kept_until()
            nights = {evening: self._known(look, evening, until) for evening in evenings}
        return {
            evening: night
            for evening, night in nights.items()
            if night.events or watch_states(night)
        }

    def figures(self, evenings: Sequence[date]) -> dict[date, TrendNight]:
        """Return the figures of nights that others are compared with; errors as `known`."""
        return {
            evening: trend_of(night, self._hours_of)
            for evening, night in self.known(evenings).items()
        }

    def report(self, evening: date, advance: Advance = lambda _: None) -> NightReport | None:
        """Return the figures of a night, with its recordings and the nights before.

        Parameters
        ----------
        advance : is told of samples that were read

        Returns
        -------
        None where the state tells nothing of the night: a recording of it was never watched

        Raises
        ------
        StateError, ModelError
            The state, or the file of the error rates, cannot be read.
        """
        known = self.known(evenings_up_to(evening))
        if evening not in known:
            return None
        sensors, remarks, unread = self._movement(evening, advance)
        upto = _up_to(known[evening], sensors)
        night = self._report(upto, sensors, remarks, is_over=self._is_over(), unread=unread)
        return self.compared(night, known)

    def compared(self, night: NightReport, known: Mapping[date, KnownNight]) -> NightReport:
        """Return a night with those before it, and what is usual."""
        others = {
            each: trend_of(other, self._hours_of)
            for each, other in known.items()
            if each != night.evening
        }
        others[night.evening] = night.as_trend()
        trend = [(each, others.get(each)) for each in evenings_up_to(night.evening, NIGHTS)]
        return replace(night, trend=tuple(trend), usual=usual(others, night.evening))

    def trace(self, event: Event) -> Traced | None:
        """Return an event's movement, from its recording; None where that is not there."""
        return trace_of(event, self._place.recordings)

    def _known(self, look: StateReader, evening: date, until: datetime | None) -> KnownNight:
        now = self._now if until is None else until
        names = [path.name for path in self._place.recordings_of(evening)]
        return look.answered(known_night(evening, self._place.zone, now, names))

    def _is_over(self) -> bool:
        """Return whether nobody is watched now: it was said so, or nothing is kept any more."""
        with looking_at(self._place.state) as look:
            until, ended = look.kept_until(), look.ended()
        return ended or until is None or self._now - until > SILENT

    def _recordings(self) -> list[Path]:
        return list(self._place.recordings.glob("*.sqlite"))

    def _report(
        self,
        known: KnownNight,
        sensors: Sequence[SensorMovement] = (),
        remarks: Sequence[str] = (),
        *,
        is_over: bool = True,
        unread: bool = False,
    ) -> NightReport:
        place = self._place
        return report_of(
            known,
            self._hours_of,
            origin=place.origin,
            label=place.label,
            model=place.model,
            site=place.site,
            is_over=is_over,
            sensors=sensors,
            remarks=remarks,
            unread=unread,
        )

    def expected(self, evening: date) -> int:
        """Return about how many samples the recordings of a night have, to show progress."""
        sizes = [path.stat().st_size for path in self._place.recordings_of(evening)]
        return sum(sizes) // BYTES_EACH

    def _movement(
        self, evening: date, advance: Advance
    ) -> tuple[list[SensorMovement], list[str], bool]:
        """Return what each sensor's recordings have, remarks, and whether one cannot be read."""
        found: dict[str, SensorMovement] = {}
        remarks: list[str] = []
        unread = False
        for path in self._place.recordings_of(evening):
            try:
                _read(path, found, utc_bounds(evening, self._place.zone), remarks, advance)
            except (RecordingError, OSError) as error:
                remarks.append(str(error))
                unread = True
        return [found[name] for name in sorted(found)], remarks, unread


def _read(
    path: Path,
    found: dict[str, SensorMovement],
    night: tuple[datetime, datetime],
    remarks: list[str],
    advance: Advance,
) -> None:
    """Add a recording to what its sensor's have; RecordingError where it cannot be read."""
    with open_recording(path) as reader:
        name = reader.sensor or path.stem
        movement = found.setdefault(
            name, SensorMovement(name, reader.site or "", night[0], night[1])
        )

        movement.take(_counted(reader.blocks(), advance), lambda: reader.timebase)
        remarks += reader.warnings
        movement.damage += [each for each in [reader.damage()] if each]


def _counted(blocks: Iterable[Block], advance: Advance) -> Iterator[Block]:
    for block in blocks:
        advance(len(block))
        yield block


def _up_to(known: KnownNight, sensors: Sequence[SensorMovement]) -> KnownNight:
    """Return a night that is known to have gone on for as long as samples came."""
    ends = [end for each in sensors for _, end in each.stretches]
    return replace(known, now=max([known.now, *ends]))


def trace_of(event: Event, recordings: Path) -> Traced | None:
    """Return an event's movement, from a folder of recordings; None where that is not there."""
    if event.recording is None:
        return None
    path = recordings / f"{event.recording.name.removesuffix('.sqlite')}.sqlite"
    if not NIGHT_NAME.fullmatch(path.name):
        return None
    begin = onset_of(event) - AROUND
    lasted = min(timedelta(seconds=event.duration_s), LONGEST - 6 * AROUND)
    try:
        part = excerpt(path, begin, onset_of(event) + lasted + 4 * AROUND)
    except (RecordingNotFoundError, RecordingError, OSError):
        return None
    seen = seen_around(part.blocks, part.timebase, onset_of(event))
    return traced(seen, min(event.duration_s, lasted.total_seconds()))


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
