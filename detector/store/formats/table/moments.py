"""Times written as text: dates in any usual order, 12 or 24 hours, with or without a zone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from enum import Enum
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

REMEMBERED_MINUTES = 4096  # texts up to the minute, with their seconds since 1970
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
ABBREVIATIONS_H = {
    **dict.fromkeys(("z", "utc", "gmt", "wet"), 0),
    **dict.fromkeys(("bst", "cet", "mez", "west"), 1),
    **dict.fromkeys(("cest", "mesz", "eet", "sast"), 2),
    "eest": 3,
    "est": -5,
    "edt": -4,
    "cst": -6,
    "cdt": -5,
    "mst": -7,
    "mdt": -6,
    "pst": -8,
    "pdt": -7,
    "jst": 9,
    "aest": 10,
    "aedt": 11,
    "nzst": 12,
    "nzdt": 13,
}
"""Zone abbreviations as their makers' programs write them, hours from UTC. Some mean other zones
too: only the label of the time depends on it, never the length of anything."""


class Order(Enum):
    """Which of the two short numbers of a date comes first."""

    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class TimeForm:
    """How a column writes its times; `order` is None where it cannot be told, or need not be."""

    dated: bool
    zoned: bool
    order: Order | None

    @property
    def guessed(self) -> bool:
        """Whether day and month could not be told apart."""
        return self.dated and self.order is None


@dataclass(slots=True)
class Moments:
    """Turns texts of one form into seconds: since 1970, or since midnight where there is no date.

    `order` decides where a date alone does not; a text without a zone counts as if it were UTC.
    """

    order: Order | None = None
    _minutes: dict[tuple[str, str], float] = field(default_factory=dict)
    _plain: dict[str, float] = field(default_factory=dict)  # of times that end with their second

    def seconds(self, texts: Sequence[str]) -> Floats:
        """Return times, s.

        Raises
        ------
        ValueError
            One of them is no time.
        """
        plain = self._plain
        values = np.empty(len(texts))
        for row, text in enumerate(texts):
            minute, _, second = text.rpartition(":")
            start_s = plain.get(minute)
            values[row] = (
                self._one(text) if start_s is None else start_s + float(second.replace(",", "."))
            )
        if not np.isfinite(values).all():
            raise ValueError("a second is no number")
        return values

    def _one(self, text: str) -> float:
        minute, second, rest = _split(text)
        start_s = self._minutes.get((minute, rest))
        if start_s is None:
            if len(self._minutes) > REMEMBERED_MINUTES:
                self._minutes.clear()
                self._plain.clear()
            start_s = self._minutes[minute, rest] = _minute_s(minute, rest, self.order)
            if (
                not rest
                and second is not None
                and f"{minute}:{second}" == text
                and ":" not in second
            ):
                self._plain[minute] = start_s
        return start_s + _second(second)


def is_date(text: str) -> bool:
    """Return whether a text is a date without a time of day."""
    try:
        _date(text, None)
    except ValueError:
        return False
    return True


def form_of(texts: Sequence[str], hint: Order | None = None) -> TimeForm:
    """Return how times are written, judged from the first of them.

    Raises
    ------
    ValueError
        They are no times, or contradict one another.
    """
    parts = {(minute, rest) for minute, _, rest in map(_split, texts)}
    orders: set[Order] = set()
    ambiguous = False
    dated: set[bool] = set()
    zoned: set[bool] = set()
    for minute, rest in parts:
        date, zone = _DAY_AND_HOUR.fullmatch(minute), _zone(rest)
        if date is None:
            raise ValueError(f"{minute!r} is no time")
        dated.add(date["date"] is not None)
        zoned.add(zone is not None)
        short = _SHORT.fullmatch(date["date"] or "")
        if short is not None:
            ambiguous = True
            orders |= _told(short, halves=_HALF.search(rest) is not None)
        _minute_s(minute, rest, hint or next(iter(orders), None))
    if len(orders) > 1 or len(dated) > 1 or len(zoned) > 1:
        raise ValueError("times of different form")
    order = next(iter(orders), hint) if ambiguous else Order.DAY
    return TimeForm(dated.pop(), zoned.pop(), order)


def _told(short: re.Match[str], *, halves: bool) -> set[Order]:
    """Return what the numbers themselves say: above 12 is a day; dots are day first; am is US."""
    first, second = int(short["first"]), int(short["second"])
    if first > 12 or (second <= 12 and short["mark"] == "."):
        return {Order.DAY}
    if second > 12 or halves:
        return {Order.MONTH}
    return set()


def _minute_s(minute: str, rest: str, order: Order | None) -> float:
    """Return the time of a whole minute, s.

    Raises
    ------
    ValueError
        There is no such minute.
    """
    match = _DAY_AND_HOUR.fullmatch(minute)
    if match is None:
        raise ValueError(f"{minute!r} is no time")
    hour, minutes, zone = int(match["hour"]), int(match["minute"]), _zone(rest)
    half = _HALF.search(rest)
    if half is not None:
        if not 1 <= hour <= 12:
            raise ValueError(f"{hour} is no hour of twelve")
        hour = hour % 12 + (12 if half["half"].casefold() == "p" else 0)
    if match["date"] is None:
        if minutes > 59:
            raise ValueError(f"{minute!r} is no time")
        return hour * 3600.0 + minutes * 60.0
    year, month, day = _date(match["date"], order)
    return datetime(year, month, day, hour, minutes, tzinfo=zone or UTC).timestamp()


def _date(text: str, order: Order | None) -> tuple[int, int, int]:
    for pattern in (_LONG, _COMPACT):
        if (match := pattern.fullmatch(text)) is not None:
            return int(match["year"]), int(match["month"]), int(match["day"])
    if (match := _SHORT.fullmatch(text)) is not None:
        first, second, year = int(match["first"]), int(match["second"]), int(match["year"])
        day, month = (second, first) if order is Order.MONTH else (first, second)
        return year + (2000 if year < 100 else 0), month, day
    for pattern in (_NAMED_DAY, _NAMED_MONTH):
        if (match := pattern.fullmatch(text)) is not None:
            named = match["month"][:3].casefold()
            if named not in MONTHS:
                raise ValueError(f"{named!r} is no month")
            return int(match["year"]), MONTHS.index(named) + 1, int(match["day"])
    raise ValueError(f"{text!r} is no date")


def _zone(rest: str) -> tzinfo | None:
    """Return the zone that a time ends with; None without one.

    Raises
    ------
    ValueError
        What stands behind the time is no zone.
    """
    text = _HALF.sub("", rest).strip()
    if not text:
        return None
    match = _ZONE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no zone")
    if match["sign"]:
        shift = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"] or 0))
        return timezone(-shift if match["sign"] == "-" else shift)
    name = match["name"] or match["region"]
    hours = ABBREVIATIONS_H.get(name.casefold())
    if hours is not None:
        return timezone(timedelta(hours=hours))
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise ValueError(f"{name!r} is no zone") from error


def _second(text: str | None) -> float:
    if text is None:
        return 0.0
    value = float(text.replace(",", ".").replace(":", "."))
    if value >= 61:  # a leap second is written 60
        raise ValueError(f"{text!r} is no second")
    return value


def _split(text: str) -> tuple[str, str | None, str]:
    """Return a time up to its minute, its second, and what follows."""
    elapsed = _MINUTES.fullmatch(text)
    if elapsed is not None:
        hours, minutes = divmod(int(elapsed["minutes"]), 60)
        return f"{hours:02d}:{minutes:02d}", elapsed["second"], ""
    match = _CLOCK.fullmatch(text) or _PACKED.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no time")
    minute, second, rest = match.groups()
    return minute, second, rest


_CLOCK = re.compile(r"([^:]{0,60}?\d{1,2}:\d\d)(?::(\d\d(?:[.,:]\d{1,9})?))?(\D.{0,80}|)")
_MINUTES = re.compile(r"(?P<minutes>\d{1,4}):(?P<second>\d\d[.,]\d{1,9})")  # of a stopwatch
_PACKED = re.compile(r"(\d{8}[T_ -]\d{4})(\d\d(?:[.,]\d{1,9})?)?(\D.{0,80}|)")
_DAY_AND_HOUR = re.compile(
    r"(?:(?P<date>.+?)(?:[T_,-]\s*|\s+(?:at\s+)?))?(?P<hour>\d{1,2}):?(?P<minute>\d\d)"
)
_LONG = re.compile(r"(?P<year>\d{4})[-/. ](?P<month>\d{1,2})[-/. ](?P<day>\d{1,2})")
_COMPACT = re.compile(r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)")
_SHORT = re.compile(
    r"(?P<first>\d{1,2})(?P<mark>[-/. ])(?P<second>\d{1,2})(?P=mark)(?P<year>\d{4}|\d\d)"
)
_WEEKDAY = r"(?:[A-Za-z]{3,9},? )?"
_NAMED_DAY = re.compile(
    _WEEKDAY + r"(?P<day>\d{1,2})(?:st|nd|rd|th)?[- .]+(?P<month>[A-Za-z]{3,9})\.?[- ,]+"
    r"(?P<year>\d{4})"
)
_NAMED_MONTH = re.compile(
    _WEEKDAY + r"(?P<month>[A-Za-z]{3,9})\.? +(?P<day>\d{1,2})(?:st|nd|rd|th)?,? +(?P<year>\d{4})"
)
_HALF = re.compile(r"\b(?P<half>[ap])\.?\s?m\b\.?", re.IGNORECASE)
_ZONE = re.compile(
    r"(?:(?:GMT|UTC)?(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>\d\d))?"
    r"|(?P<name>[A-Za-z]+(?:[/_][A-Za-z]+)*))?"
    r"(?:\s*[\[(](?P<region>[^\])]+)[\])])?"
)
