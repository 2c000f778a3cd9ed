"""Events and moments of one night, which began at midnight."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from detector.alerts.moments import Now
from detector.events import Event, EventContext, Kind, Phase

MIDNIGHT = datetime(2026, 11, 21, tzinfo=UTC)


def make_event(
    name: str,
    kind: str,
    onset_s: float,
    duration_s: float,
    phase: str = "end",
    revision: int = 0,
    episode: str | None = None,
    clock: bool = True,
    peak_g: float | None = None,
    turn_deg: float | None = None,
    context: str | None = None,
) -> Event:
    """Return an event; times in s from the night's first sample."""
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
        peak_g=peak_g,
        turn_deg=turn_deg,
        context=None if context is None else EventContext(context),
        episode=episode,
        reason="said so",
    )


def make_now(
    stream_s: float,
    mono_s: float | None = None,
    utc: datetime | None = None,
    clock: bool = True,
) -> Now:
    """Return the moment `stream_s` of that night; the host's clocks may be told otherwise."""
    at = MIDNIGHT + timedelta(seconds=stream_s)
    return Now(
        mono_ns=round((stream_s if mono_s is None else mono_s) * 1e9),
        utc=(utc or at) if clock else None,
        event_s=stream_s,
    )
