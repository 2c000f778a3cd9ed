"""A night's figures as the JSON object `night-report/1`. Pure."""

from __future__ import annotations

from datetime import date, datetime

from detector.events import EventContext, format_utc
from detector.recognition.counts.error_rates import Counted
from detector.recognition.counts.true_count import LEVEL
from detector.report.known_errors import ErrorSpread, KnownErrors
from detector.report.movement import SensorMovement
from detector.report.night import NightReport
from detector.report.payload import (
    SCHEMA,
    ChangeReported,
    CountReported,
    NightReportPayload,
    QualityReported,
    SensorReported,
    SpreadReported,
    TrendReported,
    TrialReported,
    UsualReported,
)
from detector.report.spasms import EPISODE_PAUSE_S, RUN_PAUSE_S, is_flexor
from detector.report.trend import TrendNight
from detector.report.trial import MeanChange, NightTrial, TrialSide
from detector.words.phrases import NOTICE


def payload(night: NightReport, trial: NightTrial | None = None) -> NightReportPayload:
    """Return the JSON object of a night."""
    coverage, periodic = night.coverage, night.periodic
    return {
        "schema": SCHEMA,
        "notice": NOTICE,
        "evening": night.evening.isoformat(),
        "zone": None if night.zone is None else str(night.zone),
        "source": night.origin,
        "label": night.label,
        "coverage": {
            "known": coverage.is_known,
            "over": coverage.is_over,
            "begin": format_utc(coverage.begin),
            "end": format_utc(coverage.end),
            "watched_s": round(coverage.watched_s, 1),
            "gaps": len(coverage.gaps),
            "gap_s": round(sum(gap.seconds for gap in coverage.gaps), 1),
            "states": [
                {"state": state, "begin": _utc(begin), "end": _utc(end)}
                for state, begin, end in coverage.states
            ],
        },
        "hours_watched": {
            context.value: round(night.hours_watched.get(context, 0.0), 4)
            for context in EventContext
        },
        "level": LEVEL,
        "counts": _counts(night),
        "burden_s": round(night.burden_s, 1),
        "burden_share": _rounded(night.burden_share),
        "run_pause_s": RUN_PAUSE_S,
        "spasms": night.spasms,
        "episode_pause_s": EPISODE_PAUSE_S,
        "episodes": [
            {
                "begin": _utc(each.begin),
                "end": _utc(each.end),
                "events": [event.id for event in each.events],
            }
            for each in night.episodes
        ],
        "grades": {
            "clonus": list(night.grades.clonus),
            "extensor": list(night.grades.extensor),
            "flexor": list(night.grades.flexor),
        },
        "hours": [
            {
                "begin": _utc(hour.begin),
                "clock": hour.name,
                "watched_s": round(hour.watched_s, 1),
                "clonus": hour.clonus,
                "other_likely": hour.other_likely,
                "twitches": hour.twitches,
            }
            for hour in night.hours
        ],
        "longest": [
            {
                "id": event.id,
                "kind": event.kind,
                "onset": _utc(event.onset),
                "duration_s": event.duration_s,
                "grade": event.grade,
                "flexor": is_flexor(event),
                "sensor": event.sensor,
                "reason": event.reason,
            }
            for event in night.longest
        ],
        "notes": [
            {"at": _utc(note.at), "by": note.by, "kind": note.kind, "text": note.text}
            for note in night.notes
        ],
        "answers": [
            {
                "scale": each.scale,
                "value": each.value,
                "most": each.most,
                "by": each.by,
                "at": _utc(each.at),
            }
            for each in night.answers
        ],
        "since_medicine": [
            {"event": each.event.id, "noted_at": _utc(each.note.at), "hours": round(each.hours, 2)}
            for each in night.since_medicine
        ],
        "periodic": None
        if periodic is None
        else {
            "count": periodic.count,
            "hours": round(periodic.hours, 4),
            "per_h": round(periodic.per_h, 2),
        },
        "alerts": [
            {
                "id": each.alert.id,
                "kind": each.alert.kind,
                "level": each.alert.level,
                "technical": each.is_technical,
                "rule": each.alert.rule,
                "raised_at": _utc(each.raised_at),
                "escalated": each.escalated,
                "answered_by": each.answered_by,
                "answered_at": format_utc(each.answered_at),
                "resolved_at": format_utc(each.resolved_at),
            }
            for each in night.alerts
        ],
        "sensors": [_sensor(each) for each in night.sensors],
        "quality": _quality(night),
        "usual": _usual(night),
        "trend": [_trend(evening, known) for evening, known in night.trend],
        "trial": None if trial is None else _trial(trial),
    }


