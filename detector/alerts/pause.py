"""A pause of the alarms that a person asked for: at most an hour, and it ends by itself. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from detector.alert import Alert, AlertState, Level
from detector.alerts.rules import BUTTON

MOST_MIN = 60
"""An hour: a longer silence is forgotten by whoever asked for it (research on alarm systems)."""

_MINUTE_NS = 60_000_000_000


@dataclass(frozen=True, slots=True)
class Pause:
    """Alerts are logged and shown, but wake nobody, until the host's monotonic clock says so.

    by : who asked for it
    begun_ns, until_ns : monotonic clock; no wall clock makes it longer
    """

    by: str
    begun_ns: int
    until_ns: int

    @classmethod
    def of(cls, minutes: int, by: str, mono_ns: int) -> Pause:
        """Begin a pause; one that is going on is over by that.

        Raises
        ------
        ValueError
            It is not of 1 to 60 minutes.
        """
        if not 1 <= minutes <= MOST_MIN:
            raise ValueError(f"a pause is of 1 to {MOST_MIN} minutes, not {minutes}")
        return cls(by, mono_ns, mono_ns + minutes * _MINUTE_NS)

    @classmethod
    def load(cls, saved: Any, *, same_boot: bool | None) -> Pause | None:
        """Go on with a pause that was saved; None where its clock is not that of today, or none is.

        Of a computer that was started anew nobody knows how long it was off: the pause is over.
        """
        try:
            known = cls(str(saved["by"]), int(saved["begun_ns"]), int(saved["until_ns"]))
        except (KeyError, TypeError, ValueError, OverflowError):
            return None
        short = 0 < known.until_ns - known.begun_ns <= MOST_MIN * _MINUTE_NS
        return known if same_boot and short else None

    def save(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"by": self.by, "begun_ns": self.begun_ns, "until_ns": self.until_ns}

    def left_ns(self, mono_ns: int) -> int:
        """Return how long it lasts still, 0 when it is over."""
        return max(0, self.until_ns - mono_ns) if mono_ns >= self.begun_ns else 0


def hushed(alert: Alert) -> Alert:
    """Return an alert as it is told in a pause: shown, but it wakes nobody.

    A call for help wakes in a pause, too: a person asks for somebody now.
    """
    quiet = alert.level is Level.HIGH and alert.state is not AlertState.RESOLVED
    return replace(alert, level=Level.MEDIUM) if quiet and alert.kind != BUTTON else alert
