"""When something happened that is noted later: a time of day that is over, or a date and time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta, tzinfo

HELP = "When it was, if not now: 22:30, the latest that is over, or '2026-11-20 22:30'."
OLDEST = timedelta(days=30)  # as long as the log keeps what was said


def said_when(text: str, *, now: datetime, zone: tzinfo | None) -> datetime:
    """Return the moment that a text means.

    Parameters
    ----------
    now : with a zone
    zone : the wearer's; None is the computer's

    Raises
    ------
    ValueError
        It is no time, one to come, or one of which nothing is kept; the message says which.
    """
    here = now.astimezone(zone)
    match = re.fullmatch(r"(\d{1,2})[:.](\d\d)", text.strip())
    if match is not None and int(match[1]) < 24 and int(match[2]) < 60:
        clock = time(int(match[1]), int(match[2]))
        return max(each for each in _occurrences(here, clock) if each <= now)
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text!r} is no time, such as 22:30 or '2026-11-20 22:30'") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=here.tzinfo) if zone is not None else moment.astimezone()
    if moment > now:
        raise ValueError(f"{text!r} is still to come")
    if now - moment > OLDEST:
        raise ValueError(f"{text!r} is more than {OLDEST.days} days ago: nothing is kept of it")
    return moment.astimezone(UTC)


def _occurrences(here: datetime, clock: time) -> list[datetime]:
    """Return when a clock showed a time on the days around now, the hour that came twice twice.

    A time that a day leaves out, as summer time begins, is where it would have been.
    """
    days = [here.date() - timedelta(days=back) for back in range(-1, 3)]
    return [
        datetime.combine(day, clock, here.tzinfo).replace(fold=fold).astimezone(UTC)
        for day in days
        for fold in (0, 1)
    ]
