"""How many alerts the default wake rules would have raised."""

from __future__ import annotations

from detector.alert import AlertClass, AlertState
from detector.alerts.rules import DEFAULT_RULES, parse_rules
from detector.night.observation import WornSensor
from detector.night.recorded import RecordedNight, RecordedSensor
from detector.recognition.events.stamp import Provenance
from detector.store.formats.reading import RecordingReader


def alerts_in(reader: RecordingReader, site: str) -> int:
    """Return how many alerts events raise, by the rules of a fresh installation."""
    worn = WornSensor(Provenance(recording=reader.recording), site)
    recorded = RecordedNight([RecordedSensor(reader, worn)], rules=parse_rules(DEFAULT_RULES))
    for _ in recorded.steps():
        pass
    return len(
        {
            alert.id
            for alert in recorded.alerts
            if alert.state is AlertState.RAISED and alert.alert_class is AlertClass.CLINICAL
        }
    )
