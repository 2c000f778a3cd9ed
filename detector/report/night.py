"""A night as it is reported: figures alone, from what is kept of it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, tzinfo

from detector.alerts.commands import SaidKind
from detector.evenings import utc_bounds
from detector.events import DetectorVersion, Event, EventContext, Kind, Origin
from detector.recognition.counts.error_rates import error_rates
from detector.recognition.counts.night_counts import NightCounts, counts_of_night
from detector.report.coverage import HOUR, NightCoverage, clock_hours, coverage_of, hour_names
from detector.report.known_errors import KnownErrors, known_errors
from detector.report.movement import SensorMovement
from detector.report.said import (
    AlertTold,
    HourAfterMedicine,
    SaidNote,
    ScaleAnswer,
    SinceMedicine,
    after_medicine,
    alerts_of,
    answers_of,
    notes_of,
    since_medicine,
)
from detector.report.spasms import (
    EPISODE_PAUSE_S,
    RUN_PAUSE_S,
    GradeCounts,
    Together,
    burden_s,
    grades,
    likely_of,
    longest,
    onset_of,
    together,
)
from detector.report.trend import NightStanding, TrendNight, Usual, trend_night
from detector.store.known_night import KnownNight, SpanState, WatchState
from detector.words.phrases import COUNTED

ContextHours = Callable[[Iterable[Event], Sequence[tuple[float, float]]], dict[EventContext, float]]
"""Returns the hours in each context, of all events and what was watched, s from one moment."""


@dataclass(frozen=True, slots=True)
class HourFigures:
    """One hour of the wearer's clock.

    name : what it showed; twitches are apart from likely spasms
    """

    begin: datetime
    name: str
    watched_s: float
    clonus: int
    other_likely: int
    twitches: int


@dataclass(frozen=True, slots=True)
class PeriodicIndex:
    """Periodic limb movements (WASM 2016): how many, and in an hour that was watched lying."""

    count: int
    hours: float

    @property
    def per_h(self) -> float:
        """Movements of series in an hour."""
        return self.count / self.hours


@dataclass(frozen=True, slots=True, kw_only=True)
class DataQuality:
    """What is to be known of the data.

    held_back : events that a personal minimum withheld; cut_short : by a gap
    reviewed : likely spasms that people labelled; not_spasms : of these, labelled so
    whole : whether all that is kept of the night is in the report
    damaged : whether a recording could not be read, or not all of it
    remarks : about the recordings, sentences
    """

    detectors: tuple[DetectorVersion, ...]
    held_back: int
    cut_short: int
    reviewed: int
    not_spasms: int
    technical: tuple[AlertTold, ...]
    whole: bool
    damaged: bool = False
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NightReport:
    """All figures of a night. Moments are UTC; `zone` is the wearer's, None this computer's.

    hours_watched : in each context
    spasms : likely spasms by the rule of runs; episodes : of these
    usual : None where too few nights are known
    trend : fourteen nights, this one last; None where nothing is known of one
    """

    evening: date
    zone: tzinfo | None
    origin: Origin
    label: str
    coverage: NightCoverage
    events: tuple[Event, ...]
    hours_watched: Mapping[EventContext, float]
    counts: NightCounts
    errors: tuple[KnownErrors, ...]
    burden_s: float
    spasms: int
    episodes: tuple[Together, ...]
    grades: GradeCounts
    hours: tuple[HourFigures, ...]
    longest: tuple[Event, ...]
    notes: tuple[SaidNote, ...]
    answers: tuple[ScaleAnswer, ...]
    since_medicine: tuple[SinceMedicine, ...]
    after_medicine: tuple[HourAfterMedicine, ...]
    periodic: PeriodicIndex | None
    alerts: tuple[AlertTold, ...]
    quality: DataQuality
    sensors: tuple[SensorMovement, ...] = ()
    usual: Usual | None = None
    trend: tuple[tuple[date, TrendNight | None], ...] = field(default=())

    @property
    def begin(self) -> datetime | None:
        """When watching began."""
        return self.coverage.begin

    @property
    def burden_share(self) -> float | None:
        """Share of the watched time in which a likely spasm went on; None where there is none."""
        watched_s = self.coverage.watched_s
        return self.burden_s / watched_s if watched_s > 0 else None

    @property
    def kinds(self) -> Counter[Kind]:
        """How many events of each kind."""
        return Counter(event.kind for event in self.events)

    @property
    def standing(self) -> NightStanding | None:
        """How it compares with what is usual; None where that, or its own rate, is not known."""
        per_h = self.as_trend().likely_per_h
        return None if self.usual is None or per_h is None else self.usual.standing(per_h)

    def as_trend(self) -> TrendNight:
        """Return the figures that other nights are compared with."""
        hours = self.hours_watched if self.coverage.is_known else None
        return trend_night(self.evening, self.kinds, self.burden_s, hours, COUNTED)


RESOLUTION = timedelta(microseconds=1)
LEAST_PERIODIC_H = 1.0  # of a shorter time an index says nothing


def report_of(
    known: KnownNight,
    hours_of: ContextHours,
    *,
    origin: Origin,
    label: str,
    model: str,
    site: str,
    is_over: bool = True,
    sensors: Sequence[SensorMovement] = (),
    remarks: Sequence[str] = (),
    unread: bool = False,
) -> NightReport:
    """Return the figures of a night, but for what other nights say of it.

    Parameters
    ----------
    label : names the wearer's place or sensor, never a person
    model, site : of the detector and the sensor, where events and recordings do not say so
    is_over : whether nobody is watched any more
    sensors : what their recordings have; none where nights are not recorded
    unread : whether a recording of it could not be read at all

    Raises
    ------
    ModelError
        The file of the error rates is damaged.
    """
    events = tuple(sorted(known.events, key=lambda each: (onset_of(each), each.id)))
    coverage = _with_samples(coverage_of(known, is_over=is_over), sensors)
    hours = _hours_watched(known, coverage, hours_of)
    versions = _versions(events)
    model = versions[-1].model if versions else model
    site = sensors[0].site if sensors else site
    likely = likely_of(events)
    notes = notes_of(known)
    alerts = alerts_of(known)
    several = len(sensors) > 1 or any("+" in (each.sensor or "") for each in events)
    lying_h = sum(hours.values()) - hours[EventContext.UP]
    plm = sum(each.kind is Kind.PLM for each in events)
    return NightReport(
        evening=known.evening,
        zone=known.zone,
        origin=origin,
        label=label,
        coverage=coverage,
        events=events,
        hours_watched=hours,
        counts=counts_of_night(events, hours, model=model, site=site, sensors=2 if several else 1),
        errors=known_errors(error_rates(model)),
        burden_s=burden_s(likely),
        spasms=len(together(likely, RUN_PAUSE_S)),
        episodes=tuple(together(likely, EPISODE_PAUSE_S)),
        grades=grades(likely),
        hours=tuple(_hours(events, coverage, known.zone)),
        longest=tuple(longest(events)),
        notes=tuple(notes),
        answers=tuple(answers_of(notes)),
        since_medicine=tuple(since_medicine(notes, likely)),
        after_medicine=tuple(after_medicine(notes, likely, coverage)),
        periodic=PeriodicIndex(plm, lying_h) if lying_h >= LEAST_PERIODIC_H else None,
        alerts=tuple(alerts),
        quality=replace(
            _quality(known, likely, alerts, versions=versions, remarks=remarks),
            damaged=unread or any(each.damage for each in sensors),
        ),
        sensors=tuple(sensors),
    )


def trend_of(known: KnownNight, hours_of: ContextHours) -> TrendNight:
    """Return the figures of a night that others are compared with, from the state alone."""
    coverage = coverage_of(known)
    likely = likely_of(known.events)
    hours = _hours_watched(known, coverage, hours_of) if coverage.is_known else None
    kinds = Counter(event.kind for event in known.events)
    return trend_night(known.evening, kinds, burden_s(likely), hours, COUNTED)


def _hours_watched(
    known: KnownNight, coverage: NightCoverage, hours_of: ContextHours
) -> dict[EventContext, float]:
    """Return the hours in each context; times of events and coverage count from the first noon."""
    noon, _ = utc_bounds(known.evening, known.zone)
    placed = [
        replace(each, onset_s=(onset_of(each) - noon).total_seconds()) for each in known.events
    ]
    return hours_of(placed, coverage.seconds_from(noon))


def _with_samples(coverage: NightCoverage, sensors: Sequence[SensorMovement]) -> NightCoverage:
    """Return what was watched; of a night that no log tells of, what its recordings have."""
    stretches = sorted(stretch for each in sensors for stretch in each.stretches)
    if coverage.is_known or not stretches:
        return coverage
    return NightCoverage(states=tuple(watched_states(stretches)), is_known=True)


def watched_states(stretches: Iterable[tuple[datetime, datetime]]) -> list[WatchState]:
    """Return what was watched of stretches in order, and what lies between them as unknown."""
    states: list[WatchState] = []
    for begin, end in stretches:
        over = states[-1][2] if states else None
        if over is not None and begin <= over:
            states[-1] = (SpanState.WATCHING, states[-1][1], max(over, end))
            continue
        if over is not None:
            states.append((SpanState.UNKNOWN, over, begin))
        states.append((SpanState.WATCHING, begin, end))
    return states


def _versions(events: Iterable[Event]) -> list[DetectorVersion]:
    """Return the detectors that found them, the latest last."""
    found: list[DetectorVersion] = []
    for event in events:
        if event.detector is not None:
            found = [each for each in found if each != event.detector] + [event.detector]
    return found


def _hours(
    events: Sequence[Event], coverage: NightCoverage, zone: tzinfo | None
) -> list[HourFigures]:
    begin, end = coverage.begin, coverage.end
    moments = [onset_of(event) for event in events if event.kind.is_spasm_family]
    begins = [each for each in (begin, *moments[:1]) if each is not None]
    # An onset at a full hour belongs to the hour that it begins.
    ends = [each for each in (end, *(at + RESOLUTION for at in moments[-1:])) if each is not None]
    if not begins or not ends:
        return []
    hours = clock_hours(min(begins), max(ends), zone)
    rows: list[HourFigures] = []
    for hour, name in zip(hours, hour_names(hours, zone), strict=True):
        inside = [each for each in events if hour <= onset_of(each) < hour + HOUR]
        kinds = Counter(event.kind for event in inside)
        likely = sum(kinds[kind] for kind in COUNTED)
        rows.append(
            HourFigures(
                begin=hour,
                name=name,
                watched_s=coverage.between(hour, hour + HOUR),
                clonus=kinds[Kind.CLONUS],
                other_likely=likely - kinds[Kind.CLONUS],
                twitches=kinds[Kind.TWITCH],
            )
        )
    return rows


def _quality(
    known: KnownNight,
    likely: Sequence[Event],
    alerts: Sequence[AlertTold],
    *,
    versions: Sequence[DetectorVersion],
    remarks: Sequence[str],
) -> DataQuality:
    labels = [known.labels[event.id] for event in likely if event.id in known.labels]
    return DataQuality(
        detectors=tuple(versions),
        held_back=sum(event.held_back is not None for event in known.events),
        cut_short=sum(event.cut_short for event in likely),
        reviewed=len(labels),
        not_spasms=sum(label.verdict is SaidKind.NOT_A_SPASM for label in labels),
        technical=tuple(each for each in alerts if each.is_technical),
        whole=known.whole,
        remarks=tuple(remarks),
    )
