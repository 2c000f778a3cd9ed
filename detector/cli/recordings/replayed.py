"""A recording watched again as its night was: with its own site, rules and minimums."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detector.config import Settings
    from detector.night.recorded import RecordedNight
    from detector.store.formats.reading import RecordingReader


def replayed(reader: RecordingReader, settings: Settings) -> RecordedNight:
    """Return the night of a recording under some settings; minimums are those that hold now."""
    from detector.alerts.rules import parse_rules, with_no_signal
    from detector.events import Origin
    from detector.night.observation import WornSensor
    from detector.night.recorded import RecordedNight, RecordedSensor
    from detector.recognition.events.stamp import Provenance
    from detector.review.minimums_file import read_minimums
    from detector.service.persistence.places import DataFolder

    origin = reader.origin or Origin.REPLAY
    provenance = Provenance(reader.wearer, reader.sensor, reader.recording, origin)
    worn = WornSensor(provenance, reader.site or settings.sensor.placement)
    folder = DataFolder.of(settings.data_dir, origin).folder
    return RecordedNight(
        [RecordedSensor(reader, worn)],
        rules=with_no_signal(parse_rules(settings.alerts.wake_for)),
        personal=None if origin is Origin.REPLAY else read_minimums(folder).personal,
    )
