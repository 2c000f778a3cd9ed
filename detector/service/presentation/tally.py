"""What a running service has counted since its process began."""

from __future__ import annotations

from collections import Counter

from detector.alert import AlertState
from detector.devices.stream import Packet, Reading
from detector.night.outcome import Outcome


class ServiceTally:
    """Counts that only grow, for monitoring.

    packets : notifications by what became of them: decoded or invalid
    alarms : alerts that were raised, by class and kind
    failures : parts that failed, by name
    """

    def __init__(self) -> None:
        self.packets = Counter[str]({"decoded": 0, "invalid": 0})
        self.alarms = Counter[tuple[str, str]]()
        self.failures = Counter[str]()

    def take(self, reading: Reading) -> None:
        """Count a reading."""
        if isinstance(reading.item, Packet):
            self.packets["decoded" if reading.error is None else "invalid"] += 1

    def hear(self, told: Outcome) -> None:
        """Count the alerts that were raised."""
        for alert in told.alerts:
            if alert.state is AlertState.RAISED:
                self.alarms[alert.alert_class.value, alert.kind] += 1

    def failed(self, part: str) -> None:
        """Count a part that failed and is started again."""
        self.failures[part] += 1
