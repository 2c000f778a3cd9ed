"""`night-report/1`: a night's figures as JSON, as types: the only description of the form."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from detector.alert import Level
from detector.alerts.commands import NoteKind
from detector.events import Kind, Origin
from detector.fields import Count, Items, Positive, Share, Text
from detector.recognition.counts.error_rates import Counted
from detector.report.trend import NightStanding
from detector.report.trial import Compared
from detector.store.known_night import SpanState

SCHEMA: Literal["night-report/1"] = "night-report/1"

Day = Annotated[str, Text(r"\d{4}-\d\d-\d\d")]
Moment = Annotated[str, Text(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")]
Three = Annotated[list[Count], Items(3, 3)]


class StateReported(TypedDict):
    """What a time was; `paused` was watched."""

    state: SpanState
    begin: Moment
    end: Moment


class CoverageReported(TypedDict):
    """What was watched; `known` is false where the log does not go back so far."""

    known: bool
    over: bool
    begin: Moment | None
    end: Moment | None
    watched_s: Positive
    gaps: Count
    gap_s: Positive
    states: list[StateReported]


class SpreadReported(TypedDict):
    """A figure over the nights it was measured on: mean, and where nine of ten lie."""

    mean: float
    low: float
    high: float


class CountReported(TypedDict):
    """A count, the interval for the true one, and how it errs: null where that is not known."""

    counted: Counted
    found: Count
    low: Count | None
    middle: Count | None
    high: Count | None
    found_share: SpreadReported | None
    false_per_h: SpreadReported | None


class HourReported(TypedDict):
    """An hour of the wearer's clock."""

    begin: Moment
    clock: str
    watched_s: Positive
    clonus: Count
    other_likely: Count
    twitches: Count


class EpisodeReported(TypedDict):
    """Likely spasms close to each other."""

    begin: Moment
    end: Moment
    events: Annotated[list[str], Items(least=1)]


class GradesReported(TypedDict):
    """How many have SCATS grade 1, 2 and 3."""

    clonus: Three
    extensor: Three
    flexor: Three


class EventReported(TypedDict):
    """One of the longest likely spasms."""

    id: str
    kind: Kind
    onset: Moment
    duration_s: Positive
    grade: Count | None
    flexor: bool
    sensor: str | None
    reason: str


class NoteReported(TypedDict):
    """A note; kind null is a mark of a spasm."""

    at: Moment
    by: str
    kind: NoteKind | None
    text: str


class AnswerReported(TypedDict):
    """What somebody answered to a scale; never computed."""

    scale: str
    value: Count
    most: Count
    by: str
    at: Moment


class SinceReported(TypedDict):
    """A likely spasm, and the hours since a medicine was noted before it."""

    event: str
    noted_at: Moment
    hours: Positive


class AlertReported(TypedDict):
    """An alert, and who answered."""

    id: str
    kind: str
    level: Level
    technical: bool
    rule: str | None
    raised_at: Moment
    escalated: bool
    answered_by: str | None
    answered_at: Moment | None
    resolved_at: Moment | None


class SensorReported(TypedDict):
    """What a sensor's recordings have; `lost_s` between its first and last sample."""

    sensor: str
    site: str
    samples: Count
    rate_hz: Positive | None
    gaps: Count
    lost_s: Positive


class QualityReported(TypedDict):
    """What is to be known of the data."""

    detectors: list[str]
    held_back: Count
    cut_short: Count
    reviewed: Count
    not_spasms: Count
    whole: bool
    damaged: bool
    remarks: list[str]


class UsualReported(TypedDict):
    """The middle half of the nights before, likely spasms per watched hour."""

    nights: Count
    low: Positive
    middle: Positive
    high: Positive
    standing: NightStanding | None


class TrendReported(TypedDict):
    """A night among others; null where nothing is known of it."""

    evening: Day
    known: bool
    valid: bool
    likely: Count | None
    clonus: Count | None
    twitches: Count | None
    burden_s: Positive | None
    watched_h: Positive | None
    lying_h: Positive | None
    likely_per_h: Positive | None
    burden_share: Share | None


class ChangeReported(TypedDict):
    """A change of a mean, after minus before, with its interval and the least to be shown."""

    measure: Compared
    before: float
    after: float
    difference: float
    low: float
    high: float
    smallest: float


class TrialReported(TypedDict):
    """Nights before and after an evening; changes are empty where nights are lacking."""

    first: Day
    before: list[TrendReported]
    after: list[TrendReported]
    missing_before: Count
    missing_after: Count
    changes: list[ChangeReported]


class PeriodicReported(TypedDict):
    """Periodic limb movements, in an hour that was watched lying."""

    count: Count
    hours: Positive
    per_h: Positive


class NightReportPayload(TypedDict):
    """All figures of a night."""

    schema: Literal["night-report/1"]
    notice: str
    evening: Day
    zone: str | None
    source: Origin
    label: str
    coverage: CoverageReported
    hours_watched: dict[str, float]
    level: Share
    counts: list[CountReported]
    burden_s: Positive
    burden_share: Share | None
    run_pause_s: Positive
    spasms: Count
    episode_pause_s: Positive
    episodes: list[EpisodeReported]
    grades: GradesReported
    hours: list[HourReported]
    longest: list[EventReported]
    notes: list[NoteReported]
    answers: list[AnswerReported]
    since_medicine: list[SinceReported]
    periodic: PeriodicReported | None
    alerts: list[AlertReported]
    sensors: list[SensorReported]
    quality: QualityReported
    usual: UsualReported | None
    trend: list[TrendReported]
    trial: TrialReported | None
