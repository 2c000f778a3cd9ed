"""Technical conditions of one sensor that time alone tells: its rate and its battery."""

from __future__ import annotations

from typing import Any

from detector.devices.charge import Charge
from detector.dsp.quality import Cause
from detector.night.liveness import NO_SIGNAL
from detector.night.observation import SensorCondition
from detector.timing.sample_clock import SampleClock, WrongRate

WRONG_RATE = "wrong-rate"
BATTERY = "battery"
CONDITIONS = frozenset({NO_SIGNAL, WRONG_RATE, BATTERY, *map(str, Cause)})
"""Names of all that a sensor may have; any other condition is one of the service."""

DOUBTS = frozenset({WRONG_RATE, str(Cause.CLIPPED)})
"""Of these, what lets events be found and be wrong."""

LOW_PERCENT = 10
SOON_EMPTY_S = 3600.0
"""Time to find another sensor or its charger before it stops; at 10 % most stop within the night,
whatever their gauge says."""


class Technical:
    """What is the matter with a sensor, judged as time passes.

    Attributes
    ----------
    charge : of its battery
    """

    def __init__(self) -> None:
        self.charge = Charge()

    def tick(self, clock: SampleClock, mono_ns: int) -> list[SensorCondition]:
        """Return each condition, with why it holds or None."""
        whys = {
            WRONG_RATE: _rate_words(clock.fault),
            BATTERY: self._battery_words(mono_ns),
        }
        return [SensorCondition(name, why, mono_ns) for name, why in whys.items()]

    def inherit(self, state: dict[str, Any]) -> None:
        """Take over from the state of an earlier recording what belongs to the sensor itself."""
        self.charge.load(state["charge"])

    def shift_clock(self, by_ns: int) -> None:
        """Move stamps of the monotonic clock, which began anew."""
        self.charge.shift_clock(by_ns)

    def save(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return {"charge": self.charge.save()}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self.charge.load(state["charge"])

    def _battery_words(self, mono_ns: int) -> str | None:
        """Return why the battery needs attention now; None while it does not."""
        percent, lasts_s = self.charge.percent, self.charge.lasts_s(mono_ns)
        if percent is None:
            return None
        soon = lasts_s is not None and lasts_s <= SOON_EMPTY_S
        if not soon and percent > LOW_PERCENT:
            return None
        return f"the sensor's battery is at {percent} %: charge or change it now"


def _rate_words(fault: WrongRate | None) -> str | None:
    if fault is None:
        return None
    return f"the sensor samples at {fault.got_hz:.1f} Hz instead of {fault.expected_hz:.1f} Hz"
