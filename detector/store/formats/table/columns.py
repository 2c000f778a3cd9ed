"""The header line of a table: which column is what, in which unit, and how fields are divided."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from detector.errors import RecordingError
from detector.store.formats.checks import Unit

TIME_UNITS_S = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
UNITS = {
    **dict.fromkeys(("m/s2", "m/s^2", "m/s²", "m_s2", "ms2", "mps2"), Unit.M_S2),
    "mg": Unit.MG,
    "g": Unit.G,
}
AXIS_NAMES = "xyz"
ELSEWHERE = (
    *("zeit", "zeitstempel", "tijd", "tijdstempel", "temps", "horodatage"),
    *("tiempo", "tempo", "czas"),
)
"""Time in other languages; asked for only where no column has an English name."""
MOST_SHOWN, LONGEST_SHOWN = 8, 40  # columns of a header in a message, and characters of each
EXPECTED = "It must name a time column (time, t or timestamp) and three axes (x, y, z or acc_x …)"


@dataclass(frozen=True, slots=True)
class Columns:
    """How to read the lines below the header; indices count columns from 0."""

    names: tuple[str, ...]
    delimiter: str
    axes: tuple[int, int, int]
    time: int | None
    time_unit_s: float
    unit: Unit | None


def find_columns(line: str, name: str) -> Columns:
    """Read the header line of a table.

    Raises
    ------
    RecordingError
        A column is missing, named twice, or the line is no header.
    """
    delimiter = next((mark for mark in ";\t" if mark in line), ",")
    try:
        names = tuple(field.strip() for field in next(csv.reader([line], delimiter=delimiter)))
    except (csv.Error, StopIteration):
        raise RecordingError(f"{name}: the first line is no header. {EXPECTED}") from None
    if all(re.fullmatch(r"[-+\d.,eE]*", field) for field in names):
        raise RecordingError(f"{name} has no header line. {EXPECTED}")

    axes = {
        i: match for i, field in enumerate(names) if (match := _AXIS.fullmatch(field.casefold()))
    }
    times = _times(_TIME, names) or _times(_TIME_ELSEWHERE, names)
    found = [[i for i, match in axes.items() if match["axis"] == axis] for axis in AXIS_NAMES]
    for axis, places in zip(AXIS_NAMES, found, strict=True):
        if len(places) != 1:
            many = "two columns" if places else "no column"
            raise RecordingError(
                f"{name}: the header names {many} for the {axis} axis, among {listed(names)}. "
                f"{EXPECTED}"
            )
    if len(times) > 1:
        raise RecordingError(f"{name}: the header names two time columns. Remove or rename one")
    units = {match["unit"] for match in axes.values()}
    if len(units) > 1:
        raise RecordingError(f"{name}: the header gives the axes different units. Make them one")
    unit = units.pop()
    time = next(iter(times), None)
    time_unit = times[time]["unit"] if time is not None else None
    return Columns(
        names=names,
        delimiter=delimiter,
        axes=(found[0][0], found[1][0], found[2][0]),
        time=time,
        time_unit_s=TIME_UNITS_S[time_unit or "s"],
        unit=UNITS[unit] if unit else None,
    )


def listed(names: Sequence[str]) -> str:
    """Return the columns of a header in words, the first few of many."""
    few = ", ".join(name[:LONGEST_SHOWN] or '""' for name in names[:MOST_SHOWN])
    more = len(names) - MOST_SHOWN
    return f"{few} and {more} more" if more > 0 else few


def _times(pattern: re.Pattern[str], names: Sequence[str]) -> dict[int, re.Match[str]]:
    found = {i: pattern.fullmatch(field.casefold()) for i, field in enumerate(names)}
    return {i: match for i, match in found.items() if match}


def _suffix(units: dict[str, object]) -> str:
    """Match a unit after a name: `_ms`, ` ms`, ` [ms]` or `(ms)`."""
    words = "|".join(re.escape(unit) for unit in sorted(units, key=len, reverse=True))
    return rf"(?:(?:[ _]+|\s*[\[(]\s*)(?P<unit>{words})\s*[\])]?)?"


_TIME = re.compile(rf"(?:time|t|timestamp){_suffix({**TIME_UNITS_S})}")
_TIME_ELSEWHERE = re.compile(rf"(?:{'|'.join(ELSEWHERE)}){_suffix({**TIME_UNITS_S})}")
_AXIS = re.compile(
    rf"(?:(?:a|acc|accel|acceleration|accelerometer)[ _.]?)?(?P<axis>[xyz]){_suffix({**UNITS})}"
)
