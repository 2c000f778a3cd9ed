"""Alerts in their states, for the tests of push."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from detector.alert import Alert, AlertClass, AlertState, Level, alert_id

NIGHT = datetime(2026, 11, 21, 2, 14, tzinfo=UTC)


def alert(state: str = "raised", about: str = "e", **fields: Any) -> Alert:
    """A clinical alert of an episode that wakes somebody, in this state."""
    return Alert(
        **{
            "id": alert_id("k3vq7m2xta", about),
            "episode": about,
            "state": AlertState(state),
            "alert_class": AlertClass.CLINICAL,
            "level": Level.HIGH,
            "kind": "clonus",
            "reason": "clonus >= 60s",
            "rule": "clonus >= 60s",
            "raised_at": NIGHT,
            "at": NIGHT,
            "wearer": "k3vq7m2xta",
        }
        | fields
    )


def technical(
    state: str = "raised", kind: str = "no-signal", about: str | None = None, **fields: Any
) -> Alert:
    """A technical alert that wakes somebody, in this state."""
    rule = "no-signal >= 2min" if kind == "no-signal" else None
    told = {
        "episode": None,
        "alert_class": AlertClass.TECHNICAL,
        "kind": kind,
        "rule": rule,
        "reason": f"{rule or kind}: the sensor left-calf is out of reach",
    }
    return alert(state, about or kind, **(told | fields))