def _utc(moment: datetime | None) -> str:
    text = format_utc(moment)
    assert text is not None  # noqa: S101 - only what has a moment is reported
    return text


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(min(share, 1.0), 6)


def _counts(night: NightReport) -> list[CountReported]:
    errors: dict[Counted, KnownErrors] = {each.counted: each for each in night.errors}
    rows: list[CountReported] = []
    for counted in Counted:
        count, known = night.counts.of(counted), errors.get(counted)
        true = count.true
        rows.append(
            {
                "counted": counted,
                "found": count.found,
                "low": None if true is None else true.low,
                "middle": None if true is None else true.middle,
                "high": None if true is None else true.high,
                "found_share": None if known is None else _spread(known.found),
                "false_per_h": None if known is None else _spread(known.false_per_h),
            }
        )
    return rows


def _spread(spread: ErrorSpread) -> SpreadReported:
    return {
        "mean": round(spread.mean, 4),
        "low": round(spread.low, 4),
        "high": round(spread.high, 4),
    }


def _sensor(each: SensorMovement) -> SensorReported:
    return {
        "sensor": each.sensor,
        "site": each.site,
        "samples": each.samples,
        "rate_hz": each.rate_hz,
        "gaps": each.gap_count,
        "lost_s": round(each.gap_s, 1),
    }


def _quality(night: NightReport) -> QualityReported:
    quality = night.quality
    return {
        "detectors": [f"{each.name} {each.version}, {each.model}" for each in quality.detectors],
        "held_back": quality.held_back,
        "cut_short": quality.cut_short,
        "reviewed": quality.reviewed,
        "not_spasms": quality.not_spasms,
        "whole": quality.whole,
        "damaged": quality.damaged,
        "remarks": list(quality.remarks),
    }


def _usual(night: NightReport) -> UsualReported | None:
    usual = night.usual
    if usual is None:
        return None
    return {
        "nights": usual.nights,
        "low": round(usual.low, 3),
        "middle": round(usual.middle, 3),
        "high": round(usual.high, 3),
        "standing": night.standing,
    }


def _trend(evening: date, night: TrendNight | None) -> TrendReported:
    if night is None:
        return {
            "evening": evening.isoformat(),
            "known": False,
            "valid": False,
            "likely": None,
            "clonus": None,
            "twitches": None,
            "burden_s": None,
            "watched_h": None,
            "lying_h": None,
            "likely_per_h": None,
            "burden_share": None,
        }
    return {
        "evening": evening.isoformat(),
        "known": True,
        "valid": night.is_valid,
        "likely": night.likely,
        "clonus": night.clonus,
        "twitches": night.twitches,
        "burden_s": round(night.burden_s, 1),
        "watched_h": None if night.watched_h is None else round(night.watched_h, 4),
        "lying_h": None if night.lying_h is None else round(night.lying_h, 4),
        "likely_per_h": None if night.likely_per_h is None else round(night.likely_per_h, 4),
        "burden_share": _rounded(night.burden_share),
    }


def _trial(trial: NightTrial) -> TrialReported:
    return {
        "first": trial.first.isoformat(),
        "before": [_trend(*each) for each in trial.nights[TrialSide.BEFORE]],
        "after": [_trend(*each) for each in trial.nights[TrialSide.AFTER]],
        "missing_before": trial.missing[TrialSide.BEFORE],
        "missing_after": trial.missing[TrialSide.AFTER],
        "changes": [_change(each) for each in trial.changes],
    }


def _change(change: MeanChange) -> ChangeReported:
    return {
        "measure": change.measure,
        "before": round(change.before, 6),
        "after": round(change.after, 6),
        "difference": round(change.difference, 6),
        "low": round(change.low, 6),
        "high": round(change.high, 6),
        "smallest": round(change.smallest, 6),
    }
