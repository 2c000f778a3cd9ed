"""Which night a moment belongs to: nights are from noon to noon in the wearer's zone. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

DAY = timedelta(days=1)
NOON = time(12)
"""A night is from noon to noon: whoever sleeps by day has it cut in two, and nothing is lost."""


def evening_of(moment: datetime, zone: tzinfo | None) -> date:
    """Return the evening of the night that a moment belongs to; zone None is the computer's own."""
    local = moment.astimezone(zone)
    return local.date() if local.time() >= NOON else local.date() - DAY


def bounds(evening: date, zone: tzinfo | None) -> tuple[datetime, datetime]:
    """Return the noon at which a night begins and the one at which it ends.

    They are 23 or 25 h apart where clocks are changed between them. To measure that, convert both
    to UTC: Python subtracts two moments of one zone by the clock on the wall.
    """
    begin, end = datetime.combine(evening, NOON), datetime.combine(evening + DAY, NOON)
    if zone is None:  # the computer's own
        return begin.astimezone(), end.astimezone()
    return begin.replace(tzinfo=zone), end.replace(tzinfo=zone)


def utc_bounds(evening: date, zone: tzinfo | None) -> tuple[datetime, datetime]:
    """Return the same in UTC, where differences are true time."""
    begin, end = bounds(evening, zone)
    return begin.astimezone(UTC), end.astimezone(UTC)
