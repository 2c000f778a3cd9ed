from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from detector.alert import Alert, AlertClass, AlertState, Level
from detector.events import Event, Kind, Phase, RecordingSpan

MIDNIGHT = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def event() -> Callable[..., Event]:
    def make(name: str = "a", kind: str = "clonus", onset_s: float = 0, **fields) -> Event:
        at = MIDNIGHT + timedelta(seconds=onset_s)
        recording = RecordingSpan(fields.pop("recording", "2026-11-20"), 0, 100)
        return Event(
            id=name,
            kind=Kind(kind),
            phase=Phase(fields.pop("phase", "end")),
            onset_s=onset_s,
            duration_s=2.0,
            onset=at,
            end=at + timedelta(seconds=2),
            confidence=0.9,
            reason=fields.pop("reason", "steady 5.8 beats a second (à gauche)"),
            recording=recording,
            **fields,
        )

    return make


@pytest.fixture
def alert() -> Callable[..., Alert]:
    def make(name: str = "x", state: str = "raised", technical: bool = False) -> Alert:
        return Alert(
            id=name,
            episode=None if technical else "e",
            state=AlertState(state),
            alert_class=AlertClass.TECHNICAL if technical else AlertClass.CLINICAL,
            level=Level.HIGH,
            kind="no-signal" if technical else "clonus",
            reason="because",
            raised_at=MIDNIGHT,
            at=MIDNIGHT,
        )

    return make
