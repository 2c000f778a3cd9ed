"""Identity and time of an event: wearer, sensor, recording, UTC."""

from __future__ import annotations

from dataclasses import dataclass, replace

from detector.block import Timebase
from detector.events import DetectorVersion, Event, Origin, RecordingSpan, event_id
from detector.recognition.rules.opinions import DEFAULT_MODEL
from detector.release import VERSION


@dataclass(frozen=True, slots=True)
class Provenance:
    """Whose samples they are; the parts of an event's identity beside its onset."""

    wearer: str | None = None
    sensor: str | None = None
    recording: str | None = None
    source: Origin = Origin.REPLAY
    model: str = DEFAULT_MODEL


def stamp(event: Event, provenance: Provenance, timebase: Timebase) -> Event:
    """Add identity, wall clock and recording span; the same inputs give the same event."""
    recording = provenance.recording
    span = None
    if recording is not None:
        first = round(event.onset_s * timebase.fs)
        last = max(round(event.end_s * timebase.fs) - 1, first)
        span = RecordingSpan(recording, first, last)
    return replace(
        event,
        id=_identify(event.id, provenance),
        episode=None if event.episode is None else _identify(event.episode, provenance),
        onset=timebase.at_s(event.onset_s),
        end=timebase.at_s(event.end_s),
        wearer=provenance.wearer,
        sensor=provenance.sensor,
        source=provenance.source,
        detector=detector_version(provenance.model),
        recording=span,
    )


def detector_version(model: str = DEFAULT_MODEL) -> DetectorVersion:
    """Name, release and model of this detector."""
    return DetectorVersion("spasmwatch", VERSION, model)


def _identify(local: str, provenance: Provenance) -> str:
    return event_id(provenance.wearer, provenance.sensor, provenance.recording, local)
