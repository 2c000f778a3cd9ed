"""The header of a table: which column is what, in which unit, and how fields are divided."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

from detector.errors import RecordingError
from detector.store.formats.checks import Unit

AXIS_NAMES = "xyz"
BLANKS = " "  # of a table whose columns are aligned by spaces
DELIMITERS = (";", "\t", ",", "|", BLANKS)
TIME_UNITS_S = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("ms", "msec", "milli", "millis", "millisecond", "milliseconds"), 1e-3),
    **dict.fromkeys(("us", "µs", "μs", "usec", "micro", "micros", "microseconds"), 1e-6),
    **dict.fromkeys(("ns", "nsec", "nano", "nanos", "nanoseconds"), 1e-9),
}
UNITS = {
    **dict.fromkeys(("m/s2", "m/s^2", "m/s²", "m/s/s", "m_s2", "ms2", "mps2"), Unit.M_S2),
    **dict.fromkeys(("m.s-2", "m s-2", "ms-2", "m s^-2", "ms^-2", "m·s⁻²"), Unit.M_S2),
    **dict.fromkeys(("mg", "milli-g", "millig"), Unit.MG),
    "g": Unit.G,
}
TIME_WORDS = frozenset(
    ["time", "timestamp", "timestamps", "times", "t", "ts", "date", "datetime", "clock", "epoch",
     "unix", "unixtime", "utc", "elapsed", "uptime", "timecode", "loggingtime", "zeit",
     "zeitstempel", "uhrzeit", "datum", "tijd", "tijdstempel", "temps", "horodatage", "tiempo",
     "fecha", "tempo", "czas", *TIME_UNITS_S]
)  # fmt: skip
NO_TIME = frozenset(["zone", "tz", "timezone", "offset", "duration", "rate", "delta", "interval"])
"""Words that make a column of time say something else."""
ELSEWHERE = frozenset(
    ["zeit", "zeitstempel", "uhrzeit", "datum", "tijd", "tijdstempel", "temps", "horodatage",
     "tiempo", "fecha", "tempo", "czas"]
)  # fmt: skip
"""Time in other languages; asked for only where no column has an English name."""
DATE_WORDS = frozenset(["date", "datum", "fecha", "day"])
SENSOR_WORDS = frozenset(
    ["sensor", "device", "mac", "address", "node", "id", "name", "source", "location", "limb",
     "side", "placement", "position", "type", "sensorid", "deviceid", "sensorname"]
)  # fmt: skip
ACCELERATION = frozenset(
    ["a", "acc", "accel", "accelero", "acceleration", "accelerometer", "gf", "axis", "raw",
     "total", "value", "values", "data", "calibrated"]
)  # fmt: skip
LINEAR = frozenset(["linear", "lin", "user", "free", "dynamic"])
"""Words for acceleration from which gravity was taken away."""
OTHERS = frozenset(
    ["gyro", "gyr", "gyroscope", "gyrometer", "rotation", "rot", "rate", "mag", "magnet",
     "magnetic", "magnetometer", "field", "orientation", "euler", "quat", "quaternion", "gravity",
     "grav", "angle", "angular", "velocity", "vel", "speed", "pos", "position", "w", "omega",
     "attitude", "std", "sd", "var", "min", "max"]
)  # fmt: skip
"""Words for what has three axes too."""
EMPTY = frozenset(["", "na", "null", "none"])  # beside nan, how programs write what is not known
MOST_SHOWN, LONGEST_SHOWN = 8, 40  # columns of a header in a message, and characters of each
EXPECTED = "It must name a time column (time, t or timestamp) and three axes (x, y, z or acc_x …)"


@dataclass(frozen=True, slots=True)
class TimeColumn:
    """A column that may be the time; `unit_s` is None where its name has no unit."""

    index: int
    unit_s: float | None
    is_date: bool = False
    is_foreign: bool = False


@dataclass(frozen=True, slots=True)
class Columns:
    """How to read the lines below the header; indices count columns from 0.

    linear : whether gravity was taken away
    sensors : columns that may tell several sensors apart
    """

    names: tuple[str, ...]
    delimiter: str
    axes: tuple[int, int, int]
    times: tuple[TimeColumn, ...]
    unit: Unit | None
    linear: bool = False
    sensors: tuple[int, ...] = ()


def split(line: str, delimiter: str) -> list[str]:
    """Return the fields of one line, stripped.

    Raises
    ------
    csv.Error
        A quotation mark is not closed.
    """
    if delimiter == BLANKS:
        return line.split()
    return [field.strip() for field in next(csv.reader([line], delimiter=delimiter), [])]


def find_columns(line: str, delimiter: str, name: str) -> Columns:
    """Read the header line of a table.

    Raises
    ------
    RecordingError
        A column is missing, named twice, or the line is no header.
    """
    try:
        names = tuple(split(line, delimiter))
    except csv.Error:
        raise RecordingError(f"{name}: the first line is no header. {EXPECTED}") from None
    described = [_described(field) for field in names]
    axes, linear = _three_axes(described, names, name)
    units = {described[i].unit for i in axes}
    if len(units) > 1:
        raise RecordingError(f"{name}: the header gives the axes different units. Make them one")
    unit = units.pop()
    others = [(i, each) for i, each in enumerate(described) if i not in axes]
    return Columns(
        names=names,
        delimiter=delimiter,
        axes=axes,
        times=_times(others),
        unit=None if unit is None else UNITS.get(unit),
        linear=linear,
        sensors=tuple(i for i, each in others if set(each.words) & SENSOR_WORDS),
    )


def number_of(text: str) -> float:
    """Return a number, with decimal point or comma; NaN for what stands for nothing.

    Raises
    ------
    ValueError
        It is no number.
    """
    if text.casefold() in EMPTY:
        return nan
    if "_" in text:
        raise ValueError(f"{text!r} is a number in Python only")
    return float(text.replace(",", ".") if text.count(",") == 1 and "." not in text else text)


def listed(names: Sequence[str]) -> str:
    """Return the columns of a header in words, the first few of many."""
    few = ", ".join(name[:LONGEST_SHOWN] or '""' for name in names[:MOST_SHOWN])
    more = len(names) - MOST_SHOWN
    return f"{few} and {more} more" if more > 0 else few


@dataclass(frozen=True, slots=True)
class _Described:
    """The words of a column's name, in small letters, without its unit and its axis."""

    words: tuple[str, ...]
    axis: str | None
    unit: str | None


