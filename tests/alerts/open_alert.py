"""An urgent alert that is open."""

from __future__ import annotations

from datetime import UTC, datetime

from detector.alert import Alert, AlertClass, AlertState, Level

NOW = datetime(2026, 11, 28, 22, tzinfo=UTC)
LOST = Alert(
    id="0",
    state=AlertState.RAISED,
    alert_class=AlertClass.TECHNICAL,
    level=Level.HIGH,
    kind="no-signal",
    reason="no-signal >= 2min: out of range",
    rule="no-signal >= 2min",
    raised_at=NOW,
    at=NOW,
)
