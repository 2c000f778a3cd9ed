from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from detector.alerts.moments import Now
from detector.events import Event, Kind, Phase

MIDNIGHT = datetime(2026, 11, 21, tzinfo=UTC)

MakeEvent = Callable[..., Event]
MakeNow = Callable[..., Now]


@pytest.fixture
def event() -> MakeEvent:
    """Events of one night; times in s from its first sample, which was at midnight."""

    def make(
        name: str,
        kind: str,
        onset_s: float,
        duration_s: float,
        phase: str = "end",
        revision: int = 0,
        episode: str | None = None,
        clock: bool = True,
    ) -> Event:
        at = MIDNIGHT + timedelta(seconds=onset_s)
        return Event(
            id=name,
            kind=Kind(kind),
            phase=Phase(phase),
            revision=revision,
            onset_s=onset_s,
            duration_s=duration_s,
            onset=at if clock else None,
            end=at + timedelta(seconds=duration_s) if clock else None,
            confidence=0.9,
            episode=episode,
            reason="said so",
        )

    return make


@pytest.fixture
def now() -> MakeNow:
    """The moment `stream_s` of that night; the host's clocks may be told otherwise."""

    def make(
        stream_s: float,
        mono_s: float | None = None,
        utc: datetime | None = None,
        clock: bool = True,
    ) -> Now:
        at = MIDNIGHT + timedelta(seconds=stream_s)
        return Now(
            mono_ns=round((stream_s if mono_s is None else mono_s) * 1e9),
            utc=(utc or at) if clock else None,
            event_s=stream_s,
        )

    return make
