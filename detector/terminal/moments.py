"""Times as people write them: from the recording's start, or by the clock on the wall."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING

import typer

from detector.errors import RecordingError

if TYPE_CHECKING:
    from detector.block import Timebase
    from detector.recognition.why.explanation import Asked

HELP = (
    "Say why, or why not, at this time; may be given again. 03:12 or 192 count from the start; "
    "02:14:07 is the time of day where the recording has one; +02:14:07 never is."
)
WHOLE_S = 1.0  # a time without a fraction is that whole second, as it is printed in an event's line

_SECONDS = re.compile(r"\+?(?P<s>\d{1,9}(?P<fraction>\.\d*)?) ?s?")
_COLONS = re.compile(
    r"(?P<plus>\+)?(?:(?P<h>\d{1,5}):)?(?P<m>\d{1,7}):(?P<s>[0-5]\d(?P<fraction>\.\d{1,9})?)"
)
_HOURS = re.compile(r"(?P<h>\d\d?):[0-5]\d")  # minutes that look like a time of day


@dataclass(frozen=True, slots=True)
class When:
    """A time as it was given.

    Parameters
    ----------
    elapsed_s : from the first sample, None for a date
    by_clock : these seconds are also a time of day, which is meant where a recording has one
    date : a day and a time, None otherwise; without a zone it is the wearer's
    """

    text: str
    width_s: float
    elapsed_s: float | None = None
    by_clock: bool = False
    date: datetime | None = None

    @property
    def hint(self) -> str | None:
        """Return how else it may have been meant, where a recording has a wall clock."""
        match = _HOURS.fullmatch(self.text.strip())
        if match is None or int(match["h"]) > 23:
            return None
        return (
            f"{match[0]} is minutes and seconds from the start. "
            f"For the time of day write the seconds too: {match[0]}:00"
        )


def parse_when(text: str) -> When:
    """Read a time, before any recording is opened.

    Raises
    ------
    typer.BadParameter
        It is none.
    """
    plain = text.strip()
    if match := _SECONDS.fullmatch(plain):
        return When(text, _width_s(match["fraction"]), elapsed_s=float(match["s"]))
    match = _COLONS.fullmatch(plain)
    if match and (match["h"] is None or int(match["m"]) < 60):
        hours = int(match["h"] or 0)
        return When(
            text,
            _width_s(match["fraction"]),
            elapsed_s=3600 * hours + 60 * int(match["m"]) + float(match["s"]),
            by_clock=match["h"] is not None and not match["plus"] and hours < 24,
        )
    date = _date(plain)
    if date is None:
        raise typer.BadParameter(
            f"{text!r} is no time: give 03:12 (minutes and seconds from the start), seconds, "
            "02:14:07 (time of day, or hours from the start) or 2026-11-21T02:14:07",
            param_hint="--explain",
        )
    return When(text, 0.0 if date.microsecond else WHOLE_S, date=date)


def place(when: When, name: str, timebase: Timebase, zone: tzinfo | None) -> Asked:
    """Find a time in a recording.

    Parameters
    ----------
    name : of the recording, for people
    zone : in which a time of day is meant; None for the computer's own

    Raises
    ------
    RecordingError
        A date is asked about, and the recording has no wall clock.
    """
    from detector.recognition.why.explanation import Asked

    start = timebase.at_s(0.0)
    if when.date is not None:
        if start is None:
            raise RecordingError(
                f"{name} has no wall clock: give the time from its start, as in --explain 03:12"
            )
        date = when.date if when.date.tzinfo else _local(when.date, zone)
        return Asked((date - start).total_seconds(), when.width_s)
    elapsed_s = when.elapsed_s or 0.0
    if start is not None and when.by_clock:
        occurrences_s = _occurrences_s(elapsed_s, start, zone)
        later_s = min(s for s in occurrences_s if s >= 0)
        return Asked(later_s, when.width_s, or_at_s=max(s for s in occurrences_s if s < 0))
    return Asked(elapsed_s, when.width_s)


def _width_s(fraction: str | None) -> float:
    return WHOLE_S if fraction is None else 0.0


def _date(text: str) -> datetime | None:
    """Read an ISO 8601 day and time; a bare day is no moment, and no recording is so old."""
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        return None
    return date if len(text) > len("2026-11-21") and 1970 <= date.year < 9999 else None


def _local(moment: datetime, zone: tzinfo | None) -> datetime:
    """Return a naive moment its zone; None is the computer's own."""
    return moment.astimezone(UTC) if zone is None else moment.replace(tzinfo=zone)


def _occurrences_s(clock_s: float, start: datetime, zone: tzinfo | None) -> list[float]:
    """Return when it is this time of day about the first day, in seconds from the start.

    In the night in which the clocks go back an hour comes twice.
    """
    midnight = datetime.combine(start.astimezone(zone).date(), time())
    found = []
    for days in (-1, 0, 1, 2):
        for fold in (0, 1):
            naive = midnight + timedelta(days=days, seconds=clock_s)
            moment = _local(naive.replace(fold=fold), zone).astimezone(UTC)
            found.append((moment - start).total_seconds())
    return found
