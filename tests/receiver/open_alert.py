"""An alert of a night that was raised, and the snapshot of a service that has it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from detector.alert import Alert, AlertClass, AlertState, Level, to_dict
from detector.receiver.open_alerts import OpenAlerts

NIGHT = datetime(2026, 11, 21, 2, tzinfo=UTC)


def raised(number: int, at: datetime = NIGHT, level: Level = Level.HIGH) -> Alert:
    return Alert(
        id=f"{number:020x}",
        state=AlertState.RAISED,
        alert_class=AlertClass.CLINICAL,
        level=level,
        kind="clonus",
        reason="clonus for 60 s",
        raised_at=at,
        at=at,
        wearer="k3vq7m2xta",
    )


def snapshot(alerts: Sequence[Alert], sent: datetime, *, complete: bool = True) -> OpenAlerts:
    return OpenAlerts(tuple(map(to_dict, alerts)), complete, sent)
