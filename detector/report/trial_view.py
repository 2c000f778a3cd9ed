"""A comparison of nights, in words and tables. Pure."""

from __future__ import annotations

from datetime import date
from typing import Any

from detector.report.trend import TrendNight
from detector.report.trial import LEAST_VALID, NightTrial, TrialSide
from detector.words.nights import day_name
from detector.words.phrases import length
from detector.words.trial import NO_PROOF, change_words, counted_words, lacking_words


def trial_view(trial: NightTrial) -> dict[str, Any]:
    """Return what is shown of a comparison."""
    valid = {
        side: sum(night is not None and night.is_valid for _, night in rows)
        for side, rows in trial.nights.items()
    }
    lines = [
        change_words(
            each.measure.value, (each.before, each.after), (each.low, each.high), each.smallest
        )
        for each in trial.changes
    ]
    if not lines:
        missing = trial.missing
        lines = [lacking_words(missing[TrialSide.BEFORE], missing[TrialSide.AFTER], LEAST_VALID)]
    return {
        "title": f"Before and after {day_name(trial.first)} {trial.first.year}",
        "counted": counted_words(valid[TrialSide.BEFORE], valid[TrialSide.AFTER]),
        "lines": lines,
        "note": NO_PROOF,
        "rows": [
            {"side": side.value, **trend_row(evening, night)}
            for side in TrialSide
            for evening, night in trial.nights[side]
        ],
    }


def trend_row(evening: date, night: TrendNight | None) -> dict[str, str]:
    """Return a night as a row of a table; one that is not known has empty cells."""
    if night is None:
        return {"night": day_name(evening), "likely": "", "rate": "", "share": "", "watched": ""}
    rate, share, watched = night.likely_per_h, night.burden_share, night.watched_h
    return {
        "night": day_name(evening),
        "likely": str(night.likely),
        "rate": "" if rate is None else f"{rate:.1f}",
        "share": "" if share is None else f"{share:.2%}".replace("%", " %"),
        "watched": "not known" if watched is None else length(watched * 3600),
    }