def _described(field: str) -> _Described:
    stem, unit = field.strip().strip('"'), None
    bracket = _BRACKET.search(stem)
    if bracket is not None:
        stem, unit = stem[: bracket.start()], bracket["unit"].strip().casefold()
    for known in (*UNITS, "s", "ms", "us", "µs", "ns") if unit is None else ():
        ending = re.search(rf"(?<=[^\W_])[ _]+{re.escape(known)}$", stem, re.IGNORECASE)
        if ending is not None:
            stem, unit = stem[: ending.start()], known
            break
    words, axis, axes_named = [], None, 0
    for word in (found.casefold() for found in _WORD.findall(stem)):
        joined = _JOINED.fullmatch(word)
        if joined is not None:
            axis, axes_named = joined["axis"] or joined["first"], axes_named + 1
            words += [rest for rest in (joined["stem"] or joined["rest"],) if rest]
        else:
            words.append(word)
    return _Described(tuple(words), axis if axes_named == 1 else None, unit)


def _three_axes(
    described: Sequence[_Described], names: Sequence[str], name: str
) -> tuple[tuple[int, int, int], bool]:
    """Return the columns of x, y and z, and whether gravity was taken away.

    Axes belong together where the rest of their names is the same. Acceleration with gravity goes
    before acceleration without; a name that says nothing else before one that does.
    """
    groups: dict[tuple[str, ...], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for i, each in enumerate(described):
        if each.axis is not None and not set(each.words) & (OTHERS - ACCELERATION):
            groups[each.words][each.axis].append(i)
    if not groups:
        raise _missing(name, "no column", "x", names)
    best = min(map(_rank, groups))
    chosen = [axes for words, axes in groups.items() if _rank(words) == best]
    merged = {axis: [i for axes in chosen for i in axes[axis]] for axis in AXIS_NAMES}
    for axis, places in merged.items():
        if len(places) != 1:
            raise _missing(name, "two columns" if places else "no column", axis, names)
    x, y, z = (merged[axis][0] for axis in AXIS_NAMES)
    return (x, y, z), best[0] == 1


def _rank(words: tuple[str, ...]) -> tuple[int, bool]:
    """Return how likely it is that axes of such a name are meant, the lowest first."""
    linear = bool(set(words) & LINEAR) or {"without", "g"} <= set(words)
    unknown = set(words) - ACCELERATION - LINEAR - {"without", "g"}
    return int(linear), bool(unknown)


def _missing(name: str, many: str, axis: str, names: Sequence[str]) -> RecordingError:
    remedy = EXPECTED if many == "no column" else "Leave out, or rename, those of the other sensor"
    return RecordingError(
        f"{name}: the header names {many} for the {axis} axis, among {listed(names)}. {remedy}"
    )


def _times(columns: Sequence[tuple[int, _Described]]) -> tuple[TimeColumn, ...]:
    found = []
    for i, each in columns:
        words = set(each.words)
        if each.axis is not None or not words & TIME_WORDS or words & NO_TIME:
            continue
        of_words = [word for word in each.words if word in TIME_UNITS_S]
        unit = each.unit if each.unit in TIME_UNITS_S else next(iter(of_words), None)
        found.append(
            TimeColumn(
                i,
                None if unit is None else TIME_UNITS_S[unit],
                is_date=bool(words & DATE_WORDS) and not words & {"time", "datetime"},
                is_foreign=bool(words & ELSEWHERE),
            )
        )
    english = [each for each in found if not each.is_foreign]
    return tuple(english or found)


_BRACKET = re.compile(r"\s*[\[(]\s*(?P<unit>[^\])]*?)\s*[\])]\s*$")
_WORD = re.compile(r"[A-ZÄÖÜ]?[a-zäöüßµμ]+|[A-ZÄÖÜ]+(?![a-zäöü])|\d+")
_STEMS = "a|f|acc|accel|acceleration|accelerometer|gf"
_JOINED = re.compile(rf"(?P<stem>{_STEMS}|)(?P<axis>[xyz])|(?P<first>[xyz])(?P<rest>axis|{_STEMS})")
