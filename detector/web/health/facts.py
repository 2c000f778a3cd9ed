"""What the service shows of itself, taken once a second on its event loop. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from detector.status import StateWord, Status, Vitals, to_dict
from detector.supervision.heartbeat import LATE_S


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFacts:
    """The service at a moment. Counts are of this process, except for the night's.

    taken_s : the moment, monotonic s
    at_s : when the service last looked at the night, monotonic s
    troubles : reasons of the technical alarms that are open
    samples, gaps : of the night
    packets : notifications by result
    dropped : notifications that were lost in this process, before they were decoded
    detector_lag_s : from the newest sample's arrival to that of the newest detected one
    reconnects : connections beyond the first of each sensor
    alarms : raised, by class and kind
    failures : of parts that were started again, by part
    outbox : entries of the log that wait for the broker; None without one, or while not known
    oldest_unacknowledged_s : how long an alert has waited for somebody; 0 when none waits
    died : processes of this service that ended unexpectedly within ten minutes before this one
    """

    taken_s: float
    at_s: float
    status: Status
    vitals: Vitals
    troubles: tuple[str, ...] = ()
    samples: int = 0
    gaps: int = 0
    packets: Mapping[str, int] = field(default_factory=dict)
    dropped: int = 0
    detector_lag_s: float = 0.0
    reconnects: int = 0
    alarms: Mapping[tuple[str, str], int] = field(default_factory=dict)
    failures: Mapping[str, int] = field(default_factory=dict)
    outbox: int | None = None
    oldest_unacknowledged_s: float = 0.0
    died: int = 0

    def watching(self, now_s: float) -> bool:
        """Return whether somebody is watched now."""
        seeing = self.status.watch in {StateWord.WATCHING, StateWord.SPASM}
        return seeing and self.live(now_s)

    def live(self, now_s: float) -> bool:
        """Return whether the service still turns."""
        return now_s - self.at_s < LATE_S


def liveness(facts: ServiceFacts | None, now_s: float) -> tuple[bool, dict[str, Any]]:
    """Return whether the service turns, and that as JSON-able data."""
    live = facts is not None and facts.live(now_s)
    return live, {"live": live, "reasons": [] if live else [_hang(facts, now_s)]}


def readiness(facts: ServiceFacts | None, now_s: float) -> tuple[bool, dict[str, Any]]:
    """Return whether somebody is watched, and that as JSON-able data with the reasons if not."""
    if facts is None or not facts.live(now_s):
        hang = _hang(facts, now_s)
        return False, {"watching": False, "state": StateWord.NO_SIGNAL.value, "reasons": [hang]}
    watching = facts.watching(now_s)
    status = to_dict(facts.status)
    blind = [] if watching else [status["why"] or status["words"]]
    return watching, {
        "watching": watching,
        "state": status["state"],
        "words": status["words"],
        "until": status["until"],
        "data_age_s": facts.vitals.data_age_s,
        "reasons": blind,
        "troubles": list(facts.troubles),
    }


def _hang(facts: ServiceFacts | None, now_s: float) -> str:
    if facts is None:
        return "the service is starting"
    return f"the service has not looked at the night for {now_s - facts.at_s:.0f} s"
