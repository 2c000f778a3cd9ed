"""A night's figures, with what its pictures are made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from detector.events import Event
from detector.report.movement import Traced
from detector.report.night import NightReport
from detector.report.trial import NightTrial

TraceOf = Callable[[Event], Traced | None]


def _nothing(_: Event) -> None:
    """Return that no recording is there."""


@dataclass(frozen=True, slots=True)
class ReportedNight:
    """A night with what its pictures are made from.

    trace : returns an event's movement, None where no recording has it
    """

    night: NightReport
    trace: TraceOf = _nothing
    trial: NightTrial | None = None
