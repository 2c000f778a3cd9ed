"""A review as JSON: the object `review/1`. Pure."""

from __future__ import annotations

from typing import Any

from detector.events import format_utc
from detector.review.episodes import NightReview, ReviewEpisode

SCHEMA = "review/1"


def review_json(night: NightReview) -> dict[str, Any]:
    """Return what is asked of a night, and how much there is of it."""
    return {
        "schema": SCHEMA,
        "night": night.evening.isoformat(),
        "asked": [_episode(each) for each in night.asked],
        "reviewed": [_episode(each) for each in night.episodes if each.label is not None],
        "episodes": len(night.episodes),
        "unreviewed": len(night.unreviewed),
    }


def _episode(each: ReviewEpisode) -> dict[str, Any]:
    chief, label = each.chief, each.label
    return {
        "id": each.id,
        "kind": str(each.kind),
        "onset": format_utc(chief.onset),
        "duration_s": chief.duration_s,
        "confidence": chief.confidence,
        "rhythm_hz": chief.rhythm_hz,
        "sensor": chief.sensor,
        "reason": chief.reason,
        "held_back": chief.held_back is not None,
        "events": [event.id for event in each.events],
        "state": str(each.state),
        "label": None
        if label is None
        else {
            "by": label.by,
            "verdict": str(label.verdict),
            "said_at": label.said_at or None,
            "before": None if label.before is None else str(label.before),
        },
    }
