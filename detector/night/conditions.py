"""Conditions of a wearer's sensors: one holds for the wearer while it holds for any sensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from detector.alerts.conditions import Condition
from detector.night.observation import SensorCondition
from detector.night.technical import CONDITIONS
from detector.plain import from_plain, to_plain


class SensorConditions:
    """Conditions of several sensors, by name; saved and restored."""

    def __init__(self) -> None:
        self._having: dict[Condition, dict[str, SensorCondition]] = {}  # by name, then by sensor

    def take(self, label: str, condition: SensorCondition, *, of: int) -> SensorCondition:
        """Return the wearer's condition after a change at one of `of` sensors."""
        having = self._having.setdefault(condition.name, {})
        if condition.why is None:
            having.pop(label, None)
        else:
            having[label] = condition
        since_ns = min((each.since_ns for each in having.values()), default=condition.since_ns)
        if not having:
            del self._having[condition.name]
        whys = {label: each.why for label, each in having.items()}
        return SensorCondition(condition.name, by_sensor(whys, of=of) if having else None, since_ns)

    def shift_clock(self, by_ns: int) -> None:
        """Move stamps of a monotonic clock that began anew."""
        for having in self._having.values():
            for label, condition in having.items():
                having[label] = replace(condition, since_ns=condition.since_ns + by_ns)

    def save(self) -> Any:
        """Return the state as plain data."""
        return to_plain(self._having)

    def load(self, state: Any) -> None:
        """Go on from a saved state; what another version may have and this one not is left out."""
        saved = from_plain(dict[str, dict[str, Any]], state)
        known = {Condition(name): each for name, each in saved.items() if name in CONDITIONS}
        self._having = from_plain(dict[Condition, dict[str, SensorCondition]], known)


def by_sensor(whys: Mapping[str, str | None], *, of: int) -> str:
    """Return reasons in one line; of several sensors, each reason with its sensor's label."""
    if of == 1:
        return next(iter(whys.values()), None) or ""
    return "; ".join(f"{label}: {why}" for label, why in whys.items())


def silent_for(ages_s: Sequence[float | None]) -> float | None:
    """Return the age of the oldest samples; None where a sensor has sent none."""
    known_s = [age_s for age_s in ages_s if age_s is not None]
    return max(known_s) if len(known_s) == len(ages_s) else None
